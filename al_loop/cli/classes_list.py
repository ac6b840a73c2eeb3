"""What `al-loop classes` lists: known classes, proposals, and groups that may be classes."""

from pathlib import Path
from shlex import quote
from typing import Any

import click

from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json, echo_table, one_line, shorten

_COLUMNS = {
    "name": "class",
    "id": "id",
    "status": "status",
    "labels": "labels",
    "size": "texts",
    "nearest_class": "nearest class",
    "similarity": "similarity",
    "stability": "stability",
    "offered": "offered",
    "description": "description",
}
_OF_CANDIDATES = ("id", "size", "nearest_class", "similarity", "stability", "offered")
_EXAMPLES = 3
_OTHERS = 10  # groups that are listed although people can't choose them, and nobody asked for them


def show(root: Path, form: str | None, *, every: bool) -> None:
    """Print all classes; of the groups in a table only `_wanted` ones, unless `every` is."""
    from al_loop.report.classes import facts
    from al_loop.store import answers, open_store
    from al_loop.workspace import find

    store = open_store(find(root).db_path)
    proposals = answers.proposed(store)
    if len(proposals) > 1:
        proposals = _grouped(root)
    found = facts(store, proposals)
    store.close()
    if form == "json":
        echo_json(found)
        return
    left_out = 0
    if form is None and not every:
        shown = _wanted(found["candidates"])
        left_out = len(found["candidates"]) - len(shown)
        found = found | {"candidates": shown}
    rows = _rows(found)
    if form is None and not rows:
        click.echo("no class yet: al-loop classes add NAME")
        return
    columns = dict(_COLUMNS)
    if form is None:
        rows = [r | {"description": shorten(str(r["description"]), 50)} for r in rows]
        if not found["candidates"]:
            columns = {k: v for k, v in columns.items() if k not in _OF_CANDIDATES}
    echo_table(rows, columns, form)
    if form is None:
        if left_out:
            more = "group" if left_out == 1 else "groups"
            click.echo(f"... and {left_out:,} more {more}: al-loop classes --all")
        _tell(found)


def _wanted(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups that somebody can choose or asked for, and the largest others.

    Those that wait for a decision come before those that were rejected.
    """
    asked = [c for c in groups if c["offered"] or c["answers"]]
    others = [c for c in groups if c not in asked]
    others.sort(key=lambda c: c["status"] == "rejected")
    return asked + others[:_OTHERS]


def _grouped(root: Path) -> Any:
    """Return the proposals grouped by meaning."""
    from al_loop import app
    from al_loop.classes.proposals import grouped

    with app.opened(root, bar) as opened:
        return grouped(opened, say)


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [c | {"status": "known"} for c in found["classes"]]
    for p in found["proposals"]:
        others = ", ".join(p["spellings"][1:])
        rows.append(
            p | {"labels": p["answers"], "description": f"also: {others}" if others else ""}
        )
    for c in found["candidates"]:
        part = f"part of {c['part_of']}: " if c["part_of"] else ""
        told = {"labels": c["answers"], "description": part + ", ".join(c["phrases"])}
        rows.append(c | told | {"offered": "yes" if c["offered"] else "no"})
    return rows


def _tell(found: dict[str, Any]) -> None:
    """Show what candidates are about, and what to type."""
    waiting = [c for c in found["candidates"] if c["status"] == "candidate"]
    for c in waiting:
        for text in c["examples"][:_EXAMPLES]:
            click.echo(f"  {c['id']} {one_line(c['name'])}: {shorten(text, 70)}")
    open_ = [p["name"] for p in found["proposals"] if p["status"] == "proposed"]
    open_ += [c["name"] for c in waiting]
    if open_:
        name = quote(one_line(open_[0]))
        click.echo(f"accept one: al-loop classes accept {name}")
        click.echo("  --as NAME: under another name, or as a class that is there already")
        click.echo(f"or it is none: al-loop classes reject {name}")
