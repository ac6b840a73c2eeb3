"""The essential faults, against a real Label Studio."""

import signal
import sqlite3
import threading
import time
from contextlib import closing, suppress

import httpx
import pytest

from al_loop.annotators.label_studio import LabelStudio
from al_loop.annotators.label_studio import push as push_module
from al_loop.errors import AuthError, ServerError
from tests.ls_helpers import choice, keys, pull_request, push_request
from tests.ls_people import Server, pull, push
from tests.test_ls_network import hits


@pytest.fixture
def real(ls):
    server = Server(ls.url)
    yield server
    server.http.close()


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
