"""Whose project it is: a number alone says nothing, and a deleted one must be gone for certain."""

import copy
from dataclasses import replace

import httpx
import pytest

from al_loop.errors import AuthError, InputError, ServerError, StateError
from al_loop.types import Offer
from tests.ls_helpers import (
    CLASSES,
    PROJECT,
    adapter,
    annotate,
    keys,
    once_each,
    pull_request,
    push_request,
)

OURS = replace(PROJECT, remote_id=1)
CALLS = {
    "push": lambda ls: ls.push(push_request(3, project=OURS)),
    "pull": lambda ls: ls.pull(pull_request(3, project=OURS)),
    "shrinking pull": lambda ls: ls.pull(pull_request(3, project=OURS, allow_shrink=True)),
    "page": lambda ls: ls.update_page(OURS, Offer(CLASSES)),
    "doctor": lambda ls: ls.inspect(OURS, Offer(CLASSES)),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture
def pushed(fake, transport):
    """Three tasks in project 1, an answer to the first."""
    assert adapter(transport).push(push_request(3)).remote_id == 1
    annotate(fake, "i0:0", "bug")
    return fake


def path_is(path, answer):
    """A fault: `answer(request)` for every GET of `path`."""

    def fault(request, send):
        hit = request.method == "GET" and request.url.path == path
        return answer(request) if hit else None

    return fault


# a stranger's project under our number


@every_call
@pytest.mark.parametrize("description", ["", "Mine", "al-loop:ffff", "al-loop:0123abcd-x"])
def test_a_stranger_s_project_under_our_number_is_left_alone(fake, transport, description, call):
    """As when [label_studio] url is pointed at another server."""
    fake.store.create_project({"title": "theirs", "description": description})
    before = copy.deepcopy(fake.store.projects)
    with pytest.raises(InputError, match=r"project 1 on \S+ is not this w") as caught:
        call(adapter(transport))
    assert "[label_studio] url" in caught.value.hint
    assert fake.store.projects == before
    assert not fake.store.tasks
    assert not fake.store.views


@every_call
@pytest.mark.parametrize("taken", [True, False])
def test_our_project_is_found_by_its_marker_when_its_number_changed(fake, transport, taken, call):
    """As after a move to another server, where the number is a stranger's or free."""
    stranger = fake.store.create_project({"title": "theirs"})
    adapter(transport).push(push_request(3))
    if not taken:
        fake.store.delete_project(stranger["id"])
    call(adapter(transport))
    assert list(fake.store.projects) == [1, 2][not taken :]
    assert all(task["project"] == 2 for task in fake.store.tasks.values())
    assert once_each(fake, 3)


def test_a_project_whose_marker_was_edited_away_gets_it_back_when_it_is_named(pushed, transport):
    pushed.store.projects[1]["description"] = "tidied up"
    with pytest.raises(InputError) as caught:
        CALLS["push"](adapter(transport))
    assert "`project = 1`" in caught.value.hint
    adapter(transport).push(push_request(3, project=replace(OURS, pinned=True)))
    assert pushed.store.projects[1]["description"] == "tidied up\n\nal-loop:0123abcd"
    CALLS["push"](adapter(transport))
    assert once_each(pushed, 3)


# a deleted project


@pytest.mark.parametrize("call", ["push", "pull", "doctor"])
def test_a_deleted_project_is_an_error_that_names_the_way_out(pushed, transport, call):
    pushed.store.delete_project(1)
    with pytest.raises(InputError, match=r"project 1 is not on http://ls\.test/ ") as caught:
        CALLS[call](adapter(transport))
    assert "`al-loop round --allow-shrink`" in caught.value.hint
    assert "[label_studio] url" in caught.value.hint
    assert not pushed.store.projects


def test_allow_shrink_gives_up_a_deleted_project_and_the_next_push_makes_another(pushed, transport):
    pushed.store.delete_project(1)
    pulled = CALLS["shrinking pull"](adapter(transport))
    assert pulled.gone == tuple(keys(3))
    assert (tuple(pulled.answers), pulled.annotated, dict(pulled.task_ids)) == ((), 0, {})
    assert "project 1 is not on" in " ".join(pulled.notes)
    again = adapter(transport).push(push_request(3, project=PROJECT))
    assert again.created == 3
    assert again.remote_id == 2
    assert once_each(pushed, 3)


def test_a_deleted_project_that_was_named_is_not_given_up(pushed, transport):
    """A mistyped number in config.toml must not take the labels back."""
    ref = replace(OURS, remote_id=77, pinned=True)
    with pytest.raises(InputError, match=r"project 77, which \[label_studio\] project"):
        adapter(transport).pull(pull_request(3, project=ref, allow_shrink=True))


BROKEN = {
    "the list fails": lambda r: httpx.Response(503, request=r),
    "the list is a web page": lambda r: httpx.Response(200, html="<html>", request=r),
    "the list is half": lambda r: httpx.Response(200, content=b'{"count": 0, "res', request=r),
    "the list is absent": lambda r: httpx.Response(404, html="<html>", request=r),
    "the list lacks some": lambda r: httpx.Response(
        200, json={"count": 9, "results": []}, request=r
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_without_the_whole_list_of_projects_none_is_given_up(pushed, transport, broken):
    """As when a proxy in front of a stopped server answers 404 to everything."""
    html = lambda r: httpx.Response(404, html="<html>no</html>", request=r)  # noqa: E731
    transport.faults += [path_is("/api/projects/1/", html), path_is("/api/projects/", broken)]
    with pytest.raises(ServerError):
        CALLS["shrinking pull"](adapter(transport))


@pytest.mark.parametrize("status", [400, 401, 403, 405, 500, 502])
def test_only_a_404_says_that_a_project_is_gone(pushed, transport, status):
    pushed.store.delete_project(1)
    refuse = lambda r: httpx.Response(status, json={"detail": "no"}, request=r)  # noqa: E731
    transport.faults.append(path_is("/api/projects/1/", refuse))
    with pytest.raises((InputError, AuthError, ServerError)):
        CALLS["shrinking pull"](adapter(transport))


def test_a_404_for_a_project_that_the_list_has_is_not_believed(pushed, transport):
    missing = lambda r: httpx.Response(404, json={"detail": "no"}, request=r)  # noqa: E731
    transport.faults.append(path_is("/api/projects/1/", missing))
    with pytest.raises(InputError) as caught:
        CALLS["shrinking pull"](adapter(transport))
    assert "run the same command again" in caught.value.hint


def test_a_list_of_projects_that_shrinks_while_it_is_read_proves_nothing(pushed, transport):
    """A deletion moves the first project of a page to one that was read already."""
    projects = pushed.store.projects
    for number in range(130):
        pushed.store.create_project({"title": f"other {number}"})
    projects[31] = {**projects.pop(1), "id": 31}  # the first of the second page

    def somebody_deletes(request, send):
        if request.url.params.get("page") == "2" and 131 in projects:
            del projects[131]

    transport.faults.append(somebody_deletes)
    with pytest.raises(ServerError, match="stops in the middle"):
        CALLS["shrinking pull"](adapter(transport))
    found = adapter(transport).inspect(OURS, Offer(CLASSES))
    assert found is not None
    assert found.id == 31


# tasks


def copy_of(fake, task_id):
    """A second task with the same key."""
    data = dict(fake.store.tasks[task_id]["data"])
    return fake.store.import_tasks(1, [{"data": data}])["task_ids"][0]


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("delete", [True, False])
def test_a_duplicate_with_work_on_it_does_not_hide_a_task_that_is_gone(
    pushed, transport, swept, delete
):
    pushed.store.annotate(copy_of(pushed, 1), {"result": [], "completed_by": 3})
    pushed.store.delete_tasks([3])
    more = {"sweep": keys(3) if swept else (), "delete_duplicates": delete}
    with pytest.raises(StateError, match="1 of 3 tasks are gone"):
        adapter(transport).pull(pull_request(3, **more))
    assert adapter(transport).pull(pull_request(3, **more, allow_shrink=True)).gone == ("i2:0",)


@pytest.mark.parametrize("work", ["draft", "none"])
def test_a_duplicate_without_an_answer_does_not_hide_one_either(pushed, transport, work):
    copied = copy_of(pushed, 2)
    pushed.store.draft(2, {"result": []})
    if work == "draft":
        pushed.store.draft(copied, {"result": []})
    pushed.store.delete_tasks([3])
    request = pull_request(3, sweep=keys(3), delete_duplicates=False, allow_shrink=True)
    assert adapter(transport).pull(request).gone == ("i2:0",)


def test_a_task_of_a_key_that_was_given_up_does_not_hide_one_that_is_gone(pushed, transport):
    """As when a backup brings back a task that counted as gone."""
    back = copy_of(pushed, 2)
    pushed.store.tasks[back]["data"]["al_id"] = "x:0"
    pushed.store.annotate(back, {"result": []})
    pushed.store.delete_tasks([3])
    assert adapter(transport).pull(pull_request(3, allow_shrink=True)).gone == ("i2:0",)


def test_duplicates_alone_are_no_loss_and_cost_no_look_at_every_task(pushed, transport):
    pushed.store.annotate(copy_of(pushed, 1), {"result": [], "completed_by": 3})
    looked = []
    transport.faults.append(lambda request, send: looked.append(request.url.params.get("include")))
    assert adapter(transport).pull(pull_request(3)).gone == ()
    assert "id,data" not in looked
