"""The network breaks at every call in every way: in the end each text is there exactly once.

The fake stands behind a proxy that breaks requests before the server saw them or after it did.
Whatever the first run ends with, a second one over a healed network repairs it.
"""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from al_loop.annotators.label_studio import LabelStudio
from al_loop.errors import ServerError
from al_loop.types import ClassSpec
from tests.fakes.label_studio import PERSONAL, TOKEN
from tests.ls_helpers import CLASSES, annotate, keys, once_each, pull_request, push_request, task

BEFORE = ("rst_before", "status 500", "status 503", "status 429", "status 408")
AFTER = (
    "close_after",
    "rst_after",
    "half_then_close",
    "half_then_rst",
    "truncated_json",
    "empty200",
    "html200",
    "status_after 502",
    "status_after 504",
)
CALLS = {
    "find project": ("GET", "/api/projects/"),
    "create project": ("POST", "/api/projects/"),
    "read project": ("GET", "/api/projects/1/"),
    "patch project": ("PATCH", "/api/projects/1/"),
    "look up": ("GET", "/api/tasks/"),
    "import": ("POST", "/import"),
    "delete": ("POST", "/api/dm/actions"),
    "overlap": ("PATCH", "/api/tasks/1/"),
    "one prediction": ("POST", "/api/predictions/"),
    "view": ("POST", "/api/dm/views/"),
    "list snapshots": ("GET", "/exports/"),
    "snapshot": ("POST", "/exports/"),
    "download": ("GET", "/download"),
    "delete snapshot": ("DELETE", "/exports/1"),
    "users": ("GET", "/api/users/"),
    "refresh": ("POST", "/api/token/refresh/"),
}


#: A pull is complete without them; the next one makes up for it.
OPTIONAL = ("delete snapshot",)


def hits(call):
    method, end = CALLS[call]
    if end == "/api/projects/":
        return lambda m, p: (m, p) == (method, end)
    return lambda m, p: m == method and p.endswith(end)


def rule(action):
    name, _, code = action.partition(" ")
    return (name, {"code": int(code)} if code else {})


def client(url, key=TOKEN, *, timeout=5.0):
    return LabelStudio(url, key, timeout=timeout, settle=0.001)


def prepare(fake, url):
    """Six tasks of an earlier model, two of them answered, two of them doubled."""
    fake.knobs.numbers_only = 99  # else nobody asks for the list of users
    client(url).push(push_request(6, model="m1"))
    annotate(fake, "i0:0", "bug")
    annotate(fake, "i1:0", was_cancelled=True)
    rows = [{"data": dict(t["data"])} for t in list(fake.store.tasks.values())[:2]]
    fake.store.import_tasks(1, rows)


def work(ls, n=12):
    """Everything at once: a new class, new tasks, reused tasks, overlap, sweep, pull."""
    tasks = [task(0, overlap=2), *(task(i) for i in range(1, n))]
    classes = (*CLASSES, ClassSpec("new"))
    ls.push(push_request(tasks=tasks, model="m2", classes=classes))
    return ls.pull(pull_request(n, sweep=keys(n)))


def check(fake, pulled, n=12):
    assert once_each(fake, n)
    assert len(fake.store.projects) == 1
    assert fake.store.projects[1]["model_version"] == "m2"
    assert 'value="new"' in fake.store.projects[1]["label_config"]
    assert fake.dump()["overlaps"][1] == 2
    assert sorted(a.key for a in pulled.answers) == ["i0:0", "i1:0"]
    assert {a.annotator for a in pulled.answers} == {"ann@example.com"}
    current = [p for p in fake.store.predictions.values() if p["model_version"] == "m2"]
    assert {p["task"] for p in current} == set(fake.store.tasks)


@pytest.mark.parametrize("action", BEFORE + AFTER)
@pytest.mark.parametrize("call", CALLS)
def test_one_broken_call_anywhere_is_got_over(fake, proxied, call, action):
    if call not in ("create project", "view"):
        prepare(fake, proxied.url)
    name, options = rule(action)
    proxied.plan.add(hits(call), name, **options)
    key = PERSONAL if call == "refresh" else TOKEN
    pulled = work(client(proxied.url, key))
    assert proxied.plan.rules[0]["left"] == 0
    if call in ("create project", "view"):
        assert once_each(fake, 12)
        assert len(fake.store.projects) == 1
    else:
        check(fake, pulled)


@pytest.mark.parametrize("action", ["rst_before", "close_after", "status 503", "html200"])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_stays_broken_ends_with_5_and_the_next_run_repairs_it(
    fake, proxied, call, action
):
    if call not in ("create project", "view"):
        prepare(fake, proxied.url)
    name, options = rule(action)
    proxied.plan.add(hits(call), name, times=99, **options)
    key = PERSONAL if call == "refresh" else TOKEN
    with suppress(ServerError):
        work(client(proxied.url, key))
        # Nothing may be claimed that was not seen to have happened.
        assert action in ("close_after", "html200") or call in OPTIONAL
        assert once_each(fake, 12)
    proxied.plan.heal()
    pulled = work(client(proxied.url, key))
    if call not in ("create project", "view"):
        check(fake, pulled)
    else:
        assert once_each(fake, 12)


@pytest.mark.parametrize("action", AFTER)
@pytest.mark.parametrize("times", [2, 3])
def test_an_import_whose_answer_is_lost_several_times_doubles_nothing(fake, proxied, action, times):
    name, options = rule(action)
    proxied.plan.add(hits("import"), name, times=times, **options)
    pushed = client(proxied.url).push(push_request(40))
    assert once_each(fake, 40)
    assert sorted(pushed.task_ids) == sorted(keys(40))
    assert len([p for m, p in proxied.plan.log if p.endswith("/import")]) == 1


def test_the_network_breaks_at_the_import_and_at_the_look_up_after_it(fake, proxied):
    proxied.plan.add(hits("import"), "close_after", times=1)
    proxied.plan.add(hits("look up"), "half_then_rst", times=3)
    client(proxied.url).push(push_request(40))
    assert once_each(fake, 40)


def test_an_import_carried_out_after_the_client_gave_up_is_swept(fake, proxied):
    proxied.plan.add(hits("import"), "sleep_before", secs=1.5)
    ls = client(proxied.url, timeout=0.5)
    ls.push(push_request(6))
    while len(fake.store.tasks) < 12:  # until the lost request lands
        time.sleep(0.05)
    client(proxied.url).pull(pull_request(6, sweep=keys(6)))
    assert once_each(fake, 6)


@pytest.mark.parametrize("call", ["look up", "download", "read project", "refresh"])
@pytest.mark.parametrize("action", ["drip", "drip_headers", "hang"])
def test_a_call_ends_at_its_deadline_even_when_bytes_keep_coming(fake, proxied, call, action):
    """Each read is quick, the whole would take 10 s: only a total deadline ends it."""
    prepare(fake, proxied.url)
    secs = 10 if action == "hang" else 0.1
    proxied.plan.add(hits(call), action, times=99, pieces=100, secs=secs)
    key = PERSONAL if call == "refresh" else TOKEN
    with pytest.raises(ServerError, match=r"within 0\.\d+ s|takes too long"):
        work(client(proxied.url, key, timeout=0.4))
    proxied.plan.heal()
    check(fake, work(client(proxied.url)))


def test_an_import_that_hangs_is_read_back_not_repeated(fake, proxied):
    proxied.plan.add(hits("import"), "sleep_after", secs=2)
    client(proxied.url, timeout=0.7).push(push_request(6))
    assert once_each(fake, 6)
    assert len([p for m, p in proxied.plan.log if p.endswith("/import")]) == 1


def unreachable(url):
    for call, request in (("push", push_request()), ("pull", pull_request())):
        with pytest.raises(ServerError) as caught:
            getattr(client(url, timeout=1), call)(request)
        assert "al-loop doctor" in caught.value.hint
    return str(caught.value)


def test_a_closed_port_is_named():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{s.getsockname()[1]}"
    assert "connection refused" in unreachable(url)


def test_a_host_that_does_not_exist_is_named(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "unknown host name" in unreachable("http://nowhere.invalid")


def test_https_to_a_server_without_it_is_named(proxied):
    assert "TLS" in unreachable(proxied.url.replace("http:", "https:"))


def test_a_server_that_never_accepts_ends_at_the_deadline():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        assert "within" in unreachable(f"http://127.0.0.1:{s.getsockname()[1]}")


def test_something_else_than_http_is_survived():
    with socket.create_server(("127.0.0.1", 0)) as s:
        s.settimeout(5)

        def talk():
            while True:
                try:
                    connection, _ = s.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=talk, daemon=True).start()
        assert "connection broke" in unreachable(f"http://127.0.0.1:{s.getsockname()[1]}")


def test_a_refused_pull_changes_nothing_on_the_server(fake, proxied):
    prepare(fake, proxied.url)
    before = fake.dump()
    proxied.plan.add(hits("download"), "html200", times=99)
    with pytest.raises(ServerError):
        client(proxied.url).pull(replace(pull_request(6), sweep=()))
    after = fake.dump()
    assert {**after, "exports": 0} == {**before, "exports": 0}
