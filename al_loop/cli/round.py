"""`al-loop round`."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from al_loop.cli import spending
from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json, echo_table, one_line, shorten

_STATES = ["selected", "pushed", "pulled", "audited", "trained", "logged"]


@click.command()
@click.option("--wait", is_flag=True, help="Wait for the annotators; end when it is logged.")
@click.option(
    "--poll",
    metavar="SECONDS",
    type=click.FloatRange(0.1),
    default=10,
    show_default=True,
    help="With --wait: how often to look.",
)
@click.option("--accept-partial", is_flag=True, help="Close the round with the answers there are.")
@click.option("--dry-run", is_flag=True, help="Print what would be chosen, why, and the price.")
@click.option("--batch", "size", metavar="N", type=click.IntRange(1), help="Texts in a new round.")
@click.option("--strategy", metavar="NAME", help="Query strategy of a new round.")
@click.option(
    "--until",
    metavar="STATE",
    type=click.Choice(_STATES),
    help=f"Stop when the round is so far: {', '.join(_STATES)}.",
)
@spending.options
@click.option("--allow-shrink", is_flag=True, help="Go on although tasks are gone on the server.")
@click.option("--no-delete-duplicates", is_flag=True, help="Keep even tasks doubled by accident.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def round(  # noqa: A001 - the command's name; one argument an option
    root: Path,
    wait: bool,
    poll: float,
    accept_partial: bool,
    dry_run: bool,
    size: int | None,
    strategy: str | None,
    until: Any,
    yes: bool,
    go_on: bool,
    allow_shrink: bool,
    no_delete_duplicates: bool,
    as_json: bool,
) -> None:
    """Carry the open round on, or begin the next one.

    Select, push, wait for people, pull, audit, train, log. Run it again whenever you like: it
    goes on where it stopped. Once a round is logged the next one is selected and pushed, and
    the exit code is 3, since people are needed. At the end of the budget no round is begun, and
    the exit code is 4.
    """
    from al_loop import app
    from al_loop.loop.exchange import PullOptions
    from al_loop.loop.machine import Options

    with app.opened(root, bar) as opened:
        config = with_flags(opened, size, strategy)
        if dry_run:
            _preview(opened, config, go_on=go_on, as_json=as_json)
            return
        options = Options(
            until=until,
            wait=wait,
            poll=poll,
            pull=PullOptions(accept_partial, allow_shrink, not no_delete_duplicates),
            gate=spending.gate(opened, yes=yes, go_on=go_on),
        )
        _run(opened, config, options, as_json=as_json)


def with_flags(opened: Any, size: int | None, strategy: str | None) -> Any:
    """Apply --batch and --strategy to the configuration of a new round."""
    from al_loop import app, config, registry
    from al_loop.store import rounds

    current = rounds.open_round(opened.store)
    if current and (size or strategy):
        say(
            f"round {current.number} goes on with the settings it began with;"
            " --batch and --strategy count for the next one"
        )
    changed = config.override(opened.config, "batch", size=size, strategy=strategy)
    registry.check_name(changed.batch.strategy)
    app.strategy(changed)  # a wrong parameter is found before anything is done
    return changed


def _run(opened: Any, config: Any, options: Any, *, as_json: bool) -> None:
    from al_loop.errors import BudgetStop, NothingToSelect, Waiting
    from al_loop.loop import machine
    from al_loop.report import status
    from al_loop.store import overview, rounds, tasks

    parts = opened.parts(say=say)
    begins = rounds.open_round(opened.store) is None and options.until != "selected"
    if begins and overview.pool_size(opened.store):
        opened.label_studio.user()  # a wrong address or key is told before a batch is fixed
    ended = None
    try:
        with _watch(options) as watched:
            machine.run(parts, config, watched)
    except (Waiting, NothingToSelect, BudgetStop) as e:
        ended = e
    if as_json:
        echo_json(status.facts(opened.store))
    elif url := tasks.page(opened.store, parts.project.id):
        click.echo(f"people label here: {url}")
    if ended is not None:
        raise ended


@contextmanager
def _watch(options: Any) -> Iterator[Any]:
    """Show while waiting how many texts are settled."""
    if not options.wait:
        yield options
        return
    seen: dict[str, Any] = {}

    with ExitStack() as stack:

        def watch(progress: Any) -> None:
            if "bar" not in seen:
                seen["bar"] = stack.enter_context(bar(progress.texts, "settled"))
            seen["bar"](progress.settled)

        yield dataclasses.replace(options, watch=watch)


def _preview(opened: Any, config: Any, *, go_on: bool, as_json: bool) -> None:
    """Print the next batch without storing it; of an open round, the batch it has."""
    from al_loop.budget import price, spent
    from al_loop.loop.select import choose
    from al_loop.store import results, rounds

    now = spent.standing(opened.store, config.budget)
    current = rounds.open_round(opened.store)
    if current:
        number, batch = current.number, rounds.batch(opened.store, current.number)
        notes = results.notes(opened.store, number)
        strategy, note, slots = current.strategy, notes.get("choice"), notes.get("slots")
        say(f"round {number} is open ({current.state}); this is its batch")
    else:
        choice = choose(opened.parts(), spending.allowed(opened, config, go_on=go_on))
        number, batch = choice.number, list(choice.rows)
        strategy, note = config.batch.strategy, choice.note or None
        slots = None if choice.divided is None else choice.divided.slots
    reviews = (slots or {}).get("review", 0)
    answers = sum(b.overlap for b in batch) + reviews
    cost = price.price(config.budget, len(batch) + reviews, answers, now.pace)
    if as_json:
        texts = [dataclasses.asdict(b) for b in batch]
        priced = {"price": dataclasses.asdict(cost), "left": now.left}
        echo_json({"number": number, "choice": note, "slots": slots, "texts": texts} | priced)
        return
    rows = [dataclasses.asdict(b) | {"text": shorten(b.text)} for b in batch]
    columns = {"rank": "#", "item_id": "id", "strategy": "chosen by", "why": "why"}
    echo_table(rows, columns | {"suggestion": "suggestion", "text": "text"})
    if note:
        click.echo(one_line(f"chosen by {strategy}: {note}"))
    if reviews:
        click.echo(f"texts for adjudication beside it: {reviews}")
    click.echo(cost.line())
    if now.left:
        click.echo(price.left_line(config.budget, now))
