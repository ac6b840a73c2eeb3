"""Which control of a foreign page is the class is found, asked for, or refused by name."""

import pytest

from al_loop.adopt.source import value
from al_loop.annotators.label_studio.controls import of_page
from al_loop.annotators.label_studio.existing import answers
from al_loop.errors import InputError
from al_loop.types import ClassSpec

TWO = """<View><Text name="t" value="$text"/><Text name="u" value="$other"/>
<Choices name="a" toName="t"><Choice value="x"/></Choices>
<Choices name="b" toName="u" choice="single-radio"><Choice value="y"/></Choices></View>"""


def page(choices='name="c" toName="t"', text='name="t" value="$text"', inside=None, more=""):
    inside = '<Choice value="x"/>' if inside is None else inside
    return f"<View><Text {text}/><Choices {choices}>{inside}</Choices>{more}</View>"


@pytest.mark.parametrize(
    ("shown", "field"),
    [
        ("$text", "text"),
        ("${text}", "text"),
        (" $text ", "text"),
        ("$mail.body", "mail.body"),
        ("${mail.body}", "mail.body"),
        ("$parts[0].text", "parts[0].text"),
    ],
)
def test_the_text_is_the_field_that_the_page_shows(shown, field):
    assert of_page(page(text=f'name="t" value="{shown}"'), "p").field == field


@pytest.mark.parametrize("shown", ["Title: $title", "$a $b", "", "$", "no field"])
def test_a_page_that_shows_no_single_field_needs_its_name(shown):
    xml = page(text=f'name="t" value="{shown}"')
    with pytest.raises(InputError) as caught:
        of_page(xml, "p")
    assert "no single field" in caught.value.message
    assert "--text" in caught.value.hint
    assert of_page(xml, "p", text="title").field == "title"


def test_classes_come_in_the_order_of_the_page_as_the_answers_name_them():
    inside = """<Header value="new?"/><View><Choice value="late" hint="It is &lt;late&gt;"/></View>
    <Choice value="Zurück" alias="back"/><Choice value=""/><Choice value="late"/>
    <Choice value="a" alias="b" hint="c"/>"""
    assert of_page(page(inside=inside), "p").classes == (
        ClassSpec("late", "It is <late>"),
        ClassSpec("back", "Zurück"),
        ClassSpec("b", "c"),
    )


@pytest.mark.parametrize(
    ("xml", "found"),
    [
        ("<View/>", "nothing to fill in"),
        ('<View><Text name="t" value="$t"/><Labels name="ner" toName="t"/></View>', "ner (Labels)"),
        (page('name="c" toName="t" choice="multiple"'), "c (Choices, several allowed)"),
        (page('name="c" toName="t" choice="odd"'), "c (Choices, several allowed)"),
        (page('name="c" toName="t" perRegion="true"'), "c (Choices for a part of the text)"),
        (page('name="c" toName="t" value="$options"', inside=""), "from the data of the tasks"),
        (page(inside=""), "c (Choices without a choice)"),
        (page(inside='<Choice value="a"><Choice value="b"/></Choice>'), "c (nested Choices)"),
        (page('name="c" toName="x"'), "c (Choices on no single text)"),
        (page('name="c" toName="t,u"'), "c (Choices on no single text)"),
        (page(text='name="t" value="$t" valueType="url"'), "c (Choices on texts that are addr"),
        (page().replace("<Text", "<Image"), "c (Choices on no single text)"),
        (page('name="a\x85b" toName="t" choice="multiple"'), "a b (Choices, several allowed)"),
    ],
)
def test_a_page_without_a_single_choice_is_refused_by_what_it_has(xml, found):
    with pytest.raises(InputError) as caught:
        of_page(xml, "project 7")
    assert caught.value.message.startswith("project 7 has no single choice for a whole text; ")
    assert found in caught.value.message
    assert caught.value.message.isprintable()


def test_of_several_controls_one_is_named_or_told_by_its_text():
    with pytest.raises(InputError) as caught:
        of_page(TWO, "p")
    assert "a (Choices), b (Choices)" in caught.value.message
    assert caught.value.hint == "name one: --control a"
    assert of_page(TWO, "p", named="b").classes == (ClassSpec("y"),)
    assert of_page(TWO, "p", named="b").others == ("a (Choices)",)
    assert of_page(TWO, "p", text="other").name == "b"
    assert of_page(TWO, "p", text="third", named="a").field == "third"


def test_a_filter_is_no_control():
    xml = page(more='<Filter toName="c" name="f"/>')
    assert of_page(xml, "p").others == ()


# Answers


def region(name, choices):
    return {"from_name": name, "type": "choices", "value": {"choices": choices}}


def read(control, *result):
    task = {
        "data": {},
        "annotations": [{"id": 1, "completed_by": 5, "updated_at": "2026", "result": list(result)}],
    }
    (found,) = answers(task, "item:-9", control, {5: "ann@example.com"})
    assert (found.key, found.annotator) == ("item:-9", "ann@example.com")
    return found.kind, found.labels


def test_an_answer_is_what_the_control_says_whatever_the_others_are_called():
    control = of_page(TWO.replace('name="b"', 'name="label"'), "p", named="a")
    assert read(control, region("a", ["x"]), region("label", ["y"])) == ("label", ("x",))
    assert read(control, region("label", ["y"])) == ("empty", ())
    assert read(control, region("a", ["x"]), region("gone", ["z"]))[0] == "invalid"
    assert read(of_page(TWO, "p", named="b"), region("b", ["y"])) == ("label", ("y",))
    assert read(control, "garbage")[0] == "invalid"


@pytest.mark.parametrize(
    ("data", "path", "found"),
    [
        ({"a.b": 1, "a": {"b": 2}}, "a.b", 1),
        ({"a": {"b": [{"c": "x"}]}}, "a.b[0].c", "x"),
        ({"a": {"b": [1]}}, "a.b[1]", None),
        ({"a": "text"}, "a.b", None),
        ({}, "a", None),
        ({"a": None}, "a", None),
    ],
)
def test_a_path_leads_into_the_data(data, path, found):
    assert value(data, path) == found
