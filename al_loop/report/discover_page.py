"""What `al-loop discover` found, as a page: a map of the texts, and the novel groups."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from al_loop import html
from al_loop.bars import Bar, no_bar
from al_loop.discover.run import Discovery
from al_loop.html import Block, Card, Cards, Coloring, Heading, Note, Prose, Table
from al_loop.openworld.group import Group
from al_loop.report import textmap

_LEAST = 5  # texts that make a map
_WIDTH, _EXAMPLE = 160, 100  # characters of a text on hover, and in the table
_COLORS = 8  # groups that a map can tell apart
_STEP = 7  # of the generator that draws the texts for the map
_GROUPS = {
    "name": "name",
    "size": "texts",
    "nearest": "nearest known class",
    "similarity": "similarity",
    "stability": "stability",
    "phrases": "key phrases",
    "examples": "most central texts",
}


def page(found: Discovery, facts: Mapping[str, Any], bar: Bar = no_bar) -> str:
    """Return the page. `facts` is the report of `al_loop.discover.report`."""
    blocks = [*_headline(facts), *_map(found, facts, bar), *_table(facts)]
    return html.page("Groups of similar texts", blocks, kicker="al-loop discover")


def _headline(facts: Mapping[str, Any]) -> Iterator[Block]:
    known = len(facts["known_classes"])
    yield Cards(
        [
            Card("Texts", f"{facts['total_texts']:,}", facts["source"]),
            Card(
                "Groups",
                f"{facts['total_clusters']:,}",
                f"{facts['dense_cluster_count']:,} found by HDBSCAN, the others by k-means",
            ),
            Card("Novel groups", f"{facts['novel_cluster_count']:,}", f"{known} known classes"),
            Card("Noise", f"{facts['noise_share']:.1%}", "of the texts, as HDBSCAN sees it"),
        ]
    )
    if not known:
        yield Note("No class is known: every group that HDBSCAN found counts as novel.")


def _table(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Novel groups")
    if not facts["novel_clusters"]:
        yield Prose("None: no group is far from all known classes.")
        return
    rows = [
        {
            "name": g["name"],
            "size": g["size"],
            "nearest": g["nearest_class"],
            "similarity": g["similarity"],
            "stability": g["stability"],
            "phrases": ", ".join(g["phrases"]),
            "examples": " / ".join(html.shorten(t, _EXAMPLE) for t in g["examples"][:3]),
        }
        for g in facts["novel_clusters"]
    ]
    limit = facts["threshold"]
    note = (
        ""
        if limit is None
        else (
            f"Novel: less similar than {limit:.3f} to every known class, or with far fewer labels"
            " than chance would give."
        )
    )
    yield Table("Groups that may be classes nobody has named", _GROUPS, rows, note)


def _map(found: Discovery, facts: Mapping[str, Any], bar: Bar) -> Iterator[Block]:
    yield Heading("Map of the texts")
    total = facts["total_texts"]
    rows = _sample(found)
    if len(rows) < _LEAST:
        yield Prose(f"{total} texts are too few for a map.")
        return
    with bar(1, f"drawing a map of {len(rows):,} texts") as draw:
        places = textmap.project(found.X[rows], found.config.seed).astype(np.float64).round(2)
        draw(1)
    shown = f"All {total:,} texts."
    if len(rows) < total:
        shown = (
            f"{len(rows):,} of {total:,} texts, drawn at random: up to half of them from novel"
            " groups, the rest from the others."
        )
    by_index = {g.index: g for g in found.groups}
    of = [by_index.get(label) for label in found.clusters.labels[rows].tolist()]
    yield html.points(
        "Texts that mean similar things lie near each other",
        f"{shown} Distances within a group mean something, those between far groups little.",
        [(float(x), float(y)) for x, y in places],
        [_says(found, int(i), g) for i, g in zip(rows, of, strict=True)],
        list(_colorings(found, of)),
    )


def _sample(found: Discovery) -> npt.NDArray[np.int64]:
    """Return the positions to show: half of them of novel groups where there are as many."""
    n = len(found.X)
    if n <= textmap.MOST:
        return np.arange(n)
    rng = np.random.default_rng([found.config.seed, 0, _STEP])
    novel = np.flatnonzero(np.isin(found.clusters.labels, [g.index for g in found.novel]))
    first = rng.permutation(novel)[: textmap.MOST // 2]
    others = rng.permutation(np.setdiff1d(np.arange(n), novel))[: textmap.MOST - len(first)]
    return np.sort(np.concatenate([first, others]))


def _colorings(found: Discovery, of: Sequence[Group | None]) -> Iterator[Coloring]:
    other = "like a known class" if found.classes else "in no dense group"
    counts = Counter(g.name for g in of if g and g.novel)
    room = _COLORS if len(counts) <= _COLORS else _COLORS - 1
    large = {name for name, _ in counts.most_common(room)}
    small = f"new? {len(counts) - len(large)} smaller groups"
    marks = [(_mark(g) if g.name in large else small) if g and g.novel else other for g in of]
    yield Coloring("novel group", marks, (other,))
    none = "in no group"
    yield Coloring("group", [_mark(g) if g else none for g in of], (none,))
    if found.classes:
        nearest = [g.nearest if g and g.nearest else none for g in of]
        yield Coloring("nearest known class", nearest, (none,))


def _mark(group: Group) -> str:
    return f"new? {group.name}" if group.novel else group.name


def _says(found: Discovery, row: int, group: Group | None) -> str:
    text = html.shorten(found.source.texts[row], _WIDTH)
    if group is None:
        return f"{text}\n({found.source.ids[row]})"
    near = "" if group.nearest is None else f", nearest: {group.nearest} ({group.similarity:.2f})"
    return f"{text}\n{_mark(group)}{near} ({found.source.ids[row]})"
