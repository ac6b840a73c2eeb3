"""`al-loop noise push` on a live project, cut off anywhere: the same command or a round goes on."""

import json
import shutil

import pytest

from tests import plain_judge, story
from tests.story import GOLD, TOKEN_VARIABLE, People

ROUND, LOGGED = ("round", "--until", "pushed"), ("round", "--until", "logged")
PUSH = ("noise", "push", "--json")
OURS = {"noise answers stored", "noise judged", "noise written", "noise committed"}


class Live:
    """One person has answered a round, some of it wrong; another round is with the people."""

    def __init__(self, server, folder):
        story.preload()
        self.server, self.folder, self.root = server, folder, folder / "workspace"
        self.people = People(server.url, server.token)
        texts = story.make_files(self.root, server.url, strategy="random")
        config = self.root / "config.toml"
        config.write_text(config.read_text().replace("size = 10", "size = 24").replace("0.2", "0"))
        self.ok("init", str(texts))
        self.ok(*ROUND)
        with pytest.MonkeyPatch.context() as patch:
            for key in sorted(self.on_server())[3:8:4]:
                text, label = GOLD[key[:-2]]
                patch.setitem(GOLD, key[:-2], (text, "delay" if label == "refund" else "refund"))
            self.people.answer()
        self.ok(*LOGGED)
        self.ok(*ROUND)
        self.people.answer("01")
        self.server.control("save", **{"as": "live"})
        shutil.copytree(self.root, folder / "live")

    def again(self):
        self.server.control("load", **{"as": "live"})
        shutil.rmtree(self.root)
        shutil.copytree(self.folder / "live", self.root)
        return self

    def run(self, *arguments, **environment):
        environment[TOKEN_VARIABLE] = self.server.token
        return story.run(self.root, *arguments, **environment, apart=True)

    def ok(self, *arguments, **environment):
        code, (out, err) = self.run(*arguments, **environment)
        assert code == 0, err
        return out

    def on_server(self):
        return self.server.control("dump")["keys"]

    def state(self):
        there = self.server.control("dump")
        assert all(len(ids) == 1 for ids in there["keys"].values())
        return self.ok("check", "--dump"), sorted(there["keys"]), there["predictions"]

    def rows(self, table):
        lines = map(json.loads, self.ok("check", "--dump").splitlines()[:-1])
        return [r for r in lines if r["table"] == table]

    def answer(self, key, person, label):
        item_id = key.partition(":")[0]
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(GOLD, item_id, (GOLD[item_id][0], label))
            self.people._post(self.on_server()[key][0], item_id, person)

    def doubted(self):
        return [r["item_id"] for r in json.loads(self.ok("noise", "--json"))["rows"]]


@pytest.fixture(scope="module")
def live(module_fake_server, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        plain_judge.use(patch)
        yield Live(module_fake_server, tmp_path_factory.mktemp("noise"))


@pytest.fixture(scope="module")
def undisturbed(live, tmp_path_factory):
    """What `noise push` ends in, and the points it passes."""
    log = tmp_path_factory.mktemp("log") / "points"
    sent = json.loads(live.again().ok(*PUSH, AL_LOOP_CRASH_LOG=str(log)))
    assert sent["round"] == 2
    assert all(r["given"] != GOLD[r["item_id"]][1] for r in sent["rows"])
    return sent, live.state(), story.passed_points(log)


def test_what_is_sent_is_on_the_server_once_and_without_a_suggestion(live, undisturbed):
    sent, (dump, keys, _), points = undisturbed
    assert sent["rows"]
    assert {f"{r['item_id']}:1" for r in sent["rows"]} <= set(keys)
    rows = [json.loads(line) for line in dump.splitlines() if line.startswith("{")]
    looks = [r for r in rows if r["table"] == "batch" and r["look"]]
    assert all(r["blind"] and r["suggestion"] is None for r in looks)
    assert {point.partition("#")[0] for point in points} >= OURS


def test_killed_anywhere_the_same_command_sends_every_text_exactly_once(live, undisturbed):
    _, wanted, points = undisturbed
    for point in points:
        code, printed = live.again().run(*PUSH, AL_LOOP_CRASH_AT=point)
        assert code == -9, printed
        live.ok(*PUSH)
        assert live.state() == wanted, point


def test_killed_after_it_was_decided_a_round_sends_it(live, undisturbed):
    _, wanted, points = undisturbed
    begun = points.index("noise written#1")
    for point in points[begun:]:
        code, printed = live.again().run(*PUSH, AL_LOOP_CRASH_AT=point)
        assert code == -9, printed
        live.ok(*ROUND)
        if point == "noise written#1":  # nothing was committed: nothing is to be sent
            assert not any(key.endswith(":1") for key in live.on_server())
            live.ok(*PUSH)
        assert live.state() == wanted, point


def test_a_round_that_is_taken_back_lets_its_looks_wait_for_the_next(live, undisturbed):
    sent = {r["item_id"] for r in undisturbed[0]["rows"]}
    live.again().ok(*PUSH)
    live.ok("undo", "--as", "lead")
    assert not any(key.endswith(":1") for key in live.on_server())
    waiting = [r for r in live.rows("second_looks") if r["round"] is None]
    assert {r["item_id"] for r in waiting} == sent
    assert all(r["sent"] == 0 for r in waiting)
    live.ok(*ROUND)
    assert {key[:-2] for key in live.on_server() if key.endswith(":1")} == sent
    live.ok("check")


def test_asked_about_by_another_person_a_wrong_label_leaves_the_list(live):
    live.again()
    row = json.loads(live.ok(*PUSH))["rows"][0]
    item_id, right = row["item_id"], GOLD[row["item_id"]][1]
    live.answer(f"{item_id}:1", 1, row["given"])  # who gave it says the same again
    live.people.answer("23456789")
    live.ok(*LOGGED)
    assert item_id in live.doubted()
    live.ok(*ROUND)
    assert f"{item_id}:2" in live.on_server()
    live.answer(f"{item_id}:2", 2, right)
    live.ok(*PUSH)
    assert item_id not in live.doubted()
    (counts,) = [r for r in live.rows("labels") if r["item_id"] == item_id]
    assert counts["label"] in (None, right), "corrected, or in conflict"
    assert counts["votes"] == 2
    live.ok("check")
