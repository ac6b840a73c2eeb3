"""A map of points as JSON for draw.js, which colors it in one of several ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.html.blocks import Chart
from al_loop.html.look import COLORS, GRAY, SYMBOLS, layout
from al_loop.html.safe import chart_label, visible


@dataclass(frozen=True, slots=True)
class Coloring:
    """One way to color points: (n,) group names; those of `muted` are gray and lie below.

    ordered: the groups follow each other, as rounds do; else the largest come first.
    """

    name: str
    groups: Sequence[str]
    muted: Sequence[str] = ()
    ordered: bool = False


def points(
    title: str,
    summary: str,
    xy: Sequence[tuple[float, float]],
    says: Sequence[str],
    colorings: Sequence[Coloring],
) -> Chart:
    """Draw a map of (n, 2) points that can be colored in several ways, one group picked out.

    Only eight groups have a color of their own; the others are gray until they are picked.
    """
    shape = layout("", "", legend=True)
    hidden = {"showgrid": False, "showticklabels": False, "zeroline": False, "fixedrange": False}
    shape["margin"] |= {"l": 8, "b": 8}
    shape["xaxis"] |= hidden
    shape["yaxis"] |= hidden
    spec = {
        "points": {
            "x": [a for a, _ in xy],
            "y": [b for _, b in xy],
            "says": [visible(text) for text in says],
        },
        "views": [_view(c) for c in colorings],
        "layout": shape,
    }
    return Chart(title, summary, spec, 560)


def _view(c: Coloring) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for name in c.groups:
        counts[name] = counts.get(name, 0) + 1
    first = list(counts) if c.ordered else sorted(counts, key=lambda n: (-counts[n], n))
    names = [n for n in first if n not in c.muted] + [n for n in first if n in c.muted]
    place = {name: i for i, name in enumerate(names)}
    colored = [n for n in names if n not in c.muted][-8 if c.ordered else 0 :][:8]
    looks: dict[str, Mapping[str, str]] = {
        name: {"color": COLORS[i], "symbol": SYMBOLS[i]} for i, name in enumerate(colored)
    }
    plain = {"color": GRAY, "symbol": "circle"}
    groups = [
        {
            "name": visible(name),
            "label": f"{chart_label(name, 24)} ({counts[name]})",
            "muted": name in c.muted,
            **looks.get(name, plain),
        }
        for name in names
    ]
    of = [place[name] for name in c.groups]
    return {"name": visible(c.name), "groups": groups, "of": of, "gray": GRAY, "strong": COLORS[1]}
