"""`al-loop simulate`."""

from pathlib import Path
from typing import Any

import click

from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json, echo_table

_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--data", type=_FILE, required=True, help="Labeled texts: pool and oracle.")
@click.option("--test", type=_FILE, help="Labeled texts to measure on (default: a part of DATA).")
@click.option("--strategy", help="Query strategy (default: the one of the defaults).")
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True)
@click.option(
    "--batch", type=click.IntRange(1), default=50, show_default=True, help="Texts a round."
)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Runs: 0..N-1.")
@click.option("--labeled-ids", type=_FILE, help="Ids that start with their label, one a line.")
@click.option("--known-classes", type=_FILE, help="Classes known at the start, one a line.")
@click.option("--text", help="Column of the text.")
@click.option("--label", help="Column of the label.")
@click.option("--id", "id_", help="Column of the id.")
@click.option("--config", "config_file", type=_FILE, help="A config.toml (default: the defaults).")
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
