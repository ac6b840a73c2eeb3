"""What a strategy did and why, in one line, is found wherever a round is looked at."""

import json

import pytest

from al_loop import app
from al_loop.config import Config
from al_loop.loop import machine
from al_loop.report import facts, page
from al_loop.store import results, rounds
from tests import offline


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Return a workspace with two logged rounds of the default strategy, and an open one."""
    root = offline.make(tmp_path_factory.mktemp("choice"), rounds=2)
    with app.opened(root) as opened:
        machine.run(opened.parts(), opened.config, machine.Options(until="selected"))
    return root


@pytest.fixture
def al_loop(monkeypatch, capsys):
    def run(root, *arguments):
        code, out, _ = offline.call(monkeypatch, capsys, "-C", root, *arguments)
        assert code == 0
        return out

    return run


def stored(root):
    with app.opened(root) as opened:
        return [results.notes(opened.store, n).get("choice") for n in (1, 2, 3)]


def test_the_default_is_to_let_al_loop_choose_and_each_round_says_how(played):
    assert Config().batch.strategy == "auto"
    assert all("typical" in note or "uncertain" in note for note in stored(played))


def test_a_dry_run_says_before_the_price_what_the_round_will_say(al_loop, tmp_path):
    root = offline.make(tmp_path, rounds=1)
    out = al_loop(root, "round", "--dry-run").splitlines()
    found = json.loads(al_loop(root, "round", "--dry-run", "--json"))
    with app.opened(root) as opened:
        machine.run(opened.parts(), opened.config, machine.Options(until="selected"))
        said = results.notes(opened.store, 2)["choice"]

    assert found["choice"] == said
    assert out[-2] == f"chosen by auto: {said}"
    assert out[-1].startswith("price: ")
    assert f"chosen by auto: {said}" in al_loop(root, "round", "--dry-run").splitlines()
    assert json.loads(al_loop(root, "round", "--dry-run", "--json"))["choice"] == said


def test_status_says_it_of_the_open_round(al_loop, played):
    found = json.loads(al_loop(played, "status", "--json"))

    assert (found["strategy"], found["choice"]) == ("auto", stored(played)[2])
    assert f"chosen by auto: {found['choice']}" in al_loop(played, "status").splitlines()


def test_explain_says_it_of_each_batch_that_a_text_was_in(al_loop, played):
    with app.opened(played) as opened:
        item = rounds.batch(opened.store, 2)[-1].item_id
    [found] = json.loads(al_loop(played, "explain", item, "--json"))["chosen"]

    assert found["choice"] == stored(played)[1]
    assert f"  the batch: {found['choice']}" in al_loop(played, "explain", item).splitlines()


def test_history_has_it_as_json_and_the_report_as_a_table(al_loop, played):
    assert [r["choice"] for r in json.loads(al_loop(played, "history", "--json"))["rounds"]] == (
        stored(played)
    )
    with app.opened(played) as opened:
        source = facts.Source(
            "played", opened.store, opened.config, opened.vectors,
            opened.workspace.models_dir, played / "map.json", lambda _: None,
        )  # fmt: skip
        shown = page.markdown(facts.facts(source))
    for note in stored(played):
        assert note.replace(",", "") in shown.replace(",", "").replace("\\", "")


def test_a_strategy_that_has_no_news_has_no_line(al_loop, tmp_path):
    config = offline.CONFIG.replace("size = 12", 'size = 12\nstrategy = "margin"')
    root = offline.make(tmp_path, rounds=1, config=config)
    with app.opened(root) as opened:
        item = rounds.batch(opened.store, 1)[0].item_id

    assert "chosen by margin" not in al_loop(root, "round", "--dry-run")
    assert json.loads(al_loop(root, "round", "--dry-run", "--json"))["choice"] is None
    assert "the batch:" not in al_loop(root, "explain", item)
    assert json.loads(al_loop(root, "status", "--json"))["choice"] is None
