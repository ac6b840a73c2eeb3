"""The page where people label: its XML, and what a prediction looks like.

Classes may be removed in Label Studio without a warning even when answers use them, so al-loop
never removes one that is in use, and never renames one: it is hidden. Whatever an administrator
added to the page stays.
"""

import math
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from al_loop.annotators.label_studio import instructions
from al_loop.annotators.label_studio.choices import HOTKEYS, arrange, visible
from al_loop.errors import InputError
from al_loop.types import Offer, Suggestion

#: Names of the controls on the page; answers refer to them as `from_name`.
LABEL, MISSING, COMMENT = "label", "missing", "comment"
TEXT, CONTEXT = "text", "context"


def grown(
    live: str, offer: Offer, *, context: bool, unused: Collection[str] = (), said: str = ""
) -> str | None:
    """Return the page `live` with what it lacks, or None when it lacks nothing.

    An empty page becomes a whole one. `context` asks for a second text beside the first,
    `unused` are names that are gone and that no answer on the server has; `said` are the live
    instructions.

    Raises:
        InputError: the page is not ours and can't be extended.
    """
    root = parsed(live)
    before = ET.tostring(root, encoding="unicode")
    if len(root) == 0:
        ET.SubElement(root, "Text", {"name": TEXT, "value": f"${TEXT}"})
    _check(root)
    if context and _named(root, CONTEXT) is None:
        _add_context(root)
    if offer.classes or offer.candidates:  # the server refuses a choice without choices
        choices = _choices(root)
        arrange(choices, offer, unused, instructions.described(said))
        _add_filter(root, choices)
    for name, words in (
        (MISSING, "Is a class missing? Type its name"),
        (COMMENT, "A comment, if you like"),
    ):
        if _named(root, name) is None:
            ET.SubElement(root, "TextArea", _text_area(name, words))
    after = ET.tostring(root, encoding="unicode")
    return after if after != before else None


def class_names(live: str) -> list[str]:
    """Return what people can choose on a page, in its order: classes and candidates."""
    choices = _named(parsed(live), LABEL)
    return [] if choices is None else [c.get("value", "") for c in visible(choices)]


def control_names(live: str) -> set[str]:
    """Return the names of everything on a page that an answer can come from."""
    return {e.get("name", "") for e in parsed(live).iter() if e.get("toName")}


def parsed(live: str) -> ET.Element:
    """Return the elements of a page.

    Raises:
        InputError: not well-formed, or with entities of its own, which could grow without end.
    """
    if not live.strip():
        return ET.Element("View")
    if "<!DOCTYPE" in live or "<!ENTITY" in live:
        raise InputError(
            "the labeling page of the project declares XML entities",
            hint="take its DOCTYPE out, in the project's settings under Labeling Interface",
        )
    try:
        return ET.fromstring(live)  # noqa: S314  no entities, checked above
    except ET.ParseError as error:
        raise InputError(
            f"the labeling page of the project is not well-formed XML ({error})",
            hint="mend it in the project's settings under Labeling Interface",
        ) from None


def _named(root: ET.Element, name: str) -> ET.Element | None:
    return next((e for e in root.iter() if e.get("name") == name), None)


def _check(root: ET.Element) -> None:
    """Refuse a page that shows no text of ours, or asks for something else only."""
    found = _named(root, LABEL)
    controls = {e.get("name") for e in root.iter() if e.get("toName") and e.tag != "Filter"}
    if _named(root, TEXT) is None or (found is None and controls - {MISSING, COMMENT}):
        raise InputError(
            "the project's labeling page is not one that al-loop can use",
            hint='it needs <Text name="text" value="$text"/> and '
            '<Choices name="label" toName="text" choice="single">; or use another project',
        )
    single = ("single", "single-radio")
    if found is not None and (
        found.tag != "Choices" or found.get("choice", "single") not in single
    ):
        raise InputError(
            "the control 'label' on the project's labeling page is not a single choice",
            hint='it has to be <Choices name="label" toName="text" choice="single">',
        )


def _choices(root: ET.Element) -> ET.Element:
    """Return the control for the class, made below the texts when there is none."""
    found = _named(root, LABEL)
    if found is None:
        found = ET.Element("Choices", {"name": LABEL, "toName": TEXT, "choice": "single"})
        parent, place = _place(
            root, _named(root, CONTEXT if _named(root, CONTEXT) is not None else TEXT)
        )
        parent.insert(place, found)
    return found


def _add_filter(root: ET.Element, choices: ET.Element) -> None:
    """Give a long list of classes a field that narrows it down while people type."""
    found = next((e for e in root.iter("Filter") if e.get("toName") == LABEL), None)
    if found is None and len(visible(choices)) > len(HOTKEYS):
        choices.set("layout", "inline")  # the only one that shows headings and can be filtered
        parent, place = _place(root, choices)
        attributes = {"toName": LABEL, "minlength": "0", "placeholder": "Type to filter"}
        found = ET.Element("Filter", attributes)
        parent.insert(place - 1, found)
    if found is not None and not found.get("name"):
        found.set("name", "filter")  # without one the server takes the page, the browser doesn't


def _text_area(name: str, words: str) -> dict[str, str]:
    return {
        "name": name,
        "toName": TEXT,
        "rows": "1",
        "maxSubmissions": "1",
        "editable": "true",
        "required": "false",
        "placeholder": words,
    }


def _add_context(root: ET.Element) -> None:
    """Show the kept columns right below the text."""
    parent, place = _place(root, _named(root, TEXT))
    parent.insert(place, ET.Element("Text", {"name": CONTEXT, "value": f"${CONTEXT}"}))


def _place(root: ET.Element, element: ET.Element | None) -> tuple[ET.Element, int]:
    """Return the parent of an element of the page and the place right after the element."""
    parent = next(p for p in root.iter() if any(e is element for e in p))
    return parent, [e is element for e in parent].index(True) + 1


def prediction(suggestion: Suggestion, model_version: str) -> dict[str, Any]:
    """Return a suggestion in Label Studio's form."""
    return {
        "model_version": model_version,
        "score": suggestion.score,
        "result": [
            {
                "from_name": LABEL,
                "to_name": TEXT,
                "type": "choices",
                "value": {"choices": [suggestion.label]},
            }
        ],
    }


def suggested(raw: Mapping[str, Any]) -> str | None:
    """Return the class of a prediction as the server sends it, None when it is not one of ours."""
    try:
        (region,) = raw["result"]
        (label,) = region["value"]["choices"]
    except (KeyError, TypeError, ValueError):
        return None
    return str(label) if region.get("from_name") == LABEL else None


def check_suggestions(live: str, suggestions: Iterable[Suggestion]) -> None:
    """Refuse suggestions that do not fit the page: the server would store them unseen.

    Raises:
        InputError: a class that is not on the page, or a score outside [0, 1].
    """
    labels: set[str] = set()
    for each in suggestions:
        if not (math.isfinite(each.score) and 0 <= each.score <= 1):
            raise InputError(f"a suggestion of {each.label!r} has the score {each.score}")
        labels.add(each.label)
    # The SDK's own validator says the same (a test compares them), but takes 0.4 s to import.
    for label in sorted(labels.difference(class_names(live))):
        raise InputError(
            f"the class {label!r} can't be suggested: it is not on the labeling page",
            hint=f"add it with `al-loop classes add {label!r}`",
        )
