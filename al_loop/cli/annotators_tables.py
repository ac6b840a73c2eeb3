"""What `al-loop annotators` prints."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import click

from al_loop.cli.tables import echo_json, echo_table, one_line, shorten
from al_loop.store.consensus import UNSURE

_PEOPLE = {
    "annotator": "annotator",
    "votes": "texts",
    "shared": "shared",
    "agreement": "agreement",
    "gold": "accuracy",
    "median_seconds": "median seconds",
    "skipped": "skips",
}
_SHARES = ("agreement", "others", "gold")
_PARTS = ("n", "low", "high")
_PEOPLE_CSV = {
    k: k
    for k in (
        *("annotator", "answered", "votes", "shared"),
        *(k for share in _SHARES for k in (share, *(f"{share}_{part}" for part in _PARTS))),
        *("timed", "median_seconds", "skipped", "adjudicated", "last_answer"),
    )
}
_MEASURES = {"measure": "measure", "value": "value", "interval": "95 % interval", "on": "on"}
_CLASSES = {
    "class": "class",
    "texts": "texts",
    "share": "agreement",
    "interval": "95 % interval",
    "alpha": "alpha",
    "alpha_interval": "95 % interval of alpha",
}
_PAIRS = {
    "a": "annotator",
    "b": "and",
    "n": "texts",
    "share": "agreement",
    "interval": "95 % interval",
    "kappa": "kappa",
    "kappa_interval": "95 % interval of kappa",
}
_AGREEMENT_CSV = {
    k: k for k in ("measure", "of", "name", "and", "value", "low", "high", "n", "texts")
}
_CONFUSION = {
    "annotator": "annotator",
    "right": "is",
    "said": "called",
    "texts": "texts",
    "of": "of",
}
_DISPUTES = {
    "id": "id",
    "said": "labeled",
    "label": "counts as",
    "quality": "quality",
    "state": "state",
    "text": "text",
}
_SOME, _FEW = 15, 5  # rows of a table; confusions of each person


def show_people(found: Mapping[str, Any], form: str | None) -> None:
    """Print the people, the targets, and what suggestions do."""
    from al_loop.report import annotators_words as words

    people = found["annotators"]
    if form == "json":
        echo_json(found)
    elif form == "csv":
        echo_table([_flat(p) for p in people], _PEOPLE_CSV, form)
    elif people or form:
        rows = [p | {k: words.interval(p[k]) for k in ("agreement", "gold")} for p in people]
        rows = [r | {"median_seconds": words.seconds(r["median_seconds"])} for r in rows]
        echo_table(rows, _PEOPLE, form)
    if form is not None:
        return
    todo = words.nothing_to_compare(people)
    if todo:
        click.echo(todo)
    if any(p["votes"] for p in people):
        for line in words.target_lines(found["targets"]):
            click.echo(line)
        click.echo(words.leaning_line(found["leaning"]))


def _flat(person: Mapping[str, Any]) -> dict[str, Any]:
    shares = {f"{k}_{part}": person[k][part] for k in _SHARES for part in _PARTS}
    return {**person, **shares, **{k: person[k]["share"] for k in _SHARES}}


def show_agreement(found: Mapping[str, Any], form: str | None) -> None:
    """Print the measures of agreement."""
    from al_loop.report import annotators_words as words

    if form == "json":
        echo_json(found)
        return
    if form is not None:
        echo_table(list(_long(found)), _AGREEMENT_CSV, form)
        return
    if not found["texts"]:
        click.echo(f"no text has labels of two people: {words.OVERLAP}")
        return
    echo_table(words.measures(found), _MEASURES)
    for key, columns in (("classes", _CLASSES), ("pairs", _PAIRS)):
        click.echo()
        echo_table([words.with_intervals(r) for r in found[key][:_SOME]], columns)
        if rest := found[key][_SOME:]:
            click.echo(f"... and {len(rest):,} more: --csv has all")
    if found["selected"]:
        click.echo(words.SELECTED)


def _long(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one measure a row."""
    raw, fleiss = found["all"], found["fleiss"]
    rows = [
        _row("agreement", "all", raw, value=raw["share"], texts=found["texts"]),
        _row("alpha", "all", found["alpha"], texts=found["texts"]),
        _row("fleiss", "all", fleiss, texts=fleiss["texts"]),
    ]
    for c in found["classes"]:
        of = {"name": c["class"], "texts": c["texts"]}
        rows.append(_row("agreement", "class", c, value=c["share"], **of))
        rows.append(_row("alpha", "class", _part(c, "alpha"), **of))
    for p in found["pairs"]:
        of = {"name": p["a"], "and": p["b"], "texts": p["n"]}
        rows.append(_row("agreement", "pair", p, value=p["share"], **of))
        rows.append(_row("kappa", "pair", _part(p, "kappa"), **of))
    return rows


def _row(measure: str, of: str, found: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    numbers = {k: found.get(k) for k in ("value", "low", "high", "n")}
    return {"measure": measure, "of": of, **numbers, **more}


def _part(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"value": found[name], "low": found[f"{name}_low"], "high": found[f"{name}_high"]}


def show_confusion(people: Sequence[dict[str, Any]], name: str | None, form: str | None) -> None:
    """Print what people take for what; of one by that name, or of all.

    Raises:
        InputError: nobody by that name has labeled a text.
    """
    if name is not None:
        people = [_person(people, name)]
    if form == "json":
        echo_json({"annotators": people})
        return
    most = None if form or name else _FEW
    rows = [{"annotator": p["annotator"], **row} for p in people for row in p["confusions"][:most]]
    if form is not None or rows:
        echo_table(rows, _CONFUSION, form)
    if form is None:
        for p in people:
            click.echo(one_line(_wrong(p)))
        if not people:
            click.echo("nobody has labeled a text yet: al-loop round sends a batch to people")


def _person(people: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    from al_loop.errors import InputError

    for p in people:
        if p["annotator"] == name:
            return p
    near = difflib.get_close_matches(name, [p["annotator"] for p in people], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "al-loop annotators lists everybody"
    raise InputError(f"nobody called {name!r} has labeled a text", hint=hint)


def _wrong(p: Mapping[str, Any]) -> str:
    if not p["texts"]:
        return f"{p['annotator']}: no text to measure by: nobody else labeled theirs or decided"
    what = "text" if p["texts"] == 1 else "texts"
    return f"{p['annotator']}: {p['wrong']:,} of {p['texts']:,} {what} labeled differently"


def show_disagreements(found: Sequence[dict[str, Any]], form: str | None) -> None:
    """Print texts on which people disagree."""
    if form == "json":
        echo_json({"rows": found})
        return
    rows = [{**r, "said": who_said(r["votes"]), "state": _state(r)} for r in found]
    if form is None:
        rows = [r | {"text": shorten(r["text"])} for r in rows]
    if rows or form is not None:
        echo_table(rows, _DISPUTES, form)
    else:
        click.echo("nobody disagrees, where two people labeled the same text")
    if form is None and any(r["state"] == "open" for r in rows):
        click.echo("decide yourself: al-loop fix ID LABEL")
        click.echo("or send them to a review project: al-loop annotators adjudicate")


def who_said(votes: Mapping[str, str]) -> str:
    """Return who said what, the most frequent first, as in ``refund: ana, cem; delay: ben``."""
    by_class: dict[str, list[str]] = {}
    for person, label in votes.items():
        by_class.setdefault(label, []).append(person)
    groups = sorted(by_class.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return "; ".join(f"{label}: {', '.join(who)}" for label, who in groups)


def _state(row: Mapping[str, Any]) -> str:
    if row["decided"]:
        return f"decided {row['decided']}"
    if row["in_review"]:
        return "in review"
    settled = row["label"] is not None and row["quality"] >= UNSURE
    return "settled" if settled else "open"
