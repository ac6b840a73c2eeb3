"""A project that is there already becomes a workspace, and stays as it was itself."""

import json
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from al_loop import workspace
from al_loop.adopt import run as adopting
from al_loop.adopt.source import Request
from al_loop.store import open_store
from tests import offline, story
from tests.fakes.label_studio import TOKEN, serve
from tests.foreign import DATA, PAGE, Project

CONFIG = """\
[label_studio]
url = "{url}"
[model]
encoder = "hashing"
"""


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.ls)])
def either(request, fake):
    """The address of the fake, then of a real server."""
    if request.param == "real":
        yield request.getfixturevalue("ls").url
    else:
        with serving(fake) as url:
            yield url


@pytest.fixture
def url(fake):
    with serving(fake) as address:
        yield address


class serving:  # noqa: N801
    def __init__(self, fake):
        self.running = serve(fake)

    def __enter__(self):
        return f"http://127.0.0.1:{self.running.server_address[1]}"

    def __exit__(self, *_):
        self.running.shutdown()
        self.running.server_close()


@pytest.fixture
def foreign():
    """Make a project on a server; see `Project`."""
    made = []

    def make(*arguments, **named):
        made.append(Project(*arguments, **named))
        return made[-1]

    yield make
    for project in made:
        project.server.http.close()


@pytest.fixture
def al_loop(monkeypatch, capsys, tmp_path):
    """Run a command in a folder; returns what it printed, or (code, message) of an error."""
    monkeypatch.setenv(story.TOKEN_VARIABLE, TOKEN)
    call = partial(offline.call, monkeypatch, capsys)

    def run(*arguments, code=0):
        ended, out, err = call("-C", tmp_path, *arguments)
        assert ended == code, out + err
        return err if code else out

    with offline.settings_kept():
        yield run


@pytest.fixture
def config(tmp_path):
    def write(url):
        (tmp_path / "config.toml").write_text(CONFIG.format(url=url))

    return write


def rows(root, query):
    with closing(sqlite3.connect(workspace.find(root).db_path)) as db:
        return db.execute(query).fetchall()


def dump(root):
    """Everything that adopting decides, without times."""
    tables = {
        "items": "*",
        "aliases": "id, item_id, line, label, extra",
        "classes": "name, position, description, origin",
        "tasks": "*",
        "answers": "*",
        "answer_history": "annotation_id, labels, gone",
        "labels": "*",
        "projects": "id, role, annotator, title, remote_id, url, annotated",
    }
    return {t: rows(root, f"SELECT {what} FROM {t} ORDER BY 1, 2") for t, what in tables.items()}


def test_tasks_become_texts_answers_become_labels_and_the_project_stays_as_it_was(
    foreign, either, al_loop, config, tmp_path
):
    project = foreign(either).answered()
    config(either)
    before = project.state()

    report = json.loads(al_loop("adopt", project.number, "--json"))

    assert project.state() == before
    ids = [f"task-{task['id']}" for task in project.tasks]
    found = rows(tmp_path, "SELECT i.id, i.text, l.status, l.label, l.votes FROM items i"
                           " LEFT JOIN labels l ON l.item_id = i.id ORDER BY position")  # fmt: skip
    assert found == [
        (ids[0], DATA[0]["body"], "agreed", "refund", 2),
        (ids[1], DATA[1]["body"], "conflict", None, 2),
        (ids[2], DATA[2]["body"], "skipped", None, 0),
        (ids[3], DATA[3]["body"], "unusable", None, 0),
        (ids[5], DATA[5]["body"], None, None, None),
        (ids[6], DATA[6]["body"], "unusable", None, 0),
    ]
    aliases = dict(rows(tmp_path, "SELECT id, extra FROM aliases ORDER BY rowid"))
    assert list(aliases) == ids
    assert json.loads(aliases[ids[0]]) == {"number": "7", "channel": "mail"}
    assert json.loads(aliases[ids[2]])["meta"] == '{"tags": ["a"], "n": 1}'
    classes = rows(tmp_path, "SELECT name, description, origin FROM classes ORDER BY position")
    assert classes == [
        ("refund", "Wants money & nothing else", "data"),
        ("late", "delay", "data"),
        ("praise", "", "data"),
    ]
    kinds = rows(tmp_path, "SELECT kind, COUNT(*) FROM answers GROUP BY kind ORDER BY kind")
    assert kinds == [("invalid", 1), ("label", 5), ("skip", 1)]
    people = {who for (who,) in rows(tmp_path, "SELECT annotator FROM answers")}
    assert len(people) == 2
    assert all("@" in who for who in people)
    assert rows(tmp_path, "SELECT COUNT(*) FROM purchases") == [(0,)]
    through = rows(tmp_path, "SELECT DISTINCT through, round FROM answers_in_words")
    assert through == [("adopted", None)]

    wanted = {
        "tasks": 7, "texts": 6, "repeated": 1, "labels": 1, "unanswered": 2, "answers": 7,
        "people": 2, "skips": 1, "unknown": {"thanks": 1, "refund": 1}, "ground_truth": 1,
        "other_controls": ["tags (Choices, several allowed)", "stars (Rating)"], "bad": [],
        "classes": ["refund", "late", "praise"], "test_rule": "too few labels",
    }  # fmt: skip
    del wanted["unknown"]["refund"]
    assert {name: report[name] for name in wanted} == wanted
    assert al_loop("check") == "all invariants hold\n"


def test_run_again_it_takes_over_what_changed_and_doubles_nothing(
    foreign, either, al_loop, config, tmp_path
):
    project = foreign(either).answered()
    config(either)
    al_loop("adopt", project.number)
    before = dump(tmp_path)
    al_loop("adopt", project.number)
    assert dump(tmp_path) == before

    tasks = project.tasks
    (said,) = tasks[3]["annotations"]
    project.change(said, {"result": [{**said["result"][0], "value": {"choices": ["praise"]}}]})
    late = min(tasks[1]["annotations"], key=lambda a: a["id"])
    project.remove(late)
    project.say(5, "praise", project.bob)
    project.add([{"body": "one more"}])
    project.page(
        PAGE.replace('<Choice value="praise"/>', '<Choice value="praise"/><Choice value="new"/>')
    )
    report = json.loads(al_loop("adopt", project.number, "--json"))

    assert report["changes"] == {"new": 1, "edited": 1, "deleted": 1}
    assert (report["new_texts"], report["new_classes"]) == (1, ["new"])
    labels = dict(rows(tmp_path, "SELECT text, label FROM labeled_texts"))
    assert labels == {
        DATA[0]["body"]: "refund",
        DATA[1]["body"]: "refund",
        DATA[2]["body"]: None,
        DATA[3]["body"]: "praise",
        DATA[5]["body"]: "praise",
        DATA[6]["body"]: None,
    }
    old = rows(tmp_path, "SELECT labels FROM answer_history ORDER BY id")
    assert sorted(old) == [('["late"]',), ('["thanks"]',)]
    assert al_loop("check") == "all invariants hold\n"


def test_a_round_uses_the_labels_and_goes_to_a_project_of_its_own(
    foreign, either, al_loop, config, tmp_path
):
    words = ("money back", "parcel late", "great work")
    project = foreign(either, data=[{"body": f"{words[i % 3]} {i}"} for i in range(24)])
    for place in range(12):
        project.say(place, ("refund", "late", "praise")[place % 3], project.ann)
    config(either)
    al_loop("adopt", project.number)
    before = project.state()
    al_loop("round", "--until", "selected", "--batch", "4")
    batch = rows(tmp_path, "SELECT item_id, suggestion IS NOT NULL FROM batch")
    assert len(batch) == 4
    assert any(suggested for _, suggested in batch)
    answered = {f"task-{task['id']}" for task in project.tasks[:12]}
    assert not answered & {item for item, _ in batch}
    al_loop("round", "--until", "pushed")
    own = rows(tmp_path, "SELECT remote_id FROM projects WHERE annotator = 'label_studio'")
    assert own != [(project.number,)]
    assert project.state() == before
    refused = al_loop("adopt", own[0][0], code=2)
    assert "is this workspace's own project" in refused
    assert json.loads(al_loop("adopt", project.number, "--json"))["changes"]["new"] == 0
    assert al_loop("check") == "all invariants hold\n"


# What can go wrong


def test_killed_at_any_point_it_ends_the_same_when_run_again(foreign, fake, url, tmp_path):
    project = foreign(url).answered()
    story.preload()
    ends = []
    names = ["none", "C9 snapshot created", "C10 snapshot downloaded", "init folder made#2",
             "adopt written", "adopt config written", "adopted"]  # fmt: skip
    for number, name in enumerate(names):
        root = tmp_path / str(number)
        root.mkdir()
        key = {story.TOKEN_VARIABLE: TOKEN}
        command = ("adopt", str(project.number), "--url", url, "--id", "number")
        code, printed = story.run(root, *command, **key, AL_LOOP_CRASH_AT=name)
        assert code == (0 if name == "none" else -9), printed
        if name not in ("none", "adopted"):
            assert not workspace.is_made(workspace.Workspace(root))
        code, printed = story.run(root, *command, **key)
        assert code == 0, printed
        ends.append((dump(root), (root / "config.toml").read_text()))
    assert all(end == ends[0] for end in ends)


@pytest.mark.parametrize("knob", ["short_snapshot", "wrong_md5", "empty_snapshot"])
def test_a_project_that_is_not_read_to_its_end_is_not_adopted(
    foreign, fake, url, al_loop, config, tmp_path, knob
):
    project = foreign(url).answered()
    config(url)
    setattr(fake.knobs, knob, 99)
    assert "run" in al_loop("adopt", project.number, code=5)
    assert [p.name for p in tmp_path.iterdir()] == ["config.toml"]


def test_tasks_that_are_none_are_not_adopted(foreign, url, al_loop, config, tmp_path, monkeypatch):
    from al_loop.annotators.label_studio import existing

    project = foreign(url).answered()
    config(url)
    monkeypatch.setattr(existing.snapshot, "take_all", lambda *_: ([{"id": 1, "data": {}}], ""))
    assert "sent no usable tasks of project" in al_loop("adopt", project.number, code=5)
    assert not workspace.is_made(workspace.Workspace(tmp_path))


def test_people_whom_the_snapshot_names_by_number_are_looked_up(
    foreign, fake, url, al_loop, config, tmp_path
):
    project = foreign(url).answered()
    config(url)
    fake.knobs.numbers_only = 1
    al_loop("adopt", project.number)
    assert all("@" in who for (who,) in rows(tmp_path, "SELECT annotator FROM answers"))


def test_many_answers_that_are_gone_are_believed_only_when_told_so(
    foreign, url, al_loop, config, tmp_path
):
    project = foreign(url).answered()
    config(url)
    al_loop("adopt", project.number)
    before = dump(tmp_path)
    for task in project.tasks[:3]:
        for annotation in task["annotations"]:
            project.remove(annotation)
    refused = al_loop("adopt", project.number, code=1)
    assert "only 2 tasks have answers, 5 had when it was adopted last" in refused
    assert dump(tmp_path) == before
    al_loop("adopt", project.number, "--allow-shrink")
    assert rows(tmp_path, "SELECT COUNT(*) FROM answers WHERE gone = 0") == [(2,)]


def test_a_task_that_is_gone_loses_its_answers_and_its_text_stays(
    foreign, url, al_loop, config, tmp_path
):
    project = foreign(url).answered()
    config(url)
    al_loop("adopt", project.number)
    gone = project.tasks[3]["id"]
    project.server.ask("DELETE", f"/api/tasks/{gone}/")
    al_loop("adopt", project.number)
    assert rows(tmp_path, f"SELECT gone FROM answers WHERE item_id = 'task-{gone}'") == [(1,)]
    assert rows(tmp_path, f"SELECT gone, remote_id FROM tasks WHERE item_id = 'task-{gone}'") == [
        (1, None)
    ]
    assert rows(tmp_path, f"SELECT COUNT(*) FROM items WHERE id = 'task-{gone}'") == [(1,)]
    assert al_loop("check") == "all invariants hold\n"


def test_a_text_whose_adopted_answer_is_gone_can_be_chosen_again(
    foreign, url, al_loop, config, tmp_path
):
    """Its batch went on with that answer: without it the text would be in two batches."""
    project = foreign(url).answered()
    config(url)
    al_loop("adopt", project.number)
    task = project.tasks[2]
    with closing(sqlite3.connect(workspace.find(tmp_path).db_path)) as db, db:
        db.execute("INSERT INTO projects (role, annotator, marker, title) VALUES"
                   " ('labeling', 'label_studio', 'm', 't')")  # fmt: skip
        db.execute("INSERT INTO rounds VALUES (1, 2, 'logged', 's', 0, '{}', '{}', '', 9, '')")
        db.execute("INSERT INTO batch (round, item_id, rank, strategy, why, blind, overlap)"
                   f" VALUES (1, 'task-{task['id']}', 0, 's', '', 0, 1)")  # fmt: skip
    project.remove(task["annotations"][0])
    al_loop("adopt", project.number)
    assert rows(tmp_path, "SELECT released FROM batch") == [(1,)]


def test_a_text_that_was_changed_there_is_left_out_and_named(
    foreign, url, al_loop, config, tmp_path
):
    project = foreign(url).answered()
    config(url)
    al_loop("adopt", project.number)
    task = project.tasks[0]
    project.server.ask("PATCH", f"/api/tasks/{task['id']}/", {"data": {"body": "other words"}})
    out = al_loop("adopt", project.number)
    assert f"task {task['id']}: has another text than when it was adopted" in out
    assert rows(tmp_path, "SELECT COUNT(*) FROM items WHERE text = 'other words'") == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["99"], "there is no project 99 on http://"),
        (["0"], "there is no project 0 on http://"),
        ([""], "'' is neither the number of a project nor a file"),
        (["nowhere.json"], "'nowhere.json' is neither the number of a project nor a file"),
        (["1", "--label-config", "x.xml"], "--label-config is for an exported file"),
        (["1", "--control", "mood"], "there is no control mood; found: topic (Choices), tags"),
        (["1", "--control", "tags"], "no single choice for a whole text; found: topic"),
        (["1", "--text", "words"], "there is no column 'words'; there are 'body', 'number'"),
        (["1", "--id", "key"], "there is no column 'key'"),
        (["1", "--keep", "channel,x"], "there is no column 'x'"),
        (["1", "--test", "nowhere.csv"], "nowhere.csv is not there"),
    ],
)
def test_what_can_not_be_adopted_is_said_in_one_line(
    foreign, url, al_loop, config, tmp_path, arguments, message
):
    foreign(url).answered()
    config(url)
    err = al_loop("adopt", *arguments, code=2)
    assert message in err
    assert len(err.splitlines()) == 2
    assert not workspace.is_made(workspace.Workspace(tmp_path))


def test_a_workspace_adopts_one_project(foreign, url, al_loop, config, tmp_path):
    project, other = foreign(url).answered(), foreign(url, data=[{"body": "elsewhere"}])
    config(url)
    al_loop("adopt", project.number)
    before = dump(tmp_path)
    err = al_loop("adopt", other.number, code=2)
    assert f"started from project {project.number}; project {other.number} is" in err
    assert dump(tmp_path) == before


def test_the_same_number_on_another_server_is_another_project(
    foreign, url, al_loop, config, tmp_path, monkeypatch
):
    from tests.fakes.label_studio import Fake

    project = foreign(url).answered()
    config(url)
    al_loop("adopt", project.number)
    before = dump(tmp_path)
    with serving(Fake()) as elsewhere:
        other = foreign(elsewhere, data=[{"body": f"elsewhere {i}"} for i in range(9)])
        for place in range(9):
            other.say(place, "refund", other.ann)
        assert other.number == project.number
        err = al_loop("adopt", other.number, "--url", elsewhere, code=2)
    assert "is not the project that was adopted before" in err
    assert dump(tmp_path) == before


def test_the_project_for_rounds_is_not_adopted(foreign, url, al_loop, tmp_path):
    project = foreign(url).answered()
    pinned = CONFIG.replace("[model]", f"project = {project.number}\n[model]")
    (tmp_path / "config.toml").write_text(pinned.format(url=url))
    assert "rounds need one of their own" in al_loop("adopt", project.number, code=2)


def test_without_a_server_or_a_key_it_says_what_to_type(url, al_loop, config, monkeypatch):
    assert "--url https://" in al_loop("adopt", "1", code=2)
    config("http://127.0.0.1:9")
    al_loop("adopt", "1", code=5)
    config(url)
    monkeypatch.setenv(story.TOKEN_VARIABLE, "0" * 40)
    al_loop("adopt", "1", code=6)
    monkeypatch.delenv(story.TOKEN_VARIABLE)
    assert "no key for Label Studio" in al_loop("adopt", "1", code=6)


# What is asked for


def test_a_dry_run_tells_the_same_and_writes_nothing(foreign, url, al_loop, config, tmp_path):
    project = foreign(url).answered()
    config(url)
    said = al_loop("adopt", project.number, "--dry-run").splitlines()
    assert said[0] == "dry run: nothing was written"
    assert [p.name for p in tmp_path.iterdir()] == ["config.toml"]
    assert al_loop("adopt", project.number).splitlines()[: len(said) - 1] == said[1:]
    before = dump(tmp_path)
    project.say(5, "praise", project.bob)
    assert "answers are new since" in al_loop("adopt", project.number, "--dry-run")
    assert dump(tmp_path) == before


def test_the_output_says_what_to_close_and_what_to_do_next(foreign, url, al_loop, config, capsys):
    project = foreign(url).answered()
    config(url)
    out = al_loop("adopt", project.number)
    assert "project 1 was not changed; rounds go to a project of their own" in out
    assert "no class, so no label until `al-loop classes add`: thanks (1)" in out
    assert "not taken over: tags (Choices, several allowed), stars (Rating)" in out
    assert "al-loop adopt 1   takes over what changes there later" in out
    al_loop("classes", "add", "thanks")
    assert "2 texts with a label" in al_loop("adopt", project.number)


def test_a_new_workspace_remembers_server_and_columns(foreign, url, tmp_path, monkeypatch):
    monkeypatch.setenv(story.TOKEN_VARIABLE, TOKEN)
    project = foreign(url).answered()
    request = Request(project.number, url=url)
    report = adopting.adopt(workspace.Workspace(tmp_path), request)
    assert report.config_written
    written = (tmp_path / "config.toml").read_text()
    assert f'url = "{url}/"' in written
    assert 'text = "body"' in written
    assert 'keep = ["number", "channel", "meta"]' in written
    again = adopting.adopt(workspace.Workspace(tmp_path), Request(project.number))
    assert (again.config_written, again.first, again.changes.new) == (False, False, 0)


def test_texts_of_a_workspace_that_is_there_get_the_answers(
    foreign, url, al_loop, config, tmp_path
):
    project = foreign(url).answered()
    config(url)
    texts = offline.write(tmp_path / "t.csv", [("mine", DATA[0]["body"]), ("other", "x")],
                          ("id", "text"))  # fmt: skip
    al_loop("init", texts)
    al_loop("adopt", project.number)
    found = rows(tmp_path, "SELECT id, label FROM labeled_texts WHERE label IS NOT NULL")
    assert found == [("mine", "refund")]
    assert al_loop("check") == "all invariants hold\n"


def test_fields_can_be_chosen(foreign, url, al_loop, config, tmp_path):
    page = '<View><Text name="t" value="$mail.body"/><Choices name="label" toName="t">'
    page += '<Choice value="a"/></Choices></View>'
    data = [{"mail": {"body": f"text {i}"}, "key": i, "from": "web"} for i in range(3)]
    project = foreign(url, page, [{**each, "mail.body": "unused"} for each in data])
    for task, each in zip(project.tasks, data, strict=True):
        project.server.ask("PATCH", f"/api/tasks/{task['id']}/", {"data": each})
    config(url)
    al_loop("adopt", project.number, "--id", "key", "--keep", "from")
    found = rows(tmp_path, "SELECT a.id, i.text, a.extra FROM aliases a JOIN items i"
                           " ON i.id = a.item_id ORDER BY a.rowid")  # fmt: skip
    assert found == [(str(i), f"text {i}", '{"from": "web"}') for i in range(3)]


def test_a_test_set_is_drawn_from_the_labels_once_or_comes_from_a_file(
    foreign, fake, url, al_loop, config, tmp_path
):
    project = foreign(url, data=[{"body": f"text number {i}"} for i in range(70)])
    for task in fake.store.tasks_of(project.number):
        from tests.foreign import choice

        fake.store.annotate(task["id"], {"result": [choice("refund")], "completed_by": 2})
    config(url)
    report = json.loads(al_loop("adopt", project.number, "--json"))
    assert (report["test_rule"], report["test_size"]) == ("drawn", 30)
    report = json.loads(al_loop("adopt", project.number, "--json"))
    assert (report["test_rule"], report["test_size"]) == ("kept", 30)


def test_a_test_file_names_the_test_set(foreign, url, al_loop, config, tmp_path):
    project = foreign(url).answered()
    config(url)
    rows_ = [(DATA[0]["body"], "praise"), ("only in the file", "refund")]
    test = offline.write(tmp_path / "test.csv", rows_, ("text", "label"))
    report = json.loads(al_loop("adopt", project.number, "--test", test, "--json"))
    assert (report["test_rule"], report["test_size"]) == ("file", 2)
    found = rows(tmp_path, "SELECT text, label FROM labeled_texts WHERE role = 'test'")
    assert sorted(found) == [(DATA[0]["body"], "refund"), ("only in the file", "refund")]


def test_a_lost_workspaces_project_gives_its_ids_back(foreign, url, al_loop, config, tmp_path):
    data = [{"al_id": f"m{i}:0", "text": f"text {i}", "context": ""} for i in range(3)]
    page = '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    page += '<Choice value="a"/></Choices><TextArea name="missing" toName="text"/></View>'
    project = foreign(url, page, data)
    region = {"from_name": "label", "to_name": "text", "type": "choices"}
    project.say(0, {**region, "value": {"choices": ["a"]}}, project.ann)
    config(url)
    al_loop("adopt", project.number)
    store = open_store(workspace.find(tmp_path).db_path)
    assert [r["id"] for r in store.rows("SELECT id FROM items ORDER BY position")] == [
        "m0", "m1", "m2",
    ]  # fmt: skip
    assert store.value("SELECT label FROM labels WHERE item_id = 'm0'") == "a"
    store.close()
