"""Push: each key exactly one task, whatever was there before."""

import httpx
import pytest

from al_loop.annotators.label_studio import push as push_module
from al_loop.errors import InputError, ServerError
from al_loop.types import ClassSpec, ProjectRef, Suggestion, Task
from tests.ls_helpers import (
    CLASSES,
    PROJECT,
    adapter,
    annotate,
    choice,
    keys,
    once_each,
    push_request,
    task,
)


def project_of(fake):
    (project,) = fake.dump()["projects"]
    return project


def posts(fake, path="/import"):
    return [p for m, p in fake.log if m == "POST" and p.endswith(path)]


def test_a_push_makes_one_project_and_each_task_once(fake, transport):
    seen = []
    pushed = adapter(transport).push(push_request(5), seen.append)
    assert pushed.created == 5
    assert pushed.task_ids == {key: ids[0] for key, ids in fake.dump()["keys"].items()}
    assert once_each(fake, 5)
    assert seen[0] == 0
    assert seen[-1] == 5
    assert "al-loop:0123abcd" in project_of(fake)["description"]
    assert pushed.url == f"http://ls.test/projects/{pushed.remote_id}/data?labeling=1"


def test_a_task_carries_text_key_item_and_context(fake, transport):
    wanted = Task("a:1", "a", 1, "hello", context="from: web")
    adapter(transport).push(push_request(tasks=[wanted]))
    (stored,) = fake.store.tasks.values()
    assert stored["data"] == {"text": "hello", "al_id": "a:1", "id": "a", "context": "from: web"}


def test_pushing_again_changes_nothing(fake, transport):
    first = adapter(transport).push(push_request(5))
    before = fake.dump()
    again = adapter(transport).push(push_request(5))
    assert again.task_ids == first.task_ids
    assert again.created == 0
    assert fake.dump() == before
    assert len(posts(fake)) == 1


def test_only_what_is_missing_is_sent(fake, transport):
    adapter(transport).push(push_request(3))
    pushed = adapter(transport).push(push_request(5))
    assert pushed.created == 2
    assert once_each(fake, 5)


def test_large_batches_go_in_chunks(fake, transport, monkeypatch):
    monkeypatch.setattr(push_module, "CHUNK", 7)
    adapter(transport).push(push_request(20))
    assert len(posts(fake)) == 3
    assert once_each(fake, 20)


def test_a_first_push_of_many_looks_nothing_up(fake, transport):
    """The speed bar: reading back is two counts, not a look-up for each chunk."""
    adapter(transport).push(push_request(900))
    assert len([p for m, p in fake.log if (m, p) == ("GET", "/api/tasks/")]) == 2


@pytest.mark.parametrize(
    "key", ["a,b", 'a"b', "a'b", "é", "עברית", "a/b", "..", "x" * 900, "😀", "{"]
)
def test_any_key_is_found_again(fake, transport, key):
    tasks = [Task(f"{key}{i}:0", f"{key}{i}", 0, "t") for i in range(12)]
    adapter(transport).push(push_request(tasks=tasks[:6], model=""))
    assert adapter(transport).push(push_request(tasks=tasks, model="")).created == 6


def test_long_keys_never_make_an_address_too_long(transport):
    longest = []
    transport.faults.append(lambda request, send: longest.append(len(str(request.url))))
    tasks = [Task(f"{'é' * 80}{i}:0", "x", 0, "t") for i in range(60)]
    adapter(transport).push(push_request(tasks=tasks[:50], model=""))
    adapter(transport).push(push_request(tasks=tasks[:30], model=""))
    assert max(longest) < 8000


def test_predictions_come_with_the_tasks_and_blind_tasks_have_none(fake, transport):
    tasks = [task(0), task(1, label=None)]
    adapter(transport).push(push_request(tasks=tasks))
    (prediction,) = fake.store.predictions.values()
    assert prediction["task"] == fake.dump()["keys"]["i0:0"][0]
    assert prediction["model_version"] == "m1"
    assert prediction["score"] == 0.4
    assert prediction["result"][0]["value"] == {"choices": ["bug"]}
    assert project_of(fake)["model_version"] == "m1"


def test_a_reused_task_gets_a_prediction_of_the_current_model(fake, transport):
    adapter(transport).push(push_request(4, model="m1"))
    tasks = [task(0, label="refund"), task(1, label=None), task(5)]
    adapter(transport).push(push_request(tasks=tasks, model="m2"))
    ids = fake.dump()["keys"]
    found = {p["task"]: p["model_version"] for p in fake.store.predictions.values()}
    assert found[ids["i0:0"][0]] == "m2"
    assert found[ids["i1:0"][0]] == "m1"
    assert found[ids["i5:0"][0]] == "m2"
    assert project_of(fake)["model_version"] == "m2"


@pytest.mark.parametrize("n", [3, 40])
def test_a_reused_task_gets_one_prediction_however_often_it_is_pushed(fake, transport, n):
    adapter(transport).push(push_request(n, model="m1"))
    for _ in range(3):
        adapter(transport).push(push_request(n, model="m2"))
    assert len(fake.store.predictions) == 2 * n


def test_predictions_that_the_server_drops_are_missed(fake, transport):
    adapter(transport).push(push_request(40, model="m1"))
    fake.knobs.drop_predictions = 9
    with pytest.raises(ServerError, match="40 texts"):
        adapter(transport).push(push_request(40, model="m2"))


def test_all_blind_tasks_leave_the_model_version_alone(fake, transport):
    adapter(transport).push(push_request(tasks=[task(0, label=None)], model="m1"))
    assert project_of(fake)["model_version"] == ""


def test_overlap_is_set_for_the_tasks_that_ask_for_it(fake, transport):
    tasks = [task(0, overlap=2), task(1), task(2, overlap=3)]
    adapter(transport).push(push_request(tasks=tasks))
    assert list(fake.dump()["overlaps"].values()) == [2, 1, 3]
    patches = fake.log.count(("PATCH", "/api/tasks/1/"))
    adapter(transport).push(push_request(tasks=tasks))
    assert fake.log.count(("PATCH", "/api/tasks/1/")) == patches == 1


@pytest.mark.parametrize(
    "suggestion",
    [Suggestion("unheard of", 0.4), Suggestion("bug", float("nan")), Suggestion("bug", 1.5)],
)
def test_a_suggestion_that_does_not_fit_the_page_is_refused(fake, transport, suggestion):
    with pytest.raises(InputError, match=suggestion.label):
        adapter(transport).push(push_request(tasks=[Task("a:0", "a", 0, "t", "", 1, suggestion)]))
    assert not fake.store.tasks


def test_a_lone_surrogate_never_reaches_the_server(fake, transport):
    with pytest.raises(InputError, match="surrogate"):
        adapter(transport).push(push_request(tasks=[Task("a:0", "a", 0, "\ud800")]))
    assert not fake.store.tasks


# projects


def test_the_project_is_found_by_its_marker_whatever_its_title(fake, transport):
    for number in range(230):
        fake.store.create_project({"title": f"other {number}", "description": "al-loop:ffff"})
    first = adapter(transport).push(push_request(1))
    fake.store.projects[first.remote_id]["title"] = "renamed"
    for number in range(120):
        fake.store.create_project({"title": f"later {number}"})
    assert adapter(transport).push(push_request(1)).remote_id == first.remote_id


@pytest.mark.parametrize("title", ["", "a", "ab ", "x" * 80])
def test_any_title_is_made_acceptable(fake, transport, title):
    adapter(transport).push(push_request(1, project=ProjectRef(1, "abc", title)))
    assert 3 <= len(project_of(fake)["title"]) <= 50


def test_a_named_project_is_marked_as_ours(fake, transport):
    pid = fake.store.create_project({"title": "theirs", "description": "Keep me"})["id"]
    ref = ProjectRef(1, "abc", "t", remote_id=pid, pinned=True)
    assert adapter(transport).push(push_request(1, project=ref)).remote_id == pid
    assert "Keep me" in project_of(fake)["description"]
    assert "al-loop:abc" in project_of(fake)["description"]


def test_a_project_of_another_workspace_is_refused(fake, transport):
    theirs = adapter(transport).push(push_request(1)).remote_id
    ref = ProjectRef(1, "ffff", "t", remote_id=theirs, pinned=True)
    with pytest.raises(InputError, match="another workspace") as caught:
        adapter(transport).push(push_request(3, project=ref))
    assert "config.toml" in caught.value.hint
    assert once_each(fake, 1)


@pytest.mark.parametrize("pinned", [True, False])
def test_a_deleted_project_is_named_and_not_made_again(fake, transport, pinned):
    ref = ProjectRef(1, "abc", "t", remote_id=77, pinned=pinned)
    with pytest.raises(InputError, match="project 77") as caught:
        adapter(transport).push(push_request(1, project=ref))
    assert caught.value.hint
    assert not fake.store.projects


def test_a_class_is_added_to_the_live_page_and_nothing_else_changes(fake, transport):
    adapter(transport).push(push_request(2))
    before = project_of(fake)["label_config"]
    classes = (*CLASSES, ClassSpec("R&D <b>"))
    adapter(transport).push(push_request(2, classes=classes))
    added = '<Choice value="R&amp;D &lt;b&gt;" hotkey="3" />'
    assert project_of(fake)["label_config"].replace(added, "") == before


def test_an_annotation_that_blocks_the_page_is_named(fake, transport):
    adapter(transport).push(push_request(1))
    annotate(fake, "i0:0", result=[{**choice("bug"), "from_name": "other"}])
    with pytest.raises(InputError, match="refused the labeling page") as caught:
        adapter(transport).push(push_request(1, classes=(*CLASSES, ClassSpec("new"))))
    assert "from_name" in caught.value.hint


def test_a_task_the_server_refuses_is_named_without_its_text(fake, transport):
    adapter(transport).push(push_request(1))
    page = project_of(fake)["label_config"].replace("$text", "$body")
    fake.store.projects[1]["label_config"] = page
    with pytest.raises(InputError) as caught:
        adapter(transport).push(push_request(3))
    assert "text 1" not in str(caught.value)
    assert "text 2" not in str(caught.value)


def test_a_chunk_that_is_too_large_is_halved(fake, transport, monkeypatch):
    monkeypatch.setattr(push_module, "CHUNK", 64)

    def too_large(request, send):
        if request.url.path.endswith("/import") and len(request.content) > 2000:
            return httpx.Response(413, html="<html>too large</html>", request=request)
        return None

    transport.faults.append(too_large)
    adapter(transport).push(push_request(100))
    assert once_each(fake, 100)


def test_one_text_that_is_too_large_is_named(transport):
    def too_large(request, send):
        if request.url.path.endswith("/import"):
            return httpx.Response(413, request=request)
        return None

    transport.faults.append(too_large)
    with pytest.raises(InputError, match="i0:0"):
        adapter(transport).push(push_request(2))


@pytest.mark.parametrize("times", [1, 2])
def test_an_import_in_the_background_is_waited_for_and_not_repeated(fake, transport, times):
    """Cloud answers {"import": id} and no task ids."""
    fake.knobs.background = times
    pushed = adapter(transport).push(push_request(5))
    assert once_each(fake, 5)
    assert sorted(pushed.task_ids) == keys(5)


def test_an_answer_without_ids_is_read_back(fake, transport):
    fake.knobs.drop_ids = 1
    pushed = adapter(transport).push(push_request(5))
    assert pushed.task_ids == {key: ids[0] for key, ids in fake.dump()["keys"].items()}
    assert once_each(fake, 5)


def test_two_projects_with_our_marker_leave_the_older_one_in_use(fake, transport):
    for _ in range(2):
        fake.store.create_project({"title": "twice", "description": f"al-loop:{PROJECT.marker}"})
    assert adapter(transport).push(push_request(1)).remote_id == 1
