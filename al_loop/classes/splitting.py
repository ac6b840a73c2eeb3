"""Split a class by groups of its texts: the parts become candidates, and people are asked again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from al_loop.app import App
from al_loop.classes.live import Outcome, Say, change
from al_loop.classes.names import command, known_class
from al_loop.data.text import MAX_NAME, shown
from al_loop.errors import DataError
from al_loop.fix import signature
from al_loop.labels import folded
from al_loop.store import Store, answers, candidates, class_changes, clusters, second_looks
from al_loop.store.candidates import Part
from al_loop.store.class_changes import New

if TYPE_CHECKING:
    from al_loop.loop.parts import Labels, Vectors

#: Fewest labeled texts of a part.
LEAST = 2
_PHRASES = 5
_TRIED = (None, 3, 4, 5, 6)
_STEP = 9  # of the random generator [seed, version, step]


def split(
    app: App, name: str, author: str, say: Say, *, parts: int | None = None, live: bool = True
) -> Outcome:
    """Let people decide which part of a class each of its texts belongs to.

    The class stays; a part becomes one when it is accepted. The texts are asked about once more,
    with the part that they seem to belong to as a suggestion.

    parts: how many; None lets the texts decide.

    Raises:
        DataError: there is no such class; it has too few labels, or no parts that differ; or
            parts of an earlier split wait for a decision.
    """
    author = signature(author)
    class_ = known_class(app.store, name, former=True)
    if waiting := _open_parts(app.store, class_):
        change(app, lambda _: f"{shown(class_)} is split", say, live=live)  # if a try was cut off
        raise DataError(
            f"{shown(class_)} is split already: {', '.join(map(shown, waiting))}",
            hint=f"decide on them first: `{command('accept', waiting[0])}`, or reject",
        )
    found = _parts(app, class_, parts)

    def work(store: Store) -> str:
        if _open_parts(store, class_):
            return f"{shown(class_)} is split already"
        detail = {"parts": {p.name: len(p.item_ids) for p in found}}
        version = class_changes.add(store, New("split", [class_], detail=detail), author)
        for part in found:
            candidates.add_part(store, class_, part)
        wanted: dict[str, str | None] = {i: p.name for p in found for i in p.item_ids}
        asked = second_looks.ask(store, wanted, "split", version)
        names = ", ".join(f"{shown(p.name)} ({len(p.item_ids)})" for p in found)
        return f"{shown(class_)} is split: {names}; texts that are asked about once more: {asked}"

    return change(app, work, say, live=live)


def _open_parts(store: Store, class_: str) -> list[str]:
    """Return the parts of a class that nobody has decided on."""
    known = class_changes.names(store)
    return [
        c.name
        for c in candidates.all_(store)
        if c.status == "open" and c.parent and known.get(folded(c.parent)) == class_
    ]


def _parts(app: App, class_: str, wanted: int | None) -> list[Part]:
    """Return the parts of a class, the largest first."""
    from al_loop.openworld.phrases import phrases
    from strategies.discovery import subgroups

    rows = [r for r in answers.labeled(app.store, "pool") if r[3] == class_]
    least = LEAST * max(wanted or 2, 2)
    if len(rows) < least:
        raise DataError(
            f"{shown(class_)} has {len(rows)} labels: too few to split it, {least} are needed",
            hint="label more of its texts first: al-loop round",
        )
    X = app.vectors(app.config.model.encoder, [r[2] for r in rows], [r[1] for r in rows])
    rng = np.random.default_rng([app.config.seed, class_changes.version(app.store), _STEP])
    # An odd text or two may stand out most: of more parts some are larger.
    tries = (_large_enough(X, subgroups(X, rng, n)) for n in ([wanted] if wanted else _TRIED))
    groups = next((found for found in tries if len(found) > 1), [])
    if not groups:
        raise DataError(
            f"the texts of {shown(class_)} fall into no parts of {LEAST} texts or more",
            hint=f"name how many there are: `{command('split', class_)} --parts 2`",
        )
    ids = [[rows[i][0] for i in group] for group in groups]
    said = phrases([[rows[i][1] for i in group] for group in groups], _PHRASES)
    names = _names(app.store, class_, said)
    center = _unit(X.mean(axis=0))
    return [
        Part(n, i, p, *_measured(X[g], center))
        for n, i, p, g in zip(names, ids, said, groups, strict=True)
    ]


def _large_enough(X: "Vectors", labels: "Labels") -> list[list[int]]:
    """Return the rows of each group, the most central first; larger groups first.

    A group that is too small joins the one whose center is nearest.
    """
    sizes = np.bincount(labels[labels >= 0])
    kept = np.flatnonzero(sizes >= LEAST)
    if len(kept) < 2:
        return []
    centers = np.stack([_unit(X[labels == g].mean(axis=0)) for g in kept])
    small = ~np.isin(labels, kept)
    place = np.where(small, (X @ centers.T).argmax(axis=1), np.searchsorted(kept, labels))
    central = np.einsum("ij,ij->i", X, centers[place])
    order = np.argsort(-central, kind="stable")
    groups = [[int(i) for i in order if place[i] == g] for g in range(len(kept))]
    return sorted(groups, key=len, reverse=True)


def _unit(v: "Vectors") -> "Vectors":
    return np.asarray(v / max(float(np.linalg.norm(v)), 1e-12), dtype=np.float32)


def _measured(X: "Vectors", whole: "Vectors") -> tuple[float, float]:
    """Return the density of a part and its cosine to the class's own center."""
    center = _unit(X.mean(axis=0))
    return round(float((X @ center).mean()), 6), round(float(center @ whole), 6)


def _names(store: Store, class_: str, said: Sequence[Sequence[str]]) -> list[str]:
    """Name each part by its class and the first phrase that no other name has."""
    taken = {folded(n) for n in clusters.taken_names(store)}
    found = []
    for number, own in enumerate(said, start=1):
        tries = [*own, f"part {number}", *(f"part {number}.{i}" for i in range(1, len(taken) + 2))]
        names = (f"{class_[: MAX_NAME // 2]}: {phrase}"[:MAX_NAME] for phrase in tries)
        name = next(n for n in names if folded(n) not in taken)
        taken.add(folded(name))
        found.append(name)
    return found
