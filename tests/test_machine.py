"""How the state machine behaves with others around: waiting, owners, new settings."""

import contextlib
import dataclasses
import itertools

import pytest

from al_loop.annotators.oracle import Oracle
from al_loop.config import parse
from al_loop.errors import BudgetStop, Locked, NothingToSelect, ServerError, StateError, Waiting
from al_loop.loop import machine
from al_loop.loop.exchange import PullOptions
from al_loop.loop.machine import Options
from al_loop.store import answers, items, results, rounds, tasks
from tests import worlds

PATIENT = Options(wait=True, poll=0.01)


@pytest.fixture
def store():
    store = worlds.make_store(test=30)
    yield store
    store.close()


class Slow(Oracle):
    """Answers all at once, but only from the n-th look on; before, it may fail."""

    def pull(self, request):
        number = next(self.said["looks"])
        error = self.said["errors"].get(number)
        if error is not None:
            raise error
        pulled = super().pull(request)
        if number < self.said["from"]:
            return dataclasses.replace(pulled, answers=[], annotated=0)
        self.said["at"](number)
        return pulled


def slow(looks, errors=None, at=lambda number: None):
    said = {"looks": itertools.count(1), "from": looks, "errors": errors or {}, "at": at}
    return Slow(worlds.gold(), said=said)


def test_waiting_ends_when_the_round_is_logged(store):
    parts = worlds.make_parts(store, slow(3))
    assert machine.run(parts, worlds.config(), PATIENT) == 1
    assert rounds.open_round(store) is None


def test_waiting_survives_a_server_that_is_away_also_at_the_first_look(store):
    away = {n: ServerError("away") for n in (1, 2, 4, 5)}
    said = []
    parts = worlds.make_parts(store, slow(6, away), said)
    assert machine.run(parts, worlds.config(), PATIENT) == 1
    assert said.count("away; trying again") == 4


def test_waiting_gives_up_on_a_server_that_stays_away(store):
    away = {n: ServerError("away") for n in range(1, 20)}
    with pytest.raises(ServerError):
        machine.run(worlds.make_parts(store, slow(99, away)), worlds.config(), PATIENT)


def test_waiting_looks_again_when_another_process_holds_the_workspace(store):
    """Also more often than a server may be away: a long import is no reason to give up."""
    tries = itertools.count(1)

    @contextlib.contextmanager
    def lock():
        if 4 <= next(tries) <= 12:
            raise Locked("process 7 is at work")
        yield

    parts = dataclasses.replace(worlds.make_parts(store, slow(2)), lock=lock)
    assert machine.run(parts, worlds.config(), PATIENT) == 1


def test_waiting_ends_with_its_round_though_another_process_began_the_next(store):
    def other(number):
        """Between two looks, another process logs the round and pushes the next."""
        with contextlib.suppress(Waiting):
            machine.run(worlds.make_parts(store), worlds.config(), Options())

    class Overtaken(Slow):
        def pull(self, request):
            if next(self.said["looks"]) == 1:
                return dataclasses.replace(Oracle.pull(self, request), answers=[])
            raise AssertionError("it looked for the next round's answers")

    said = {"looks": itertools.count(1)}
    parts = worlds.make_parts(store, Overtaken(worlds.gold(), said=said))
    watch = dataclasses.replace(PATIENT, watch=other)
    assert machine.run(parts, worlds.config(), watch) == 1
    assert rounds.open_round(store) is None or rounds.open_round(store).number == 2


def test_the_link_is_told_before_waiting(store):
    said = []
    parts = worlds.make_parts(store, slow(2), said)
    machine.run(parts, worlds.config(), Options(until="pushed"))
    store.execute("UPDATE projects SET url = 'http://here/labeling'")
    machine.run(parts, worlds.config(), PATIENT)
    assert any("http://here/labeling" in line for line in said)


def test_a_round_of_another_annotator_is_not_touched(store):
    parts = worlds.make_parts(store)
    machine.run(parts, worlds.config(), Options(until="selected"))
    stranger = tasks.make_project(store, "label_studio", "test")
    with pytest.raises(StateError, match="another annotator: oracle"):
        machine.run(dataclasses.replace(parts, project=stranger), worlds.config(), Options())


def test_a_partial_close_counts_texts_that_have_some_of_their_answers(store):
    """One of two people has answered everything: each text has a label, none is settled."""

    class OnlyAna(Oracle):
        def pull(self, request):
            pulled = super().pull(request)
            ana = [a for a in pulled.answers if a.annotator == "ana"]
            return dataclasses.replace(pulled, answers=ana)

    parts = worlds.make_parts(store, OnlyAna(worlds.gold(), people=("ana", "ben")))
    partial = Options(until="logged", pull=PullOptions(accept_partial=True))
    settings = worlds.config(overlap={"share": 1.0, "annotators": 2})
    assert machine.run(parts, settings, partial) == 1
    labeled = {row[0] for row in answers.labeled(store, "pool")}
    assert labeled
    assert {b.item_id for b in rounds.batch(store, 1)} == labeled, "labeled texts stay in it"


def test_classes_that_config_gained_are_offered_from_the_next_round_on(store):
    settings = parse({"batch": {"size": 5}, "classes": {"praise": {"description": "thanks"}}})
    machine.run(worlds.make_parts(store), settings, Options(until="selected"))
    assert items.classes(store)[-1].name == "praise"


def test_an_open_round_keeps_its_encoder_when_the_setting_changes(store):
    asked = []

    def vectors(encoder, hashes, texts):
        asked.append(encoder)
        return worlds.vectors(encoder, hashes, texts)

    parts = dataclasses.replace(worlds.make_parts(store), vectors=vectors)
    first = parse({"batch": {"size": 5}, "model": {"encoder": "one"}})
    machine.run(parts, first, Options(until="pushed"))
    machine.run(parts, parse({"model": {"encoder": "two"}}), Options(until="logged"))
    assert set(asked) == {"one"}
    assert results.current_model(store) is None


def test_nobody_is_locked_out_while_a_person_thinks_about_the_price(store):
    """Another process begins and logs a round meanwhile: then the price is asked about again."""
    held, asked = [], []

    @contextlib.contextmanager
    def lock():
        assert not held
        held.append(1)
        yield
        held.clear()

    parts = dataclasses.replace(worlds.make_parts(store), lock=lock)
    until = Options(until="logged")

    def gate(config):
        assert not held
        asked.append(rounds.last_number(store))
        if len(asked) == 1:
            machine.run(parts, config, until)
        return config

    assert machine.run(parts, worlds.config(), dataclasses.replace(until, gate=gate)) == 2
    assert asked == [0, 1]


@pytest.mark.parametrize("end", ["the budget is used up", "the pool is empty"])
def test_corrections_are_fetched_though_no_round_follows(store, end):
    oracle = Oracle(worlds.gold())
    parts = worlds.make_parts(store, oracle)
    size = 10 if end == "the budget is used up" else 60
    machine.run(parts, worlds.config(size=size), machine.Options(wait=True))
    (key, person), answer = next(iter(oracle.said.items()))
    other = next(c for c in worlds.CLASSES if (c,) != answer.labels)
    later = "2000-01-02T00:00:00Z"
    oracle.said[key, person] = dataclasses.replace(answer, labels=(other,), updated_at=later)

    def gate(config):
        if end == "the budget is used up":
            raise BudgetStop(end)
        return config

    with pytest.raises((BudgetStop, NothingToSelect)):
        machine.run(parts, worlds.config(), machine.Options(gate=gate))
    label = store.value("SELECT label FROM labels WHERE item_id = ?", [key.partition(":")[0]])
    assert label == other
