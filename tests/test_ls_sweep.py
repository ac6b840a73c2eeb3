"""Duplicates go, work stays: the sweep at the start of every push and pull."""

import httpx
import pytest

from al_loop.errors import ServerError
from tests.ls_helpers import adapter, annotate, choice, keys, once_each, pull_request, push_request


@pytest.fixture
def doubled(fake, transport):
    """Five keys; i0, i1 and i2 have two tasks each."""
    pushed = adapter(transport).push(push_request(5))
    rows = [{"data": dict(t["data"])} for t in list(fake.store.tasks.values())[:3]]
    fake.store.import_tasks(pushed.remote_id, rows)
    return fake


def ids(fake, key):
    return fake.dump()["keys"][key]


def test_a_push_removes_duplicates_nobody_worked_on(doubled, transport):
    pushed = adapter(transport).push(push_request(5))
    assert pushed.duplicates_deleted == 3
    assert once_each(doubled, 5)
    assert sorted(pushed.task_ids.values()) == [1, 2, 3, 4, 5]


def test_a_pull_removes_them_among_the_keys_it_is_told(doubled, transport):
    pulled = adapter(transport).pull(pull_request(5, sweep=keys(2)))
    assert pulled.duplicates_deleted == 2
    assert [len(ids(doubled, key)) for key in keys(3)] == [1, 1, 2]


@pytest.mark.parametrize("work", ["answer", "skip", "empty", "draft"])
def test_the_task_that_somebody_worked_on_stays(doubled, transport, work):
    older, newer = ids(doubled, "i0:0")
    if work == "draft":
        doubled.store.draft(newer, {"result": [choice("bug")]})
    else:
        result = [] if work == "empty" else [choice("bug")]
        doubled.store.annotate(newer, {"result": result, "was_cancelled": work == "skip"})
    pushed = adapter(transport).push(push_request(5))
    assert ids(doubled, "i0:0") == [newer]
    assert pushed.task_ids["i0:0"] == newer
    assert older not in doubled.store.tasks


def test_two_tasks_with_work_both_stay_and_are_mentioned(doubled, transport):
    for task_id in ids(doubled, "i0:0"):
        doubled.store.annotate(task_id, {"result": [choice("bug")]})
    pushed = adapter(transport).push(push_request(5))
    assert len(ids(doubled, "i0:0")) == 2
    assert pushed.duplicates_deleted == 2
    assert "1 duplicate" in " ".join(pushed.notes)


def test_the_task_with_more_work_counts(doubled, transport):
    older, newer = ids(doubled, "i0:0")
    doubled.store.annotate(older, {"result": [choice("bug")]})
    for user in (1, 2):
        doubled.store.annotate(newer, {"result": [choice("bug")], "completed_by": user})
    assert adapter(transport).push(push_request(5)).task_ids["i0:0"] == newer


def test_no_delete_duplicates_keeps_all_and_pushes_none_twice(doubled, transport):
    request = push_request(5, delete_duplicates=False)
    pushed = adapter(transport).push(request)
    assert pushed.duplicates_deleted == pushed.created == 0
    assert len(doubled.store.tasks) == 8
    assert "--no-delete-duplicates" in " ".join(pushed.notes)


def test_work_between_the_look_up_and_the_deletion_saves_a_task(doubled, transport):
    """The tasks are read again right before; what was idle a moment ago may be busy."""
    newer = ids(doubled, "i0:0")[1]

    def busy_now(request, send):
        if request.method == "GET" and "fields=all" in str(request.url):
            transport.faults.remove(busy_now)
            doubled.store.draft(newer, {"result": [choice("bug")]})

    transport.faults.append(busy_now)
    adapter(transport).push(push_request(5))
    assert ids(doubled, "i0:0") == [newer]


def test_a_deletion_whose_answer_is_lost_is_looked_up(doubled, transport):
    def lost(request, send):
        if request.url.path == "/api/dm/actions":
            transport.faults.remove(lost)
            send(request)
            raise httpx.ReadError("gone")

    transport.faults.append(lost)
    adapter(transport).push(push_request(5))
    assert once_each(doubled, 5)


def test_a_deletion_that_never_works_ends_with_what_to_type(doubled, transport):
    def broken(request, send):
        if request.url.path == "/api/dm/actions":
            return httpx.Response(500, request=request)
        return None

    transport.faults.append(broken)
    with pytest.raises(ServerError, match="3 duplicate") as caught:
        adapter(transport).push(push_request(5))
    assert "--no-delete-duplicates" in caught.value.hint


def test_an_import_that_the_server_runs_twice_ends_with_one_task_each(fake, transport):
    """A locked database makes the server repeat an import that it answers as one."""
    fake.knobs.duplicate_on_lock = 1
    pushed = adapter(transport).push(push_request(30))
    assert once_each(fake, 30)
    assert pushed.task_ids == {key: found[0] for key, found in fake.dump()["keys"].items()}


def test_an_import_that_lands_after_the_client_gave_up_is_swept_later(fake, transport):
    fake.knobs.late_commit = 1
    adapter(transport).push(push_request(6))
    assert once_each(fake, 6)
    fake.land()
    assert not once_each(fake, 6)
    pulled = adapter(transport).pull(pull_request(6, sweep=keys(6)))
    assert pulled.duplicates_deleted == 6
    assert once_each(fake, 6)


def test_tasks_made_by_hand_are_left_alone(doubled, transport):
    rows = [{"data": {"text": "x", "context": ""}}] * 2
    doubled.store.import_tasks(1, rows)
    adapter(transport).push(push_request(5))
    assert len(ids(doubled, None)) == 2


def test_a_task_that_does_not_tell_its_drafts_is_kept(doubled, transport):
    """What another version of the server leaves out counts as work."""

    def without_drafts(request, send):
        if request.method == "GET" and "fields=all" in str(request.url):
            answer = send(request)
            body = answer.json()
            for task in body["tasks"]:
                del task["drafts"]
            return httpx.Response(200, json=body, request=request)
        return None

    transport.faults.append(without_drafts)
    adapter(transport).push(push_request(5))
    assert len(doubled.store.tasks) == 8


def test_annotations_on_duplicates_of_one_key_all_count_under_the_key(doubled, transport):
    for user, task_id in zip((2, 3), ids(doubled, "i0:0"), strict=True):
        doubled.store.annotate(task_id, {"result": [choice("bug")], "completed_by": user})
    annotate(doubled, "i4:0", "bug")
    pulled = adapter(transport).pull(pull_request(5))
    assert sorted(a.key for a in pulled.answers) == ["i0:0", "i0:0", "i4:0"]
    assert pulled.annotated == 2
