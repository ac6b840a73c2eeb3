"""A project is adopted from its export, too; what is no such export is refused in one line."""

import json
import math
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from al_loop import workspace
from tests import offline
from tests.foreign import DATA, PAGE

RECORDED = Path(__file__).with_name("data") / "label-studio-export.json"
MIN = {"body": "x", "id": 1, "topic": "refund", "annotator": 2, "annotation_id": 2}


def recorded():
    """What 1.23.2 exports of the project of tests/foreign.py, as JSON with all tasks."""
    return json.loads(RECORDED.read_text())


@pytest.fixture
def adopt(monkeypatch, capsys, tmp_path):
    """Adopt tasks from a file; returns the report, or the message of an error."""
    (tmp_path / "config.toml").write_text('[model]\nencoder = "hashing"\n')
    call = partial(offline.call, monkeypatch, capsys)

    def run(tasks, *arguments, code=0):
        file = tmp_path / "export.json"
        file.write_text(tasks if isinstance(tasks, str) else json.dumps(tasks))
        ended, out, err = call("-C", tmp_path, "adopt", file, *arguments, "--json")
        assert ended == code, out + err
        if code:
            assert len([line for line in err.splitlines() if line[:6] != "  task"]) == 2
            assert not workspace.is_made(workspace.Workspace(tmp_path))
            return err
        assert call("-C", tmp_path, "check")[0] == 0
        return json.loads(out)

    with offline.settings_kept():
        yield run


def rows(root, query):
    with closing(sqlite3.connect(workspace.find(root).db_path)) as db:
        return db.execute(query).fetchall()


def page(tmp_path, xml=PAGE):
    file = tmp_path / "page.xml"
    file.write_text(xml)
    return ("--label-config", file)


def test_with_its_page_an_export_says_the_same_as_the_server(adopt, tmp_path):
    report = adopt(recorded(), *page(tmp_path))
    assert (report["tasks"], report["texts"], report["answers"], report["skips"]) == (7, 6, 7, 1)
    assert report["classes"] == ["refund", "late", "praise"]
    assert report["unknown"] == {"thanks": 1}
    labels = dict(rows(tmp_path, "SELECT text, status FROM labeled_texts"))
    assert labels == {
        DATA[0]["body"]: "agreed",
        DATA[1]["body"]: "conflict",
        DATA[2]["body"]: "skipped",
        DATA[3]["body"]: "unusable",
        DATA[6]["body"]: "unusable",
    }
    assert {who for (who,) in rows(tmp_path, "SELECT annotator FROM answers")} == {"1", "2"}


def test_without_its_page_the_answers_tell_the_classes(adopt, tmp_path):
    report = adopt(recorded(), "--control", "topic", "--text", "body")
    assert report["classes"] == ["late", "refund", "thanks"]
    assert report["labels"] == 2
    invalid = rows(tmp_path, "SELECT COUNT(*) FROM answers WHERE kind = 'invalid'")
    assert invalid == [(1,)]


def test_without_its_page_controls_that_could_be_the_class_are_named(adopt):
    odd = "export.json: has no single choice"
    err = adopt(recorded()[:6], code=2)
    assert "several controls could be the class: topic (Choices), tags (Choices)" in err
    assert "--control topic" in err
    tasks = recorded()[6:]
    err = adopt(tasks, code=2)
    assert odd.split(": ")[1] in err
    assert "topic (Choices, several in one answer)" in err
    assert "--label-config FILE" in err
    assert "found: nothing to fill in" in adopt(recorded()[5:6], code=2)


def test_an_export_again_takes_over_what_changed(adopt, tmp_path):
    adopt(recorded(), *page(tmp_path))
    later = recorded()
    del later[5]  # Label Studio leaves tasks without answers out, unless asked
    said = later[3]["annotations"][0]
    said["result"][0]["value"]["choices"] = ["praise"]
    said["updated_at"] = "2030-01-01T00:00:00Z"
    report = adopt(later, *page(tmp_path))
    assert report["changes"] == {"new": 0, "edited": 1, "deleted": 0}
    assert report["labels"] == 2
    assert rows(tmp_path, "SELECT COUNT(*) FROM items") == [(6,)]
    assert adopt(recorded()[:5], *page(tmp_path), "--allow-shrink")["changes"]["deleted"] == 1
    assert adopt(recorded(), *page(tmp_path))["changes"]["deleted"] == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("id,text\n1,x\n", "is not JSON"),
        ("{}", "is not an export of Label Studio"),
        ("[]", "has no tasks"),
        ([MIN], "is not an export of Label Studio in its JSON"),
        ([{"data": {"text": "x"}}], "is not an export of Label Studio in its JSON"),
        ("[" * 100_000, "is not JSON"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "is not JSON"),
    ],
)
def test_what_is_no_export_is_refused(adopt, content, message):
    err = adopt(content, code=2)
    assert message in err
    if "not" in message:
        assert "export it again in Label Studio as JSON" in err


def test_tasks_of_several_projects_are_not_one_export(adopt):
    tasks = recorded()
    tasks[1]["project"] = 99
    assert "not the export of one project" in adopt(tasks, code=2)


@pytest.mark.parametrize("number", [0, -3, True, 1.5, "1"])
def test_a_task_without_a_number_of_its_kind_is_no_task(adopt, number):
    tasks = recorded()
    tasks[0]["id"] = number
    assert "is not an export of Label Studio" in adopt(tasks, code=2)


def test_no_answer_goes_to_the_text_of_another_task_with_the_same_number(adopt, tmp_path):
    tasks = recorded()
    tasks[1]["id"] = tasks[0]["id"]
    err = adopt(tasks, *page(tmp_path), code=2)
    assert f"has the task {tasks[0]['id']} twice" in err
    tasks = recorded()
    first, second = (tasks[i]["annotations"][0] for i in (0, 1))
    second["id"] = first["id"]
    assert f"has the annotation {first['id']} twice" in adopt(tasks, *page(tmp_path), code=2)


def test_faulty_tasks_are_left_out_and_named(adopt, tmp_path):
    tasks = recorded()
    tasks[1]["data"]["body"] = ""
    tasks[2]["data"]["body"] = 5
    del tasks[3]["data"]["body"]
    tasks[4]["data"]["body"] = "half \ud800"
    tasks[5]["data"]["body"] = "x" * 100_001
    report = adopt(tasks, *page(tmp_path))
    ids = [task["id"] for task in tasks]
    reasons = ["text is empty", "text is a number, not a string", "has no text", "U+D800"]
    for number, reason in zip(ids[1:], [*reasons, "100,001 bytes"], strict=False):
        assert any(b.startswith(f"task {number}: ") and reason in b for b in report["bad"]), reason
    assert (report["texts"], report["answers"]) == (2, 3)
    adopt(tasks, *page(tmp_path), "--replace-bad-chars")
    assert rows(tmp_path, "SELECT text FROM items ORDER BY position")[-1] == ("half \ufffd",)


def test_a_project_without_a_usable_task_is_refused(adopt, tmp_path):
    tasks = recorded()
    for task in tasks:
        task["data"]["body"] = ""
    assert "none of its 7 tasks can be used; task" in adopt(tasks, *page(tmp_path), code=2)


def test_ids_of_the_data_are_taken_and_clashes_named(adopt, tmp_path):
    tasks = recorded()
    for number, task in enumerate(tasks):
        task["data"]["id"] = f"x{number}" if number < 5 else number
    tasks[1]["data"]["id"] = "x0"  # another text
    tasks[4]["data"]["id"] = None
    report = adopt(tasks, *page(tmp_path))
    ids = [i for (i,) in rows(tmp_path, "SELECT id FROM aliases ORDER BY rowid")]
    assert ids == ["x0", "x2", "x3", f"task-{tasks[4]['id']}", "5", "6"]
    assert len(report["bad"]) == 1
    assert "id 'x0' came with another text" in report["bad"][0]


def test_what_no_database_takes_does_no_harm(adopt, tmp_path):
    tasks = recorded()
    said = tasks[0]["annotations"][0]
    said["result"][0]["value"]["choices"] = ["odd \ud800"]
    said["lead_time"] = 1e400
    said["completed_by"] = {"id": 1, "email": "a\x00nn"}
    tasks[0]["data"]["a\x1b[2J"] = "x"
    report = adopt(json.dumps(tasks).replace("Infinity", "1e999"), *page(tmp_path))
    assert "odd \ufffd" in report["unknown"]
    times = [t for (t,) in rows(tmp_path, "SELECT lead_time FROM answers WHERE lead_time > 0")]
    assert all(map(math.isfinite, times))
    assert "a\x1b[2J" not in report["kept"]
    assert rows(tmp_path, "SELECT 1 FROM answers WHERE annotator = 'a\ufffdnn'") == [(1,)]


@pytest.mark.parametrize("changes", [{"id": 2**70}, {"updated_at": None}, {"completed_by": "ann"}])
def test_an_answer_that_is_not_what_the_server_writes_is_refused(adopt, tmp_path, changes):
    tasks = recorded()
    tasks[0]["annotations"][0].update(changes)
    err = adopt(tasks, *page(tmp_path), code=2)
    assert f"task {tasks[0]['id']}: " in err
    assert f"without a usable {next(iter(changes))!r}" in err


def test_pages_are_not_trusted(adopt, tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><View>&b;</View>'
    assert "declares XML entities" in adopt(recorded(), *page(tmp_path, bomb), code=2)
    assert "not well-formed" in adopt(recorded(), *page(tmp_path, "<View>"), code=2)
    assert "is not there" in adopt(recorded(), "--label-config", tmp_path / "no.xml", code=2)
