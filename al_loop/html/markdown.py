"""The same blocks as Markdown: charts become their summary and their numbers."""

import re
from collections.abc import Iterable, Iterator, Sequence

from al_loop.html.blocks import (
    Block,
    Cards,
    Cell,
    Chart,
    Heading,
    Note,
    Prose,
    Table,
    cell_text,
    kind,
)
from al_loop.html.safe import visible

#: What Markdown, or the HTML in it, would take for more than a letter.
_ACTIVE = re.compile(r"([\\`*_\[\]|~])")
_ENTITIES = {ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;"}


def markdown(title: str, blocks: Sequence[Block], *, made_at: str = "") -> str:
    """Return a page as Markdown, every text in it escaped."""
    parts = [f"# {_text(title)}", *(part for b in blocks for part in _block(b))]
    if made_at:
        parts.append(f"Numbers as of {_text(made_at)}.")
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, level):
            yield f"{'#' * level} {_text(text)}"
        case Prose(text):
            yield _text(text)
        case Note(text):
            yield f"> {_text(text)}"
        case Cards(cards):
            lines = (
                f"- **{_text(c.title)}**: {_text(c.value)}"
                + (f"; {_text(c.detail)}" * bool(c.detail))
                for c in cards
            )
            yield "\n".join(lines)
        case Table():
            yield from _table(block)
        case Chart():
            yield f"**{_text(block.title)}**: {_text(block.summary)}"
            if block.numbers:
                yield from _table(block.numbers)


def _table(table: Table) -> Iterator[str]:
    yield f"*{_text(table.caption)}*"
    if table.rows:
        marks = ["---:" if kind(table, key) == "number" else "---" for key in table.columns]
        lines = [_row(table.columns.values()), f"| {' | '.join(marks)} |"]
        yield "\n".join([*lines, *(_row(row.get(k) for k in table.columns) for row in table.rows)])
    if table.note:
        yield _text(table.note)


def _row(cells: Iterable[Cell]) -> str:
    return f"| {' | '.join(_text(cell_text(c)) for c in cells)} |"


def _text(text: str) -> str:
    line = " ".join(visible(text).split())
    return _ACTIVE.sub(r"\\\1", line).translate(_ENTITIES)
