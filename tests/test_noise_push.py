"""Second looks at labels that look wrong: who is asked, what settles them, what becomes of them."""

from contextlib import suppress

import numpy as np
import pytest

from al_loop import fix, undo
from al_loop.errors import Waiting
from al_loop.evidence import judging
from al_loop.noise import push as pushing
from al_loop.store import (
    answers,
    checks,
    evidence,
    items,
    overview,
    rounds,
    second_looks,
    stories,
    terminal,
)
from al_loop.types import Doubt, split_key
from tests import answering, offline, plain_judge

CONFIG = offline.CONFIG.replace("size = 12", 'size = 30\nstrategy = "random"')
CONFIG += "[audit]\nsecond_looks = 0.1\n"
WRONG = {"refund": "delay", "delay": "damage", "damage": "refund"}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Ana has answered a round of 30 texts, two of them wrong; the next is with her."""
    plain_judge.use(monkeypatch)
    with answering.World(tmp_path, config=CONFIG, table=offline.rows(120)) as world:
        tasks = world.push()
        world.answer(tasks)
        world.wrong = sorted(t.item_id for t in tasks)[4:6]
        for item_id in world.wrong:
            mislabel(world, item_id)
        world.run()
        world.push()
        yield world
        assert list(checks.failures(world.store, world.app.workspace.models_dir)) == []


def mislabel(world, item_id):
    right = world.table[item_id][1]
    world.people.said[f"{item_id}:0"] = {"labels": (WRONG[right],), "person": "ana"}


def push(world, **how):
    return pushing.push(world.app.parts(world.people), world.app.config, **how)


def listed(world):
    return [r["item_id"] for r in evidence.doubtful(world.store, evidence.newest(world.store))]


def say(world, key, label, person):
    world.people.said[key] = {"labels": (label,), "person": person, "at": f"2026-02-0{len(key)}"}


def right(world, item_id):
    return world.table[item_id][1]


def finish(world, number=None):
    """Answer what is open of the round with gold, by ana, and carry the round to its end."""
    number = number or rounds.open_round(world.store).number
    for b in rounds.batch(world.store, number):
        if not b.look:
            world.people.said.setdefault(b.key, {"labels": (right(world, b.item_id),)})
    with suppress(Waiting):
        world.run()


def test_a_wrong_label_is_sent_blind_into_the_open_round(world):
    assert set(listed(world)) >= set(world.wrong)
    sent = push(world)
    assert sent.open_round == 2
    assert {r["item_id"] for r in sent.rows} >= set(world.wrong)
    assert sent.only == "ana"
    tasks = {t.key: t for t in world.people.sent}
    for item_id in world.wrong:
        task = tasks[f"{item_id}:1"]
        assert task.suggestion is None
        assert task.overlap == 1
        assert "look" not in task.context
    assert rounds.get_round(world.store, 2).state == "pushed"
    ranks = [b.rank for b in rounds.batch(world.store, 2)]
    assert ranks == list(range(1, 30 + len(sent.rows) + 1))


def test_the_answer_of_who_gave_the_label_is_kept_and_does_not_settle_it(world):
    push(world, limit=1)
    (asked,) = [b for b in rounds.batch(world.store, 2) if b.look]
    item_id = asked.item_id
    say(world, asked.key, WRONG[right(world, item_id)], "ana")
    finish(world)
    assert rounds.get_round(world.store, 2).state == "logged", "the batch is settled by any answer"
    assert item_id in listed(world)
    (look,) = [w for w in second_looks.waiting(world.store) if w.item_id == item_id]
    assert look.look == 2
    again = {t.key: t for t in world.push()}
    assert again[f"{item_id}:2"].suggestion is None
    say(world, f"{item_id}:2", right(world, item_id), "ben")
    finish(world)
    assert item_id not in listed(world)
    verdict = stories.verdict(world.store, item_id)
    assert verdict.votes == 2
    assert verdict.label in (None, right(world, item_id)), "corrected, or in conflict"
    assert [w for w in second_looks.waiting(world.store) if w.item_id == item_id] == []


def test_a_label_that_another_person_confirms_is_gone_at_once_and_for_good(world):
    item_id = world.wrong[0]
    push(world)
    say(world, f"{item_id}:1", WRONG[right(world, item_id)], "ben")
    with suppress(Waiting):
        world.run()
    assert rounds.get_round(world.store, 2).state == "pushed"
    assert item_id not in listed(world)
    assert world.wrong[1] in listed(world)
    push(world)
    assert item_id not in listed(world), "judged anew: sure labels are in no doubt"


def test_nobody_is_asked_more_than_three_times_about_a_label(world):
    item_id = push(world, limit=1).rows[0]["item_id"]
    for look in (1, 2, 3):
        assert world.people.tasks[f"{item_id}:{look}"]
        say(world, f"{item_id}:{look}", WRONG[right(world, item_id)], "ana")
        finish(world)
        world.push()
    assert f"{item_id}:4" not in world.people.tasks
    assert item_id in listed(world)
    sent = push(world)
    assert sent.given_up == 1
    assert item_id not in [r["item_id"] for r in sent.rows]


def test_without_an_open_round_the_looks_come_first_in_the_next_batch(world):
    finish(world)
    assert rounds.open_round(world.store) is None
    sent = push(world)
    assert sent.open_round is None
    looks = [w.item_id for w in second_looks.waiting(world.store)]
    assert looks == [r["item_id"] for r in sent.rows]
    tasks = world.push()
    assert [split_key(t.key)[0] for t in tasks[: len(looks)]] == looks
    assert all(t.suggestion is None for t in tasks[: len(looks)])


def test_asking_twice_sends_nothing_twice(world):
    first = push(world)
    before = list(checks.dump(world.store))
    second = push(world)
    assert second.rows == []
    assert second.waiting == len(first.rows)
    assert list(checks.dump(world.store)) == before


def test_no_more_than_a_share_of_a_batch_waits_at_a_time(world):
    for b in rounds.batch(world.store, 1)[12:15]:
        mislabel(world, b.item_id)
    first = push(world, limit=2)
    assert len(first.rows) == 2
    assert first.left >= 2
    assert len(push(world).rows) == 1, "a tenth of 30 in all"
    last = push(world)
    assert last.rows == []
    assert (last.waiting, last.left) == (3, first.left - 1)


def test_late_answers_are_fetched_and_the_labels_judged_anew_first(world):
    late = next(b for b in rounds.batch(world.store, 1) if b.item_id not in world.wrong)
    assert late.item_id not in listed(world)
    mislabel(world, late.item_id)
    assert late.item_id in [r["item_id"] for r in push(world).rows]


def test_the_next_ranking_learns_what_a_corrected_label_was_before(world, monkeypatch):
    seen = {}

    def judge(X, y, **how):
        seen.update(how, y=y)
        return plain_judge.judge(X, y, **how)

    monkeypatch.setattr(judging, "judge", judge)
    right = world.table[world.wrong[0]][1]
    fix.apply(world.store, [fix.Wanted(world.wrong[0], right, "seen it")], "lead")
    push(world)
    names = [c.name for c in items.classes(world.store)]
    changed = np.flatnonzero(seen["was"] != seen["y"])
    told = [(names[seen["was"][i]], names[seen["y"][i]]) for i in changed]
    assert told == [(WRONG[right], right)]


def test_a_dry_run_changes_nothing(world):
    before = list(checks.dump(world.store))
    sent = push(world, dry_run=True)
    assert set(world.wrong) <= {r["item_id"] for r in sent.rows}
    assert list(checks.dump(world.store)) == before


# In the terminal, and with other reasons


def test_the_terminal_never_offers_a_look_to_who_gave_the_label(world):
    asked = {r["item_id"] for r in push(world).rows}
    for_ana, for_ben = (terminal.waiting(world.store, 2, name) for name in ("ana", "ben"))
    assert {b.item_id for b in for_ben if b.look} == asked
    assert [b for b in for_ana if b.look] == []
    assert len(for_ana) == 30
    (ana,) = [r for r in overview.annotators(world.store, 2) if r["annotator"] == "ana"]
    assert ana["open"] == 30


def test_a_label_that_came_with_the_data_is_sent_to_anybody_and_sure_once_somebody_agrees(
    tmp_path, monkeypatch
):
    plain_judge.use(monkeypatch)
    table = offline.rows(30)
    with answering.World(tmp_path, config=CONFIG, table=table) as world:
        with world.store.tx():
            for item_id, _, label in table[:24]:
                given = WRONG[label] if item_id in ("m04", "m09") else label
                world.store.execute("UPDATE aliases SET label = ? WHERE id = ?", [given, item_id])
            answers.refresh_labels(world.store)
        world.push()
        for b in rounds.batch(world.store, 1):
            say(world, b.key, right(world, b.item_id), "ana")
        world.run()
        sent = push(world)
        assert {r["item_id"] for r in sent.rows} >= {"m04", "m09"}
        assert all(r["by"] == [] for r in sent.rows)
        assert sent.only == ""
        keys = [t.key for t in world.push()]
        say(world, "m04:1", WRONG[right(world, "m04")], "ana")
        say(world, "m09:1", right(world, "m09"), "ana")
        world.run(partial=True)
        assert {"m04:1", "m09:1"} <= set(keys)
        assert not {"m04", "m09"} & set(listed(world))
        assert evidence.grounds(world.store)["m04"].sure, "the data and a person say the same"
        labels = {i: label for i, _, _, label in answers.labeled(world.store, "pool")}
        assert labels["m09"] == right(world, "m09")


def test_a_doubtful_label_of_the_test_set_is_asked_about_and_corrected(tmp_path, monkeypatch):
    table = offline.rows(60)
    with answering.World(tmp_path, config=CONFIG, table=table) as world:
        with world.store.tx():
            world.store.execute("UPDATE items SET role = 'test' WHERE position >= 45")
            for item_id, _, label in table[45:]:
                given = WRONG[label] if item_id == "m50" else label
                world.store.execute("UPDATE aliases SET label = ? WHERE id = ?", [given, item_id])
            answers.refresh_labels(world.store)
        world.answer(world.push())
        world.run()
        with world.store.tx():
            doubts = [Doubt("m50", WRONG[right(world, "m50")], right(world, "m50"), 0.9, True)]
            evidence.save(world.store, 1, doubts)
        monkeypatch.setattr(pushing.doubt, "look", lambda *_: pushing.doubt.Found(doubts))
        world.push()
        assert [r["role"] for r in push(world).rows] == ["test"]
        assert "m50:1" in world.people.tasks
        say(world, "m50:1", right(world, "m50"), "ana")
        with suppress(Waiting):
            world.run()
        assert listed(world) == []
        test = {i: label for i, _, _, label in answers.labeled(world.store, "test")}
        assert test["m50"] == right(world, "m50")
        assert list(checks.failures(world.store, world.app.workspace.models_dir)) == []


def test_a_label_that_waits_and_looks_right_by_now_is_not_asked_about(world):
    finish(world)
    asked = push(world).rows[0]["item_id"]
    assert asked in [w.item_id for w in second_looks.waiting(world.store)]
    world.people.said[f"{asked}:0"] = {"labels": (right(world, asked),), "person": "ana"}
    push(world)  # which fetches answers
    assert asked not in [w.item_id for w in second_looks.waiting(world.store)]
    assert f"{asked}:1" not in {t.key for t in world.push()}


def test_an_undo_lets_the_looks_wait_as_if_they_had_never_been_sent(world):
    asked = {r["item_id"] for r in push(world).rows}
    undo.undo(world.app, "lead", lambda line: None)
    waiting = {w.item_id for w in second_looks.waiting(world.store)}
    assert waiting == asked
    assert set(second_looks.tries(world.store).values()) == {0}
    assert {f"{i}:1" for i in asked} <= {t.key for t in world.push()}


def test_keys_never_meet_those_of_the_review_project(world):
    item_id = push(world, dry_run=True).rows[0]["item_id"]
    with world.store.tx():
        world.store.execute(
            "INSERT INTO projects (role, annotator, marker, title)"
            " VALUES ('review', 'told', 'review', 'review')"
        )
        project = world.store.value("SELECT id FROM projects WHERE role = 'review'")
        world.store.execute(
            "INSERT INTO tasks (project_id, key, item_id, look, overlap) VALUES (?, ?, ?, 4, 1)",
            [project, f"{item_id}:4", item_id],
        )
    push(world)
    assert f"{item_id}:5" in world.people.tasks


def test_whatever_another_person_submits_settles_the_look(world):
    item_id = push(world, limit=1).rows[0]["item_id"]
    world.people.said[f"{item_id}:1"] = {"labels": (), "person": "ben"}  # who could not tell
    finish(world)
    assert rounds.get_round(world.store, 2).state == "logged"
    assert item_id in listed(world), "nobody has confirmed it, nor corrected it"
    assert item_id not in [w.item_id for w in second_looks.waiting(world.store)]
