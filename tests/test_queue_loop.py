"""`[batch] relabel = "auto"`: what the slots of a batch go to in a workspace."""

import pytest

from al_loop import fix
from al_loop.annotators.oracle import Oracle
from al_loop.errors import NothingToSelect
from al_loop.fix import Wanted
from al_loop.loop import machine, queue
from al_loop.loop.select import choose
from al_loop.store import checks, results, reviews, rounds
from al_loop.types import split_key
from tests import worlds
from tests.answering import Told

N = 90
PEOPLE = {"ana": 0.05, "ben": 0.4, "cleo": 0.3}
TWO = {"ana": 0.05, "ben": 0.4}  # once both have labeled a text, only an adjudicator is left
AUTO = {"relabel": "auto", "size": 12, "strategy": "random"}
BOTH = {"overlap": {"share": 1.0, "annotators": 2}}  # leaves nothing but adjudications to ask for
TWICE = {"overlap": {"share": 0.5, "annotators": 2}}


def parts_of(store, people=PEOPLE, said=None, **more):
    oracle = Oracle(worlds.gold(N), people=tuple(people), mistakes=people)
    return worlds.make_parts(store, oracle, said, **more)


@pytest.fixture
def store():
    store = worlds.make_store(n=N)
    yield store
    assert not list(checks.failures(store, None))
    store.close()


@pytest.fixture(scope="module")
def played():
    """Two people, one of whom errs often, have played five rounds; with what was said."""
    store, said = worlds.make_store(n=N), []
    play(parts_of(store, TWO, said), 5, **TWICE)
    yield store, said
    assert not list(checks.failures(store, None))
    store.close()


def play(parts, times, **batch):
    config = worlds.config(**{**AUTO, **batch})
    for _ in range(times):
        machine.run(parts, config, machine.Options(wait=True))
    return rounds.batch(parts.store, rounds.last_number(parts.store))


def slots_of(store):
    return [r["slots"] for r in results.history(store)]


def relabeled(store):
    return store.rows("SELECT * FROM second_looks WHERE reason = 'relabel'")


def test_noisy_people_are_asked_again(played):
    store, said = played
    slots = slots_of(store)
    assert slots[0] == {"new": 12, "again": 0, "review": 0}, "nothing is known yet"
    assert sum(s["again"] for s in slots) > 0
    for number, s in enumerate(slots, start=1):
        batch = rounds.batch(store, number, released=True)
        assert sum(s.values()) == 12
        assert len(batch) == s["new"] + s["again"]
        assert sum(b.strategy == "second label" for b in batch) == s["again"]
    (line,) = [x for x in said if x.startswith("round 5:") and "chosen by" in x]
    new, again = slots[4]["new"], slots[4]["again"]
    assert f"({new} new, {again} second label" in line
    assert "adjudication" in line


def test_a_second_label_is_blind_and_comes_from_somebody_else(store):
    play(parts_of(store), 4)
    asked = [b for n in range(1, 5) for b in rounds.batch(store, n) if b.look]
    assert asked
    assert all(b.blind and b.suggestion is None and b.overlap == 1 for b in asked)
    people = {}
    for a in store.rows("SELECT item_id, look, annotator FROM answers ORDER BY look"):
        people.setdefault(a["item_id"], []).append(a["annotator"])
    for item_id in {b.item_id for b in asked}:
        assert len(people[item_id]) == len(set(people[item_id])) > 1


def test_who_labeled_a_text_is_noted_as_its_givers(store):
    play(parts_of(store), 3)
    (first, *_) = relabeled(store)
    asked = store.rows(
        "SELECT annotator FROM answers WHERE item_id = ? AND look < ?",
        [first["item_id"], first["look"]],
    )
    assert first["round"]
    assert first["givers"] == f'["{asked[0]["annotator"]}"]'


def test_the_answer_of_a_giver_is_no_second_label(store):
    """On a server anybody may take the task: then the text has one vote still."""
    people = Told()
    parts = worlds.make_parts(store, people)
    config = worlds.config(**AUTO)

    def round_(person):
        machine.run(parts, config, machine.Options(until="pushed"))
        for key in people.tasks.keys() - people.said:
            label = worlds.gold(N)[split_key(key)[0]]
            people.said[key] = {"labels": (label,), "person": person(key)}
        machine.run(parts, config, machine.Options(until="logged"))

    round_(lambda key: "ana")
    round_(lambda key: "ben")
    for _ in range(4):
        round_(lambda key: "ana")
    asked = {r["item_id"] for r in relabeled(store)}
    assert asked
    votes = store.rows("SELECT item_id, votes FROM labels")
    assert {r["votes"] for r in votes if r["item_id"] in asked} <= {1, 2}


def test_one_person_is_asked_nothing_again_and_chooses_as_ever():
    chosen = {}
    for relabel in ("never", "auto"):
        store, said = worlds.make_store(n=N), []
        parts = parts_of(store, {"ben": 0.4}, said)
        play(parts, 4, relabel=relabel, strategy="margin")
        chosen[relabel] = [rounds.batch(store, n) for n in range(1, 5)]
        assert not relabeled(store)
        assert ("two people at least" in "\n".join(said)) == (relabel == "auto")
        store.close()
    assert chosen["auto"] == chosen["never"]


def test_without_relabel_nothing_of_it_is_stored(store):
    play(parts_of(store), 2, relabel="never", **TWICE)
    assert slots_of(store) == [None, None]
    assert not relabeled(store)
    assert reviews.project(store, 1) is None


def test_careful_people_are_asked_for_new_texts(store, played):
    play(parts_of(store, {"ana": 0.0, "ben": 0.0}), 5, **TWICE)
    assert sum(s["new"] for s in slots_of(store)) > sum(s["new"] for s in slots_of(played[0]))


def test_a_preview_is_what_is_chosen(store):
    parts = parts_of(store, TWO)
    play(parts, 3, **BOTH)
    config = worlds.config(**AUTO, **BOTH)
    seen = choose(parts, config)
    assert choose(parts, config) == seen
    machine.run(parts, config, machine.Options(until="selected"))
    assert tuple(rounds.batch(store, 4)) == seen.rows
    assert slots_of(store)[-1] == seen.divided.slots
    project = reviews.project(store, parts.project.id)
    asked = [] if project is None else [r.item_id for r in reviews.pending(store, project.id)]
    assert asked == list(seen.divided.reviews)


def test_what_they_disagree_on_is_adjudicated_once_by_the_best_who_decides(store):
    play(parts_of(store, TWO), 3, **BOTH)
    slots = slots_of(store)
    assert sum(s["review"] for s in slots) > 0
    assert not sum(s["again"] for s in slots), "both have labeled every text"
    project = reviews.project(store, 1)
    assert not reviews.pending(store, project.id)
    answers = store.rows("SELECT * FROM answers WHERE project_id = ?", [project.id])
    assert {a["annotator"] for a in answers} == {"ana"}
    keys = [a["key"] for a in answers]
    assert len({split_key(k)[0] for k in keys}) == len(keys), "each text once"
    labels = {r["item_id"]: r["label"] for r in store.rows("SELECT item_id, label FROM labels")}
    for a in answers:
        assert a["labels"] == f'["{labels[a["item_id"]]}"]'


def test_nobody_is_sent_to_a_review_project_where_there_is_none(store):
    play(parts_of(store, TWO, reviews=False), 3, **BOTH)
    assert slots_of(store) == [{"new": 12, "again": 0, "review": 0}] * 3


def test_a_text_that_is_sure_is_not_asked_again(store):
    play(parts_of(store), 2)
    labeled = [r["item_id"] for r in store.rows("SELECT item_id FROM labels")]
    fix.apply(store, [Wanted(i, worlds.gold(N)[i]) for i in labeled], "lead")
    play(parts_of(store), 1)
    assert slots_of(store)[-1] == {"new": 12, "again": 0, "review": 0}


def test_second_labels_go_on_when_no_new_text_is_left_and_end():
    store = worlds.make_store(n=24)
    parts = parts_of(store, {"ana": 0.05, "ben": 0.4})
    with pytest.raises(NothingToSelect):
        play(parts, 40)
    votes = store.rows("SELECT item_id, COUNT(DISTINCT annotator) AS n FROM answers GROUP BY 1")
    assert len(votes) == 24
    assert sum(v["n"] > 1 for v in votes) > 12
    assert slots_of(store)[-1]["new"] == 0
    store.close()


def test_a_further_label_of_a_text_is_asked_for_three_times_at_most(store):
    play(parts_of(store, {f"p{i}": 0.5 for i in range(8)}), 6)
    counts = store.rows("SELECT COUNT(*) AS n FROM second_looks GROUP BY item_id")
    assert max(r["n"] for r in counts) <= queue.TRIES


def test_an_answer_takes_what_it_took_so_far(store):
    config = worlds.config()
    seconds = config.budget.seconds_per_label
    got = queue.minutes(store, config)
    assert (got.new, got.again, got.review) == pytest.approx(
        (seconds / 60, seconds / 60, 2 * seconds / 60)
    )
    play(parts_of(store), 4, **TWICE)
    store.execute("UPDATE answers SET lead_time = CASE WHEN look = 0 THEN 30 ELSE 12 END")
    store.execute("UPDATE answers SET lead_time = 5000 WHERE annotation_id % 7 = 0")
    got = queue.minutes(store, config)
    assert (got.new, got.again) == pytest.approx((0.5, 0.2)), "breaks move no median"
