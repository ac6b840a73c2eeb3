"""The one module that makes pages: blocks in, a self-contained HTML file (or Markdown) out.

    page(title, [Heading(...), Prose(...), Table(...), charts.lines(...)])

Charts are drawn by Plotly, whose JavaScript comes with the pip package and is inlined. Tried
under the page's policy against Bokeh 3.9, with 2,000 points and hostile texts on hover: neither
was reported by the browser. Bokeh's file has 1.6 MB and is drawn after 0.5 s, Plotly's 5.2 MB and
1.6 s, most of it for parsing 4.8 MB. Plotly was taken nevertheless: it draws SVG, so that a print
is sharp, and light, dark and print are a few lines of CSS over the same drawing, where Bokeh's
canvas would have to be drawn again; it takes plain JSON, so that its Python side is not used.
Its one `new Function` is a fallback that browsers of this century don't reach. It reads a kind of
HTML in labels: `safe.chart_label` escapes it, and what is shown on hover never goes through it.
"""

from al_loop.html import charts
from al_loop.html.blocks import Block, Card, Cards, Cell, Chart, Heading, Note, Prose, Table
from al_loop.html.markdown import markdown
from al_loop.html.points import Coloring, points
from al_loop.html.render import page
from al_loop.html.safe import shorten

__all__ = [
    "Block",
    "Card",
    "Cards",
    "Cell",
    "Chart",
    "Coloring",
    "Heading",
    "Note",
    "Prose",
    "Table",
    "charts",
    "markdown",
    "page",
    "points",
    "shorten",
]
