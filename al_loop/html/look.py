"""How all charts look: colors, symbols, axes.

Colors are those of Okabe and Ito (2008), darkened where they were too light: told apart by
color-blind people, with a contrast of 3 to 1 at least on white and on the dark page alike.
"""

from typing import Any

from al_loop.html.safe import chart_label

COLORS = ("#0072b2", "#d55e00", "#009e73", "#c2669b", "#b8860b", "#2e93cc", "#8a63c9", "#a0522d")
GRAY = "#80868b"
CLEAR = "rgba(0,0,0,0)"
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "triangle-down", "x")


def layout(x: str, y: str, *, legend: bool) -> dict[str, Any]:
    """Return the layout of a chart whose axes have these names."""
    axis = {
        "automargin": True,
        "fixedrange": True,
        "zeroline": False,
        "gridcolor": "#80808040",
        "ticks": "outside",
        "ticklen": 6,
        "tickcolor": CLEAR,
    }
    return {
        "margin": {"l": 48, "r": 12, "t": 12, "b": 44},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"size": 13},
        "hovermode": "closest",
        "dragmode": False,
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {**axis, "title": _title(x)},
        "yaxis": {**axis, "title": _title(y)},
    }


def _title(text: str) -> dict[str, Any]:
    return {"text": chart_label(text, 60), "font": {"size": 13}, "standoff": 10}
