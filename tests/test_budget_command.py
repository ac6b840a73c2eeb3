"""`al-loop budget`: what it prints, and what random labels would have taken."""

import csv
import datetime as dt
import io
import json

import numpy as np
import pytest

from al_loop import app, fix, learner, workspace
from al_loop.annotators.oracle import Oracle
from al_loop.budget.saved import Saved, against_random
from al_loop.cli.budget import _rounded
from al_loop.config import parse
from al_loop.data.columns import Asked
from al_loop.imports import Request
from al_loop.loop import machine
from al_loop.report import budget as report
from al_loop.store import results, rounds, spending
from tests import offline, worlds

ASKED = Asked(None, None, None, None)
BUDGET = '[budget]\nlabels = 100\nmoney = 50.0\nprice_per_label = 0.25\ncurrency = "USD"\n'


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A workspace with a test set and three rounds."""
    root = tmp_path_factory.mktemp("played")
    table = offline.rows(160)
    (root / "config.toml").write_text(offline.CONFIG + BUDGET)
    texts = offline.write(root / "texts.csv", [(i, t) for i, t, _ in table[:100]], ("id", "text"))
    test = offline.write(root / "test.csv", table[100:])
    workspace.init(root, Request(texts, test, ASKED))
    oracle = Oracle({i: label for i, _, label in table}, people=("=ana", "ben"), skips=0.1)
    with app.opened(root) as opened:
        for _ in range(3):
            machine.run(opened.parts(oracle), opened.config, machine.Options(until="logged"))
    return root


@pytest.fixture
def al_loop(monkeypatch, capsys):
    with offline.settings_kept():
        yield lambda *arguments: offline.call(monkeypatch, capsys, *arguments)


def test_it_says_what_was_spent_what_is_left_and_what_it_brought(al_loop, played):
    code, out, _ = al_loop("-C", played, "budget")
    assert code == 0
    lines = out.splitlines()
    found = json.loads(al_loop("-C", played, "budget", "--json")[1])
    spent = found["spent"]
    assert lines[0].startswith(f"spent: {spent['labels']} labels, {spent['hours']:.2f} hours, ")
    assert f"{0.25 * spent['labels']:.2f} USD ({spent['answers']} answers" in lines[0]
    assert lines[1].startswith(f"left:  {100 - spent['labels']} labels, ")
    assert lines[1].endswith("; first to end: labels")
    assert "no answer was timed; 8.0 s an answer, a guess in config.toml" in lines[2]
    assert "end:   nobody answered in the last 14 days" in lines[3]
    assert lines[4].startswith("saved: ")
    assert "60 labels of the test set, taken for a random part of the same texts" in lines[5]
    headings = [line.split() for line in lines if line.startswith(("round ", "ann", "cla"))]
    assert [h[0] for h in headings] == ["round", "annotator", "class"]
    assert "a percentage point of accuracy cost, with 95 % intervals:" in out


def test_json_has_every_number_with_its_interval(al_loop, played):
    found = json.loads(al_loop("-C", played, "budget", "--json")[1])
    assert found["limits"] == {"labels": 100, "money": 50}
    assert found["left"]["money"] == 50 - found["spent"]["money"]
    assert found["ends_first"] == "labels"
    assert [p["round"] for p in found["points"]] == [2, 3, 3]
    assert set(found["points"][0]["change"]) == {"value", "low", "high"}
    saved = found["saved"]
    assert saved["refused"] is None
    assert saved["accuracy"] == pytest.approx(_last(al_loop, played)["accuracy"])
    assert saved["texts"] == _last(al_loop, played)["labels"]
    for end in ("low", "value", "high"):
        needed, less = saved["needed"][end], saved["labels"][end]
        assert less == (None if needed is None else needed - saved["texts"])
    each = found["spent"]["money"] / saved["texts"]
    assert saved["money"]["low"] == pytest.approx(saved["labels"]["low"] * each)
    assert [p["labels"] for p in saved["curve"]] == sorted(p["labels"] for p in saved["curve"])


def _last(al_loop, root):
    return json.loads(al_loop("-C", root, "history", "--json")[1])["rounds"][-1]


def test_csv_is_one_long_table_that_is_safe_for_spreadsheets(al_loop, played):
    out = al_loop("-C", played, "budget", "--csv")[1]
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["kind", "name", "labels", "answers", "skips", "hours", "money"]
    kinds = {r["kind"] for r in rows}
    assert {"spent", "limit", "left", "round", "annotator", "class", "saved_low"} <= kinds
    people = {r["name"]: r for r in rows if r["kind"] == "annotator"}
    assert set(people) == {"'=ana", "ben"}
    whole = next(r for r in rows if r["kind"] == "spent")
    for kind in ("round", "annotator", "class"):
        parts = [int(r["labels"]) for r in rows if r["kind"] == kind]
        assert sum(parts) == int(whole["labels"])


def test_the_price_of_a_point_is_as_exact_in_csv_as_in_the_table():
    point = dict.fromkeys(("low", "value", "high"), 0.0071)
    found = {"rounds": [], "annotators": [], "classes": [], "limits": {}, "spent": {}}
    found |= {"points": [{"after": 1, "round": 2} | dict.fromkeys(("labels", "hours"), point)]}
    found["points"][0]["money"] = None
    rows = [_rounded(r) for r in report.table(found | {"saved": {}})]
    assert [str(r["hours"]) for r in rows if r["kind"].startswith("point")] == ["0.007"] * 3


def test_markdown_is_the_same_table(al_loop, played):
    lines = al_loop("-C", played, "budget", "--md")[1].splitlines()
    assert [c.strip() for c in lines[0].strip("|").split("|")] == list(report.COLUMNS)
    assert len(lines) == len(al_loop("-C", played, "budget", "--csv")[1].splitlines()) + 1


def test_a_new_project_has_no_number_and_no_error(al_loop, tmp_path):
    root = offline.make(tmp_path)
    code, out, _ = al_loop("-C", root, "budget")
    assert code == 0
    assert out == (
        "spent: 0 labels, 0.00 hours (0 answers, 0 of them skips)\n"
        "left:  no limit set ([budget] labels, hours, money in config.toml)\n"
        "end:   no answer yet\n"
        "saved: needs a test set of 50 labeled texts, there are 0 (al-loop import --test FILE)\n"
    )


@pytest.mark.parametrize("zone", ["+00:00", "Z", ""])
def test_skips_do_not_bring_the_end_of_what_is_paid_by_the_label_nearer(monkeypatch, zone):
    """Whether the server writes a zone behind its times or not."""
    now = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)
    days = (now - dt.timedelta(days=d / 5) for d in range(50))
    times = [day.strftime("%Y-%m-%dT%H:%M:%S") + zone for day in days]
    monkeypatch.setattr(spending, "answer_times", lambda *_: times)
    monkeypatch.setattr(spending, "first_answer", lambda _: times[-1])
    counted, breaks = spending.Tally(25, 50, 25, 0.1), spending.Breaks(50, 0, 0, 0.0, 7.2)
    monkeypatch.setattr(spending, "total", lambda _: (counted, breaks))
    store, settings = world(0)
    ends = {}
    for limit in ({"labels": 75}, {"money": 75, "price_per_label": 1}, {"hours": 0.2}):
        config = parse({**settings.model_dump(), "budget": limit})
        found = report.facts(store, config, now, Saved(0, "nothing"))
        ends[next(iter(limit))] = found["forecast"]["ends"]
    store.close()
    # 50 labels are left: with every other answer a skip, 100 answers at five a day.
    assert ends == {"labels": "2026-04-09", "money": "2026-04-09", "hours": "2026-03-30"}


def world(rounds, n=150, test=90, **batch):
    store = worlds.make_store(n=n, test=test)
    settings = worlds.config(**batch)
    for _ in range(rounds):
        oracle = Oracle(worlds.gold(n))
        machine.run(worlds.make_parts(store, oracle), settings, machine.Options(until="logged"))
    return store, settings


def test_random_is_judged_by_the_labels_that_were_drawn_and_the_test_set():
    store, settings = world(4, random_share=0.3)
    found = against_random(store, settings, worlds.vectors)
    assert (found.texts, found.test) == (40, 90)
    assert found.drawn == len(results.random_items(store)) == 12
    assert found.curve[-1]["labels"] == 12 + 72
    assert found.needed.low <= found.needed.measured
    assert found == against_random(store, settings, worlds.vectors), "the same each time"
    store.close()


def hard(encoder, hashes, texts):
    """Vectors that tell the classes apart only now and then."""
    noise = [np.random.default_rng([*map(ord, t)]).normal(0, 0.8, 8) for t in texts]
    return worlds.vectors(encoder, hashes, texts) + np.array(noise, dtype=np.float32)


def test_labels_that_cost_nothing_count_for_both():
    """Those of a project that was adopted: random would have had them too."""
    store, settings = world(8, random_share=0.5)
    before = against_random(store, settings, hard)
    store.execute(
        "INSERT INTO projects (role, annotator, marker, title)"
        " VALUES ('labeling', 'adopted', 'elsewhere', 'old')"
    )
    adopted = "(SELECT id FROM projects WHERE annotator = 'adopted')"
    store.execute(f"UPDATE answers SET project_id = {adopted} WHERE annotation_id % 2")
    moved = store.value(f"SELECT COUNT(*) FROM answers WHERE project_id = {adopted}")

    found = against_random(store, settings, hard)

    assert (before.texts, found.texts) == (80, 80 - moved)
    assert 0 < found.drawn < before.drawn
    assert found.accuracy == before.accuracy, "we have them as well"
    assert found.curve[0]["accuracy"] > before.curve[0]["accuracy"] + 0.05
    store.close()


def test_of_many_labels_that_cost_nothing_some_will_do_and_it_says_so(monkeypatch):
    """All are in every classifier of the curve: ten thousand of them would take minutes."""
    monkeypatch.setattr("al_loop.budget.saved.MOST_GIVEN", 25)
    sizes = []
    fit = learner.fit
    monkeypatch.setattr(
        learner, "fit", lambda X, y, **more: sizes.append(len(y)) or fit(X, y, **more)
    )
    store, settings = world(4, n=200, random_share=0.5)
    unasked = {r[0] for r in rounds.pool(store)}
    fix.apply(store, [fix.Wanted(i, "refund") for i in sorted(unasked)[:60]], "lead")
    sizes.clear()
    found = against_random(store, settings, worlds.vectors)
    store.close()
    assert (found.texts, found.given, found.free) == (40, 25, 60)
    assert sizes[-1] == 40 + 25
    assert max(sizes[:-1]) == 25 + found.curve[-1]["labels"]
    assert "both have 25 of 60 labels that cost nothing, at random" in found.rests_on


def test_too_few_labels_by_people_are_refused():
    store, settings = world(2)
    refused = against_random(store, settings, worlds.vectors).refused
    assert refused == "needs 30 texts labeled by people, there are 20"
    store.close()


def test_too_small_a_test_set_is_refused():
    store, settings = world(4, test=49)
    assert "needs a test set of 50 labeled texts, there are 49" in (
        against_random(store, settings, worlds.vectors).refused
    )
    store.close()


def test_without_savings_that_can_be_told_from_chance_it_says_so(al_loop, played):
    """Random's share is all there is: nothing can have been saved."""
    store, settings = world(4, random_share=1.0)
    found = report.facts(
        store,
        parse({**settings.model_dump(), "budget": {"hourly_rate": 30}}),
        dt.datetime.now(dt.UTC),
        against_random(store, settings, worlds.vectors),
    )
    store.close()
    saved = found["saved"]
    assert saved["labels"]["low"] <= 0
    assert saved["labels"]["high"] is None or saved["labels"]["high"] >= 0
    from al_loop.cli.budget import _saved

    assert "saved: not measurable; " in next(_saved(found))
