"""Killed at any point of a push or a pull, the next run makes it whole.

The child is a fork, so that a point costs milliseconds and not the start of a process.
"""

import os
import signal
from collections import Counter

import pytest

from al_loop import crash
from al_loop.annotators.label_studio import LabelStudio
from al_loop.types import ClassSpec
from tests.fakes.label_studio import TOKEN, serve
from tests.ls_helpers import CLASSES, annotate, keys, once_each, pull_request, push_request, task

POINTS = (
    "C3 project created",
    "C4 label config patched",
    "tasks looked up",
    "C5 chunk imported",
    "C6 duplicate deleted",
    "predictions added",
    "overlap set",
    "C7 model_version set",
    "view created",
    "C9 snapshot created",
    "C10 snapshot downloaded",
    "snapshot deleted",
)


@pytest.fixture
def url(fake):
    server = serve(fake)
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def push(url, n=9):
    tasks = [task(0, overlap=2), task(1, overlap=2), *(task(i) for i in range(2, n))]
    classes = (*CLASSES, ClassSpec("new"))
    request = push_request(tasks=tasks, model="m2", classes=classes)
    return LabelStudio(url, TOKEN, settle=0.001, timeout=5).push(request)


def pull(url, n=9):
    return LabelStudio(url, TOKEN, settle=0.001, timeout=5).pull(pull_request(n, sweep=keys(n)))


def prepare(fake, url, point):
    """Earlier tasks to reuse, and duplicates to delete; nothing for a first push."""
    if point == "C3 project created":
        return
    LabelStudio(url, TOKEN, settle=0.001).push(push_request(4))
    rows = [{"data": dict(t["data"])} for t in list(fake.store.tasks.values())[2:]]
    fake.store.import_tasks(1, rows)
    annotate(fake, "i0:0", "bug")


def killed_at(point, url):
    """Push and pull in a child that dies at `point`; tells how it ended."""
    child = os.fork()
    if child == 0:
        os.environ["AL_LOOP_CRASH_AT"] = point
        crash._passed = Counter()
        try:
            push(url)
            pull(url)
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def check(fake, pulled, n=9):
    assert once_each(fake, n)
    (project,) = fake.store.projects.values()
    assert project["model_version"] == "m2"
    assert 'value="new"' in project["label_config"]
    overlaps = fake.dump()["overlaps"]
    assert [overlaps[fake.dump()["keys"][k][0]] for k in keys(3)] == [2, 2, 1]
    predicted = Counter(
        p["task"] for p in fake.store.predictions.values() if p["model_version"] == "m2"
    )
    assert predicted == dict.fromkeys(fake.store.tasks, 1)
    titles = [v["data"]["title"] for v in fake.store.views.values()]
    assert titles == ["Default", "al-loop: answered"]
    assert [a.key for a in pulled.answers] == [a["key"] for a in answered(fake)]


def answered(fake):
    tasks = fake.store.tasks
    return [{"key": tasks[a["task"]]["data"]["al_id"]} for a in fake.store.annotations.values()]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_the_next_run_makes_it_whole(fake, url, point):
    prepare(fake, url, point)
    assert killed_at(point, url) == signal.SIGKILL
    push(url)
    check(fake, pull(url))


@pytest.mark.parametrize("first", POINTS)
@pytest.mark.parametrize(
    "second", ["tasks looked up", "C7 model_version set", "C9 snapshot created"]
)
def test_killed_again_while_it_recovers(fake, url, first, second):
    prepare(fake, url, first)
    killed_at(first, url)
    killed_at(second, url)
    push(url)
    check(fake, pull(url))


def test_killed_between_two_chunks_nothing_is_sent_twice(fake, url, monkeypatch):
    monkeypatch.setattr("al_loop.annotators.label_studio.push.CHUNK", 2)
    assert killed_at("C5 chunk imported#3", url) == signal.SIGKILL
    assert once_each(fake, 6)
    push(url)
    check(fake, pull(url))


def test_a_named_project_survives_a_kill_after_it_was_marked(fake, url):
    pid = fake.store.create_project({"title": "theirs", "description": "Keep me"})["id"]
    fake.store.projects[pid]["description"] += "\n\nal-loop:0123abcd"
    push(url)
    check(fake, pull(url))
    assert fake.store.projects[pid]["description"].startswith("Keep me")
