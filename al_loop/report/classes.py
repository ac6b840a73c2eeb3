"""Classes with their labels, proposals with their texts, candidates with their evidence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from al_loop.labels import folded
from al_loop.store import Store, candidates, class_changes, items, overview
from al_loop.store.answers import Proposal
from al_loop.store.candidates import Candidate


def facts(store: Store, proposals: Sequence[Proposal]) -> dict[str, Any]:
    """Return what `al-loop classes --json` prints; who asks for a candidate is counted there.

    proposals: from `answers.proposed`, or the same grouped by meaning.
    """
    labels = overview.labels_by_class(store)
    rejected = class_changes.rejected(store)
    asked = {folded(name): p for p in proposals for name in p.spellings}
    groups = [c for c in candidates.all_(store) if _worth_showing(c, asked)]
    theirs = {p.name for c in groups if (p := asked.get(folded(c.name)))}
    return {
        "version": class_changes.version(store),
        "classes": [
            {
                "name": c.name,
                "labels": labels.get(c.name, 0),
                "description": c.description,
                "examples": list(c.examples),
            }
            for c in items.classes(store)
        ],
        "proposals": [
            {
                "name": p.name,
                "spellings": list(p.spellings),
                "status": "rejected" if folded(p.name) in rejected else "proposed",
                "answers": len(p.item_ids),
                "texts": list(p.item_ids),
            }
            for p in proposals
            if p.name not in theirs
        ],
        "candidates": [_candidate(c, asked) for c in groups],
    }


def _worth_showing(group: Candidate, asked: Mapping[str, Proposal]) -> bool:
    """Leave out groups that nobody can decide on yet: those that look like a known class."""
    wanted = group.offered or group.novel or folded(group.name) in asked
    return wanted or group.origin == "split"


def _candidate(group: Candidate, asked: Mapping[str, Proposal]) -> dict[str, Any]:
    same = asked.get(folded(group.name))
    texts = list(same.item_ids) if same else []
    return {
        "id": group.id,
        "name": group.name,
        "spellings": list(same.spellings) if same else [],
        "status": "rejected" if group.status == "rejected" else "candidate",
        "part_of": group.parent,
        "offered": group.offered,
        "answers": len(texts),
        "texts": texts,
        "size": group.size,
        "phrases": list(group.phrases),
        "nearest_class": group.nearest,
        "similarity": group.similarity,
        "stability": group.stability,
        "examples": list(group.central),
    }


def versions(store: Store) -> list[dict[str, Any]]:
    """Return every change of the classes, oldest first, as `al-loop classes history` prints it."""
    rounds, known = class_changes.rounds(store), set[str]()
    found = []
    for c in class_changes.history(store):
        told = {"classes": list(c.classes), "what": words(c, known), "rounds": rounds[c.version]}
        found.append(asdict(c) | told)
        if c.action in ("rename", "merge"):
            known.discard(c.classes[0])
            known.add(c.classes[-1])
        elif c.action != "reject":
            known.update(c.classes)
    return found


def words(change: class_changes.Change, known: Collection[str] = ()) -> str:
    """Say what a change was; known: the classes that were there before."""
    names = ", ".join(change.classes)
    last = change.classes[-1] if change.classes else ""
    match change.action:
        case "rename":
            return f"{change.classes[0]} is called {last}"
        case "merge":
            return f"{change.classes[0]} counts as {last}"
        case "accept":
            others = [name for name in change.names if folded(name) != folded(last)]
            if last in known and others:
                return f"{', '.join(others)} {'counts' if len(others) == 1 else 'count'} as {last}"
            return f"{names} is a class" + (f", also for {', '.join(others)}" if others else "")
        case "split":
            return f"{names} into {', '.join(change.detail.get('parts', {}))}"
        case "describe":
            return f"{names} is described anew"
        case "reject":
            return f"{names}: no class"
        case _:
            return names
