"""Which control of a labeling page that others made is the class, and which data its text.

al-loop knows one class a text: a single choice on one text. Everything else on a page is named
and left alone; a page without such a choice is refused.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.annotators.label_studio import page
from al_loop.cells import shorten
from al_loop.errors import InputError
from al_loop.types import ClassSpec

_SINGLE = ("single", "single-radio")
_TEXTS = ("Text", "HyperText")
#: ``$text`` or ``${text}``, a path like ``$mail.body`` included; nothing before or after it.
_VARIABLE = re.compile(r"\$(?:\{([^${}\s]+)\}|([^${}\s]+))")


@dataclass(frozen=True, slots=True)
class Control:
    """The control that is the class.

    field: of the task's data, that holds the text; empty where the page does not tell.
    names: of everything on the page that an answer can come from.
    others: what else people fill in there, for people.
    """

    name: str
    field: str
    classes: tuple[ClassSpec, ...]
    names: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One control; `unfit` says why it can't be the class."""

    name: str
    what: str
    unfit: str = ""
    field: str = ""
    shows: str = ""
    classes: Sequence[ClassSpec] = ()

    def __str__(self) -> str:
        return f"{shorten(self.name, 40)} ({self.unfit or self.what})"


def of_page(label_config: str, where: str, *, named: str = "", text: str = "") -> Control:
    """Return the control of a page that is the class.

    where: what the page is of, for messages.
    named, text: name of the control, field of the data, as the user asked.

    Raises:
        InputError: there is none, or several fit.
    """
    root = page.parsed(label_config)
    objects = {e.get("name"): e for e in root.iter() if not e.get("toName")}
    found = [_candidate(e, objects) for e in root.iter() if e.get("toName") and e.tag != "Filter"]
    chosen = _only(found, where, named, text)
    if not (text or chosen.field):
        raise InputError(
            f"{where}: the page shows {shorten(chosen.shows)!r}, no single field of the data",
            hint="name the field that is the text: --text COL",
        )
    return _control(chosen, found, text)


def of_answers(
    tasks: Sequence[Mapping[str, Any]], where: str, *, named: str = "", text: str = ""
) -> Control:
    """Return the control that is the class, as far as answers without their page tell.

    One that is named may have answers with several choices; those count for no class.

    Raises:
        InputError: no answer holds a choice, or several controls fit.
    """
    labels: dict[str, dict[str, None]] = {}
    unfit: dict[str, str] = {}
    for name, kind, values in _regions(tasks):
        labels.setdefault(name, {}).update(dict.fromkeys(values))
        if kind != "choices":
            unfit[name] = kind
        elif len(values) > 1 and name != named:
            unfit[name] = "Choices, several in one answer"
    found = [
        _Candidate(
            name,
            "Choices",
            unfit.get(name, ""),
            classes=[ClassSpec(label) for label in sorted(labels[name])],
        )
        for name in labels
    ]
    return _control(_only(found, where, named, ""), found, text)


def _regions(tasks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (control, its kind, choices) of every part of an answer that is not a skip."""
    for annotation in (a for task in tasks for a in task["annotations"] if isinstance(a, dict)):
        result = annotation.get("result")
        parts = result if isinstance(result, list) and not annotation.get("was_cancelled") else ()
        for region in parts:
            value = region.get("value") if isinstance(region, dict) else None
            if isinstance(value, dict) and isinstance(name := region.get("from_name"), str):
                choices = value.get("choices")
                texts = choices if isinstance(choices, list) else []
                yield name, str(region.get("type")), [c for c in texts if isinstance(c, str)]


def _candidate(element: ET.Element, objects: Mapping[str | None, ET.Element]) -> _Candidate:
    target = objects.get(element.get("toName"))
    shows = "" if target is None else target.get("value", "")
    variable = _VARIABLE.fullmatch(shows.strip())
    return _Candidate(
        name=element.get("name", ""),
        what=element.tag,
        unfit=_unfit(element, target),
        field=(variable[1] or variable[2]) if variable else "",
        shows=shows,
        classes=tuple(_classes(element)),
    )


def _unfit(element: ET.Element, target: ET.Element | None) -> str:
    """Say why a control is not the class of a text; empty when it can be."""
    if element.tag != "Choices":
        return element.tag
    choices = list(element.iter("Choice"))
    reasons: Sequence[tuple[str, Callable[[], bool]]] = (
        ("Choices, several allowed", lambda: element.get("choice", "single") not in _SINGLE),
        ("Choices for a part of the text", lambda: _on(element, "perRegion", "perItem")),
        ("nested Choices", lambda: any(c.find(".//Choice") is not None for c in choices)),
        ("Choices from the data of the tasks", lambda: bool(element.get("value"))),
        ("Choices without a choice", lambda: not choices),
        ("Choices on no single text", lambda: target is None or target.tag not in _TEXTS),
        (
            "Choices on texts that are addresses",
            lambda: target is not None and target.get("valueType", "").lower() == "url",
        ),
    )
    return next((reason for reason, holds in reasons if holds()), "")


def _on(element: ET.Element, *names: str) -> bool:
    return any(element.get(name, "").lower() == "true" for name in names)


def _classes(element: ET.Element) -> list[ClassSpec]:
    """Return the classes in the page's order; an alias is what stands in the answers."""
    found: dict[str, ClassSpec] = {}
    for choice in element.iter("Choice"):
        value, alias = choice.get("value", ""), choice.get("alias", "")
        name = (alias or value).strip()
        if name:
            hint = choice.get("hint", "") or (value if alias else "")
            found.setdefault(name, ClassSpec(name, hint))
    return list(found.values())


def _only(found: Sequence[_Candidate], where: str, named: str, text: str) -> _Candidate:
    """Return the one control that fits, of those that were asked for."""
    listed = ", ".join(map(str, found)) or "nothing to fill in"
    asked = [c for c in found if c.name == named] if named else found
    if named and not asked:
        raise InputError(
            f"{where}: there is no control {shorten(named, 40)}; found: {listed}",
            hint="name one of them: --control NAME",
        )
    fitting = [c for c in asked if not c.unfit]
    if text and len(fitting) > 1:
        fitting = [c for c in fitting if c.field == text] or fitting
    if not fitting:
        raise InputError(
            f"{where} has no single choice for a whole text; found: {listed}",
            hint="one class a text can be adopted; an export with its page: --label-config FILE",
        )
    if len(fitting) > 1:
        raise InputError(
            f"{where}: several controls could be the class: {', '.join(map(str, fitting))}",
            hint=f"name one: --control {shorten(fitting[0].name, 40)}",
        )
    return fitting[0]


def _control(chosen: _Candidate, found: Sequence[_Candidate], text: str) -> Control:
    return Control(
        name=chosen.name,
        field=text or chosen.field,
        classes=tuple(chosen.classes),
        names=frozenset(c.name for c in found),
        others=tuple(str(c) for c in found if c is not chosen),
    )
