"""Second looks that meet something else: skips, splits, deleted answers, adjudicators."""

from contextlib import suppress
from dataclasses import replace
from functools import partial

import click
import numpy as np
import pytest

from al_loop import fix
from al_loop.classes import splitting
from al_loop.cli import spending
from al_loop.errors import BudgetStop, Waiting
from al_loop.fix import Wanted
from al_loop.loop import machine
from al_loop.noise import push as pushing
from al_loop.store import (
    answers,
    checks,
    evidence,
    overview,
    reviews,
    rounds,
    second_looks,
    tasks,
    terminal,
)
from al_loop.types import Answer, Pulled
from tests import answering, offline, plain_judge

CONFIG = offline.CONFIG.replace("size = 12", 'size = 30\nstrategy = "random"')
CONFIG += "[audit]\nsecond_looks = 0.1\n"
WRONG = {"refund": "delay", "delay": "damage", "damage": "refund"}


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Ana has answered a round of 30 texts, one of them wrong."""
    plain_judge.use(monkeypatch)
    with answering.World(tmp_path, config=CONFIG, table=offline.rows(160)) as world:
        tasks = world.push()
        world.answer(tasks)
        world.wrong = sorted(t.item_id for t in tasks)[4]
        label = WRONG[world.table[world.wrong][1]]
        world.people.said[f"{world.wrong}:0"] = {"labels": (label,), "person": "ana"}
        world.run()
        yield world
        assert list(checks.failures(world.store, world.app.workspace.models_dir)) == []


def push(world, **how):
    return pushing.push(world.app.parts(world.people), world.app.config, **how)


def listed(world):
    return [r["item_id"] for r in evidence.doubtful(world.store, evidence.newest(world.store))]


def finish(world):
    """Answer the new texts of the open round and carry it to its end."""
    for b in rounds.batch(world.store, rounds.open_round(world.store).number):
        if not b.look:
            said = {"labels": (world.table[b.item_id][1],)}
            world.people.said.setdefault(b.key, said)
    with suppress(Waiting):
        world.run()


def test_a_label_that_others_leave_undecided_is_not_asked_about_for_ever(world):
    assert world.wrong in listed(world)
    sent = 0
    for _ in range(second_looks.TRIES + 2):
        world.push()
        given_up = push(world).given_up
        for b in rounds.batch(world.store, rounds.open_round(world.store).number):
            if b.look:
                sent += b.item_id == world.wrong
                world.people.said[b.key] = {"labels": (), "person": "ben"}
        finish(world)
    assert world.wrong in listed(world)
    assert sent == second_looks.TRIES
    assert given_up


def test_who_gave_a_doubtful_label_may_still_say_what_part_of_the_class_it_is(world, monkeypatch):
    push(world)
    assert [w.reason for w in second_looks.waiting(world.store)] == ["noise"]
    label = WRONG[world.table[world.wrong][1]]

    def subgroups(X, rng, parts=None):
        return np.arange(len(X)) % 2

    monkeypatch.setattr("strategies.discovery.subgroups", subgroups, raising=False)
    splitting.split(world.app, label, "lead", lambda line: None)
    number = world.run("pushed")
    (row,) = [b for b in rounds.batch(world.store, number) if b.item_id == world.wrong]
    assert row.suggestion, "it is asked as a part of the class"
    assert row in terminal.waiting(world.store, number, "ana")
    people = {p["annotator"]: p["open"] for p in overview.annotators(world.store, number)}
    assert people["ana"] == len(rounds.batch(world.store, number))


def test_gold_whose_answer_was_deleted_can_be_gold_again(world):
    right = world.table[world.wrong][1]
    fix.apply(world.store, [Wanted(world.wrong, right)], "lead")
    world.app.config.batch.__dict__["gold_share"] = 0.03
    for _ in range(2):
        tasks = world.push()
        gold = [t for t in tasks if t.look]
        assert [t.item_id for t in gold] == [world.wrong]
        world.people.said[gold[0].key] = {"labels": (right,), "person": "ben"}
        finish(world)
        del world.people.said[gold[0].key]
        push(world)  # fetches what was deleted


def with_budget(world, labels):
    budget = world.app.config.budget.model_copy(update={"labels": labels})
    changed = world.app.config.model_copy(update={"budget": budget})
    world.app = replace(world.app, config=changed)


def test_no_more_is_sent_into_an_open_round_than_the_budget_pays_for(world):
    world.push()
    asked = 30 + 30  # answered, and open
    for labels, sent in ((asked, 0), (asked - 5, 0), (asked + 1, 1)):
        with_budget(world, labels)
        found = push(world, pays=partial(spending.further, world.app), dry_run=True)
        assert len(found.rows) == sent
        assert found.unpaid == 1 - sent
    sent = push(world, pays=partial(spending.further, world.app))
    assert [r["item_id"] for r in sent.rows] == [world.wrong]
    assert push(world, pays=lambda number: 0).unpaid == 0, "nothing further was to be sent"


def test_second_looks_need_a_budget_when_no_new_text_is_left(tmp_path, monkeypatch):
    plain_judge.use(monkeypatch)
    with answering.World(tmp_path, config=CONFIG, table=offline.rows(30)) as world:
        tasks = world.push()
        world.answer(tasks)
        wrong = tasks[4].item_id
        label = WRONG[world.table[wrong][1]]
        world.people.said[f"{wrong}:0"] = {"labels": (label,), "person": "ana"}
        world.run()
        assert push(world).rows
        with_budget(world, 30)
        parts = world.app.parts(world.people)
        options = machine.Options("pushed", gate=spending.gate(world.app, yes=True, go_on=False))
        with click.Context(click.Command("round")), pytest.raises(BudgetStop):
            machine.run(parts, world.app.config, options)
        with_budget(world, 31)
        options = machine.Options("pushed", gate=spending.gate(world.app, yes=True, go_on=False))
        number = machine.run(parts, world.app.config, options)
        assert [b.item_id for b in rounds.batch(world.store, number)] == [wrong]


def test_an_adjudicator_who_skips_a_text_does_not_settle_a_second_look_at_it(world):
    push(world)
    (before,) = second_looks.waiting(world.store)
    with world.store.tx():
        world.store.execute(
            "INSERT INTO projects (role, annotator, marker, title)"
            " VALUES ('review', 'told', 'review', 'review')"
        )
        project = world.store.value("SELECT id FROM projects WHERE role = 'review'")
        reviews.ask(world.store, project, [before.item_id])
        answer = Answer(1, f"{before.item_id}:2", "eve", "skip", (), updated_at="2027")
        answers.save_pull(world.store, project, Pulled([answer], 1))
    assert second_looks.waiting(world.store) == [before]


def test_a_late_answer_to_a_second_look_is_not_waited_for_again(world):
    world.push()
    push(world)
    for b in rounds.batch(world.store, 2):
        if not b.look:
            world.people.said[b.key] = {"labels": (world.table[b.item_id][1],)}
    world.run(partial=True)
    project = world.app.parts(world.people).project.id
    assert tasks.has_unanswered_tasks(world.store, project)
    world.people.said[f"{world.wrong}:1"] = {"labels": (), "person": "ben"}
    push(world)
    assert not tasks.has_unanswered_tasks(world.store, project)
