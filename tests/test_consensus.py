"""What several people's votes add up to in a workspace, and where nobody has decided."""

import dataclasses
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_loop.config import parse
from al_loop.crowd.consensus import Consensus as Found
from al_loop.labels import Consensus, Verdict
from al_loop.loop import consensus as settling
from al_loop.store import answers, checks, class_changes, fixes, items, stories
from al_loop.store import consensus as table
from al_loop.types import Answer, Pulled, task_key
from tests import worlds

NUMBER = 3
TIE = {"ana": "refund", "ben": "delay"}


class Crowd:
    """A workspace in which people and adjudicators have answered; item i is of class i % 3."""

    def __init__(self, n=60, test=6):
        self.store = worlds.make_store(n=n, test=test)
        self.said, self.lines = [], []
        self.parts = worlds.make_parts(self.store, said=self.lines)
        self.labeling = self.parts.project.id
        self.store.execute(
            "INSERT INTO projects (role, annotator, marker, title)"
            " VALUES ('review', 'oracle', 'uuid-review', 'test review')"
        )
        self.review = self.labeling + 1

    def votes(self, **votes):
        """Let people label texts: ``votes(m0={"ana": "refund"})``."""
        for item_id, of_text in votes.items():
            for person, label in of_text.items():
                self._say(self.labeling, item_id, 0, person, label)
        self._pull(self.labeling)

    def decide(self, item_id, **said):
        """Let adjudicators decide on a text: ``decide("m0", eve="delay")``."""
        for person, label in said.items():
            self._say(self.review, item_id, 1, person, label)
        self._pull(self.review)

    def _say(self, project, item_id, look, person, label):
        key = task_key(item_id, look)
        number = 1 + sum(p == project for p, _ in self.said)  # the same ones in both projects
        at = f"2026-01-01T00:{len(self.said):02}:00Z"
        answer = Answer(number, key, person, "label", (label,), updated_at=at)
        self.said.append((project, answer))
        self.store.execute(
            "INSERT OR IGNORE INTO tasks VALUES (?, ?, ?, ?, 1, ?, 0)",
            [project, key, item_id, look, len(self.said)],
        )

    def _pull(self, project):
        mine = [answer for p, answer in self.said if p == project]
        with self.store.tx():
            answers.save_pull(self.store, project, Pulled(mine, len(mine)))

    def labeled(self, n=30):
        """Let ana label the first texts as they are."""
        self.votes(**{f"m{i}": {"ana": worlds.CLASSES[i % 3]} for i in range(n)})

    def fix(self, item_id, label):
        with self.store.tx():
            fixes.add(self.store, item_id, label, author="lead", reason="")
            answers.refresh_labels(self.store)

    def merge(self, one, into):
        if one in {c.name for c in items.classes(self.store)}:
            with self.store.tx():
                self.store.execute("DELETE FROM classes WHERE name = ?", [one])
                change = class_changes.New("merge", (one, into), {one: into})
                class_changes.add(self.store, change, "lead")
                answers.refresh_labels(self.store)

    def settle(self, method="crowdlab"):
        config = parse({"annotators": {"consensus": method}})
        settling.settle(self.parts, config, NUMBER)
        assert list(checks.failures(self.store, None)) == []

    def verdict(self, item_id):
        return stories.verdict(self.store, item_id)


@pytest.fixture
def crowd():
    made = Crowd()
    yield made
    made.store.close()


def first(votes, proba, method):
    """Stand in for the methods: the first class wins."""
    labels = np.where(votes.labels < 0, 99, votes.labels).min(axis=1)
    n, people = votes.labels.shape
    return Found(labels, np.full(n, 0.8), np.ones(people), method)


@pytest.fixture
def asked(monkeypatch):
    """Keep what the methods are asked, and answer for them."""
    calls = []

    def asked(*call):
        calls.append(call)
        return first(*call)

    monkeypatch.setattr(settling.crowd, "consensus", asked)
    return calls


def test_votes_are_one_a_person_in_names_of_today_and_without_adjudicators(crowd):
    crowd.votes(m4={"ben": "delay", "ana": "refund"}, m0=TIE)
    crowd.decide("m0", eve="delay")
    assert table.votes(crowd.store) == {"m0": TIE, "m4": {"ben": "delay", "ana": "refund"}}
    assert list(table.votes(crowd.store)) == ["m0", "m4"]
    crowd.votes(m4={"ana": "delay"})
    assert table.votes(crowd.store)["m4"] == {"ben": "delay", "ana": "delay"}


def test_answers_of_two_projects_with_the_same_number_are_two(crowd):
    crowd.votes(m0=TIE)
    crowd.decide("m0", eve="delay", fay="delay")
    assert crowd.store.rows("SELECT annotation_id FROM answers GROUP BY 1 HAVING COUNT(*) = 2")
    given = answers.all_answers(crowd.store)["m0"]
    assert [(a.annotator, a.review) for a in given] == [
        ("ana", False),
        ("ben", False),
        ("eve", True),
        ("fay", True),
    ]
    assert crowd.verdict("m0") == Verdict("agreed", "delay", 2)
    assert table.adjudicated(crowd.store) == {"m0": ["eve", "fay"]}


def test_many_adjudications_are_read_at_once(crowd):
    crowd.votes(m0=TIE, m1=TIE, m2=TIE, m3=TIE)
    counts = []
    for item_id in ("m0", "m1", "m2", "m3"):
        crowd.decide(item_id, eve="delay")
        asked = []
        crowd.store.conn.set_trace_callback(asked.append)
        table.adjudicated(crowd.store)
        crowd.store.conn.set_trace_callback(None)
        counts.append(len(asked))
    assert len(set(counts)) == 1, "a query for each would take minutes with many answers"


def test_who_was_outvoted_among_adjudicators_did_not_decide(crowd):
    crowd.votes(m0=TIE, m1=TIE)
    crowd.decide("m0", eve="delay", fay="refund", gus="delay")
    crowd.decide("m1", eve="delay", fay="refund")
    assert table.adjudicated(crowd.store) == {"m0": ["eve", "gus"]}
    assert crowd.verdict("m1") == Verdict("conflict", None, 2)


def test_disputed_is_what_people_disagree_on_and_nobody_decided(crowd):
    crowd.votes(
        m0=TIE,
        m1=TIE,
        m2=TIE,
        m3={"ana": "refund", "ben": "refund"},
        m4={"ana": "refund", "ben": "delay", "cem": "delay"},
        m5={"ana": "refund", "ben": "delay", "cem": "damage"},
        m6=TIE,
        m60=TIE,
    )
    crowd.decide("m1", eve="delay")
    crowd.fix("m2", "delay")
    with crowd.store.tx():
        table.save(
            crowd.store,
            NUMBER,
            {
                "m6": Consensus("refund", 0.55, TIE, "crowdlab"),
                "m0": Consensus("refund", 0.95, TIE, "crowdlab"),
            },
        )
    found = table.disputed(crowd.store)
    assert [d.item_id for d in found] == ["m5", "m60", "m6"]
    assert [d.label for d in found] == [None, None, "refund"]
    assert [d.quality for d in found] == [pytest.approx(1 / 3), 0.5, 0.55]
    assert found[0].in_words == "damage (1), delay (1), refund (1)"
    assert [d.item_id for d in table.disputed(crowd.store, below=0.96)][-1] == "m0"


def test_a_consensus_that_nobody_named_makes_what_people_said_uncertain(crowd):
    said = {"ana": "refund", "ben": "delay", "cem": "delay"}
    crowd.votes(m0=said)
    with crowd.store.tx():
        table.save(crowd.store, NUMBER, {"m0": Consensus("damage", 0.7, said, "crowdlab")})
    (found,) = table.disputed(crowd.store)
    assert (found.label, found.quality) == (None, pytest.approx(0.3))


def test_a_consensus_counts_only_as_long_as_votes_are_the_same(crowd):
    crowd.votes(m0=TIE)
    with crowd.store.tx():
        table.save(crowd.store, NUMBER, {"m0": Consensus("delay", 0.8, TIE, "crowdlab")})
    assert crowd.verdict("m0") == Verdict("agreed", "delay", 2)
    assert list(table.stored(crowd.store)) == ["m0"]
    crowd.votes(m0={"cem": "damage"})
    assert crowd.verdict("m0") == Verdict("conflict", None, 3)
    assert table.stored(crowd.store) == {}
    assert list(checks.failures(crowd.store, None)) == []


def test_settling_stores_differing_votes_and_derives_their_labels(crowd, asked):
    crowd.labeled()
    crowd.votes(m0={"ben": "delay"}, m1={"ben": "delay"}, m31=TIE, m60=TIE)
    crowd.settle()
    assert set(table.stored(crowd.store)) == {"m0", "m31", "m60"}
    assert crowd.verdict("m0") == Verdict("agreed", "refund", 2)
    assert crowd.verdict("m31") == Verdict("agreed", "refund", 2)
    assert crowd.lines == [
        "round 3: texts that people labeled differently: 3; consensus found: 3, still open: 0"
    ]


def test_the_methods_are_asked_with_all_votes_and_what_models_say_that_saw_no_text(crowd, asked):
    crowd.labeled()
    crowd.votes(m0={"ben": "delay"}, m31=TIE, m60=TIE)
    crowd.settle()
    ((votes, proba, method),) = asked
    assert method == "crowdlab"
    assert votes.classes == worlds.CLASSES
    assert votes.people == ("ana", "ben")
    assert votes.ids == (*(f"m{i}" for i in range(30)), "m31", "m60")
    assert proba.shape == (32, 3)
    assert proba.sum(axis=1) == pytest.approx(np.ones(32))
    truth = [int(i[1:]) % 3 for i in votes.ids]
    assert (proba.argmax(axis=1) == truth).mean() > 0.95


def test_a_text_says_nothing_about_itself(crowd, asked):
    """A model that has seen a text of its own kind repeats its label; one that has not, can't."""
    crowd.labeled()
    crowd.votes(m2={"ana": "refund", "ben": "refund"}, m31=TIE)
    number = {hash_: int(i[1:]) for i, _, hash_ in items.texts(crowd.store)}

    def vectors(encoder, hashes, texts):
        X = np.zeros((len(hashes), 70), dtype=np.float32)
        for row, place in enumerate(number[h] for h in hashes):
            X[row, [place % 3, 3 + place]] = 0.6, 0.8
        return X

    config = parse({"model": {"C": 1e4}})
    settling.settle(dataclasses.replace(crowd.parts, vectors=vectors), config, NUMBER)
    ((votes, proba, _),) = asked
    assert proba[votes.ids.index("m2")].argmax() == 2


def test_rows_of_classes_with_too_few_labels_are_left_open(crowd, asked):
    crowd.labeled(30)
    crowd.votes(**{f"m{i}": {"ana": "delay"} for i in range(2, 30, 3) if i > 8})
    crowd.votes(m31=TIE)
    crowd.settle()
    ((votes, proba, _),) = asked
    rare = [votes.ids.index(i) for i in ("m2", "m5", "m8")]
    assert np.isnan(proba[rare]).all()
    assert not np.isnan(np.delete(proba, rare, axis=0)).any()


@pytest.mark.parametrize("method", ["majority", "dawid_skene"])
def test_methods_that_look_at_no_model_need_none(crowd, asked, monkeypatch, method):
    crowd.labeled()
    crowd.votes(m0={"ben": "delay"})
    monkeypatch.setattr(settling, "learner", None)
    crowd.settle(method)
    assert [(proba, how) for _, proba, how in asked] == [(None, method)]
    assert {c.method for c in table.stored(crowd.store).values()} == {method}


def test_without_labels_enough_votes_alone_decide(crowd, asked):
    crowd.votes(m0=TIE, m1={"ana": "refund"})
    crowd.settle()
    assert [proba for _, proba, _ in asked] == [None]


def test_nothing_is_fitted_where_people_agree(crowd, asked):
    crowd.labeled()
    crowd.votes(m0={"ben": "refund"})
    crowd.settle()
    assert (asked, crowd.lines) == ([], [])


def test_a_consensus_of_earlier_rounds_goes_when_people_have_come_to_agree(crowd, asked):
    crowd.votes(m0=TIE)
    crowd.settle()
    crowd.votes(m0={"ben": "refund"})
    crowd.settle()
    assert answers.consensus(crowd.store) == {}
    assert len(asked) == 1


def test_what_was_decided_otherwise_is_not_counted_as_open_or_found(crowd, asked):
    crowd.votes(m0=TIE, m1=TIE)
    crowd.decide("m0", eve="delay")
    crowd.settle()
    assert crowd.verdict("m0") == Verdict("agreed", "delay", 2)
    assert crowd.lines[-1].endswith("differently: 1; consensus found: 1, still open: 0")
    crowd.decide("m1", eve="delay")
    crowd.settle()
    assert len(crowd.lines) == 1


def test_classes_that_changed_their_names_meanwhile_are_followed(crowd, asked):
    crowd.labeled()
    crowd.votes(m0={"ben": "delay"})
    crowd.settle()
    assert crowd.verdict("m0").label == "refund"
    crowd.merge("refund", "damage")
    assert crowd.verdict("m0").label == "damage"
    crowd.settle()
    assert table.stored(crowd.store)["m0"].votes == {"ana": "damage", "ben": "delay"}
    assert set(asked[-1][0].classes) == {"delay", "damage"}


@pytest.mark.parametrize(
    ("method", "label"), [("crowdlab", "refund"), ("dawid_skene", "refund"), ("majority", None)]
)
def test_each_method_settles_what_a_person_who_is_often_right_says_but_counting(
    crowd, method, label
):
    crowd.labeled()
    crowd.votes(**{f"m{i}": {"ben": worlds.CLASSES[i % 3]} for i in range(1, 10)})
    crowd.votes(m0={"ben": "delay"}, m60=TIE)
    crowd.settle(method)
    assert (crowd.verdict("m0").label, crowd.verdict("m60").label) == (label, label)
    assert {c.method for c in table.stored(crowd.store).values()} == {method}
    before = table.stored(crowd.store)
    crowd.settle(method)
    assert table.stored(crowd.store) == before


TEXTS, PEOPLE = ("m0", "m1", "m60"), ("ana", "ben", "cem")
LABELS = st.sampled_from([*worlds.CLASSES, "spam"])
STEPS = st.one_of(
    st.tuples(st.just("vote"), st.sampled_from(TEXTS), st.sampled_from(PEOPLE), LABELS),
    st.tuples(st.just("decide"), st.sampled_from(TEXTS), st.sampled_from(PEOPLE[:2]), LABELS),
    st.tuples(st.just("fix"), st.sampled_from(TEXTS), st.sampled_from([*worlds.CLASSES, None])),
    st.tuples(st.just("settle")),
    st.tuples(st.just("merge")),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEPS, min_size=5, max_size=25))
def test_labels_follow_from_what_people_said_whatever_happens_in_which_order(steps):
    crowd = Crowd(n=6, test=60)
    with closing(crowd.store), pytest.MonkeyPatch.context() as patched:
        patched.setattr(settling.crowd, "consensus", first)
        for name, *what in steps:
            if name == "vote":
                crowd.votes(**{what[0]: {what[1]: what[2]}})
            elif name == "decide":
                crowd.decide(what[0], **{what[1]: what[2]})
            elif name == "fix":
                crowd.fix(*what)
            elif name == "settle":
                crowd.settle()
            else:
                crowd.merge("delay", "damage")
            assert list(checks.failures(crowd.store, None)) == []
            disputed = {d.item_id for d in table.disputed(crowd.store)}
            decided = table.adjudicated(crowd.store).keys() | fixes.standing(crowd.store).keys()
            assert not disputed & decided
            assert {i for i in TEXTS if crowd.verdict(i) and crowd.verdict(i).votes > 1} >= disputed
