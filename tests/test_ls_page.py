"""The labeling page: well-formed for any class name, and only ever added to."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface.interface import LabelInterface

from al_loop.annotators.label_studio import page
from al_loop.annotators.label_studio.instructions import instructions, may_replace
from al_loop.errors import InputError
from al_loop.types import ClassSpec, Offer

NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), max_codepoint=0x2FFFF), min_size=1, max_size=20
).filter(lambda s: s.strip() == s)


def specs(*names):
    return [ClassSpec(name) for name in names]


def fresh(classes, *, context=False):
    return page.grown("<View></View>", Offer(classes), context=context)


def tags(config):
    return [e.tag for e in ET.fromstring(config).iter()]


def test_a_fresh_page_has_text_choices_and_two_fields():
    config = fresh([ClassSpec("bug", 'It "breaks" <often>'), ClassSpec("refund")])
    assert tags(config) == ["View", "Text", "Choices", "Choice", "Choice", "TextArea", "TextArea"]
    root = ET.fromstring(config)
    assert root.find("Text").attrib == {"name": "text", "value": "$text"}
    assert root.find("Choices").attrib == {"name": "label", "toName": "text", "choice": "single"}
    bug, refund = root.iter("Choice")
    assert bug.attrib == {"value": "bug", "hotkey": "1", "hint": 'It "breaks" <often>'}
    assert refund.attrib == {"value": "refund", "hotkey": "2"}
    assert [e.get("required") for e in root.iter("TextArea")] == ["false", "false"]
    assert [e.get("name") for e in root.iter("TextArea")] == ["missing", "comment"]


def test_context_stands_right_below_the_text():
    assert tags(fresh(specs("a"), context=True))[1:3] == ["Text", "Text"]
    later = page.grown(fresh(specs("a")), Offer(specs("a")), context=True)
    assert tags(later) == tags(fresh(specs("a"), context=True))


@given(st.lists(NAMES, min_size=1, max_size=25, unique=True))
def test_any_class_name_survives_and_a_whole_page_lacks_nothing(names):
    config = fresh(specs(*names))
    assert page.class_names(config) == names
    assert page.grown(config, Offer(specs(*names)), context=False) is None


def accepted(config, name):
    try:
        page.check_suggestions(config, [page.Suggestion(name, 0.5)])
    except InputError:
        return False
    return True


def test_a_prediction_is_judged_as_the_sdk_judges_it():
    config = fresh(specs('R&D <b> "q"', "$5", "é"))
    interface = LabelInterface(config)
    interface.validate()
    for name in [*page.class_names(config), "R&D", "E", "$5 ", ""]:
        prediction = page.prediction(page.Suggestion(name, 0.5), "al-r1-0")
        assert interface.validate_prediction(prediction) == accepted(config, name)
    assert accepted(config, "$5")


def test_up_to_20_classes_have_hotkeys_and_no_two_the_same():
    choices = list(ET.fromstring(fresh(specs(*map(str, range(20))))).iter("Choice"))
    hotkeys = [c.get("hotkey") for c in choices]
    assert hotkeys[:11] == [*"1234567890", "q"]
    assert len(set(hotkeys)) == 20
    assert "Filter" not in tags(fresh(specs(*map(str, range(20)))))


def test_more_classes_get_a_filter_and_the_inline_layout():
    root = ET.fromstring(fresh(specs(*map(str, range(21)))))
    assert [e.tag for e in root][1:3] == ["Filter", "Choices"]
    assert root.find("Filter").get("toName") == "label"
    assert root.find("Choices").get("layout") == "inline"
    assert not any(c.get("hotkey") for c in root.iter("Choice"))


def test_the_filter_comes_when_a_live_page_grows_past_20():
    config = fresh(specs(*map(str, range(20))))
    grown = page.grown(config, Offer(specs(*map(str, range(22)))), context=False)
    assert tags(grown).count("Filter") == 1
    assert page.class_names(grown) == [*map(str, range(22))]


def test_what_an_administrator_added_stays():
    live = (
        '<View className="wide"><Header value="Read first"/><View><Text name="text" value="$text"/>'
        '<Choices name="label" toName="text" choice="single" showInline="true">'
        '<Choice value="own" hotkey="2" background="red"/></Choices></View>'
        '<Rating name="stars" toName="text"/></View>'
    )
    grown = page.grown(live, Offer(specs("own", "bug", "refund")), context=True)
    assert page.class_names(grown) == ["own", "bug", "refund"]
    root = ET.fromstring(grown)
    own, bug, refund = root.iter("Choice")
    assert own.attrib == {"value": "own", "hotkey": "2", "background": "red"}
    assert (bug.get("hotkey"), refund.get("hotkey")) == ("1", "3")
    assert root.get("className") == "wide"
    assert {"Header", "Rating"} <= set(tags(grown))
    assert page.control_names(grown) == {"label", "stars", "missing", "comment"}
    assert [e.get("name") for e in root.iter("Text")] == ["text", "context"]


def test_classes_that_we_do_not_know_are_never_removed():
    assert page.grown(fresh(specs("a", "b")), Offer(specs("a")), context=False) is None


def test_without_classes_there_is_no_choice_until_there_is_one():
    """The server refuses <Choices> without a <Choice>."""
    config = fresh([])
    assert tags(config) == ["View", "Text", "TextArea", "TextArea"]
    grown = page.grown(config, Offer(specs("a")), context=False)
    assert tags(grown) == ["View", "Text", "Choices", "Choice", "TextArea", "TextArea"]


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ('<View><Image name="img" value="$img"/></View>', "not one that al-loop can use"),
        ('<View><Text name="t" value="$t"/><Choices name="l" toName="t"/></View>', "can use"),
        (
            '<View><Text name="text" value="$text"/><Rating name="r" toName="text"/></View>',
            "can use",
        ),
        (
            '<View><Text name="text" value="$text"/><Labels name="label" toName="text"/></View>',
            "single choice",
        ),
        (
            '<View><Text name="text" value="$text"/>'
            '<Choices name="label" toName="text" choice="multiple"/></View>',
            "single choice",
        ),
        ("<View>", "not well-formed"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>', "entities"),
    ],
)
def test_a_page_that_is_not_for_us_is_refused_with_what_it_needs(live, words):
    with pytest.raises(InputError, match=words):
        page.grown(live, Offer(specs("a")), context=False)


def test_instructions_show_definitions_and_examples_escaped():
    spec = ClassSpec("R&D", "<script>alert(1)</script>", ('a "b"',))
    html = instructions(Offer([spec, ClassSpec("plain")], version=7))
    assert "<script>" not in html
    assert "R&amp;D" in html
    assert "<li>a &quot;b&quot;</li>" in html
    assert "<b>plain</b>" in html
    assert "The classes, version 7:" in html


def test_instructions_are_replaced_until_somebody_edits_them():
    old, new = instructions(Offer([])), instructions(Offer([ClassSpec("a", "it's <new>")]))
    assert may_replace("", new)
    assert may_replace(old, new)
    assert not may_replace(new, new)
    rewritten = new.replace("&#x27;", "'").replace("\n", " ")  # the server's sanitizer does this
    assert not may_replace(rewritten, new)
    assert may_replace(rewritten, old)
    assert not may_replace(old.replace("Skip", "Never skip"), new)
    assert not may_replace("<p>Our own words</p>", new)
