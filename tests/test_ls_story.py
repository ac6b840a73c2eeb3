"""Whole stories, the same on the fake and on a real Label Studio: that keeps the fake honest."""

from dataclasses import replace

import pytest

from al_loop.errors import InputError, StateError
from al_loop.types import ClassSpec, Offer
from tests.ls_helpers import CLASSES, choice, keys, task, typed
from tests.ls_people import pull, push


def test_a_whole_story_is_the_same_on_both_servers(either):
    ann, bob = either.users()
    tasks = [task(0, overlap=2, context="from: web"), task(1, label=None), *map(task, range(2, 9))]
    pushed = push(either, tasks=tasks)
    ids = pushed.task_ids
    assert push(either, tasks=tasks).task_ids == ids
    assert either.counts(pushed.remote_id) == dict.fromkeys(keys(9), 1)
    stored = {t["data"]["al_id"]: t for t in either.tasks(pushed.remote_id)}
    assert stored["i0:0"]["overlap"] == 2
    assert stored["i0:0"]["data"]["context"] == "from: web"
    assert [len(stored[k]["predictions"]) for k in keys(3)] == [1, 0, 1]

    accepted = [choice("bug", origin="prediction"), typed("missing", "shipping")]
    either.annotate(ids["i0:0"], accepted, completed_by=ann)
    wrong = either.annotate(ids["i0:0"], [choice("bug")], completed_by=bob)
    either.annotate(ids["i1:0"], [choice("bug")], completed_by=bob, was_cancelled=True)
    either.annotate(ids["i2:0"], [], completed_by=ann)
    taken_back = either.annotate(ids["i3:0"], [choice("bug")])
    either.annotate(ids["i4:0"], [choice("a"), choice("b")])
    either.annotate(ids["i5:0"], [choice("bug")], ground_truth=True)
    either.ask("POST", f"/api/tasks/{ids['i6:0']}/drafts", {"result": [choice("bug")]})
    either.ask("PATCH", f"/api/annotations/{wrong['id']}/", {"result": [choice("refund")]})
    either.ask("DELETE", f"/api/annotations/{taken_back['id']}/")

    pulled = pull(either)
    found = sorted((a.key, a.kind, a.labels, a.missing, a.origin) for a in pulled.answers)
    assert found == [
        ("i0:0", "label", ("bug",), "shipping", "prediction"),
        ("i0:0", "label", ("refund",), "", ""),
        ("i1:0", "skip", (), "", ""),
        ("i2:0", "empty", (), "", ""),
        ("i4:0", "invalid", ("a", "b"), "", ""),
        ("i5:0", "label", ("bug",), "", ""),
    ]
    assert len({a.annotator for a in pulled.answers if a.key == "i0:0"}) == 2
    assert all("@" in a.annotator for a in pulled.answers)
    assert {a.model_version for a in pulled.answers if a.key == "i0:0"} == {"m1"}
    assert pulled.annotated == 5
    assert either.ask("GET", f"/api/projects/{pushed.remote_id}/exports/") == []
    views = either.ask("GET", "/api/dm/views/", project=pushed.remote_id)
    assert [v["data"]["title"] for v in views] == ["Default", "al-loop: answered"]


def test_a_later_round_reuses_adds_and_moves_on_both_servers(either):
    first = push(either, n=4)
    classes = (*CLASSES, ClassSpec('R&D <b> "q" $5', "it's <new>", ("x > y",)))
    tasks = [task(0, label="refund"), task(1, label=None), task(7)]
    push(either, tasks=tasks, model="m2", classes=classes)
    project = either.ask("GET", f"/api/projects/{first.remote_id}/")
    assert project["model_version"] == "m2"
    assert "R&amp;D &lt;b&gt;" in project["label_config"]
    stored = {t["data"]["al_id"]: t for t in either.tasks(first.remote_id)}
    versions = {k: sorted(p["model_version"] for p in t["predictions"]) for k, t in stored.items()}
    assert versions["i0:0"] == ["m1", "m2"]
    assert versions["i1:0"] == ["m1"]
    assert versions["i7:0"] == ["m2"]
    before = either.ask("GET", f"/api/projects/{first.remote_id}/")
    push(either, tasks=tasks, model="m2", classes=classes)
    after = either.ask("GET", f"/api/projects/{first.remote_id}/")
    assert after["expert_instruction"] == before["expert_instruction"]
    assert after["label_config"] == before["label_config"]
    assert "it's &lt;new&gt;" in after["expert_instruction"].replace("&#x27;", "'")


@pytest.mark.parametrize("number", [0, 1, 21])
def test_pages_with_no_one_and_many_classes_are_accepted_on_both_servers(either, number):
    classes = [ClassSpec(f"c{i}") for i in range(number)]
    pushed = push(either, tasks=[task(0, label=None)], classes=classes)
    assert either.counts(pushed.remote_id) == {"i0:0": 1}
    assert either.adapter().inspect(either.project, Offer(classes)).lacking == ()


def test_duplicates_go_and_work_stays_on_both_servers(either):
    pushed = push(either, n=4)
    rows = [{"data": t["data"]} for t in either.tasks(pushed.remote_id)]
    path = f"/api/projects/{pushed.remote_id}/import"
    copies = either.ask("POST", path, rows, return_task_ids=True)["task_ids"]
    either.ask("POST", f"/api/tasks/{copies[0]}/drafts", {"result": [choice("bug")]})
    either.annotate(copies[1], [choice("bug")], was_cancelled=True)
    for task_id in (pushed.task_ids["i2:0"], copies[2]):
        either.annotate(task_id, [choice("bug")])
    again = push(either, n=4)
    left = {t["id"] for t in either.tasks(pushed.remote_id)}
    ids = pushed.task_ids
    assert left == {copies[0], copies[1], ids["i2:0"], copies[2], ids["i3:0"]}
    assert again.duplicates_deleted == 3
    assert again.notes


def test_tasks_and_projects_that_are_gone_are_noticed_on_both_servers(either):
    pushed = push(either, n=4)
    either.annotate(pushed.task_ids["i0:0"], [choice("bug")])
    either.ask("DELETE", f"/api/tasks/{pushed.task_ids['i3:0']}/")
    with pytest.raises(StateError, match="1 of 4"):
        pull(either, n=4)
    assert pull(either, n=4, allow_shrink=True).gone == ("i3:0",)
    either.ask("DELETE", f"/api/projects/{pushed.remote_id}/")
    either.project = replace(either.project, remote_id=pushed.remote_id)
    with pytest.raises(InputError, match=f"project {pushed.remote_id}"):
        pull(either, n=4)
    assert pull(either, n=4, allow_shrink=True).gone == tuple(keys(4))
    either.project = replace(either.project, remote_id=None)
    again = push(either, n=4)
    assert (again.created, again.remote_id != pushed.remote_id) == (4, True)


def test_a_stranger_s_project_is_left_alone_on_both_servers(either):
    body = {"title": "theirs", "description": "Keep me"}
    number = either.ask("POST", "/api/projects/", body)["id"]
    either.project = replace(either.project, remote_id=number)
    for call in (push, pull):
        with pytest.raises(InputError, match="lacks our marker"):
            call(either, n=2)
    assert either.ask("GET", f"/api/projects/{number}/")["description"] == "Keep me"
    assert either.tasks(number) == []


def test_a_duplicate_with_work_hides_no_task_that_is_gone_on_both_servers(either):
    pushed = push(either, n=4)
    ids = pushed.task_ids
    data = next(t["data"] for t in either.tasks(pushed.remote_id) if t["id"] == ids["i0:0"])
    path = f"/api/projects/{pushed.remote_id}/import"
    (copied,) = either.ask("POST", path, [{"data": data}], return_task_ids=True)["task_ids"]
    for task_id in (ids["i0:0"], copied):
        either.annotate(task_id, [choice("bug")])
    assert pull(either, n=4).gone == ()
    either.ask("DELETE", f"/api/tasks/{ids['i3:0']}/")
    for sweep in ((), keys(4)):
        with pytest.raises(StateError, match="1 of 4"):
            pull(either, n=4, sweep=sweep)
