"""The essential faults and one whole story against a real Label Studio.

The story runs on the fake as well and must be the same there: that keeps the fake honest.
"""

import signal
import sqlite3
import threading
import time
import uuid
from contextlib import closing, suppress
from dataclasses import replace

import httpx
import pytest

from al_loop.annotators.label_studio import LabelStudio
from al_loop.annotators.label_studio import push as push_module
from al_loop.errors import AuthError, InputError, ServerError, StateError
from al_loop.types import ClassSpec, ProjectRef
from tests.fakes.label_studio import TOKEN, serve
from tests.ls_helpers import (
    CLASSES,
    choice,
    keys,
    pull_request,
    push_request,
    task,
    typed,
)
from tests.test_ls_network import hits


class Server:
    """A server as its people and its administrator see it; real or fake, only HTTP."""

    def __init__(self, url):
        self.url = url
        headers = {"Authorization": f"Token {TOKEN}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False)
        self.project = ProjectRef(1, uuid.uuid4().hex, "al-loop test")

    def adapter(self, url=None, **more):
        return LabelStudio(url or self.url, TOKEN, **{"timeout": 120, "settle": 0.05, **more})

    def ask(self, method, path, body=None, **params):
        answer = self.http.request(method, path, json=body, params=params)
        assert answer.status_code < 300, answer.text[:300]
        return answer.json() if answer.content else None

    def users(self):
        """Two accounts that can answer, whichever way the server makes them."""
        found = self.ask("GET", "/api/users/")
        while len(found) < 2:
            body = {"email": f"ann{len(found)}@example.com", "username": "ann", "password": "x"}
            self.ask("POST", "/api/users/", body)
            found = self.ask("GET", "/api/users/")
        return [u["id"] for u in found[:2]]

    def tasks(self, remote):
        params = {"project": remote, "page_size": 10000, "fields": "all"}
        return self.ask("GET", "/api/tasks/", **params)["tasks"]

    def counts(self, remote):
        found = {}
        for each in self.tasks(remote):
            key = each["data"].get("al_id")
            found[key] = found.get(key, 0) + 1
        return found

    def annotate(self, task_id, result, **more):
        path = f"/api/tasks/{task_id}/annotations/"
        return self.ask("POST", path, {"result": result, "lead_time": 1.5, **more})


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.ls)])
def either(request, fake):
    """The fake and the real server, one after the other."""
    if request.param == "real":
        server = Server(request.getfixturevalue("ls").url)
        yield server
        server.http.close()
        return
    running = serve(fake)
    server = Server(f"http://127.0.0.1:{running.server_address[1]}")
    yield server
    server.http.close()
    running.shutdown()
    running.server_close()


@pytest.fixture
def real(ls):
    server = Server(ls.url)
    yield server
    server.http.close()


def push(server, ls=None, n=9, **more):
    request = push_request(n, project=server.project, **more)
    return (ls or server.adapter()).push(request)


def pull(server, n=9, **more):
    return server.adapter().pull(pull_request(n, project=server.project, **more))


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
    assert either.adapter().inspect(either.project, classes).lacking == ()


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


# faults, real server only


@pytest.mark.ls
@pytest.mark.parametrize(
    ("action", "options"),
    [
        ("close_after", {}),
        ("rst_after", {}),
        ("half_then_close", {}),
        ("status_after", {"code": 502}),
        ("empty200", {}),
    ],
)
def test_an_import_whose_answer_is_lost_is_there_once(real, proxy_to, action, options):
    proxied = proxy_to(real.url)
    proxied.plan.add(hits("import"), action, times=2, **options)
    pushed = push(real, real.adapter(proxied.url), n=120)
    assert real.counts(pushed.remote_id) == dict.fromkeys(keys(120), 1)


@pytest.mark.ls
def test_an_import_that_lands_late_is_swept_by_the_next_pull(real, proxy_to):
    proxied = proxy_to(real.url)
    pushed = push(real, n=1)
    proxied.plan.add(hits("import"), "sleep_before", secs=3)
    push(real, real.adapter(proxied.url, timeout=2), n=50)
    while sum(real.counts(pushed.remote_id).values()) < 99:
        time.sleep(0.3)
    pulled = pull(real, n=50, sweep=keys(50))
    assert pulled.duplicates_deleted == 49
    assert real.counts(pushed.remote_id) == dict.fromkeys(keys(50), 1)


@pytest.mark.ls
@pytest.mark.parametrize("action", ["truncated_json", "half_then_close", "html200"])
def test_a_broken_download_is_repeated_and_a_lasting_one_refused(real, proxy_to, action):
    proxied = proxy_to(real.url)
    pushed = push(real, n=5)
    real.annotate(pushed.task_ids["i0:0"], [choice("bug")])
    ls = real.adapter(proxied.url)
    request = pull_request(5, project=real.project)
    proxied.plan.add(hits("download"), action)
    assert len(ls.pull(request).answers) == 1
    proxied.plan.add(hits("download"), action, times=99)
    with pytest.raises(ServerError):
        ls.pull(request)


@pytest.mark.ls
def test_a_personal_token_works_and_a_disabled_legacy_one_is_explained(own_ls):
    server = Server(own_ls.url)
    token = server.ask("POST", "/api/token/")["token"]
    personal = LabelStudio(server.url, token, timeout=60)
    assert personal.user().token == "personal"
    pushed = personal.push(push_request(3, project=server.project))
    assert server.counts(pushed.remote_id) == dict.fromkeys(keys(3), 1)
    settings = {
        "api_token_ttl_days": 365,
        "legacy_api_tokens_enabled": False,
        "api_tokens_enabled": True,
    }
    server.ask("POST", "/api/jwt/settings", settings)
    with pytest.raises(AuthError) as caught:
        server.adapter().user()
    assert "personal access token" in caught.value.hint
    with pytest.raises(AuthError):
        LabelStudio(server.url, token[:-4] + "AAAA", timeout=60).user()
    server.http.close()


def stored_tasks(database):
    """The number of committed tasks, as another process sees it."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(database, timeout=0)) as db:
        return db.execute("select count(*) from task").fetchone()[0]
    return 0


@pytest.mark.ls
@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_database_that_is_locked_during_the_import_ends_with_one_task_each(
    own_ls, monkeypatch, moment
):
    """Locked after the commit, the server answers 500 for an import that it carried out."""
    monkeypatch.setattr(push_module, "CHUNK", 1500)
    server = Server(own_ls.url)
    push(server, n=1)

    def hold():
        while moment == "after the commit" and stored_tasks(own_ls.database) < 1500:
            time.sleep(0.001)
        with closing(sqlite3.connect(own_ls.database, isolation_level=None, timeout=5)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(8)

    holder = threading.Thread(target=hold)
    holder.start()
    pushed = push(server, n=1500)
    holder.join()
    assert pushed.created == 1499
    assert server.counts(pushed.remote_id) == dict.fromkeys(keys(1500), 1)
    server.http.close()


@pytest.mark.ls
def test_people_who_work_during_a_pull_are_seen_before_or_after_never_half(real):
    pushed = push(real, n=12)
    done = []

    def work():
        for key, task_id in pushed.task_ids.items():
            real.annotate(task_id, [choice("bug")])
            done.append(key)

    person = threading.Thread(target=work)
    person.start()
    while person.is_alive():
        known = list(done)
        found = [a.key for a in pull(real, n=12).answers]
        assert set(known) <= set(found)
        assert found == keys(12)[: len(found)]
    person.join()
    assert [a.key for a in pull(real, n=12).answers] == keys(12)


@pytest.mark.ls
@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_server_killed_in_the_import_has_each_task_once_after_its_restart(
    own_ls, monkeypatch, moment
):
    monkeypatch.setattr(push_module, "CHUNK", 3000)  # one import of about 2 s
    server = Server(own_ls.url)
    push(server, n=1)
    started = threading.Event()
    send = push_module.Push._send

    def kill():
        started.wait()
        time.sleep(0.3)
        while moment == "after the commit" and stored_tasks(own_ls.database) < 3000:
            time.sleep(0.02)
        own_ls.stop(signal.SIGKILL)

    def tell(self, wanted):
        started.set()
        return send(self, wanted)

    monkeypatch.setattr(push_module.Push, "_send", tell)
    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ServerError) as caught:
        push(server, n=3000)
    killer.join()
    assert caught.value.hint
    assert stored_tasks(own_ls.database) == (1 if moment == "before the commit" else 3000)
    own_ls.start(httpx.URL(server.url).port)
    assert own_ls.url == server.url
    pushed = push(server, n=3000)
    assert server.counts(pushed.remote_id) == dict.fromkeys(keys(3000), 1)
    server.http.close()
