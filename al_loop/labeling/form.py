"""What a person does with one text: a form and a key make another form, or a reply. Pure.

Letters narrow the list of classes down, so that commands are signs, and Ctrl keys. That holds
for three classes as for eighty: a key must not change its meaning when a class is added.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, TypeAlias

from al_loop.data.text import fold, name_fault, normalize
from al_loop.labeling import keys
from al_loop.labels import by_folded_name
from al_loop.types import ClassSpec, Suggestion

NUMBERED = 9  # classes with a key of their own


@dataclass(frozen=True, slots=True)
class Ask:
    """One text as it is shown. `suggestion` is None on a blind one, `why` for those who ask."""

    text: str
    context: str
    suggestion: Suggestion | None
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, in the terms of Label Studio's page."""

    kind: Literal["label", "skip"]
    labels: tuple[str, ...] = ()
    missing: str = ""
    comment: str = ""
    origin: str = ""


class Go(Enum):
    """What else ends a form: back to the text before, or out."""

    BACK = "back"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Form:
    """The form as far as it is filled in.

    classes: those that are known; `candidates`: groups of texts that may be classes; `asked`:
        names that people asked for and nobody accepted yet.
    typed: letters that narrow the list down; `marked` is a place in what is left of it, or -1.
    mode: choosing, entering a line (a new class or a comment), or reading the help.
    line: what is entered. top: the first row of the text, or of the help, that is on the screen;
        `page` is how many of its rows fit there, as the last drawing found.
    """

    ask: Ask
    classes: Sequence[ClassSpec]
    candidates: Sequence[ClassSpec] = ()
    asked: Sequence[str] = ()
    typed: str = ""
    marked: int = -1
    mode: Literal["choose", "class", "comment", "help"] = "choose"
    line: str = ""
    comment: str = ""
    top: int = 0
    page: int = 1
    note: str = ""


Next: TypeAlias = Form | Said | Go


def press(form: Form, key: str) -> Next:
    """Return what follows from a key."""
    if key == keys.LEAVE:
        return Go.OUT
    form = replace(form, note="")
    if (scrolled := _scroll(form, key)) is not None:
        return scrolled
    match form.mode:
        case "choose":
            return _choose(form, key)
        case "help":
            return replace(form, mode="choose", top=0)
    return _enter(form, key)


def names(form: Form) -> list[str]:
    """Return the classes that match what was typed, best first, else in their own order."""
    ranks = [(_rank(name, form.typed), name) for name in _every(form)]
    return [n for _, n in sorted((r for r in ranks if r[0] < _NO_MATCH), key=lambda r: r[0])]


def _every(form: Form) -> list[str]:
    return [*(c.name for c in (*form.classes, *form.candidates)), *form.asked]


def marked(form: Form) -> int:
    """Return the place of the class that Enter takes, -1 for none: of a search the first."""
    return max(form.marked, 0) if form.typed else form.marked


_NO_MATCH = 5


def _rank(name: str, typed: str) -> int:
    """Tell how well a name matches: the whole, its beginning, that of words, any part.

    Signs count first, so that C++ and C# can be told apart, and may stand for a blank else.
    """
    if (written := fold(name)).startswith(literal := fold(typed)):
        return 0 if written == literal else 1
    words, parts = (re.split(r"[\W_]+", text) for text in (written, literal))
    whole, sought = " ".join(words), " ".join(parts).strip()
    if sought and whole.startswith(sought):
        return 2
    if sought and all(any(word.startswith(part) for word in words) for part in parts):
        return 3
    return 4 if literal in written or (sought and sought in whole) else _NO_MATCH


def _scroll(form: Form, key: str) -> Form | None:
    step = max(form.page - 1, 1)
    blank = key == " " and form.mode in ("choose", "help") and not form.typed
    if form.mode == "help" and key in (keys.UP, keys.DOWN):
        return replace(form, top=max(form.top + (1 if key == keys.DOWN else -1), 0))
    if key == keys.PAGE_DOWN or blank:
        return replace(form, top=form.top + step)
    if key == keys.PAGE_UP:
        return replace(form, top=max(form.top - step, 0))
    return None


def _choose(form: Form, key: str) -> Next:
    found = names(form)
    if key == keys.ENTER:
        return _take(form, found)
    if key in "123456789":
        place = int(key)
        if place <= len(found):
            return _label(form, found[place - 1])
        return replace(form, note=f"there is no class {place} here")
    if key == keys.UNDO or (key == "<" and not form.typed):
        return Go.BACK
    if key in (keys.UP, keys.DOWN):
        place = marked(form) + (1 if key == keys.DOWN else -1)
        return replace(form, marked=min(max(place, 0), len(found) - 1))
    if key == "+" and not _names_go_on(form, key):
        return replace(form, mode="class", line=form.typed, typed="", marked=-1)
    return _command(form, key)


def _names_go_on(form: Form, sign: str) -> bool:
    """Tell whether a sign belongs to a name, as in C++, and not to the commands."""
    return bool(form.typed) and any(fold(form.typed + sign) in fold(n) for n in _every(form))


def _command(form: Form, key: str) -> Next:
    """Commands that are signs: as long as nothing is typed, since they occur in names, too."""
    match key:
        case "-" if not form.typed:
            # Label Studio's page sends the pre-checked suggestion along with a skip.
            origin = "prediction" if form.ask.suggestion else ""
            return Said("skip", comment=form.comment, origin=origin)
        case "#" if not form.typed:
            return replace(form, mode="comment", line=form.comment)
        case "?" if not form.typed:
            return replace(form, mode="help", top=0)
        case keys.ESCAPE | keys.CLEAR:
            return replace(form, typed="", marked=-1)
        case keys.BACKSPACE:
            return replace(form, typed=form.typed[:-1], marked=-1)
    return replace(form, typed=form.typed + key, marked=-1) if len(key) == 1 else form


def _take(form: Form, found: Sequence[str]) -> Next:
    """Enter: the marked class, the first that matches, or the suggestion."""
    place = marked(form)
    if place >= 0:
        return _label(form, found[place]) if found else form
    if form.ask.suggestion is not None:
        return _label(form, form.ask.suggestion.label)
    return replace(form, note="nothing is suggested for this text: choose a class")


def _label(form: Form, name: str) -> Said:
    """Answer with a class or a candidate, or ask for a class that is neither."""
    offered = (*form.classes, *form.candidates)
    known = by_folded_name(c.name for c in offered).get(fold(normalize(name)))
    suggested = form.ask.suggestion.label if form.ask.suggestion else None
    if known is None and name != suggested:
        return Said("label", missing=name, comment=form.comment)
    label = known or name
    if suggested is None:
        origin = "manual"
    else:
        origin = "prediction" if label == suggested else "prediction-changed"
    return Said("label", (label,), comment=form.comment, origin=origin)


def _enter(form: Form, key: str) -> Next:
    """Edit the line; Enter takes it."""
    match key:
        case keys.ENTER:
            return _entered(form)
        case keys.ESCAPE:
            return replace(form, mode="choose", line="")
        case keys.BACKSPACE:
            return replace(form, line=form.line[:-1])
        case keys.CLEAR:
            return replace(form, line="")
    return replace(form, line=form.line + key) if len(key) == 1 else form


def _entered(form: Form) -> Next:
    line = normalize(form.line)
    if form.mode == "comment":
        return replace(form, mode="choose", line="", comment=line)
    if not line:
        return replace(form, mode="choose", line="")
    if problem := name_fault(line):
        return replace(form, note=f"this name {problem}")
    return _label(form, line)
