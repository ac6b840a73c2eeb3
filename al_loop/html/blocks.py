"""What a page is made of. Blocks hold plain texts and numbers; rendering makes them harmless."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeAlias

Cell: TypeAlias = str | int | float | Decimal | None

_SHORT, _WHOLE = 24, 80  # characters of a text that never wraps; of one that is no name any more


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a section; those of level 2 are listed at the top of the page."""

    text: str
    level: Literal[2, 3] = 2


@dataclass(frozen=True, slots=True)
class Prose:
    """One paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark about what the numbers rest on; a warning stands out, and so does what is next."""

    text: str
    kind: Literal["info", "warning", "next"] = "info"


@dataclass(frozen=True, slots=True)
class Card:
    """One fact that is read from afar."""

    title: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards side by side."""

    cards: Sequence[Card]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; `columns` maps the keys of a row to headings.

    Columns of numbers are aligned right. `note` says what was left out. A table that is `folded`
    is a line on the page until it is opened; a print has all of it.
    """

    caption: str
    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Cell]]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing by `charts`, with its message in words for those who can't see it.

    spec: JSON for draw.js: `data` and `layout` of Plotly, or `points` with their `views`.
    height: in CSS pixels; least_width: below it the chart scrolls inside its box.
    numbers: the same as a table, best a folded one.
    """

    title: str
    summary: str
    spec: Mapping[str, Any] = field(repr=False)
    height: int = 340
    least_width: int = 0
    numbers: Table | None = None


Block: TypeAlias = Heading | Prose | Note | Cards | Table | Chart


def cell_text(value: Cell) -> str:
    """Return a value as it is shown: floats with three decimals, nothing as a dash."""
    if value is None:
        return "\N{EN DASH}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def kind(table: Table, key: str) -> Literal["number", "whole", "long"]:
    """Tell what a column holds: numbers, short texts that stay on one line, or longer ones."""
    values = [row[key] for row in table.rows if row.get(key) is not None]
    if values and all(isinstance(v, int | float | Decimal) for v in values):
        return "number"
    return "whole" if all(len(cell_text(v)) <= _SHORT for v in values) else "long"


def folds(table: Table) -> bool:
    """Tell whether a row takes several lines on a phone, since it holds a whole text."""
    cells = (row.get(key) for row in table.rows for key in table.columns)
    return len(table.columns) > 2 and any(len(cell_text(c)) > _WHOLE for c in cells)
