"""A form -> the rows of a screen. Pure; every row fits, whatever the size and the text.

What is on a screen is a text, then the suggestion, then what is typed, then the classes. The
text and the help scroll when they are longer than their place.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from al_loop.cells import samples
from al_loop.labeling.form import NUMBERED, Form, marked, names
from al_loop.labeling.wrap import clean, columns, cut, rows
from al_loop.types import HEADING

#: From so many rows on there is room for empty ones.
_AIRY = 18
_GAP = 2  # columns between two classes beside each other
_KEYS = ("+ new class", "- skip", "# comment", "< undo", "? help", "^D quit")
_HELP = (
    "Enter  takes the suggestion, or the marked class",
    "1-9  take a class of the list",
    "letters  narrow the list down; Esc clears them",
    "arrows  mark a class, Enter takes it",
    "+  asks for a class that is missing",
    "-  skips a text that can't be judged",
    "#  adds a comment to the answer",
    "<  takes the last answer back and shows its text again (also Ctrl-Z)",
    "Space, PgDn, PgUp  scroll a long text",
    "Ctrl-D  quits; every answer is stored already",
)


class Row(NamedTuple):
    """A row of the screen: `style` is dim, bold, marked, or empty."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A whole screen: its rows, where the cursor stands, and the form with its place in it."""

    rows: tuple[Row, ...]
    cursor: tuple[int, int]
    form: Form


def draw(form: Form, width: int, height: int) -> Drawn:
    """Draw a form on a screen of `width` columns and `height` rows."""
    if form.mode == "help":
        return _draw_help(form, width, height)
    gap = [Row("")] if height >= _AIRY else []
    head = [Row(clean(form.ask.title), "dim"), *gap]
    middle = [*gap, *_middle(form, width)]
    tail = [*gap, *_tail(form, width)]
    body = _body(form, width)
    room = max(height - len(head) - len(middle) - len(tail) - 1, 2)
    whole = replace(form, typed="")
    every = [*names(whole), *([HEADING] if _first_new(whole) is not None else [])]
    listed = _list_rows(len(every), _per_row(every, width), room, len(body))
    text, placed = _window(body, form, room - listed)
    above = [*head, *text, *middle]
    prompt, column = _prompt(form, width)
    drawn = [*above, prompt, *_list(placed, width, listed), *tail]
    cursor = (min(len(above), height - 1), min(column, width - 1))
    return Drawn(_fitted(drawn, width, height), cursor, placed)


def _fitted(drawn: Sequence[Row], width: int, height: int) -> tuple[Row, ...]:
    return tuple(Row(cut(row.text, width), row.style) for row in drawn[:height])


def _body(form: Form, width: int) -> list[Row]:
    context = [Row(row, "dim") for row in rows(form.ask.context, width)]
    text = [Row(row, "bold") for row in rows(form.ask.text, width)]
    return [*text, *([Row("")] if context else []), *context]


def _middle(form: Form, width: int) -> list[Row]:
    """Return what is said beside the text: the suggestion, the comment so far."""
    found = []
    if (suggestion := form.ask.suggestion) is not None:
        sure = f" {100 * suggestion.score:.0f} %  Enter accepts"
        name = cut(clean(suggestion.label), max(width - 12 - len(sure), 8))
        found.append(Row(f"suggestion: {name}{sure}"))
    if form.comment and form.mode != "comment":
        found.append(Row(f"comment: {clean(form.comment)}", "dim"))
    return found


def _tail(form: Form, width: int) -> list[Row]:
    """Return a remark, if there is one, and the keys in as few rows as they fit in."""
    lines = [""]
    shown = ("Enter takes it", "Esc goes back") if form.mode != "choose" else _KEYS
    for key in shown:
        longer = f"{lines[-1]}  {key}" if lines[-1] else key
        if columns(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(key)
    note = [Row(clean(form.note), "bold")] if form.note else []
    return [*note, *(Row(line, "dim") for line in lines)]


def _prompt(form: Form, width: int) -> tuple[Row, int]:
    """Return the row where keys appear, of a long line its end, and the column of the cursor."""
    if form.mode == "choose" and marked(form) < 0:
        few = "" if names(form) else ": + names the first class"
        return Row(f"> number or letters{few}", "dim"), 2
    label = {"class": "new class: ", "comment": "comment: "}.get(form.mode, "> ")
    line = clean(form.typed if form.mode == "choose" else form.line)
    while line and columns(label) + columns(line) >= width:
        line = line[1:]
    shown = f"{label}{line}"
    return Row(f"{shown}{_meaning(form)}"), columns(shown)


def _meaning(form: Form) -> str:
    """Return what the marked class means, for those who search; of a candidate some texts."""
    found = names(form)
    place = marked(form)
    name = found[place] if form.mode == "choose" and 0 <= place < len(found) else None
    told = {c.name: samples(c.examples) for c in form.candidates}
    told |= {c.name: c.description for c in form.classes}
    meaning = told.get(name or "", "")
    return f"   {clean(meaning)}" if meaning else ""


def _per_row(every: Sequence[str], width: int) -> int:
    """Return how many classes fit beside each other."""
    widest = max((columns(clean(n)) for n in every), default=0) + 6
    return max(width // widest, 1)


def _list_rows(count: int, beside: int, room: int, body: int) -> int:
    """Return how many rows the list of classes gets; a long text gets half of the room.

    Counted for all classes, so that nothing else moves while the list is narrowed down.
    """
    least = math.ceil(count / beside)
    return max(min(count, max(room - body, min(least, room // 2))), 1)


def _window(body: Sequence[Row], form: Form, size: int) -> tuple[list[Row], Form]:
    """Return the part of the text, or of the help, that is on the screen."""
    size = max(size, 1)
    if len(body) <= size:
        return list(body), replace(form, top=0, page=size)
    page = max(size - 1, 1)
    top = min(form.top, len(body) - page)
    below, above = len(body) - page - top, top
    hidden = ", ".join(f"{n} {where}" for n, where in ((above, "above"), (below, "below")) if n)
    more = [Row(f"... more rows: {hidden} (Space, PgUp)", "dim")] if size > 1 else []
    return [*body[top : top + page], *more], replace(form, top=top, page=page)


def _list(form: Form, width: int, listed: int) -> list[Row]:
    """Return the classes that match what was typed, in as many columns as they need and fit in."""
    if form.mode != "choose":
        return [Row("")] * listed
    found = names(form)
    if not found and form.typed:
        none = Row("no class matches: + asks for a new one, Esc clears")
        return [none, *[Row("")] * (listed - 1)]
    most = len(found) + (_first_new(form) is not None)
    for beside in range(max(math.ceil(most / listed), 1), 0, -1):
        cells = _cells(form, found, beside * listed)
        parts = [cells[i : i + listed] for i in range(0, len(cells), listed)]
        wide = [max(map(columns, part)) + _GAP for part in parts]
        if sum(wide) - _GAP <= width:
            break
    lines = [
        "".join(_pad(part[row], w) for part, w in zip(parts, wide, strict=True) if row < len(part))
        for row in range(listed)
    ]
    return [Row(line.rstrip()) for line in lines]


def _cells(form: Form, found: Sequence[str], room: int) -> list[str]:
    """Return what stands in the list, around the marked class; the last says what is hidden.

    Where there is room for a single one, that is the class which Enter would take.
    """
    new = _first_new(form) if room > 2 else None
    room -= new is not None
    n = len(found) if len(found) <= room else max(room - 1, 1)
    start = min(max(marked(form) - n // 2, 0), len(found) - n)
    cells = [_cell(form, place, found[place]) for place in range(start, start + n)]
    if new is not None and new < start + n:
        cells.insert(max(new - start, 0), f"   {HEADING}")
    more = [f"   ... {len(found) - n} more"] if n < len(found) and room > 1 else []
    return [*cells, *more]


def _first_new(form: Form) -> int | None:
    """Return the place in the list below the heading; a search mixes candidates with classes."""
    return len(form.classes) if form.candidates and not form.typed else None


def _cell(form: Form, place: int, name: str) -> str:
    number = str(place + 1) if place < NUMBERED else " "
    new = " (new)" if name in form.asked else ""
    if form.typed and any(name == c.name for c in form.candidates):
        new = " (new?)"
    return f"{'>' if place == marked(form) else ' '}{number} {clean(name)}{new}"


def _pad(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _draw_help(form: Form, width: int, height: int) -> Drawn:
    about = [f"why this text: {form.ask.why}", "", *_HELP, ""]
    for spec in form.classes:
        about.append(f"{spec.name}: {spec.description}" if spec.description else spec.name)
        about += [f"    e.g. {example}" for example in spec.examples]
    if form.candidates:
        about += ["", f"{HEADING}: groups of similar texts, take one when the text belongs to it"]
    for spec in form.candidates:
        about += [spec.name, *(f"    e.g. {example}" for example in spec.examples)]
    body = [Row(row) for line in about for row in (rows(line, width) or ("",))]
    text, placed = _window(body, form, height - 1)
    shown = [*text, Row("any other key goes back to the text", "dim")]
    return Drawn(_fitted(shown, width, height), (min(len(shown), height) - 1, 0), placed)
