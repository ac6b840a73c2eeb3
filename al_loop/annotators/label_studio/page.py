"""The page where people label: its XML, its instructions, and what a prediction looks like.

A live page is only ever added to. Classes may be removed in Label Studio without a warning
even when answers use them, so al-loop never removes or renames one; whatever an administrator
added to the page stays.
"""

import hashlib
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from html import escape, unescape
from typing import Any

from al_loop.errors import InputError
from al_loop.types import ClassSpec, Suggestion

#: Names of the controls on the page; answers refer to them as `from_name`.
LABEL, MISSING, COMMENT = "label", "missing", "comment"
TEXT, CONTEXT = "text", "context"
#: Keys are faster than reading, as long as people can remember them.
HOTKEYS = "1234567890qwertasdfg"

#: The server strips comments from the instructions, a class attribute stays.
_MARK = re.compile(r'<div class="al-loop-([0-9a-f]{12})">')


def grown(live: str, classes: Sequence[ClassSpec], *, context: bool) -> str | None:
    """Return the page `live` with what it lacks, or None when it lacks nothing.

    An empty page becomes a whole one. `context` asks for a second text beside the first.

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
    if classes:  # the server refuses a choice without choices
        choices = _choices(root)
        _add_classes(choices, classes)
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
    """Return the classes that people can choose on a page, in its order."""
    choices = _named(parsed(live), LABEL)
    return [] if choices is None else [c.get("value", "") for c in choices.iter("Choice")]


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


def _add_classes(choices: ET.Element, classes: Sequence[ClassSpec]) -> None:
    known = {c.get("value") for c in choices.iter("Choice")}
    new = [c for c in classes if c.name not in known]
    few = len(known) + len(new) <= len(HOTKEYS)
    used = {c.get("hotkey") for c in choices.iter("Choice")}
    free = iter([key for key in HOTKEYS if key not in used] if few else [])
    for spec in new:
        attributes = {"value": spec.name}
        if key := next(free, ""):
            attributes["hotkey"] = key
        if spec.description:
            attributes["hint"] = spec.description
        ET.SubElement(choices, "Choice", attributes)


def _add_filter(root: ET.Element, choices: ET.Element) -> None:
    """Give a long list of classes a field that narrows it down while people type."""
    if sum(1 for _ in choices.iter("Choice")) <= len(HOTKEYS):
        return
    if any(e.tag == "Filter" and e.get("toName") == LABEL for e in root.iter()):
        return
    choices.set("layout", "inline")
    parent, place = _place(root, choices)
    attributes = {"toName": LABEL, "minlength": "0", "placeholder": "Type to filter"}
    parent.insert(place - 1, ET.Element("Filter", attributes))


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


def instructions(classes: Sequence[ClassSpec]) -> str:
    """Return the HTML of the instructions: every class with its definition and examples.

    Its frame carries a mark made of its content, so that `may_replace` can tell what an
    administrator has edited.
    """
    parts = [
        "<p>Choose the class that fits best. A suggestion of the model is only a guess: "
        "change it when it is wrong. If none of the classes fits, type the name of the "
        "missing class. Skip what can't be judged.</p>"
    ]
    parts += [_definition(spec) for spec in classes if spec.description or spec.examples]
    body = "\n".join(parts)
    return f'<div class="al-loop-{_hash(body)}">\n{body}\n</div>'


def may_replace(live: str, wanted: str) -> bool:
    """Tell whether the instructions say something else and nobody edited them since ours."""
    if _hash(live) == _hash(wanted):
        return False
    mark = _MARK.search(live)
    return mark[1] == _hash(live) if mark else not live.strip()


def _definition(spec: ClassSpec) -> str:
    examples = "".join(f"<li>{escape(example)}</li>" for example in spec.examples)
    listed = f"<ul>{examples}</ul>" if examples else ""
    return f"<p><b>{escape(spec.name)}</b> {escape(spec.description)}</p>{listed}"


def _hash(html: str) -> str:
    """Hash what is seen: the server rewrites tags and entities."""
    seen = " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
    return hashlib.sha256(seen.encode()).hexdigest()[:12]


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
