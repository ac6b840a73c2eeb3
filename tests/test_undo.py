"""`al-loop undo`: exactly what the open round pushed goes, whatever state it is in."""

import json
import shutil
import sqlite3
from contextlib import closing

import httpx
import pytest

from tests import story
from tests.ls_helpers import choice

STATES = ("selected", "pushed", "pulled", "audited", "trained")


class Workspace:
    """Commands in one workspace, and what its people do on the server."""

    def __init__(self, root, server):
        self.root, self.server = root, server
        story.preload()
        story.make_files(root, server.url)
        self.do("init", root / "texts.csv")

    def save(self, folder):
        self.server.control("save", **{"as": folder.name})
        shutil.copytree(self.root, folder)

    def load(self, folder):
        self.server.control("load", **{"as": folder.name})
        shutil.rmtree(self.root)
        shutil.copytree(folder, self.root)

    def delete(self, path):
        headers = {"Authorization": f"Token {self.server.token}"}
        url = f"{self.server.url}/api/{path}/"
        httpx.delete(url, headers=headers, trust_env=False).raise_for_status()

    def run(self, *words, **environment):
        environment[story.TOKEN_VARIABLE] = self.server.token
        return story.run(self.root, *map(str, words), **environment)

    def do(self, *words, code=0, **environment):
        ended, printed = self.run(*words, **environment)
        assert ended == code, printed
        return printed

    def undo(self, *words, **more):
        return self.do("undo", "--as", "lead", *words, **more)

    def dump(self):
        return [json.loads(line) for line in self.do("check", "--dump").splitlines()]

    def rows(self, table):
        return [r for r in self.dump() if r["table"] == table]

    def sql(self, query):
        with closing(sqlite3.connect(self.root / ".al-loop" / "al-loop.db")) as db:
            return db.execute(query).fetchall()

    def batch(self, number):
        return [r["item_id"] for r in self.rows("batch") if r["round"] == number]

    def log_a_round(self):
        self.do("round", "--until", "pushed")
        story.People(self.server.url, self.server.token).answer()
        self.do("round", "--until", "logged")

    def there(self):
        """Return the ids of the texts that have a task on the server, hand-made ones as None."""
        found = self.server.control("dump")["keys"]
        assert all(len(tasks) == 1 for key, tasks in found.items() if key != "null")
        return {None if key == "null" else key.partition(":")[0] for key in found}

    def ask(self, path, body):
        headers = {"Authorization": f"Token {self.server.token}"}
        url = f"{self.server.url}/api/{path}"
        httpx.post(url, json=body, headers=headers, trust_env=False).raise_for_status()

    def task(self, item_id):
        return self.server.control("dump")["keys"][f"{item_id}:0"][0]

    def answer(self, item_id, label="refund", **more):
        body = {"result": [choice(label)], "completed_by": 2, "lead_time": 2.0, **more}
        self.ask(f"tasks/{self.task(item_id)}/annotations/", body)

    def draft(self, item_id):
        self.ask(f"tasks/{self.task(item_id)}/drafts", {"result": [choice("refund")]})


@pytest.fixture(scope="module")
def made(module_fake_server, tmp_path_factory):
    """A workspace as `init` leaves it and with one logged round, copied for each test."""
    folder = tmp_path_factory.mktemp("undo")
    space = Workspace(folder / "workspace", module_fake_server)
    space.save(folder / "new")
    space.log_a_round()
    space.save(folder / "logged")
    return space


@pytest.fixture
def space(made):
    """Nothing was asked yet."""
    made.load(made.root.with_name("new"))
    return made


@pytest.fixture
def logged(made):
    """One round is logged."""
    made.load(made.root.with_name("logged"))
    return made


def test_what_nobody_worked_on_goes_and_everything_else_stays(logged):
    earlier = logged.there()
    hand_made = {"data": {"text": "by hand", "context": "", "id": "x"}}
    logged.ask("projects/1/import", [hand_made])
    logged.do("round", "--until", "pushed")
    answered, skipped, drafted, *rest = logged.batch(2)
    logged.answer(answered)
    logged.answer(skipped, was_cancelled=True)
    logged.draft(drafted)

    printed = logged.undo()

    assert "round 2 is taken back; it was pushed, with 10 texts" in printed
    assert "tasks that are removed: 7" in printed
    assert "somebody worked on them: 3" in printed
    assert logged.there() == earlier | {answered, skipped, drafted, None}
    labels = {r["item_id"]: r for r in logged.rows("labels")}
    assert (labels[answered]["status"], labels[answered]["label"]) == ("agreed", "refund")
    assert labels[skipped]["status"] == "skipped"
    assert drafted not in labels
    assert [r["number"] for r in logged.rows("rounds")] == [1]
    gone = {r["item_id"] for r in logged.rows("tasks") if r["gone"] and not r["pushed"]}
    assert gone == set(rest)
    (undone,) = logged.rows("undone")
    assert undone == {
        "table": "undone",
        "round": 2,
        "state": "pushed",
        "strategy": "margin",
        "texts": 10,
        "removed": 7,
        "kept": 3,
        "author": "lead",
    }


def test_a_late_answer_to_what_stayed_counts_in_the_next_round(space):
    space.do("round", "--until", "pushed")
    item_id = space.batch(1)[0]
    space.draft(item_id)
    space.undo()
    space.answer(item_id, "delay")
    space.do("round", "--until", "pushed")
    assert item_id not in space.batch(1), "it is labeled by now"
    labels = {r["item_id"]: r["label"] for r in space.rows("labels")}
    assert labels[item_id] == "delay"


def test_the_same_texts_are_chosen_again_and_have_one_task_each(logged):
    logged.do("round", "--until", "pushed")
    before = [r for r in logged.rows("batch") if r["round"] == 2]
    logged.undo()
    logged.do("round", "--until", "pushed")
    assert [r for r in logged.rows("batch") if r["round"] == 2] == before
    assert logged.there() == set(logged.batch(1)) | set(logged.batch(2))


@pytest.mark.parametrize("state", STATES)
def test_a_round_is_taken_back_from_every_state(logged, state):
    model = sorted((logged.root / ".al-loop" / "models").iterdir())
    known = {r["item_id"] for r in logged.rows("labels")}
    people = story.People(logged.server.url, logged.server.token)
    if state != "selected":
        logged.do("round", "--until", "pushed")
        people.answer("0123456789" if state != "pushed" else "012")
    logged.do("round", "--until", state)
    batch = logged.batch(2)

    printed = logged.undo()

    assert f"it was {state}" in printed
    labeled = {r["item_id"] for r in logged.rows("labels") if r["label"]} - known
    wanted = {i for i in batch if state not in ("selected", "pushed") or i[-1] in "012"}
    assert labeled == (wanted if state != "selected" else set())
    assert (f"the label people gave them: {len(labeled)}" in printed) == bool(labeled)
    assert logged.there() == set(logged.batch(1)) | labeled
    assert sorted((logged.root / ".al-loop" / "models").iterdir()) == model
    assert not {r["round"] for t in ("metrics", "notes", "evidence") for r in logged.rows(t)} - {1}
    logged.do("round", "--until", "pushed")


def test_a_partly_pushed_round_is_looked_up_by_key(space):
    """Killed after the import, the workspace knows of no task, the server has them all."""
    space.do("round", "--until", "pushed", code=-9, AL_LOOP_CRASH_AT="C5 chunk imported")
    item_id, *rest = space.batch(1)
    assert len(space.there()) == 10
    space.answer(item_id)
    printed = space.undo()
    assert f"tasks that are removed: {len(rest)}" in printed
    assert space.there() == {item_id}
    assert [r["item_id"] for r in space.rows("labels")] == [item_id]


def test_a_round_that_never_reached_a_server_leaves_nothing(space):
    space.do("round", "--until", "selected")
    assert "removed" not in space.undo()
    assert space.rows("rounds") == space.rows("batch") == []
    assert space.server.control("dump")["projects"] == []


def test_tasks_that_an_earlier_round_pushed_stay(space):
    space.do("round", "--until", "pushed")
    first = set(space.batch(1))
    space.answer(space.batch(1)[0])
    space.do("round", "--accept-partial", "--until", "logged")
    space.do("round", "--batch", "40", "--until", "pushed")
    assert set(space.batch(2)) >= first - {space.batch(1)[0]}
    space.undo()
    assert space.there() == first


def test_tasks_that_were_deleted_and_made_again_are_the_rounds_own(logged):
    """The project was deleted; the texts of round 1 have been chosen and sent anew."""
    logged.delete("projects/1")
    logged.do("round", "--batch", "40", "--allow-shrink", "--until", "pushed")
    assert set(logged.batch(2)) & set(logged.batch(1))
    logged.undo()
    assert logged.there() == set()
    logged.do("round", "--until", "pushed")
    assert len(logged.there()) == 10


def test_a_dry_run_says_what_would_be_and_changes_nothing(space):
    space.do("round", "--until", "pushed")
    space.draft(space.batch(1)[0])
    before = space.dump(), space.server.control("dump")
    printed = space.undo("--dry-run")
    assert "round 1 would be taken back" in printed
    assert "would be removed: 9" in printed
    assert (space.dump(), space.server.control("dump")) == before


def test_with_no_open_round_nothing_is_done(logged):
    printed = logged.undo(code=1)
    assert "no round is open" in printed
    assert "a logged round stays" in printed
    logged.do("round", "--until", "selected")
    logged.undo()
    assert "round 2 was taken back" in logged.undo(code=1)


def test_a_server_that_is_away_changes_nothing(space, proxy_to):
    space.do("round", "--until", "pushed")
    before = space.dump()
    config = space.root / "config.toml"
    told = config.read_text()
    config.write_text(told.replace(space.server.url, "http://127.0.0.1:9"))
    space.undo(code=5)
    assert space.dump() == before
    config.write_text(told)
    space.do("round", code=3)
    space.undo()
    assert space.there() == set()


def test_a_server_that_fails_half_way_leaves_a_round_that_only_goes_back(space, proxy_to):
    space.do("round", "--until", "pushed")
    proxied = proxy_to(space.server.url)
    config = space.root / "config.toml"
    told = config.read_text()
    config.write_text(told.replace(space.server.url, proxied.url))
    refuses = {"action": "status", "code": 500, "times": 99}
    proxied.plan.add(lambda method, path: path == "/api/dm/actions", **refuses)
    assert "10 tasks could not be removed" in space.undo(code=5)
    proxied.plan.heal()
    assert "al-loop undo" in space.do("round", code=1)
    space.undo()
    assert space.there() == set()


def test_killed_between_the_server_and_the_database_both_commands_know_what_to_do(space):
    space.do("round", "--until", "pushed")
    item_id = space.batch(1)[0]
    space.answer(item_id)
    space.undo(code=-9, AL_LOOP_CRASH_AT="tasks taken back")
    assert space.there() == {item_id}
    printed = space.do("round", code=1)
    assert "half taken back" in printed
    assert "al-loop undo" in printed
    assert "next: al-loop undo" in space.do("status")
    assert "tasks that are removed: 9" in space.undo(), "those of the first try count"
    space.do("round", "--until", "pushed")


def test_a_project_that_was_deleted_is_no_obstacle(space):
    space.do("round", "--until", "pushed")
    space.delete("projects/1")
    assert "nothing to remove there" in space.undo()
    space.do("round", "--until", "pushed")
    assert space.there() == set(space.batch(1))


def test_another_server_is_not_taken_for_one_that_lost_the_project(space, fake_server):
    """The tasks are with the annotators still: forgetting the round would leave them there."""
    space.do("round", "--until", "pushed")
    config = space.root / "config.toml"
    told = config.read_text()
    config.write_text(told.replace(space.server.url, fake_server.url))
    other = {story.TOKEN_VARIABLE: fake_server.token}
    before = space.dump()
    code, printed = story.run(space.root, "undo", **other)
    assert (code, f"round 1 was sent to {space.server.url}/" in printed) == (1, True), printed
    assert space.dump() == before
    assert story.run(space.root, "undo", "--dry-run", "--allow-shrink", **other)[0] == 0
    config.write_text(told)
    assert "tasks that are removed: 10" in space.undo()


def test_tasks_of_other_rounds_that_are_gone_stop_it_before_anything_is_removed(logged):
    logged.do("round", "--until", "pushed")
    logged.answer(logged.batch(2)[0])
    logged.delete(f"tasks/{logged.task(logged.batch(1)[0])}")
    assert "--allow-shrink" in logged.undo(code=1)
    assert len(logged.there()) == 19
    logged.undo("--allow-shrink")
    assert len(logged.there()) == 10


def test_who_takes_it_back_has_a_name(space):
    space.do("round", "--until", "selected")
    assert "--as NAME" in space.do("undo", "--as", " ", code=2)
    space.do("undo", LOGNAME="somebody")
    assert space.sql("SELECT author FROM undone") == [("somebody",)]


def test_answers_stay_in_the_database_as_they_are(space):
    space.do("round", "--until", "pushed")
    story.People(space.server.url, space.server.token).answer()
    space.do("round", "--until", "trained")
    before = space.rows("answers"), space.rows("labels")
    space.undo()
    assert (space.rows("answers"), space.rows("labels")) == before
