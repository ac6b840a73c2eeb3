"""The rule that turns answers into labels, case by case."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_loop.labels import Names, Verdict, by_folded_name, judge, proposal, votes_of
from al_loop.types import Answer

KNOWN = by_folded_name(["refund", "delay", "Café"])
NAMES = Names(KNOWN)


def answer(person, *labels, kind="label", number=1, at="2026-01-01", **more):
    return Answer(number, "a:0", person, kind, labels, updated_at=at, **more)


@pytest.mark.parametrize(
    ("answers", "given", "verdict"),
    [
        pytest.param([], [], None, id="nothing is known"),
        pytest.param([], ["refund"], Verdict("given", "refund"), id="came with a label"),
        pytest.param([], ["refund", "delay"], Verdict("conflict"), id="came with two labels"),
        pytest.param([answer("ana", "refund")], [], Verdict("agreed", "refund", 1), id="one vote"),
        pytest.param(
            [answer("ana", "refund"), answer("ben", "delay")],
            [],
            Verdict("conflict", votes=2),
            id="a tie is a conflict",
        ),
        pytest.param(
            [answer("ana", "refund"), answer("ben", "delay"), answer("cem", "delay")],
            [],
            Verdict("agreed", "delay", 3),
            id="the majority",
        ),
        pytest.param(
            [answer("ana", "refund", at="2026-01-01"), answer("ana", "delay", at="2026-01-02")],
            [],
            Verdict("agreed", "delay", 1),
            id="one vote a person, the latest",
        ),
        pytest.param(
            [answer("ana", "refund", at="2026-01-02"), answer("ana", "delay", at="2026-01-01")],
            [],
            Verdict("agreed", "refund", 1),
            id="latest by time, not by order",
        ),
        pytest.param(
            [answer("ana", "refund", kind="skip")],
            [],
            Verdict("skipped"),
            id="a skip is no vote, even with the model's label in it",
        ),
        pytest.param(
            [answer("ana", kind="skip"), answer("ben", "delay")],
            [],
            Verdict("agreed", "delay", 1),
            id="a vote beside a skip counts",
        ),
        pytest.param([answer("ana", kind="empty")], [], Verdict("unusable"), id="empty"),
        pytest.param(
            [answer("ana", "refund", kind="invalid")], [], Verdict("unusable"), id="invalid"
        ),
        pytest.param([answer("ana", "spam")], [], Verdict("unusable"), id="an unknown label"),
        pytest.param(
            [answer("ana", missing="praise")], [], Verdict("proposed"), id="a missing class"
        ),
        pytest.param(
            [answer("ana", missing=" CAFÉ ")],
            [],
            Verdict("agreed", "Café", 1),
            id="a missing class that is known by now is a vote",
        ),
        pytest.param(
            [answer("ana", "refund", missing="praise", origin="manual")],
            [],
            Verdict("agreed", "refund", 1),
            id="a ticked choice comes before the missing class",
        ),
        pytest.param(
            [answer("ana", "refund", missing="praise", origin="prediction-changed")],
            [],
            Verdict("agreed", "refund", 1),
            id="a changed suggestion is a ticked choice",
        ),
        pytest.param(
            [answer("ana", "refund", missing="praise", origin="prediction")],
            [],
            Verdict("proposed"),
            id="an unchanged suggestion is not: the missing class counts",
        ),
        pytest.param(
            [answer("ana", "refund")],
            ["delay"],
            Verdict("agreed", "refund", 1),
            id="people come before given labels",
        ),
        pytest.param(
            [answer("ana", kind="skip")],
            ["delay"],
            Verdict("given", "delay"),
            id="a skip does not take a given label away",
        ),
    ],
)
def test_the_rule(answers, given, verdict):
    assert judge(answers, given, NAMES) == verdict
    assert judge(answers[::-1], given, NAMES) == verdict


ANSWERS = st.lists(
    st.builds(
        Answer,
        annotation_id=st.integers(1, 9),
        key=st.just("a:0"),
        annotator=st.sampled_from(["ana", "ben", "cem"]),
        kind=st.sampled_from(["label", "skip", "empty", "invalid"]),
        labels=st.sampled_from([(), ("refund",), ("delay",), ("spam",)]),
        missing=st.sampled_from(["", "praise", "delay"]),
        origin=st.sampled_from(["manual", "prediction"]),
        updated_at=st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"]),
    ),
    max_size=6,
)
GIVEN = st.sets(st.sampled_from(["refund", "delay"]))


@given(answers=ANSWERS, given=GIVEN, fixed=st.sampled_from(sorted(KNOWN.values())))
def test_a_label_set_by_hand_comes_before_everything_and_counts_the_votes(answers, given, fixed):
    verdict = judge(answers, given, NAMES, fixed)
    assert verdict == Verdict("fixed", fixed, len(votes_of(answers, KNOWN)))


@given(answers=ANSWERS, given=GIVEN)
def test_without_one_nothing_is_fixed(answers, given):
    verdict = judge(answers, given, NAMES)
    assert verdict is None or verdict.status != "fixed"
    assert verdict is None or (verdict.label is not None) == (verdict.status in ("given", "agreed"))
    assert (verdict is None) == (not answers and not given)


def test_a_proposal_is_gone_once_its_class_is_known():
    asked = answer("ana", missing="Praise")
    assert proposal(asked, NAMES) == "Praise"
    assert proposal(asked, Names(by_folded_name(["praise"]))) is None
    ticked = dataclasses.replace(asked, labels=("refund",), origin="manual")
    assert proposal(ticked, NAMES) is None
