"""Killed after any side effect, the same command run again ends where it would have ended.

The points are those of `al_loop.crash`: C0 to C15 as the design names them (lock, batch, project,
page, import, sweep, model version, push, snapshot, answers, audit, model, log), C17 in a
migration, and finer ones. C18 is a crash during the recovery from another.
"""

import json
import shutil

import pytest

from tests import story

POINTS = (
    "init folder made",
    "C0 locked",
    "C17 migration statement",
    "init imported",
    "init config written",
    "init committed",
    "C1 round and batch written",
    "C2 round and batch committed",
    "C3 project created",
    "C4 label config patched",
    "tasks looked up",
    "C5 chunk imported",
    "overlap set",
    "C7 model_version set",
    "C5 tasks recorded",
    "C8 pushed",
    "view created",
    "C9 snapshot created",
    "C10 snapshot downloaded",
    "snapshot deleted",
    "C11 answers written",
    "C11 answers committed",
    "C12 issues committed",
    "C13 file written",
    "C13 file synced",
    "C13 file renamed",
    "C13 folder synced",
    "C13 model saved",
    "C14 model written",
    "C14 model committed",
    "C15 logged",
    "classes changed",
    "classes committed",
    "undo answers stored",
    "undo noted",
    "tasks taken back",
    "undo written",
    "undo committed",
)
LAST = {6: "C8 pushed", 7: "C14 model committed", 9: "undo committed"}
#: (command of the story, point of the first crash, point of the crash in the recovery)
NESTED = [
    (command, first, second)
    for command, points in (
        (6, ("C1 round and batch written", "C5 chunk imported", "C7 model_version set")),
        (7, ("C9 snapshot created", "C11 answers committed", "C13 file renamed")),
        (9, ("undo answers stored", "undo noted", "tasks taken back")),
    )
    for first in points
    for second in (*points, LAST[command])
]


class Told:
    """The story as it goes undisturbed, with a copy of everything before each command."""

    def __init__(self, server, folder):
        story.preload()
        self.server, self.folder = server, folder
        self.root = folder / "workspace"
        story.make_files(self.root, server.url)
        self.points, self.ends = [], []
        for number in range(len(story.STORY)):
            self.save(number)
            log = folder / f"points-{number}"
            log.touch()
            code, printed = story.step(self.root, server, number, AL_LOOP_CRASH_LOG=str(log))
            assert code == 0, printed
            self.points.append(log.read_text().splitlines())
            self.ends.append(self.state())

    def save(self, number):
        self.server.control("save", **{"as": str(number)})
        shutil.copytree(self.root, self.folder / str(number))

    def go_back(self, number):
        self.server.control("load", **{"as": str(number)})
        shutil.rmtree(self.root)
        shutil.copytree(self.folder / str(number), self.root)

    def state(self):
        """What must be equal: the workspace's dump, and what is on the server."""
        code, dump = story.run(self.root, "check", "--dump")
        assert code == 0, dump
        there = self.server.control("dump")
        counts = {
            "tasks": {key: len(ids) for key, ids in there["keys"].items()},
            "annotations": len(there["annotations"]),
            "predictions": there["predictions"],
            "projects": [
                (p["model_version"], sorted(p["label_config"])) for p in there["projects"]
            ],
            "exports": there["exports"],
        }
        return dump.splitlines(), counts


@pytest.fixture(scope="module")
def told(module_fake_server, tmp_path_factory):
    return Told(module_fake_server, tmp_path_factory.mktemp("story"))


def killed(told, number, **environment):
    code, printed = story.step(told.root, told.server, number, **environment)
    assert code == -9, f"did not die there: {code} {printed}"


def recovered(told, number):
    """Run the command again; it must end where the undisturbed one did."""
    code, printed = story.step(told.root, told.server, number)
    init_was_done = number == 0 and "is a workspace already" in printed
    added_before = number == 5 and "is a class already" in printed
    undone_before = number == 9 and "round 4 was taken back" in printed
    assert code == 0 or init_was_done or added_before or undone_before, printed
    dump, counts = told.state()
    wanted_dump, wanted_counts = told.ends[number]
    assert dump == wanted_dump
    if number != 5:
        assert counts | {"exports": 0} == wanted_counts | {"exports": 0}
    assert all(n == 1 for n in counts["tasks"].values())


def test_the_list_of_points_is_complete(told):
    assert {p for points in told.points for p in points} == set(POINTS)


def test_the_undisturbed_story_asks_each_text_once_and_trains(told):
    dump, counts = told.ends[-1]
    rows = [json.loads(line) for line in dump]
    assert [r["state"] for r in rows if r["table"] == "rounds"] == ["logged"] * 3
    assert set(counts["tasks"].values()) == {1}
    in_rounds = {r["item_id"] for r in rows if r["table"] == "batch"}
    answered = {r["key"].partition(":")[0] for r in rows if r["table"] == "answers"}
    assert len(in_rounds) == 30
    assert answered - in_rounds, "some of the round that was taken back were answered"
    assert {key.partition(":")[0] for key in counts["tasks"]} == in_rounds | answered
    assert {r["status"] for r in rows if r["table"] == "labels"} >= {"agreed", "skipped"}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_changes_nothing_in_the_end(told, point):
    commands = [n for n, points in enumerate(told.points) if point in points]
    assert commands
    last = commands[-1]
    for number, nth in {(commands[0], 1), (last, told.points[last].count(point))}:
        told.go_back(number)
        killed(told, number, AL_LOOP_CRASH_AT=f"{point}#{nth}")
        if point == "C15 logged":  # the command had done all of its work: one more is a new round
            assert told.state() == told.ends[number]
        else:
            recovered(told, number)


@pytest.mark.parametrize(("number", "first", "second"), NESTED)
def test_a_kill_during_recovery_changes_nothing_in_the_end(told, number, first, second):
    told.go_back(number)
    killed(told, number, AL_LOOP_CRASH_AT=first)
    code, printed = story.step(told.root, told.server, number, AL_LOOP_CRASH_AT=second)
    if code == 0:  # the recovery does not pass the second point
        assert told.state()[0] == told.ends[number][0], printed
    else:
        assert code == -9, printed
        recovered(told, number)


@pytest.mark.parametrize("name", ["INT", "TERM"])
@pytest.mark.parametrize(
    ("number", "point"),
    [
        (0, "init imported"),
        (1, "C2 round and batch committed"),
        (6, "C5 chunk imported"),
        (7, "C9 snapshot created"),
        (7, "C11 answers written"),
        (7, "C13 file written"),
        (9, "tasks taken back"),
    ],
)
def test_an_interrupt_ends_with_130_and_loses_nothing(told, number, point, name):
    told.go_back(number)
    code, printed = story.step(
        told.root, told.server, number, AL_LOOP_CRASH_AT=point, AL_LOOP_CRASH_SIGNAL=name
    )
    assert code == 130, printed
    assert "Traceback" not in printed
    recovered(told, number)


def damage_models(told, length):
    for model in (told.root / ".al-loop" / "models").iterdir():
        model.write_bytes(model.read_bytes()[:length])


def dump_lines(told):
    _, printed = story.run(told.root, "check", "--dump")
    return [line for line in printed.splitlines() if line.startswith("{")]


def test_a_batch_that_was_selected_is_kept_when_settings_and_model_change(told):
    """C2: a resumed round pushes what it selected, whatever the settings say by now."""
    told.go_back(3)
    killed(told, 3, AL_LOOP_CRASH_AT="C2 round and batch committed")
    config = told.root / "config.toml"
    config.write_text(config.read_text().replace('strategy = "margin"', 'strategy = "random"'))
    damage_models(told, 10)
    code, printed = story.step(told.root, told.server, 3)
    assert code == 0, printed
    assert dump_lines(told) == told.ends[3][0]


def test_a_truncated_model_is_found_and_trained_again(told):
    """C13: the sum of the file is in the database, so that half a file is never used."""
    told.go_back(3)
    damage_models(told, 100)
    code, printed = story.run(told.root, "check")
    assert code == 1
    assert "is damaged" in printed
    code, printed = story.step(told.root, told.server, 3)
    assert code == 0, printed
    assert "trained again" in printed
    assert dump_lines(told) == told.ends[3][0]
