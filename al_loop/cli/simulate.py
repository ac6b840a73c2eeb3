"""`al-loop simulate`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json, echo_table

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)


def _number(name: str, *, default: int, help: str) -> Callable[[F], F]:  # noqa: A002 - click's name
    kind = click.IntRange(1)
    return click.option(name, metavar="N", type=kind, default=default, show_default=True, help=help)


@click.command()
@click.option(
    "--data", metavar="FILE", type=_FILE, required=True, help="Labeled texts: pool and oracle."
)
@click.option(
    "--test",
    metavar="FILE",
    type=_FILE,
    help="Labeled texts to measure on (default: 20 % of --data).",
)
@click.option("--strategy", metavar="NAME", help="Query strategy (default: the configured one).")
@_number("--rounds", default=10, help="Rounds to play.")
@_number("--batch", default=50, help="Texts a round.")
@_number("--seeds", default=1, help="Runs to play: the seeds 0 to N-1.")
@click.option(
    "--labeled-ids", metavar="FILE", type=_FILE, help="Ids that start with their label, one a line."
)
@click.option(
    "--known-classes", metavar="FILE", type=_FILE, help="Classes known at the start, one a line."
)
@click.option("--text", metavar="COL", help="Column of the text.")
@click.option("--label", metavar="COL", help="Column of the label.")
@click.option("--id", "id_", metavar="COL", help="Column of the id.")
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=_FILE,
    help="A config.toml (default: al-loop's defaults).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(data: Path, test: Path | None, as_json: bool, **options: Any) -> None:
    """Play a strategy through on labeled data.

    The same loop as `round`, with an oracle that knows the labels instead of people. It starts
    without any label, unless --labeled-ids is given; only answers that were bought count.
    """
    from al_loop import simulate as playing
    from al_loop.data.columns import Asked
    from al_loop.imports import Request

    config = _config(options)
    plan = playing.Plan(
        strategy=options["strategy"] or config.batch.strategy,
        rounds=options["rounds"],
        batch=options["batch"],
        seed=0,
        labeled_ids=_lines(options["labeled_ids"]),
        known_classes=_lines(options["known_classes"]),
    )
    asked = Asked(options["text"], options["label"], options["id_"], ())
    request = Request(data, test, asked)
    runs = playing.run_seeds(request, config, plan, options["seeds"], bar=bar, say=say)
    if as_json:
        echo_json({"runs": runs})
        return
    keys = ("labels", "accuracy", "macro_f1", "classes_seen", "seconds")
    rows = [
        {"seed": r["seed"], "round": i + 1} | {k: r[k][i] for k in keys}
        for r in runs
        for i in range(len(r["labels"]))
    ]
    echo_table(rows, {k: k.replace("_", " ") for k in ("seed", "round", *keys)})


def _config(options: dict[str, Any]) -> Any:
    from al_loop import config as configs

    chosen = options["config_file"]
    return configs.load(chosen) if chosen else configs.Config()


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
