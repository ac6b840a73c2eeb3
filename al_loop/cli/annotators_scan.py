"""`al-loop annotators scan`: what a file of answers tells about texts and people."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from al_loop.cli.annotators_tables import show_agreement, who_said
from al_loop.cli.discover import check_encoder
from al_loop.cli.progress import bar, say
from al_loop.cli.simulate import number
from al_loop.cli.tables import echo_json, echo_table, formats, one_line

if TYPE_CHECKING:
    from al_loop.config import Config

_PEOPLE = {
    "annotator": "annotator",
    "votes": "texts",
    "shared": "shared",
    "agreement": "agreement",
    "gold": "accuracy",
    "quality": "quality",
}
_TEXTS = {"id": "id", "label": "label", "quality": "quality", "votes": "labeled"}


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@formats
@click.option("--item", metavar="COL", required=True, help="Column that says which text it is.")
@click.option("--annotator", metavar="COL", required=True, help="Column of who answered.")
@click.option("--label", metavar="COL", required=True, help="Column of the answers.")
@click.option("--text", metavar="COL", help="Column of texts, so that a model has a say, too.")
@click.option("--consensus", metavar="NAME", help="As [annotators] consensus in config.toml.")
@number("--limit", default=20, help="Texts in the table.")
@click.option("--encoder", metavar="NAME", help="As [model] encoder in config.toml.")
@click.option("--seed", metavar="N", type=click.IntRange(0), help="Of whatever is random.")
@click.option("--replace-bad-chars", is_flag=True, help="Read what is not UTF-8 as U+FFFD.")
def scan(file: Path, form: str | None, **options: Any) -> None:
    """Show how much people agree in a file of answers, and what they add up to.

    Each row of FILE is one answer: of one person about one text. Needs no workspace. Shows each
    person (as `al-loop annotators` does; quality is how often they are right by the method of
    the consensus), agreement, and the texts whose consensus is the least sure. --csv and --md
    have the consensus of every text; --json has everything.

    With --text, what models say about the texts counts beside the votes, unless --consensus asks
    for a method that looks at votes alone.
    """
    from al_loop import cache
    from al_loop.scan import answers, crowd

    config = _settings(options)
    columns = answers.Columns(*(options[name] for name in ("item", "annotator", "label", "text")))
    source = answers.read(file, columns, replace_bad_chars=options["replace_bad_chars"])
    for line in source.notes:
        say(one_line(f"note: {line}"))
    if source.texts:
        check_encoder(config.model.encoder, list(source.texts.values()))
    found = crowd.scan(source, partial(cache.vectors, bar=bar), config, bar)
    wanted = config.annotators.consensus
    if found["method"] != wanted:
        why = "has too little to go on" if source.texts else "needs the texts: --text COL"
        say(f"note: consensus by {found['method']}: {wanted} {why}")
    _print(found, form, options["limit"])


def _settings(options: Mapping[str, Any]) -> "Config":
    from al_loop.config import Config, override

    config = override(Config(), "model", encoder=options["encoder"])
    config = override(config, "annotators", consensus=options["consensus"])
    return (
        config if options["seed"] is None else config.model_copy(update={"seed": options["seed"]})
    )


def _print(found: Mapping[str, Any], form: str | None, limit: int) -> None:
    if form == "json":
        echo_json(found)
        return
    texts = found["consensus"]
    if form is not None:
        echo_table([_text(t) for t in texts], _TEXTS, form)
        return
    from al_loop.report import annotators_words as words

    shares = ("agreement", "gold")
    rows = [p | {k: words.interval(p[k]) for k in shares} for p in found["annotators"]]
    echo_table(rows, _PEOPLE)
    for line in words.target_lines(found["targets"]):
        click.echo(line)
    click.echo()
    show_agreement(found["agreement"], None)
    open_ = sorted((t for t in texts if len(set(t["votes"].values())) > 1), key=_sureness)
    if open_:
        click.echo()
        echo_table([_text(t) for t in open_[:limit]], _TEXTS)
        if len(open_) > limit:
            click.echo(f"... and {len(open_) - limit:,} more: --limit N")
    click.echo(one_line(_summary(found, len(open_))))


def _sureness(text: Mapping[str, Any]) -> float:
    return float(text["quality"])


def _text(text: Mapping[str, Any]) -> dict[str, Any]:
    return {**text, "votes": who_said(text["votes"])}


def _summary(found: Mapping[str, Any], differing: int) -> str:
    return (
        f"{found['answers']:,} answers of {len(found['annotators']):,} people to"
        f" {found['texts']:,} texts, {differing:,} of them labeled differently;"
        f" consensus by {found['method']}"
    )
