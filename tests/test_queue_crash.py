"""A batch that is divided: killed anywhere, the same command goes on with the same division."""

import json

import pytest

from tests import story
from tests.review_space import ANA, BOB, CLEO, CONFIG, LABELS, Space

AUTO = (
    CONFIG.replace("size = 12", 'size = 24\nrelabel = "auto"').replace("share = 1.0", "share = 0.7")
    + "[audit]\nfolds = 2\n"
)
OTHERWISE = {f"t{i:02}": LABELS[(i + 1) % 3] for i in range(0, 60, 4)}
NEXT = ("round", "--until", "pushed")


@pytest.fixture(scope="module")
def made(module_fake_server, tmp_path_factory):
    """The first round is logged: people disagreed on some of its texts."""
    folder = tmp_path_factory.mktemp("queue")
    root = folder / "workspace"
    space = Space(root, module_fake_server, n=60, config=AUTO, otherwise=OTHERWISE)
    space.do(*NEXT)
    double = {r["item_id"] for r in space.rows("batch") if r["overlap"] > 1}
    for item_id in space.batch():
        label = LABELS[int(item_id[1:]) % 3]
        space.answer(
            f"{item_id}:0", label, ANA if item_id in double or int(item_id[1]) % 2 else BOB
        )
        if item_id in double:
            space.answer(f"{item_id}:0", OTHERWISE.get(item_id, label), BOB)
    space.do("round", "--until", "logged")
    space.save(folder / "logged")
    return space


def state(space):
    there = space.there()
    dump = space.do("check", "--dump").splitlines()
    return dump, {k: len(v) for k, v in there["keys"].items()}, len(there["projects"])


def slots(space):
    return json.loads(space.do("history", "--json"))["rounds"][-1]["slots"]


def test_killed_anywhere_the_round_goes_on_with_the_same_division(made, tmp_path):
    made.load(made.root.with_name("logged"))
    log = tmp_path / "points"
    printed = made.do(*NEXT, AL_LOOP_CRASH_LOG=str(log))
    points, wanted, divided = story.passed_points(log), state(made), slots(made)
    assert divided["review"] > 0, printed
    assert divided["new"] < 24
    assert f"({divided['new']} new, " in printed
    assert set(made.review()) == set(made.tasks(2))
    assert len(made.review()) == divided["review"]
    mine = [p for p in points if p.startswith("review")]
    assert mine == ["reviews recorded#1", "reviews pushed#1"]
    until = points.index("reviews pushed#1") + 2
    between = points[points.index("C1 round and batch written#1") : until]
    for point in (p for p in between if p.endswith("#1")):
        made.load(made.root.with_name("logged"))
        code, printed = made.run(*NEXT, AL_LOOP_CRASH_AT=point)
        assert code == -9, printed
        made.do(*NEXT)
        assert state(made) == wanted, point


def test_an_undo_says_what_stays_with_adjudicators(made):
    made.load(made.root.with_name("logged"))
    made.do(*NEXT)
    tasks, divided = made.review(), slots(made)
    printed = made.do("undo", "--as", "lead")
    assert f"for adjudication, which stay there: {divided['review']}" in printed
    assert set(made.review()) == set(tasks)
    made.do("check")
    made.do(*NEXT)
    assert set(made.review()) >= set(tasks)
    key = min(tasks)
    made.answer(key, "damage", CLEO)
    made.adjudicate()
    assert made.labels()[key.partition(":")[0]] == ("agreed", "damage")
    made.do("check")


def test_a_preview_tells_the_division_and_its_price(made):
    made.load(made.root.with_name("logged"))
    seen = json.loads(made.do("round", "--dry-run", "--json"))
    printed = made.do("round", "--dry-run")
    made.do(*NEXT)
    assert seen["slots"] == slots(made)
    assert len(seen["texts"]) == len(made.batch())
    assert seen["price"]["texts"] == 24
    assert f"adjudication beside it: {seen['slots']['review']}" in printed
