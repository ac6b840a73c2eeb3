"""Annotations, of whatever kind, become answers; what is needed and missing is named."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_loop.annotators.label_studio.parse import NOBODY, answers_of
from al_loop.errors import ServerError
from tests.ls_helpers import choice, typed

CONTROLS = {"label", "missing", "comment", "sentiment"}
FILE = Path(__file__).with_name("data") / "label-studio-ui-answers.json"


def recorded():
    """A task as 1.23.2 exports it, with an accepted suggestion and a skip made in the UI."""
    return json.loads(FILE.read_text())[0]


def answer(**changes):
    task = recorded()
    task["annotations"] = [{**task["annotations"][0], **changes}]
    (found,) = answers_of(task, {7: "ann@example.com"}, CONTROLS)
    return found


def test_an_answer_of_the_real_page_is_read_whole():
    first, second = answers_of(recorded(), {7: "ann@example.com"}, CONTROLS)
    assert (first.annotation_id, first.key, first.annotator) == (1, "k0:0", "ann@example.com")
    assert (first.kind, first.labels, first.origin) == ("label", ("bug",), "prediction")
    assert (first.lead_time, first.model_version) == (2.471, "m1")
    assert first.updated_at == "2026-11-21T23:59:05.338735Z"
    assert (second.kind, second.labels, second.annotator) == ("skip", (), "8")


def test_a_skip_is_a_skip_before_anything_else():
    assert answer(was_cancelled=True, result="garbage").kind == "skip"
    assert answer(was_cancelled=True, result=[typed("missing", "x")]).missing == ""


@pytest.mark.parametrize(
    ("result", "kind", "labels", "problem"),
    [
        ([], "empty", (), ""),
        ([choice("bug")], "label", ("bug",), ""),
        ([choice("unheard of")], "label", ("unheard of",), ""),
        ([choice("a"), choice("b")], "invalid", ("a", "b"), "two choices"),
        ([choice("a") | {"value": {"choices": ["a", "b"]}}], "invalid", ("a", "b"), "two choices"),
        ([choice("a") | {"value": {"choices": []}}], "empty", (), ""),
        ([choice("a") | {"value": {"choices": "a"}}], "invalid", (), "list of names"),
        ([choice("a") | {"value": {"choices": [1]}}], "invalid", (), "list of names"),
        ([choice("a") | {"value": None}], "invalid", (), "list of names"),
        ([choice("a", from_name="x")], "invalid", (), "no control 'x'"),
        ([{"value": {}}], "invalid", (), "no control 'None'"),
        ([choice("pos", from_name="sentiment"), choice("bug")], "label", ("bug",), ""),
        ([choice("pos", from_name="sentiment")], "empty", (), ""),
        (["text"], "invalid", (), "not an object"),
        ({"a": 1}, "invalid", (), "not a list"),
        (None, "invalid", (), "not a list"),
        ([typed("missing", "new")], "label", (), ""),
        ([typed("missing", "  ")], "empty", (), ""),
        ([typed("comment", "hm")], "empty", (), ""),
    ],
)
def test_every_kind_of_result_has_a_kind_of_answer(result, kind, labels, problem):
    found = answer(result=result)
    assert (found.kind, found.labels) == (kind, labels)
    assert problem in found.problem
    assert bool(found.problem) == (kind == "invalid")


def test_a_missing_class_stands_beside_a_choice():
    found = answer(result=[choice("bug", origin="prediction"), typed("missing", " shipping ")])
    assert (found.labels, found.missing, found.origin) == (("bug",), "shipping", "prediction")


def test_typed_text_may_be_a_string_or_a_list_of_them():
    one = typed("comment", "a")
    one["value"] = {"text": "just a string"}
    assert answer(result=[one]).comment == "just a string"
    one["value"] = {"text": ["two", "lines", 3]}
    assert answer(result=[one]).comment == "two\nlines"


def test_the_origin_is_that_of_the_choice():
    result = [
        typed("comment", "x") | {"origin": "manual"},
        choice("bug", origin="prediction-changed"),
    ]
    assert answer(result=result).origin == "prediction-changed"


def test_who_answered_may_be_a_number_an_object_or_nobody():
    assert answer(completed_by={"id": 7, "email": "own@example.com"}).annotator == "own@example.com"
    assert answer(completed_by={"id": 7, "email": ""}).annotator == "ann@example.com"
    assert answer(completed_by={"id": 7}).annotator == "ann@example.com"
    assert answer(completed_by=99).annotator == "99"
    assert answer(completed_by=None).annotator == NOBODY


def test_fields_that_are_not_needed_may_be_missing():
    task = recorded()
    kept = ("id", "completed_by", "result", "updated_at")
    task["annotations"] = [{k: task["annotations"][0][k] for k in kept}]
    (found,) = answers_of(task, {}, CONTROLS)
    assert (found.labels, found.lead_time, found.model_version) == (("bug",), None, "")


@pytest.mark.parametrize("value", [{}, None, 5, "x", [1]])
def test_a_prediction_of_any_shape_is_no_obstacle(value):
    assert answer(prediction=value).model_version == ""


@pytest.mark.parametrize("name", ["id", "completed_by", "updated_at"])
@pytest.mark.parametrize("broken", ["absent", "x" * 3, True])
def test_a_needed_field_that_is_missing_or_strange_is_named(name, broken):
    if (name, broken) == ("updated_at", "xxx"):
        return
    task = recorded()
    if broken == "absent":
        del task["annotations"][0][name]
    else:
        task["annotations"][0][name] = broken
    with pytest.raises(ServerError, match=name):
        answers_of(task, {}, CONTROLS)


def test_annotations_that_are_no_list_are_named():
    with pytest.raises(ServerError, match="annotations"):
        answers_of({**recorded(), "annotations": None}, {}, CONTROLS)
    with pytest.raises(ServerError, match="annotations"):
        answers_of({**recorded(), "annotations": [5]}, {}, CONTROLS)


@pytest.mark.parametrize("data", [None, {}, {"text": "x"}, {"al_id": ""}, {"al_id": 5}])
def test_a_task_without_our_key_has_no_answers(data):
    assert answers_of({**recorded(), "data": data}, {}, CONTROLS) == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
REGION = st.fixed_dictionaries(
    {}, optional={"from_name": st.sampled_from(["label", "missing", "?"]), "value": ANYTHING}
)


@given(st.lists(REGION | ANYTHING, max_size=4) | ANYTHING)
def test_no_result_whatever_breaks_the_parser(result):
    found = answer(result=result)
    assert found.kind in ("label", "empty", "invalid")
    assert len(found.labels) <= 1 or found.kind == "invalid"
