"""The rule that turns answers into labels, case by case."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_loop.labels import (
    DECIDES,
    Consensus,
    Names,
    Verdict,
    by_folded_name,
    counts_still,
    decisions_of,
    differ,
    judge,
    proposal,
    votes_of,
)
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


def review(person, *labels, kind="label", number=50, at="2026-02-01", **more):
    """An adjudicator's answer."""
    return answer(person, *labels, kind=kind, number=number, at=at, review=True, **more)


TIE = [answer("ana", "refund"), answer("ben", "delay", number=2)]


@pytest.mark.parametrize(
    ("answers", "given", "verdict"),
    [
        pytest.param(
            [*TIE, review("eve", "delay")],
            [],
            Verdict("agreed", "delay", 2),
            id="an adjudicator decides, and is no vote",
        ),
        pytest.param(
            [answer("ana", "refund"), answer("ben", "refund"), review("eve", "delay")],
            [],
            Verdict("agreed", "delay", 2),
            id="also against all others",
        ),
        pytest.param(
            [*TIE, review("ana", "Café")],
            [],
            Verdict("agreed", "Café", 2),
            id="also one who voted, for what nobody said",
        ),
        pytest.param(
            [*TIE, review("eve", "delay"), review("fay", "refund"), review("gus", "refund")],
            [],
            Verdict("agreed", "refund", 2),
            id="several adjudicators: their majority",
        ),
        pytest.param(
            [*TIE, answer("cem", "delay"), review("eve", "delay"), review("fay", "refund")],
            [],
            Verdict("conflict", votes=3),
            id="a tie between adjudicators is a conflict, whatever the majority says",
        ),
        pytest.param(
            [*TIE, review("eve", "delay"), review("eve", "refund", at="2026-02-02", number=9)],
            [],
            Verdict("agreed", "refund", 2),
            id="an adjudicator's latest counts",
        ),
        pytest.param(
            [*TIE, review("eve", "delay", kind="skip")],
            [],
            Verdict("conflict", votes=2),
            id="an adjudicator's skip decides nothing",
        ),
        pytest.param(
            [*TIE, answer("cem", "delay"), review("eve", missing="praise")],
            [],
            Verdict("agreed", "delay", 3),
            id="nor does a missing class",
        ),
        pytest.param(
            [*TIE, review("eve", missing="DELAY")],
            [],
            Verdict("agreed", "delay", 2),
            id="but one that is known by now",
        ),
        pytest.param(
            [answer("ana", kind="skip"), review("eve", missing="praise")],
            [],
            Verdict("proposed"),
            id="a missing class is a proposal like any other",
        ),
        pytest.param([review("eve", kind="skip")], [], None, id="a skip in review is no verdict"),
        pytest.param(
            [review("eve", kind="skip")],
            ["refund", "delay"],
            Verdict("conflict"),
            id="nor one about what came with two labels",
        ),
        pytest.param(
            [review("eve", "delay")],
            ["refund"],
            Verdict("agreed", "delay"),
            id="an adjudicator comes before the data",
        ),
    ],
)
def test_what_adjudicators_say(answers, given, verdict):
    assert judge(answers, given, NAMES) == verdict
    assert judge(answers[::-1], given, NAMES) == verdict


def test_a_gold_look_at_a_text_that_was_decided_changes_nothing():
    again = [answer(p, "refund", number=i, at="2027") for i, p in enumerate(("ana", "ben", "cem"))]
    assert judge([*again, review("eve", "delay")], (), NAMES).label == "delay"
    assert judge([*again, review("eve", "delay")], (), NAMES, "Café").label == "Café"


def found(label, quality=0.7, method="crowdlab", **votes):
    return Consensus(label, quality, votes or {"ana": "refund", "ben": "delay"}, method)


@pytest.mark.parametrize(
    ("consensus", "verdict"),
    [
        (found("delay"), Verdict("agreed", "delay", 2)),
        (found("DELAY", ana="Refund", ben="DELAY"), Verdict("agreed", "delay", 2)),
        (found("delay", method="dawid_skene"), Verdict("agreed", "delay", 2)),
        (found("delay", quality=0.5), Verdict("conflict", votes=2)),
        (found("delay", method="majority"), Verdict("conflict", votes=2)),
        (found("Café"), Verdict("conflict", votes=2)),  # nobody said so
        (found("delay", ana="refund", cem="delay"), Verdict("conflict", votes=2)),
        (found("delay", ana="refund"), Verdict("conflict", votes=2)),
        (found("delay", ana="refund", ben="delay", cem="delay"), Verdict("conflict", votes=2)),
        (found("delay", ana="delay", ben="refund"), Verdict("conflict", votes=2)),
    ],
)
def test_a_consensus_decides_on_just_the_votes_that_it_was_worked_out_from(consensus, verdict):
    assert judge(TIE, (), NAMES, consensus=consensus) == verdict


def test_a_consensus_decides_against_a_majority_when_it_is_sure():
    given = [*TIE, answer("cem", "delay", number=3)]
    votes = {"ana": "refund", "ben": "delay", "cem": "delay"}
    assert judge(given, (), NAMES) == Verdict("agreed", "delay", 3)
    assert judge(given, (), NAMES, consensus=found("refund", **votes)).label == "refund"
    unsure = found("refund", quality=0.45, **votes)
    assert judge(given, (), NAMES, consensus=unsure) == Verdict("conflict", votes=3)
    nobodys = found("Café", quality=0.9, **votes)
    assert judge(given, (), NAMES, consensus=nobodys) == Verdict("conflict", votes=3)


def test_a_majority_stands_where_the_consensus_is_the_same_sure_or_not():
    given = [*TIE, answer("cem", "delay", number=3)]
    votes = {"ana": "refund", "ben": "delay", "cem": "delay"}
    unsure = found("delay", quality=0.45, **votes)
    assert judge(given, (), NAMES, consensus=unsure) == Verdict("agreed", "delay", 3)


def test_a_consensus_has_no_say_where_people_agree_by_now():
    merged = Names(KNOWN | {"delay": "refund"})
    assert judge(TIE, (), merged, consensus=found("delay", quality=0.1)).label == "refund"
    assert not differ(TIE, merged)
    assert differ(TIE, NAMES)


def test_a_consensus_follows_its_classes_to_their_names_of_today():
    renamed = Names(by_folded_name(["late", "refund"]) | {"delay": "late"})
    assert judge(TIE, (), renamed, consensus=found("delay")) == Verdict("agreed", "late", 2)


SPLIT = Names(by_folded_name(["A", "A1", "A2", "B"]), parents={"a1": "a", "a2": "a"})


def test_parts_come_before_a_consensus():
    given = [answer("ana", "A"), answer("ben", "A1", number=2), answer("cem", "B", number=3)]
    votes = {"ana": "A", "ben": "A1", "cem": "B"}
    whole = judge(given, (), SPLIT, consensus=found("A", **votes))
    assert whole == Verdict("conflict", votes=3)
    assert judge(given, (), SPLIT, consensus=found("A1", **votes)).label == "A1"
    more = [*given, answer("dan", "A1", number=4)]
    assert judge(more, (), SPLIT, consensus=found("A", **votes, dan="A1")).label == "A1"
    assert judge(given[:2], (), SPLIT, consensus=found("A", ana="A", ben="A1")).label == "A1"
    assert not differ(given[:2], SPLIT)


def test_what_adjudicators_decided_can_be_told_apart_into_parts_later():
    before = [answer("ana", "A1"), answer("ben", "B", number=2), review("eve", "A")]
    assert judge(before, (), SPLIT) == Verdict("agreed", "A", 2)
    later = [*before, answer("cem", "A2", number=3, at="2026-03-01")]
    assert judge(later, (), SPLIT) == Verdict("agreed", "A2", 3)
    other = [*before, answer("cem", "B", number=3, at="2026-03-01")]
    assert judge(other, (), SPLIT) == Verdict("agreed", "A", 3)
    torn = [*later, answer("dan", "A1", number=4, at="2026-03-02")]
    assert judge(torn, (), SPLIT) == Verdict("conflict", votes=4)


def test_an_answer_in_review_is_a_decision_and_no_vote():
    given = [*TIE, review("eve", "delay"), review("ana", "delay")]
    assert votes_of(given, KNOWN) == {"ana": "refund", "ben": "delay"}
    assert decisions_of(given, KNOWN) == {"ana": "delay", "eve": "delay"}


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
        review=st.booleans(),
    ),
    max_size=6,
)
CONSENSUS = st.none() | st.builds(
    Consensus,
    label=st.sampled_from(["refund", "DELAY", "Café", "spam"]),
    quality=st.sampled_from([0.0, DECIDES, 0.7]),
    votes=st.dictionaries(
        st.sampled_from(["ana", "ben", "cem"]), st.sampled_from(["refund", "Delay"]), max_size=3
    ),
    method=st.sampled_from(["crowdlab", "majority", "dawid_skene"]),
)
GIVEN = st.sets(st.sampled_from(["refund", "delay"]))


@given(
    answers=ANSWERS, given=GIVEN, fixed=st.sampled_from(sorted(KNOWN.values())), consensus=CONSENSUS
)
def test_a_label_set_by_hand_comes_before_everything_and_counts_the_votes(
    answers, given, fixed, consensus
):
    verdict = judge(answers, given, NAMES, fixed, consensus)
    assert verdict == Verdict("fixed", fixed, len(votes_of(answers, KNOWN)))


@given(answers=ANSWERS, given=GIVEN, consensus=CONSENSUS)
def test_without_one_nothing_is_fixed(answers, given, consensus):
    verdict = judge(answers, given, NAMES, None, consensus)
    assert verdict is None or verdict.status != "fixed"
    assert verdict is None or (verdict.label is not None) == (verdict.status in ("given", "agreed"))
    labeling = [a for a in answers if not a.review]
    asked = any(proposal(a, NAMES) for a in answers)
    decided = decisions_of(answers, KNOWN)
    assert (verdict is None) == (not labeling and not given and not asked and not decided)
    assert verdict is None or verdict.votes == len(votes_of(answers, KNOWN))


@given(answers=ANSWERS, given=GIVEN, consensus=CONSENSUS)
def test_each_weighs_more_than_all_that_come_after_it(answers, given, consensus):
    verdict = judge(answers, given, NAMES, None, consensus)
    review = [a for a in answers if a.review]
    labeling = [a for a in answers if not a.review]
    if decisions_of(answers, KNOWN):
        alone = judge(review, (), NAMES)
        assert (verdict.status, verdict.label) == (alone.status, alone.label)
    elif votes := votes_of(answers, KNOWN):
        assert verdict == judge(labeling, (), NAMES, None, consensus)
        assert verdict.label is None or verdict.label in votes.values()
        if not differ(answers, NAMES) or not (consensus and counts_still(consensus, votes, KNOWN)):
            assert verdict == judge(labeling, (), NAMES)


def test_a_proposal_is_gone_once_its_class_is_known():
    asked = answer("ana", missing="Praise")
    assert proposal(asked, NAMES) == "Praise"
    assert proposal(asked, Names(by_folded_name(["praise"]))) is None
    ticked = dataclasses.replace(asked, labels=("refund",), origin="manual")
    assert proposal(ticked, NAMES) is None
