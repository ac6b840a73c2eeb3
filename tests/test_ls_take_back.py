"""Taking tasks back: what nobody touched goes, work stays, whatever happens in between."""

import dataclasses

import httpx
import pytest

from al_loop.annotators.label_studio import tasks
from al_loop.errors import AuthError, InputError, ServerError
from tests.ls_helpers import PROJECT, adapter, annotate, choice, keys, push_request
from tests.ls_people import push


def test_work_of_any_kind_keeps_a_task_and_all_others_go_on_both_servers(either):
    pushed = push(either, n=60)
    ids = pushed.task_ids
    either.ask("POST", f"/api/projects/{pushed.remote_id}/import", [{"data": made_by_hand()}])
    either.annotate(ids["i0:0"], [choice("bug")])
    either.annotate(ids["i1:0"], [choice("bug")], was_cancelled=True)
    either.annotate(ids["i2:0"], [])
    either.ask("POST", f"/api/tasks/{ids['i3:0']}/drafts", {"result": [choice("bug")]})
    own = keys(55)
    worked = {key: ids[key] for key in keys(4)}

    seen = either.adapter().take_back(either.project, own, delete=False)
    assert (sorted(seen.found), seen.kept) == (sorted(own), worked)
    assert sum(either.counts(pushed.remote_id).values()) == 61, "looking changes nothing"

    done = either.adapter().take_back(either.project, own)
    assert (sorted(done.found), done.kept) == (sorted(own), worked)
    others = {f"i{i}:0": 1 for i in range(55, 60)}
    assert either.counts(pushed.remote_id) == {**dict.fromkeys(keys(4), 1), **others, None: 1}

    again = either.adapter().take_back(either.project, own)
    assert (sorted(again.found), again.kept) == (keys(4), worked)


def made_by_hand():
    return {"text": "by hand", "context": "", "id": "x"}


def test_the_server_itself_keeps_what_was_touched_since_on_both_servers(either):
    """The deletion carries filters: what we saw a moment ago need not be true any more."""
    pushed = push(either, n=5)
    ids = pushed.task_ids
    either.annotate(ids["i0:0"], [choice("bug")])
    either.annotate(ids["i1:0"], [choice("bug")], was_cancelled=True)
    either.ask("POST", f"/api/tasks/{ids['i2:0']}/drafts", {"result": [choice("bug")]})
    api = either.adapter().api
    assert tasks.remove(api, pushed.remote_id, [ids[key] for key in keys(4)], 0) == 1
    api.close()
    assert set(either.counts(pushed.remote_id)) == {"i0:0", "i1:0", "i2:0", "i4:0"}


def touch(fake, kind):
    task_id = fake.dump()["keys"]["i0:0"][0]
    if kind == "draft":
        fake.store.draft(task_id, {"result": [choice("bug")]})
    else:
        annotate(fake, "i0:0", "bug", was_cancelled=kind == "skip")


def in_between(fake, transport, kind):
    """Let somebody work on i0 right before its deletion reaches the server."""

    def fault(request, send):
        if request.url.path == "/api/dm/actions":
            transport.faults.remove(fault)
            touch(fake, kind)

    transport.faults.append(fault)


@pytest.mark.parametrize("kind", ["answer", "skip", "draft"])
def test_work_between_the_look_and_the_deletion_saves_the_task(fake, transport, kind):
    adapter(transport).push(push_request(5))
    in_between(fake, transport, kind)
    done = adapter(transport).take_back(PROJECT, keys(5))
    assert done.kept == {"i0:0": 1}
    assert list(fake.dump()["keys"]) == ["i0:0"]


def test_without_the_filters_that_work_would_be_lost(fake, transport, monkeypatch):
    monkeypatch.setattr(tasks, "UNTOUCHED", ())
    adapter(transport).push(push_request(5))
    in_between(fake, transport, "answer")
    assert adapter(transport).take_back(PROJECT, keys(5)).kept == {}


def test_of_doubled_tasks_the_idle_ones_go_and_the_one_with_work_stays(fake, transport):
    pushed = adapter(transport).push(push_request(3))
    rows = [{"data": dict(t["data"])} for t in list(fake.store.tasks.values())]
    fake.store.import_tasks(pushed.remote_id, rows)
    newer = fake.dump()["keys"]["i0:0"][1]
    fake.store.draft(newer, {"result": [choice("bug")]})
    done = adapter(transport).take_back(PROJECT, keys(3))
    assert (sorted(done.found), done.kept) == (keys(3), {"i0:0": newer})
    assert fake.dump()["keys"] == {"i0:0": [newer]}


def test_a_deletion_whose_answer_is_lost_is_looked_up(fake, transport):
    adapter(transport).push(push_request(5))

    def lost(request, send):
        if request.url.path == "/api/dm/actions":
            transport.faults.remove(lost)
            send(request)
            raise httpx.ReadError("gone")

    transport.faults.append(lost)
    assert sorted(adapter(transport).take_back(PROJECT, keys(5)).found) == keys(5)
    assert fake.dump()["keys"] == {}


def test_a_deletion_that_never_works_says_how_many_are_left(fake, transport):
    adapter(transport).push(push_request(5))
    transport.faults.append(
        lambda request, send: (
            httpx.Response(500, request=request) if request.url.path == "/api/dm/actions" else None
        )
    )
    with pytest.raises(ServerError, match="5 tasks could not be removed"):
        adapter(transport).take_back(PROJECT, keys(5))
    assert len(fake.dump()["keys"]) == 5


def test_no_deletion_is_sent_for_nothing(fake, transport):
    """The server takes an empty selection for all tasks of the project."""
    adapter(transport).push(push_request(5))
    for own in ([], ["i9:0"]):
        assert adapter(transport).take_back(PROJECT, own).found == ()
    assert len(fake.dump()["keys"]) == 5
    assert ("POST", "/api/dm/actions") not in fake.log


def test_without_a_project_there_is_nothing_to_take_back(fake, transport):
    assert adapter(transport).take_back(PROJECT, keys(5)).note == ""
    pushed = adapter(transport).push(push_request(5))
    known = dataclasses.replace(PROJECT, remote_id=pushed.remote_id)
    fake.store.delete_project(pushed.remote_id)
    assert "is not on" in adapter(transport).take_back(known, keys(5)).note


def test_a_project_of_others_and_a_refused_key_are_errors(fake, transport):
    pushed = adapter(transport).push(push_request(5))
    known = dataclasses.replace(PROJECT, remote_id=pushed.remote_id)
    fake.store.projects[pushed.remote_id]["description"] = "mine now"
    with pytest.raises(InputError, match="not this workspace's"):
        adapter(transport).take_back(known, keys(5))
    fake.tokens.clear()
    with pytest.raises(AuthError):
        adapter(transport).take_back(known, keys(5))
    assert len(fake.dump()["keys"]) == 5
