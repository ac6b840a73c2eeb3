"""Versions of the list of classes: every change of it, and what old names count as by now."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from al_loop.labels import Names, by_folded_name, folded
from al_loop.store.core import Store, now

Action = Literal["add", "accept", "reject", "merge", "rename", "split", "describe"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `version` is that of the list after it.

    classes: those that it was about.
    names: names that count as another class from then on, and as which.
    detail: whatever else was decided.
    """

    version: int
    action: Action
    classes: Sequence[str]
    names: Mapping[str, str]
    detail: Mapping[str, Any]
    author: str
    at: str


@dataclass(frozen=True, slots=True)
class New:
    """A change that is about to be stored; see `Change`."""

    action: Action
    classes: Sequence[str]
    names: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)


def add(store: Store, new: New, author: str) -> int:
    """Store a change and return its version. Inside the tx that makes it."""
    values = [_json(list(new.classes)), _json(new.names), _json(new.detail)]
    store.execute(
        "INSERT INTO class_changes (action, classes, names, detail, author, at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [new.action, *values, author, now()],
    )
    return version(store)


def version(store: Store) -> int:
    """Return the version of the list of classes."""
    return int(store.value("SELECT COALESCE(MAX(version), 0) FROM class_changes"))


def history(store: Store) -> list[Change]:
    """Return all changes, oldest first."""
    return [
        Change(
            r["version"],
            r["action"],
            tuple(json.loads(r["classes"])),
            json.loads(r["names"]),
            json.loads(r["detail"]),
            r["author"],
            r["at"],
        )
        for r in store.rows("SELECT * FROM class_changes ORDER BY version")
    ]


def names(store: Store) -> dict[str, str]:
    """Map the folded name of every class, and every name it had, to its name of today.

    Chains are followed: what was renamed and then merged counts as what it was merged into.
    """
    return _names(store, _renamings(store))


def today(store: Store, earlier: Iterable[str]) -> list[str]:
    """Return what names, as a model of an earlier round has them, count as by now."""
    known = names(store)
    return [known.get(folded(name), name) for name in earlier]


def vocabulary(store: Store) -> Names:
    """Return what the names in answers, data and decisions stand for."""
    changes = history(store)
    known = _names(store, [c.names for c in changes])
    rows = store.rows("SELECT name FROM clusters WHERE status <> 'accepted'")
    candidates = by_folded_name(r["name"] for r in rows)
    free = {f: n for f, n in candidates.items() if f not in known}
    return Names(known, free, _parents(store, changes))


def former_names(store: Store) -> set[str]:
    """Return every name that was mapped to a class, as it was spelled."""
    return {name for renamed in _renamings(store) for name in renamed}


def rejected(store: Store) -> dict[str, int]:
    """Map the folded names that were rejected and not accepted since to the version that did."""
    found: dict[str, int] = {}
    for change in history(store):
        told = {folded(name) for name in (*change.classes, *change.names)}
        if change.action == "reject":
            found |= dict.fromkeys(told, change.version)
        elif change.action in ("accept", "add", "rename"):
            found = {name: version for name, version in found.items() if name not in told}
    return found


def note_round(store: Store, number: int) -> None:
    """Store with which version a round begins. Inside the tx that selects it."""
    store.execute("INSERT INTO round_classes VALUES (?, ?)", [number, version(store)])


def of_round(store: Store, number: int) -> int | None:
    """Return the version that a round began with; None for rounds of earlier schemas."""
    found = store.value("SELECT version FROM round_classes WHERE round = ?", [number])
    return None if found is None else int(found)


def rounds(store: Store) -> dict[int, list[int]]:
    """Map each version to the rounds that began with it."""
    found: dict[int, list[int]] = defaultdict(list)
    for r in store.rows("SELECT round, version FROM round_classes ORDER BY round"):
        found[r["version"]].append(r["round"])
    return found


def _renamings(store: Store) -> list[Mapping[str, str]]:
    rows = store.rows("SELECT names FROM class_changes WHERE names <> '{}' ORDER BY version")
    return [json.loads(r["names"]) for r in rows]


def _names(store: Store, renamings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    classes = by_folded_name(r["name"] for r in store.rows("SELECT name FROM classes"))
    found: dict[str, str] = {}
    for renamed in renamings:
        moved = {folded(old): folded(new) for old, new in renamed.items()}
        # Values first: a name that is taken up again must not be followed to where it was.
        found = {old: moved.get(new, new) for old, new in found.items()} | moved
    return {old: classes[new] for old, new in found.items() if new in classes} | classes


def _parents(store: Store, changes: Iterable[Change]) -> dict[str, str]:
    """Map the folded names of every part of a class to the name that the class had."""
    rows = store.rows(
        "SELECT id, name, parent FROM clusters WHERE origin = 'split' AND status = 'accepted'"
    )
    parts = {r["id"]: folded(r["parent"]) for r in rows}
    found = {folded(r["name"]): parts[r["id"]] for r in rows}
    for change in changes:
        if change.action == "accept" and (parent := parts.get(change.detail.get("candidate", 0))):
            own = change.classes if "parent" in change.detail else ()  # else it was there before
            found |= dict.fromkeys(map(folded, (*change.names, *own)), parent)
        elif change.action == "rename":
            was, to = map(folded, change.classes)
            if was in found:
                found[to] = found[was]
    return found


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
