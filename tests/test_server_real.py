"""The local Label Studio for real: started once, killed, asked what it lets out."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from al_loop import server
from al_loop.errors import AuthError
from al_loop.server import web
from al_loop.server.process import identity

pytestmark = pytest.mark.ls


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """One folder for all modules: only the first start builds the database."""
    return tmp_path_factory.getbasetemp() / "real"


@pytest.fixture(scope="module")
def real(root):
    yield server.start(root / ".al-loop" / "server", timeout=600)
    server.stop(root / ".al-loop" / "server")


def command_lines():
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text(errors="replace"))
        except OSError:
            continue  # it ended meanwhile
    return found


def api(running, method, path, **options):
    headers = {"Authorization": f"Token {running.key().value}"}
    return httpx.request(
        method, running.url + path, headers=headers, trust_env=False, timeout=60, **options
    )


def al_loop(root, *arguments):
    return subprocess.run(
        [sys.executable, "-c", "from al_loop.cli import main; main()", "-C", str(root), *arguments],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_started_server_answers_and_knows_the_stored_token(real):
    assert api(real, "GET", "/api/current-user/whoami").json()["email"] == real.login
    assert server.running(real.folder) == real


def test_everything_in_the_servers_folder_is_for_the_owner_alone(real):
    assert (real.data / "label_studio.sqlite3").exists()
    for path in [real.folder, *real.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_token_and_password_are_in_no_command_line_log_or_output(real, root):
    seen, stop = [], threading.Event()

    def watch():
        while not stop.wait(0.02):
            seen.extend(command_lines())

    watcher = threading.Thread(target=watch)
    watcher.start()
    server.stop(real.folder)
    try:
        done = al_loop(root, "up")
        as_json = al_loop(root, "up", "--json")
    finally:
        stop.set()
        watcher.join()
    assert done.returncode == as_json.returncode == 0, done.stderr + as_json.stderr
    assert real.login in done.stdout
    assert json.loads(as_json.stdout)["url"] == real.url
    logs = real.log_file.read_text() + (real.folder / "server.log.1").read_text()
    kept = (real.folder / "server.json").read_text()
    assert any("label-studio" in line for line in seen)
    for secret in (real.key().value, real.password):
        assert secret not in done.stdout + done.stderr + as_json.stdout + as_json.stderr
        assert secret not in logs + kept + repr(real)
        assert not any(secret in line for line in seen)


def test_up_prints_an_invite_link_with_which_people_sign_up(real, root):
    link = json.loads(al_loop(root, "up", "--json").stdout)["invite"]
    assert link.startswith(real.url)
    with web.browser(real.url) as browser:
        assert web.sign_up(
            browser, link.removeprefix(real.url), "eve@al-loop.local", "long-enough-1"
        )
        assert browser.get("/api/current-user/whoami").json()["email"] == "eve@al-loop.local"
    with web.browser(real.url) as browser:
        refused = web.sign_up(browser, "/user/signup/", "mal@al-loop.local", "long-enough-1")
        assert not refused


def test_a_server_killed_with_sigkill_starts_again_on_the_same_data_and_address(real):
    config = '<View><Text name="text" value="$text"/></View>'
    made = api(real, "POST", "/api/projects", json={"title": "kept", "label_config": config})
    before = server.running(real.folder)
    os.kill(before.pid, signal.SIGKILL)
    while identity(before.pid) == before.process:
        time.sleep(0.02)
    assert server.running(real.folder) is None
    after = server.start(real.folder)
    assert after.pid != before.pid
    assert after.url == before.url
    assert api(after, "GET", f"/api/projects/{made.json()['id']}").json()["title"] == "kept"


def test_starting_again_returns_the_running_server(real):
    told = []
    first = server.start(real.folder)
    assert server.start(real.folder, progress=told.append) == first
    assert str(first.pid) in told[0]


def test_a_token_that_was_reset_on_the_server_is_replaced_at_the_next_start(real):
    old = real.key().value
    assert web.new_token(real.url, real.login, real.password) != old
    assert not web.accepts(real.url, old)
    again = server.start(real.folder)
    assert web.accepts(again.url, again.key().value)


def test_when_neither_token_nor_password_fit_the_server_stays_up_and_the_error_says_so(real):
    token, password = real.token_file.read_bytes(), real.password_file.read_bytes()
    real.token_file.write_text("0" * 40)
    real.password_file.write_text("wrong-password")
    try:
        with pytest.raises(AuthError, match="refuses the key") as caught:
            server.start(real.folder)
        assert str(real.token_file) in caught.value.hint
        assert server.running(real.folder)
    finally:
        real.token_file.write_bytes(token)
        real.password_file.write_bytes(password)


def test_a_page_under_another_host_name_does_not_reach_a_loopback_server(real):
    reply = httpx.get(real.url + "/health", headers={"Host": "evil.example"}, trust_env=False)
    assert reply.status_code == 400
