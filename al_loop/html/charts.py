"""Charts as JSON for Plotly. What a point says on hover is its `customdata`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.html.blocks import Chart, Table
from al_loop.html.look import CLEAR, COLORS, GRAY, SYMBOLS, layout
from al_loop.html.safe import chart_label, visible

_FEW = 12  # whole numbers up to here get a tick each
_DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True, slots=True)
class Series:
    """One line: (n,) positions and values, with the ends of intervals where there are some.

    says: (n,) texts shown on hover; made of name and values when empty.
    reference: gray and dashed, what the others are compared with.
    steps: the value holds until the next position.
    """

    name: str
    x: Sequence[float | str]
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    says: Sequence[str] = ()
    reference: bool = False
    steps: bool = False


def lines(
    title: str,
    summary: str,
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    top: float | None = None,
    dates: bool = False,
    numbers: Table | None = None,
) -> Chart:
    """Draw lines with bands for their intervals; `x` and `y` name the axes.

    `top` is the highest value there can be; `dates` means positions in ISO 8601.
    """
    data = [trace for i, s in enumerate(series) for trace in _line(s, i, x)]
    shape = layout(x, y, legend=len(series) > 1)
    shape["yaxis"]["rangemode"] = "tozero"
    if top is not None:
        shape["yaxis"] |= {"range": [0, top * 1.02], "autorange": False}
    if dates:
        shape["xaxis"]["type"] = "date"
    else:
        shape["xaxis"]["rangemode"] = "tozero"
        if all(isinstance(a, int) and a <= _FEW for s in series for a in s.x):
            shape["xaxis"]["dtick"] = 1  # there is no half a round
    return Chart(title, summary, {"data": data, "layout": shape}, numbers=numbers)


def _line(s: Series, position: int, x: str) -> list[dict[str, Any]]:
    color = GRAY if s.reference else COLORS[position % len(COLORS)]
    says = s.says or [
        f"{s.name}\n{x} {_short(a)}: {_short(b)}" for a, b in zip(s.x, s.y, strict=True)
    ]
    line = {
        "type": "scatter",
        "name": chart_label(s.name),
        "x": list(s.x),
        "y": list(s.y),
        "customdata": [visible(text) for text in says],
        "hoverinfo": "none",
        "mode": "lines+markers" if len(s.x) < 40 else "lines",
        "line": {
            "color": color,
            "width": 2.5,
            "dash": "dash" if s.reference else _DASHES[position // len(COLORS) % len(_DASHES)],
            "shape": "hv" if s.steps else "linear",
        },
        "marker": {
            "color": color,
            "size": 7,
            "symbol": "circle" if s.reference else SYMBOLS[position % len(SYMBOLS)],
        },
        "legendgroup": str(position),
    }
    return [*_interval(s, color, str(position), line), line]


def _interval(s: Series, color: str, group: str, line: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a band for a long line; a short one gets a bar at each point."""
    if not s.low:
        return []
    ends = [
        (a, b, low, high)
        for a, b, low, high in zip(s.x, s.y, s.low, s.high, strict=True)
        if b is not None and low is not None and high is not None
    ]
    if len(ends) < 3:
        known = {a: (high - b, b - low) for a, b, low, high in ends}
        up, down = zip(*(known.get(a, (None, None)) for a in s.x), strict=True)
        line["error_y"] = {"array": up, "arrayminus": down, "symmetric": False, "color": color}
        return []
    band = {
        "type": "scatter",
        "x": [e[0] for e in ends] + [e[0] for e in reversed(ends)],
        "y": [e[3] for e in ends] + [e[2] for e in reversed(ends)],
        "fill": "toself",
        "fillcolor": f"{color}26",
        "line": {"width": 0, "color": CLEAR},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": group,
    }
    return [band]


def matrix(
    title: str, summary: str, names: Sequence[str], counts: Sequence[Sequence[int]]
) -> Chart:
    """Draw a confusion matrix: (k, k) counts, truth in rows, predictions in columns.

    Errors and hits have a color of their own, so that a strong diagonal hides no error.
    """
    k = len(names)
    says = [
        [visible(f"{n} of class {names[i]}\npredicted as {names[j]}") for j, n in enumerate(row)]
        for i, row in enumerate(counts)
    ]
    hits = _shades(counts, says, "0,114,178", (0.08, 0.5), diagonal=True)
    errors = _shades(counts, says, "213,94,0", (0.18, 0.75), diagonal=False)
    shape = layout("predicted", "true class", legend=False)
    ticks = {"tickvals": list(range(k)), "ticktext": [chart_label(n, 22) for n in names]}
    shape["xaxis"] |= {**ticks, "showgrid": False, "tickangle": -45, "range": [-0.5, k - 0.5]}
    shape["yaxis"] |= {**ticks, "showgrid": False, "range": [k - 0.5, -0.5]}
    spec = {"data": [hits, errors], "layout": shape}
    return Chart(title, summary, spec, 200 + 26 * k, min(240 + 24 * k, 760))


def _shades(
    counts: Sequence[Sequence[int]],
    says: Sequence[Sequence[str]],
    rgb: str,
    opacity: tuple[float, float],
    *,
    diagonal: bool,
) -> dict[str, Any]:
    """Return the cells on the diagonal or off it; empty ones are left open."""
    z = [
        [n if n and (i == j) is diagonal else None for j, n in enumerate(row)]
        for i, row in enumerate(counts)
    ]
    light, strong = opacity
    return {
        "type": "heatmap",
        "z": z,
        "zmin": 0,
        "zmax": max((n for row in z for n in row if n), default=1),
        "colorscale": [[0, f"rgba({rgb},{light})"], [1, f"rgba({rgb},{strong})"]],
        "customdata": says,
        "hoverinfo": "none",
        "hoverongaps": False,
        "showscale": False,
        "texttemplate": "%{z}",
        "xgap": 1,
        "ygap": 1,
    }


def forest(
    title: str,
    summary: str,
    rows: Sequence[tuple[str, float, float, float]],
    *,
    x: str,
    numbers: Table | None = None,
) -> Chart:
    """Draw (name, value, low, high) as points with intervals beside a line at zero."""
    names, values, low, high = zip(*rows, strict=True) if rows else ((), (), (), ())
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": list(values),
            "y": list(range(len(rows))),
            "error_x": {
                "array": [b - v for v, b in zip(values, high, strict=True)],
                "arrayminus": [v - a for v, a in zip(values, low, strict=True)],
                "symmetric": False,
                "color": COLORS[0],
            },
            "marker": {"color": COLORS[0], "size": 9},
            "customdata": [visible(f"{n}\n{v:.3f} ({a:.3f} to {b:.3f})") for n, v, a, b in rows],
            "hoverinfo": "none",
        }
    ]
    shape = layout(x, "", legend=False)
    shape["xaxis"] |= {"zeroline": True, "zerolinewidth": 2}
    shape["yaxis"] |= {
        "tickvals": list(range(len(rows))),
        "ticktext": [chart_label(name, 40) for name in names],
        "range": [len(rows) - 0.5, -0.5],
        "showgrid": False,
    }
    return Chart(title, summary, {"data": data, "layout": shape}, 90 + 32 * len(rows), 0, numbers)


def _short(value: float | str | None) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else f"{value:.4g}"
