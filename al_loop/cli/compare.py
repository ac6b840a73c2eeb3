"""`al-loop compare`, and the tables that it shares with `al-loop recommend`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from al_loop.cells import one_line
from al_loop.cli import pages
from al_loop.cli.progress import bar, say
from al_loop.cli.runs_bar import runs_bar
from al_loop.cli.simulate import (
    check_share,
    chosen_config,
    data_options,
    number,
    plan_of,
    request_of,
)
from al_loop.cli.tables import echo_json, echo_table, formats

F = TypeVar("F", bound=Callable[..., Any])

_CSV = (
    "strategy",
    "runs",
    "area",
    "area_low",
    "area_high",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "labels_needed",
    "reached",
    "saved",
    "saved_low",
    "saved_high",
    "saved_bound",
    "query_seconds",
)
_STRATEGIES = {
    "strategy": "strategy",
    "area": "mean accuracy",
    "area_interval": "95 % interval",
    "accuracy": "at the end",
    "needs": "labels to target",
    "reached": "reached",
    "saving": "saved",
    "saved_interval": "95 % interval",
    "query_seconds": "seconds a query",
}
_PAIRS = {
    "a": "better",
    "b": "than",
    "difference": "by",
    "difference_interval": "95 % interval",
    "p_value": "p",
    "p_corrected": "p, corrected",
    "sure": "sure",
}


def _in_a_folder(
    _context: click.Context, _option: click.Parameter, page: Path | None
) -> Path | None:
    """Refuse a page without a place before anything is played."""
    if page is not None and not page.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {page.parent}")
    return page


def output_options(command: F) -> F:
    """Add --json, --csv, --md and --html."""
    option = click.option(
        "--html",
        "page",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_in_a_folder,
        help="Write a page with the curves as well.",
    )
    return formats(option(command))


@click.command()
@output_options
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of finished runs (default: the workspace's, else ./al-loop-compare).",
)
@number("--jobs", default=None, help="Runs at a time (default: as many as processors).")
@click.option(
    "--target", metavar="SHARE", type=float, help="Accuracy to reach (default: random's last)."
)
@data_options
@number("--seeds", default=5, help="Runs of each strategy: the seeds 0 to N-1.")
@click.option("--strategies", metavar="NAME,NAME", required=True, help="Query strategies.")
@click.pass_obj
def compare(
    root: Path, /, strategies: str, data: Path | None, form: str | None, **options: Any
) -> None:
    """Compare strategies on labeled data before money is spent.

    Plays every strategy as `simulate` does, several runs at a time, and stores each run when it
    is finished: run again after an interruption, only what is missing is played. `random` is
    always among them, since what is saved is counted against it. Seconds a query are the
    strategy's own, without training the model.
    """
    from dataclasses import replace

    from al_loop import simulate as playing
    from al_loop.compare import series, shelf

    if data is None:
        raise _no_data(strategies)
    check_share("--target", options["target"])
    names = split_names(strategies)
    config = chosen_config(options)
    plan, request = plan_of("", options), request_of(data, options)
    order = series.Order(
        names=names,
        seeds=options["seeds"],
        plan=lambda seed: replace(plan, seed=seed),
        config=config,
        data=shelf.of_files(request, config),
        folder=options["out"] or folder_of(root),
        jobs=options["jobs"] or 0,
        target=options["target"],
    )
    settings = {"data": data.name, "test": options["test"] and options["test"].name}
    with runs_bar() as watch:
        found = series.compare(
            order, lambda: playing.load(request, config, bar), watch, say, settings
        )
    show(found, form, options["page"])


def _no_data(strategies: str) -> Exception:
    from al_loop.errors import InputError

    return InputError(
        "compare needs texts whose labels are known: --data FILE",
        hint=f"al-loop compare --strategies {strategies} --data labeled.csv;"
        " on the labels that this project has: al-loop recommend",
    )


def split_names(text: str) -> list[str]:
    """Read a list of names; each counts once."""
    names = list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if not names:
        raise click.BadParameter("no name is given", param_hint="'--strategies'")
    return names


def folder_of(root: Path) -> Path:
    """Return where finished runs are kept: in the workspace, or else beside everything."""
    from al_loop.compare.series import FOLDER
    from al_loop.errors import ConfigError
    from al_loop.workspace import find

    try:
        return find(root).state_dir / "compare"
    except ConfigError:
        return root / FOLDER


def show(found: Mapping[str, Any], form: str | None, page: Path | None) -> None:
    """Print the facts of a comparison in the wanted form, then write the page."""
    _print(found, form)
    if page is not None:
        from al_loop.report import compare_page

        pages.write(page, compare_page.page(found), "--html")
        say(f"page: {page}")


def _print(found: Mapping[str, Any], form: str | None) -> None:
    if form == "json":
        echo_json(found)
        return
    from al_loop.compare.words import sentences

    if form == "csv":
        echo_table(found["strategies"], {name: name for name in _CSV}, form)
        return
    echo_table([_strategy_row(found, s) for s in found["strategies"]], _STRATEGIES, form)
    if form == "md":
        return
    if found["pairs"]:
        click.echo()
        echo_table([_pair_row(pair) for pair in found["pairs"]], _PAIRS)
    *rest, verdict = sentences(found) or [""]
    for line in ["", *rest, *found["notes"], "", verdict]:
        click.echo(one_line(line))


def _strategy_row(found: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    from al_loop.compare import words

    return {
        **record,
        "area_interval": words.between(record, "area"),
        "needs": words.needs(found, record),
        "reached": f"{record['reached']} of {record['runs']}",
        "saving": words.saving(record),
        "saved_interval": words.saving_between(record),
    }


def _pair_row(pair: Mapping[str, Any]) -> dict[str, Any]:
    from al_loop.compare import words

    known = pair["p"] is not None
    return {
        **pair,
        "difference_interval": words.between(pair, "difference"),
        "p_value": words.p_text(pair["p"]) if known else None,
        "p_corrected": words.p_text(pair["p_holm"]) if known else None,
        "sure": ("yes" if pair["sure"] else "no") if known else None,
    }
