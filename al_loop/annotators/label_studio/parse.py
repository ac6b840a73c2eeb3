"""Annotations as the server exports them -> answers. Tolerant of what it does not need.

Unknown fields are ignored; a missing field that is needed is an error that names it. What
people (or other programs) can put into an annotation is anything: an unknown control, two
choices, no choice, no list at all. Those become answers of the kind 'invalid' or 'empty'.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from al_loop.annotators.label_studio.page import COMMENT, LABEL, MISSING
from al_loop.errors import ServerError
from al_loop.types import Answer, Kind

#: The annotator of an annotation whose account was deleted.
NOBODY = "unknown"
#: The key under which a task's data carries ours.
KEY = "al_id"


def answers_of(
    task: Mapping[str, Any], names: Mapping[int, str], controls: Collection[str]
) -> list[Answer]:
    """Return the answers of one exported task; none for a task that is not ours.

    names: e-mail addresses by user id, for annotations that carry only the number.
    controls: names of the controls on the live page.

    Raises:
        ServerError: a needed field is missing or has another type.
    """
    key = key_of(task)
    if key is None:
        return []
    annotations = _need(task, "annotations", list, "task")
    return [_answer(_mapping(a), key, names, controls) for a in annotations]


def key_of(task: Mapping[str, Any]) -> str | None:
    """Return our key of a task, None for one that was made by hand."""
    data = task.get("data")
    key = data.get(KEY) if isinstance(data, Mapping) else None
    return key if isinstance(key, str) and key else None


def lacks_address(task: Mapping[str, Any]) -> bool:
    """Tell whether an annotation of an exported task says who made it by number only."""
    by = [a.get("completed_by") for a in _list(task.get("annotations")) if isinstance(a, Mapping)]
    return any(b is not None and not (isinstance(b, Mapping) and _text(b.get("email"))) for b in by)


def _answer(
    raw: Mapping[str, Any], key: str, names: Mapping[int, str], controls: Collection[str]
) -> Answer:
    kind, labels, problem = _judge(raw, controls)
    regions = [r for r in _list(raw.get("result")) if isinstance(r, Mapping)]
    suggested = raw.get("prediction")
    return Answer(
        annotation_id=_need(raw, "id", int, "annotation"),
        key=key,
        annotator=_annotator(raw, names),
        kind=kind,
        labels=labels,
        missing="" if kind == "skip" else _typed(regions, MISSING),
        comment=_typed(regions, COMMENT),
        origin=_origin(regions),
        lead_time=_seconds(raw.get("lead_time")),
        model_version=_text(suggested.get("model_version"))
        if isinstance(suggested, Mapping)
        else "",
        created_at=_text(raw.get("created_at")),
        updated_at=_need(raw, "updated_at", str, "annotation"),
        problem=problem,
    )


def _judge(raw: Mapping[str, Any], controls: Collection[str]) -> tuple[Kind, tuple[str, ...], str]:
    """Return (kind, labels, problem). A skip comes first: it may carry the model's label."""
    if raw.get("was_cancelled"):
        return "skip", (), ""
    result = raw.get("result")
    if not isinstance(result, list):
        return "invalid", (), "the result is not a list"
    labels: list[str] = []
    for region in result:
        if not isinstance(region, Mapping):
            return "invalid", (), "a part of the result is not an object"
        name = region.get("from_name")
        if name == LABEL:
            choices = _value(region).get("choices")
            if not isinstance(choices, list) or not all(isinstance(c, str) for c in choices):
                return "invalid", (), "the choice holds no list of names"
            labels += choices
        elif name not in controls:
            return "invalid", (), f"the page has no control {str(name)[:50]!r}"
    if len(labels) > 1:
        return "invalid", tuple(labels), "two choices where one is allowed"
    typed = _typed(result, MISSING)
    return ("label" if labels or typed else "empty"), tuple(labels), ""


def _origin(regions: Iterable[Mapping[str, Any]]) -> str:
    chosen = (r for r in regions if r.get("from_name") == LABEL)
    return next((_text(r.get("origin")) for r in chosen), "")


def _typed(regions: Iterable[Mapping[str, Any]], name: str) -> str:
    """Return what was typed into a field; the server sends a string or a list of them."""
    words: list[str] = []
    for region in regions:
        if region.get("from_name") == name:
            text = _value(region).get("text")
            words += [text] if isinstance(text, str) else map(_text, _list(text))
    return "\n".join(w.strip() for w in words if w.strip())


def _annotator(raw: Mapping[str, Any], names: Mapping[int, str]) -> str:
    """Return who answered: an e-mail address where it is known, else the number.

    A name that changed from one pull to the next would count as an edit of every answer, so
    the annotation's own address comes first: it is there for people who left, too.
    """
    by = raw.get("completed_by")
    if isinstance(by, Mapping):
        if email := _text(by.get("email")):
            return email
        by = by.get("id")
    if by is None and "completed_by" in raw:
        return NOBODY
    if not isinstance(by, int) or isinstance(by, bool):
        raise _unlike("annotation", "completed_by")
    return names.get(by, str(by))


def _seconds(value: object) -> float | None:
    """Return a number that other JSON can hold, too; Python's also reads NaN and Infinity."""
    try:
        seconds = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _need(raw: Mapping[str, Any], name: str, kind: type, what: str) -> Any:
    value = raw.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _unlike(what, name)
    return value


def _unlike(what: str, name: str) -> ServerError:
    return ServerError(
        f"Label Studio sent a {what} without a usable {name!r}: another version?",
        hint="`al-loop doctor` prints the server's version",
    )


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _unlike("task", "annotations")
    return value


def _value(region: Mapping[str, Any]) -> Mapping[str, Any]:
    value = region.get("value")
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
