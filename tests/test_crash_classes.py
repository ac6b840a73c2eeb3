"""Changes of the classes of a live project, cut off anywhere: the same command goes on."""

import shutil

import pytest

from tests import story
from tests.story import TOKEN_VARIABLE, People

COMMANDS = (
    ("classes", "rename", "damage", "broken"),
    ("classes", "merge", "delay", "refund"),
    ("classes", "split", "refund", "--parts", "2"),
    ("classes", "describe", "refund", "--description", "Wants <it> & more"),
)
ROUND, LOGGED = ("round", "--until", "pushed"), ("round", "--until", "logged")


class Live:
    """A workspace with one logged round and one that is with the people."""

    def __init__(self, server, folder):
        story.preload()
        self.server, self.folder, self.root = server, folder, folder / "workspace"
        texts = story.make_files(self.root, server.url)
        assert self.run("init", str(texts))[0] == 0
        self.ok(*ROUND)
        self.answer()
        self.ok(*LOGGED)
        self.ok(*ROUND)
        self.server.control("save", **{"as": "live"})
        shutil.copytree(self.root, folder / "live")

    def again(self):
        self.server.control("load", **{"as": "live"})
        shutil.rmtree(self.root)
        shutil.copytree(self.folder / "live", self.root)
        return self

    def run(self, *arguments, **environment):
        return story.run(self.root, *arguments, **{TOKEN_VARIABLE: self.server.token} | environment)

    def ok(self, *arguments, **environment):
        code, printed = self.run(*arguments, **environment)
        assert code == 0, printed
        return printed

    def answer(self, digits="0123456789"):
        People(self.server.url, self.server.token).answer(digits)

    def state(self):
        there = self.server.control("dump")
        pages = [(p["model_version"], p["label_config"]) for p in there["projects"]]
        return self.ok("check", "--dump"), pages, there["predictions"], len(there["keys"])


@pytest.fixture(scope="module")
def live(module_fake_server, tmp_path_factory):
    return Live(module_fake_server, tmp_path_factory.mktemp("live"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[1])
def test_killed_anywhere_the_same_command_ends_what_was_begun(live, command, tmp_path):
    log = tmp_path / "points"
    live.again().ok(*command, AL_LOOP_CRASH_LOG=str(log))
    wanted, points = live.state(), story.passed_points(log)
    assert {"classes changed#1", "classes committed#1"} <= set(points)
    assert ("prediction withdrawn#1" in points) == (command[1] in ("rename", "merge"))
    for point in points:
        code, printed = live.again().run(*command, AL_LOOP_CRASH_AT=point)
        assert code == -9, printed
        live.run(*command)
        assert live.state() == wanted, point


def test_a_round_with_second_looks_is_taken_back_and_chosen_again(live):
    live.again().answer()
    live.ok(*LOGGED)
    live.ok("classes", "split", "refund", "--parts", "2")
    assert "asked about once more" in live.ok(*ROUND)
    live.answer("01")
    live.ok("undo", "--as", "lead")
    live.ok("check")
    assert "asked about once more" in live.ok(*ROUND)
    live.answer()
    live.ok(*LOGGED)
    live.ok("check")
    keys = live.server.control("dump")["keys"]
    assert any(key.endswith(":1") for key in keys)
    assert all(len(ids) == 1 for ids in keys.values())
