"""`al-loop discover`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from al_loop.cli.progress import bar, say
from al_loop.cli.simulate import number
from al_loop.cli.tables import echo_json, echo_table, formats, one_line, shorten

if TYPE_CHECKING:
    from al_loop.config import Config
    from al_loop.discover.run import Discovery, Encode
    from al_loop.discover.source import Source
    from al_loop.openworld.group import Group

_FILE = click.Path(path_type=Path)
#: There is no config.toml where a file is read alone.
_INSTEAD = ("in config.toml, set [model] encoder = ", "give --encoder ")
_COLUMNS = {
    "size": "size",
    "name": "name",
    "phrases": "phrases",
    "nearest_class": "nearest known class",
    "similarity": "similarity",
    "novel": "novel",
    "stability": "stability",
}


@click.command()
@click.argument("data", metavar="[FILE]", type=_FILE, required=False)
@formats
@click.option(
    "--out",
    metavar="DIR",
    type=_FILE,
    default="al-loop-discover",
    help="Folder for the files (default: ./al-loop-discover).",
)
@number("--limit", default=20, help="Groups in the table.")
@click.option("--seed", metavar="N", type=click.IntRange(0), help="Of whatever is random.")
@click.option("--encoder", metavar="NAME", help="As [model] encoder in config.toml.")
@click.option(
    "--min-size",
    metavar="N",
    type=click.IntRange(2),
    help="Fewest texts of a dense group (default: a thousandth of them, 5 to 20).",
)
@click.option(
    "--threshold",
    metavar="COSINE",
    type=float,
    help="A group is novel below it (default: from the spread of the known classes).",
)
@click.option(
    "--known",
    metavar="FILE",
    type=_FILE,
    help="Examples of known classes: a table with the columns label and text, or .txt with"
    " lines of a class, a tab and a phrase.",
)
@click.option("--id", "id_", metavar="COL", help="Column of ids of FILE; '' makes them.")
@click.option("--label", metavar="COL", help="Column of labels of FILE; '' for none.")
@click.option("--text", metavar="COL", help="Column of texts of FILE (default: by its name).")
@click.pass_obj
def discover(root: Path, /, data: Path | None, form: str | None, **options: Any) -> None:
    """Find groups of texts that may be classes nobody has named.

    Groups the texts of FILE (read as `init` reads it) that have no label; those that have one
    show their class. Without FILE, the unlabeled texts of the workspace, with what its rounds
    know of classes; nothing of the workspace is changed. Neither asks a server.

    Prints the groups, novel ones first, and writes into DIR: report.json (counts, and each novel
    group with phrases and central texts), preannotated.json (tasks to import into Label Studio,
    each with a prediction), label_config.xml (the labeling page that they fit), and map.html (the
    texts on a map, colored by group).
    """
    from al_loop.discover import folder, report
    from al_loop.discover.run import run
    from al_loop.report import discover_page

    out: Path = options["out"]
    folder.check(out)
    with _opened(root, data, options) as (source, encode, config):
        for line in source.notes:
            say(one_line(line))
        folder.make(out)
        found = run(source, encode, config, bar)
    facts = report.report(found)
    page = discover_page.page(found, facts, bar)
    folder.write(out, facts, report.tasks(found), report.label_config(found), page)
    _print(found, facts, form, options["limit"])
    say(one_line(f"written to {out}: report.json, preannotated.json, label_config.xml, map.html"))


@contextmanager
def _opened(
    root: Path, data: Path | None, options: dict[str, Any]
) -> Iterator[tuple["Source", "Encode", "Config"]]:
    """Give the texts, their encoder and the settings: of a file, or of the workspace."""
    from al_loop import app, cache
    from al_loop.config import Config
    from al_loop.data.columns import Asked
    from al_loop.discover import source

    columns = {"--text": options["text"], "--label": options["label"], "--id": options["id_"]}
    if data is not None:
        config = _settings(Config(), options)
        asked = Asked(options["text"], options["label"], options["id_"], ())
        found = source.of_file(data, asked, config, options["known"])
        check_encoder(config.model.encoder, found.texts)
        yield found, partial(cache.vectors, bar=bar), config
        return
    if given := [name for name, value in columns.items() if value is not None]:
        raise click.UsageError(f"{given[0]} is about a FILE, and none is named")
    with app.opened(root, bar) as opened:
        config = _settings(opened.config, options)
        name = opened.workspace.root.absolute().name
        yield source.of_store(opened.store, name, options["known"]), opened.vectors, config


def _settings(config: "Config", options: dict[str, Any]) -> "Config":
    from al_loop.config import override

    config = override(config, "model", encoder=options["encoder"])
    config = override(
        config,
        "discovery",
        similarity_threshold=options["threshold"],
        min_cluster_size=options["min_size"],
    )
    return (
        config if options["seed"] is None else config.model_copy(update={"seed": options["seed"]})
    )


def check_encoder(encoder: str, texts: Sequence[str]) -> None:
    """Say so when the encoder does not know the language of the texts."""
    from al_loop import embed, encoder_check

    if advice := encoder_check.check(embed.load_embedder(encoder), texts).advice:
        say(f"note: {advice.replace(*_INSTEAD)}")


def _print(found: "Discovery", facts: dict[str, Any], form: str | None, limit: int) -> None:
    if form == "json":
        echo_json(facts)
        return
    groups = found.groups if form else found.groups[:limit]
    echo_table([_row(g, form) for g in groups], _COLUMNS, form)
    if form is not None:
        return
    if len(groups) < len(found.groups):
        click.echo(f"... and {len(found.groups) - len(groups):,} more groups: --limit N")
    click.echo(one_line(_summary(facts)))
    for hint in _hints(found, facts):
        click.echo(hint)


def _hints(found: "Discovery", facts: dict[str, Any]) -> Iterator[str]:
    """Say why groups below the threshold are not novel, and how to see more that may be.

    Where nobody has set the threshold it may be too careful; where none is novel, too.
    """
    limit = facts["threshold"]
    if limit is None:
        return
    n = sum(not g.novel and (g.similarity or 0.0) < limit for g in found.groups)
    if n:
        are = "1 more is" if n == 1 else f"{n:,} more are"
        yield f"{are} less similar, but not novel: loose, with labeled texts in it, or decided on"
    if found.groups and not (found.novel and found.config.discovery.similarity_threshold):
        yield f"a higher threshold shows more: --threshold {min(limit + 0.1, 0.95):.2f}"


def _summary(facts: dict[str, Any]) -> str:
    if not facts["total_clusters"]:
        return f"{facts['total_texts']:,} texts: no group stands out, or they are too few"
    is_ = "is" if facts["novel_cluster_count"] == 1 else "are"
    novel = f"{facts['novel_cluster_count']:,} of {facts['total_clusters']:,} groups {is_} novel"
    rule = ": no class is known, so every dense group counts (--known FILE names classes)"
    if facts["threshold"] is not None:
        rule = f": less similar than {facts['threshold']:.3f} to every known class"
        if any(g["similarity"] >= facts["threshold"] for g in facts["novel_clusters"]):
            rule += ", or with far fewer labels in it than chance would give"
    noise = f"{facts['noise_share']:.1%} of {facts['total_texts']:,} texts are noise to HDBSCAN"
    return f"{novel}{rule}; {noise}"


def _row(group: "Group", form: str | None) -> dict[str, Any]:
    phrases = ", ".join(group.phrases)
    return {
        "size": group.size,
        "name": group.name if form == "csv" else shorten(group.name, 40),
        "phrases": phrases if form == "csv" else shorten(phrases, 60),
        "nearest_class": group.nearest,
        "similarity": group.similarity,
        "novel": "yes" if group.novel else "no",
        "stability": group.stability,
    }
