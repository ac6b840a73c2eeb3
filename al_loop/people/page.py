"""The labeling page: what a person sees there, can do, and what the page then sends."""

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.types import HEADING, split_key

LABEL, MISSING, COMMENT, TEXT = "label", "missing", "comment", "text"


@dataclass(frozen=True)
class Offered:
    """A task on somebody's screen.

    suggestion: the class that came pre-checked, "" if none. candidates: below the heading.
    """

    id: int
    key: str
    text: str
    data: Mapping[str, Any]
    classes: tuple[str, ...]
    suggestion: str = ""
    suggested: Sequence[Mapping[str, Any]] = ()
    prediction_id: int | None = None
    candidates: tuple[str, ...] = ()

    @property
    def item_id(self) -> str:
        """The item behind the task's key."""
        return split_key(self.key)[0]


@dataclass(frozen=True)
class Choice:
    """Ticks a class and submits. `seconds` is how long the person looked at the text."""

    label: str
    comment: str = ""
    seconds: float = 4.0


@dataclass(frozen=True)
class Missing:
    """Finds no fitting class and writes one down; a pre-checked class may be left as it is."""

    name: str
    keep_suggestion: bool = False
    comment: str = ""
    seconds: float = 8.0


@dataclass(frozen=True)
class Skip:
    """Presses Skip."""

    seconds: float = 2.0


Decision = Choice | Missing | Skip


def choices(label_config: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what people see on the page: (classes, candidates), each in its order."""
    root = ET.fromstring(label_config)  # noqa: S314  of a server that the tests or the demo own
    control = next((e for e in root.iter("Choices") if e.get("name") == LABEL), root)
    unseen = [
        choice
        for view in control.iter("View")
        if "display:none" in view.get("style", "")
        for choice in view.iter("Choice")
    ]
    names: tuple[list[str], list[str]] = ([], [])
    below = False
    for element in control.iter():
        below = below or (element.tag == "Header" and element.get("value") == HEADING)
        if element.tag == "Choice" and element not in unseen:
            names[below].append(element.get("value", ""))
    return tuple(names[0]), tuple(names[1])


def ticked(result: Sequence[Mapping[str, Any]]) -> str:
    """Return the class that a prediction or an annotation ticks, "" if none."""
    for region in result:
        if region.get("from_name") == LABEL and region["value"].get("choices"):
            return str(region["value"]["choices"][0])
    return ""


def build_result(email: str, task: Offered, decision: Decision) -> list[dict[str, Any]]:
    """Build the regions of an annotation as the labeling page does."""
    untouched = [{**region, "origin": "prediction"} for region in task.suggested]
    if isinstance(decision, Skip):
        return untouched
    if isinstance(decision, Missing):
        result = untouched if decision.keep_suggestion else []
        result.append(_region(email, task, MISSING, "textarea", {"text": [decision.name]}))
    elif decision.label == task.suggestion:
        result = untouched
    else:
        region = _region(email, task, LABEL, "choices", {"choices": [decision.label]})
        if task.suggestion:  # the click moves the tick, the region stays the same
            region |= {"id": task.suggested[0].get("id"), "origin": "prediction-changed"}
        result = [region]
    if decision.comment:
        result.append(_region(email, task, COMMENT, "textarea", {"text": [decision.comment]}))
    return result


def _region(
    email: str, task: Offered, control: str, kind: str, value: dict[str, Any]
) -> dict[str, Any]:
    name = hashlib.sha256(f"{email}/{task.id}/{control}".encode()).hexdigest()[:10]
    return {
        "id": name,
        "from_name": control,
        "to_name": TEXT,
        "type": kind,
        "value": value,
        "origin": "manual",
    }
