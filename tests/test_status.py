"""What status advises can be done."""

from al_loop.config import parse
from al_loop.loop import machine
from al_loop.report import status
from al_loop.store import spending
from tests import worlds


def after_a_round(size):
    store = worlds.make_store(n=20)
    machine.run(worlds.make_parts(store), worlds.config(size=size), machine.Options(wait=True))
    return store


def test_a_round_is_advised_while_there_are_texts_and_money():
    config = parse({"budget": {"labels": 11}})
    assert "begins the next round" in status.facts(after_a_round(10), config)["next"]


def test_no_round_is_advised_at_the_end_of_the_budget():
    config = parse({"budget": {"labels": 10}})
    advice = status.facts(after_a_round(10), config)["next"]
    assert advice.startswith("the budget is used up: 10 of 10 labels are spent")
    assert "raise [budget] labels" in advice


def test_answers_are_not_added_up_where_no_limit_is_set(monkeypatch):
    def add_up(store):
        raise AssertionError("status has to be quick")

    monkeypatch.setattr(spending, "total", add_up)
    assert "begins the next round" in status.facts(after_a_round(10), parse({}))["next"]


def test_no_round_is_advised_when_no_text_is_left():
    advice = status.facts(after_a_round(20))["next"]
    assert advice.startswith("no unlabeled text is left: al-loop import FILE")


def test_wanted_classes_are_counted_where_not_all_are_named():
    assert status._next("logged", 0, ["a", "b", "c", "d", "e"], here=False, ended="").endswith(
        "people asked for a, b, c and 2 more: al-loop classes"
    )
