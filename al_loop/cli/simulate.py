"""`al-loop simulate`, and the options that it shares with `al-loop compare`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json, echo_table

if TYPE_CHECKING:
    from al_loop.config import Config
    from al_loop.imports import Request
    from al_loop.simulate import Plan

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)


def number(name: str, *, default: int | None, help: str) -> Callable[[F], F]:  # noqa: A002 - click's
    """Make an option that takes a whole number from 1."""
    shown = default is not None
    kind = click.IntRange(1)
    return click.option(
        name, metavar="N", type=kind, default=default, show_default=shown, help=help
    )


def people_options(command: F) -> F:
    """Add --noise and --annotators."""
    command = click.option(
        "--annotators",
        metavar="KIND:N,...",
        help="Who answers in turn: good, fair or poor (5, 15, 30 % mistakes), or a share: 0.2:1.",
    )(command)
    return click.option(
        "--noise", metavar="SHARE", type=float, help="Share of wrong answers, of everybody."
    )(command)


def data_options(command: F) -> F:
    """Add the options that say what is played, and on which data."""
    for option in (
        click.option(
            "--config",
            "config_file",
            metavar="FILE",
            type=_FILE,
            help="A config.toml (default: al-loop's defaults).",
        ),
        click.option("--id", "id_", metavar="COL", help="Column of the id."),
        click.option("--label", metavar="COL", help="Column of the label."),
        click.option("--text", metavar="COL", help="Column of the text."),
        people_options,
        click.option(
            "--known-classes",
            metavar="FILE",
            type=_FILE,
            help="Classes known at the start, one a line.",
        ),
        click.option(
            "--labeled-ids",
            metavar="FILE",
            type=_FILE,
            help="Ids that start with their label, one a line.",
        ),
        number("--batch", default=50, help="Texts a round."),
        number("--rounds", default=10, help="Rounds to play."),
        click.option(
            "--test",
            metavar="FILE",
            type=_FILE,
            help="Labeled texts to measure on (default: 20 % of --data).",
        ),
        click.option("--data", metavar="FILE", type=_FILE, help="Labeled texts: pool and oracle."),
    ):
        command = option(command)
    return command


@click.command()
@data_options
@click.option("--strategy", metavar="NAME", help="Query strategy (default: the configured one).")
@number("--seeds", default=1, help="Runs to play: the seeds 0 to N-1.")
@number("--budget", default=None, help="Answers, split evenly over the rounds (not --batch).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(data: Path | None, as_json: bool, **options: Any) -> None:
    """Play a strategy through on labeled data.

    The same loop as `round`, with an oracle that knows the labels instead of people. It starts
    without any label, unless --labeled-ids is given; only answers that were bought count. Classes
    that have a name or a label at the start are known, all others novel: the oracle names them.
    """
    from dataclasses import replace

    from al_loop import simulate as playing

    if data is None:
        raise click.MissingParameter(param_hint="'--data'", param_type="option")
    config = chosen_config(options)
    plan = plan_of(options["strategy"] or config.batch.strategy, options)
    plan = replace(plan, budget=_budget(options["budget"], plan.rounds))
    request = request_of(data, options)
    runs = playing.run_seeds(request, config, plan, options["seeds"], bar=bar, say=say)
    if as_json:
        echo_json({"runs": runs})
        return
    _print(runs, open_world=bool(plan.known_classes or plan.labeled_ids))


def _budget(answers: int | None, rounds: int) -> int | None:
    """Check the answers that are to be split over the rounds."""
    if answers is None:
        return None
    given = click.get_current_context().get_parameter_source("batch")
    if given is ParameterSource.COMMANDLINE:
        raise click.UsageError("--budget is split over the rounds, --batch is each round's: one")
    if answers < rounds:
        raise click.BadParameter(
            f"{answers} answers are fewer than {rounds} rounds", param_hint="'--budget'"
        )
    return answers


def _print(runs: list[dict[str, Any]], *, open_world: bool) -> None:
    """Print a row a round; what sets known and novel classes apart only where some are known."""
    keys = ["labels", "accuracy", "macro_f1", "classes_seen", "seconds"]
    if open_world:
        keys[3:4] = ["known_accuracy", "novel_accuracy", "h_score", "nmi", "ari", "classes_seen"]
    rows = [
        {"seed": r["seed"], "round": i + 1, "unseen": _unseen(r["unseen_estimate"][i])}
        | {k: r[k][i] for k in keys}
        for r in runs
        for i in range(len(r["labels"]))
    ]
    if open_world:
        keys.insert(-1, "unseen")
    echo_table(rows, {k: k.replace("_", " ") for k in ("seed", "round", *keys)})


def _unseen(estimate: list[float] | None) -> str | None:
    """Write the classes that are unseen: the estimate, and the ends of its interval."""
    if estimate is None:
        return None
    low, value, high = estimate
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def chosen_config(options: dict[str, Any]) -> "Config":
    """Return the configuration of --config, or the defaults."""
    from al_loop import config as configs

    chosen = options["config_file"]
    return configs.load(chosen) if chosen else configs.Config()


def request_of(data: Path, options: dict[str, Any]) -> "Request":
    """Return what to read, and which columns."""
    from al_loop.data.columns import Asked
    from al_loop.imports import Request

    asked = Asked(options["text"], options["label"], options["id_"], ())
    return Request(data, options["test"], asked)


def plan_of(strategy: str, options: dict[str, Any]) -> "Plan":
    """Return what to play, with seed 0."""
    from al_loop.simulate import Plan

    return Plan(
        strategy=strategy,
        rounds=options["rounds"],
        batch=options["batch"],
        seed=0,
        labeled_ids=_lines(options["labeled_ids"]),
        known_classes=_lines(options["known_classes"]),
        **people_of(options),
    )


def people_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return who answers, as a plan takes it."""
    from al_loop.annotators.oracle import crew

    noise, annotators = options["noise"], options["annotators"]
    if noise is not None and annotators is not None:
        raise click.UsageError("--noise is everybody's, --annotators each one's: give one of them")
    check_share("--noise", noise)
    return {"noise": noise or 0.0, "people": crew(annotators) if annotators is not None else {}}


def check_share(name: str, value: float | None) -> None:
    """Refuse what is no share; click's own range lets NaN through."""
    if value is not None and not 0 <= value <= 1:
        raise click.BadParameter(f"{value} is no share from 0 to 1", param_hint=f"'{name}'")


def _lines(path: Path | None) -> tuple[str, ...]:
    """Read a file of one entry a line; blank lines are skipped."""
    if path is None:
        return ()
    from al_loop.errors import DataError

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise DataError(f"{path}: {e}", hint="give a UTF-8 text file, one entry a line") from e
    return tuple(dict.fromkeys(s for line in text.split("\n") if (s := line.strip())))
