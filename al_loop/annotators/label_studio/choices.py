"""The control for the class on the labeling page: what can be ticked, and in which order.

Known classes come first, then, below a heading, candidates. All are choices of one control: a
second one could not be taken off the page any more once it is used. A name that is gone can't
be taken off either while an answer has it: it stays in a part of the control that nobody sees.
"""

import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Iterator, Mapping

from al_loop.cells import samples
from al_loop.types import HEADING, Offer

#: Keys are faster than reading, as long as people can remember them.
HOTKEYS = "1234567890qwertasdfg"
_UNSEEN = "al-loop-gone"
#: Browsers give every choice without a key the next free one, which would tick what nobody sees.
_NO_KEY = "ctrl+alt+shift+f19"


def visible(choices: ET.Element) -> list[ET.Element]:
    """Return the choices that people see, in the order of the page."""
    unseen = _unseen(choices)
    return [c for c in choices.iter("Choice") if unseen is None or c not in unseen]


def arrange(
    choices: ET.Element, offer: Offer, unused: Collection[str], said: Mapping[str, str]
) -> None:
    """Let people choose what is offered, and nothing that is gone; whatever else is there stays.

    unused: names that no answer has; they are taken off, others that are gone are hidden.
    said: descriptions in the live instructions. A hint that says the same is ours, and changes
        when the class is described anew.
    """
    found = {c.get("value", ""): c for c in choices.iter("Choice")}
    _retire(choices, [found[name] for name in offer.gone if name in found], unused)
    heading = next((e for e in choices if e.tag == "Header" and e.get("value") == HEADING), None)
    if heading is None and offer.candidates:
        heading = ET.Element("Header", {"value": HEADING})
        _insert(choices, heading, _unseen(choices))
    moved = _add_classes(choices, offer, found, heading, said)
    moved += _add_candidates(choices, offer, found, heading)
    _add_hotkeys(choices, moved)
    if heading is not None and not offer.candidates:
        choices.remove(heading)
    if (unseen := _unseen(choices)) is not None and len(unseen) == 0:
        choices.remove(unseen)


def _retire(choices: ET.Element, gone: Iterable[ET.Element], unused: Collection[str]) -> None:
    """Take choices off, or hide those that answers may have."""
    unseen = _unseen(choices)
    for element in gone:
        if unseen is not None and element in unseen:
            continue
        _take_out(choices, element)
        if element.get("value") in unused:
            continue
        if unseen is None:
            attributes = {"className": _UNSEEN, "style": "display:none"}
            unseen = ET.SubElement(choices, "View", attributes)
        element.set("hotkey", _NO_KEY)
        unseen.append(element)


def _add_classes(
    choices: ET.Element,
    offer: Offer,
    found: Mapping[str, ET.Element],
    heading: ET.Element | None,
    said: Mapping[str, str],
) -> list[ET.Element]:
    """Show the known classes above the heading; return those that are new there.

    Each comes before the next one: a class with another name stands where it stood.
    """
    low = _below(choices, heading)
    new: list[ET.Element] = []
    before = heading
    for spec in reversed(offer.classes):
        element = found.get(spec.name)
        if element is None or element in low:
            element = _put(choices, element, spec.name, spec.description, before)
            new.insert(0, element)
        elif " ".join(element.get("hint", "").split()) == said.get(spec.name, ""):
            _hint(element, spec.description)
        before = element if element in list(choices) else before
    return new


def _add_candidates(
    choices: ET.Element,
    offer: Offer,
    found: Mapping[str, ET.Element],
    heading: ET.Element | None,
) -> Iterator[ET.Element]:
    """Show the candidates below the heading; yield those that are new there."""
    unseen = _unseen(choices)
    low = [e for e in _below(choices, heading) if unseen is None or e not in unseen]
    for spec in offer.candidates:
        element, hint = found.get(spec.name), samples(spec.examples)
        if element is None or element not in low:
            yield _put(choices, element, spec.name, hint, None)
        else:
            _hint(element, hint)


def _below(choices: ET.Element, heading: ET.Element | None) -> list[ET.Element]:
    """Return the choices below the heading, and those that nobody sees."""
    unseen = _unseen(choices)
    start = unseen if heading is None else heading
    if start is None:
        return []
    after = list(choices)[list(choices).index(start) :]
    return [choice for element in after for choice in element.iter("Choice")]


def _unseen(choices: ET.Element) -> ET.Element | None:
    return next((e for e in choices if e.get("className") == _UNSEEN), None)


def _put(
    choices: ET.Element,
    element: ET.Element | None,
    name: str,
    hint: str,
    before: ET.Element | None,
) -> ET.Element:
    """Show a choice before another element, or as the last one that is seen, and return it."""
    if element is None:
        element = ET.Element("Choice", {"value": name})
    else:
        _take_out(choices, element)
    if element.get("hotkey") == _NO_KEY:
        del element.attrib["hotkey"]
    _insert(choices, element, _unseen(choices) if before is None else before)
    _hint(element, hint)
    return element


def _insert(choices: ET.Element, element: ET.Element, before: ET.Element | None) -> None:
    place = len(choices) if before is None else list(choices).index(before)
    choices.insert(place, element)


def _take_out(choices: ET.Element, element: ET.Element) -> None:
    next(parent for parent in choices.iter() if element in parent).remove(element)


def _hint(element: ET.Element, hint: str) -> None:
    if hint:
        element.set("hint", hint)
    else:
        element.attrib.pop("hint", None)


def _add_hotkeys(choices: ET.Element, new: Iterable[ET.Element]) -> None:
    """Give choices keys, as long as there are few; keys that an administrator gave stay."""
    shown = visible(choices)
    used = {c.get("hotkey") for c in shown}
    free = (key for key in HOTKEYS if key not in used)
    for element in new if len(shown) <= len(HOTKEYS) else ():
        if not element.get("hotkey") and (key := next(free, "")):
            element.set("hotkey", key)
