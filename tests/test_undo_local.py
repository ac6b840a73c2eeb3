"""`al-loop undo` of rounds that no server knows, and with other processes around."""

import pytest

from al_loop import app, undo
from al_loop.annotators.oracle import Oracle
from al_loop.errors import InputError, Locked, StateError
from al_loop.files import lock
from al_loop.loop import machine
from al_loop.loop.machine import Options
from al_loop.store import answers, checks, rounds, tasks
from tests import offline


@pytest.fixture
def opened(tmp_path):
    with app.opened(offline.make(tmp_path)) as opened:
        yield opened


def parts(opened):
    return opened.parts(Oracle({i: label for i, _, label in offline.rows()}))


def take_back(opened, **more):
    return undo.undo(opened, "lead", lambda line: None, **more)


def test_a_round_without_a_server_needs_none(opened):
    machine.run(parts(opened), opened.config, Options(until="pushed"))
    done = take_back(opened)
    assert (done.state, done.texts, done.removed, done.kept, done.labeled) == (
        "pushed",
        12,
        12,
        0,
        0,
    )
    assert rounds.open_round(opened.store) is None
    machine.run(parts(opened), opened.config, Options(until="logged"))
    assert len(answers.labeled(opened.store, "pool")) == 12, "what was taken back is not answered"
    assert list(checks.failures(opened.store, opened.workspace.models_dir)) == []


def test_its_answers_stay_and_are_not_asked_for_again(opened):
    machine.run(parts(opened), opened.config, Options(until="trained"))
    batch = {b.item_id for b in rounds.batch(opened.store, 1)}
    done = take_back(opened)
    assert (done.state, done.removed, done.kept, done.labeled) == ("trained", 0, 12, 12)
    assert {row[0] for row in answers.labeled(opened.store, "pool")} == batch
    machine.run(parts(opened), opened.config, Options(until="selected"))
    assert not batch & {b.item_id for b in rounds.batch(opened.store, 1)}
    assert list(checks.failures(opened.store, opened.workspace.models_dir)) == []


def test_a_round_of_schema_1_has_no_note_and_spares_the_tasks_of_earlier_batches(opened):
    machine.run(parts(opened), opened.config, Options(until="logged"))
    machine.run(parts(opened), opened.config, Options(until="pushed"))
    store = opened.store
    again = rounds.batch(store, 1)[0].item_id
    store.execute("UPDATE batch SET released = 1 WHERE round = 1 AND item_id = ?", [again])
    store.execute("UPDATE batch SET item_id = ? WHERE round = 2 AND rank = 1", [again])
    store.execute("DELETE FROM notes WHERE round = 2")
    take_back(opened)
    assert f"{again}:0" in tasks.task_overlaps(store, parts(opened).project.id)


def test_while_another_process_works_nothing_is_taken_back(opened):
    machine.run(parts(opened), opened.config, Options(until="pushed"))
    with lock(opened.workspace.lock_path), pytest.raises(Locked):
        take_back(opened)
    assert rounds.open_round(opened.store) is not None


def test_somebody_who_waits_for_the_round_is_told_that_it_is_gone(opened):
    class Slow(Oracle):
        def pull(self, request):
            return type(super().pull(request))(answers=[], annotated=0)

    def gone(progress):
        take_back(opened)

    waiting = Options(wait=True, poll=0.01, watch=gone)
    slow = opened.parts(Slow({i: label for i, _, label in offline.rows()}))
    machine.run(slow, opened.config, Options(until="pushed"))
    with pytest.raises(StateError, match="there is no round 1"):
        machine.run(slow, opened.config, waiting)


@pytest.mark.parametrize("author", ["", " ", "two\nlines", "\ud800"])
def test_an_author_is_a_name_on_one_line(opened, author):
    with pytest.raises(InputError, match="the name of who decides"):
        undo.undo(opened, author, lambda line: None)
