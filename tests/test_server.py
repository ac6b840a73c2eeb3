"""The local Label Studio, pretended by a program that starts in a blink."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from al_loop import server
from al_loop.cli.server import down, up
from al_loop.errors import ConfigError, InputError, Locked, ServerError
from al_loop.files import lock
from al_loop.server import local, network, record, web
from al_loop.server.process import _identity_from_ps, identity, spawn, terminate

PRETENDER = Path(__file__).parent / "pretend_label_studio.py"


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / ".al-loop" / "server"
    server.stop(tmp_path / ".al-loop" / "server", grace=1)


@pytest.fixture
def pretend(folder, monkeypatch, tmp_path):
    """Return a function that chooses how the pretended Label Studio behaves."""
    program = tmp_path / "label-studio"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PRETENDER}" "$@"\n')
    program.chmod(0o700)
    monkeypatch.setattr(local, "_program", lambda: str(program))

    def choose(mode):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "data" / "PRETEND").write_text(mode)

    choose("")
    return choose


def environment(pid):
    lines = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_the_server_gets_a_clean_environment_with_telemetry_off(folder, pretend, monkeypatch):
    for name in ("PORT", "HOST", "DEBUG", "DATABASE_NAME", "LABEL_STUDIO_HOST", "PYTHONPATH"):
        monkeypatch.setenv(name, "stray")
    found = environment(server.start(folder).pid)
    for name in ("PORT", "HOST", "DEBUG", "DATABASE_NAME", "LABEL_STUDIO_HOST", "PYTHONPATH"):
        assert name not in found
    assert found["SENTRY_DSN"] == found["FRONTEND_SENTRY_DSN"] == ""
    assert found["COLLECT_ANALYTICS"] == found["LATEST_VERSION_CHECK"] == "False"
    assert found["LABEL_STUDIO_ALLOWED_HOSTS"] == "127.0.0.1,localhost"


def test_the_port_is_the_one_the_server_took_not_the_one_it_was_told(folder, pretend):
    pretend("move")
    told = network.free_port("127.0.0.1")
    started = server.start(folder, port=told)
    assert started.port != told
    assert web.accepts(started.url, started.key().value)


def test_a_server_that_dies_while_starting_is_an_error_with_its_last_words_and_log(folder, pretend):
    pretend("die")
    with pytest.raises(ServerError) as caught:
        server.start(folder)
    token = (folder / "token").read_text().strip()
    assert "no such table" in caught.value.message
    assert str(folder / "server.log") in caught.value.message
    assert token not in caught.value.message
    assert token in (folder / "server.log").read_text()  # the pretender did print it


def test_a_server_that_does_not_answer_in_time_is_stopped(folder, pretend):
    pretend("sleep")
    with pytest.raises(ServerError, match="did not answer"):
        server.start(folder, timeout=1)
    assert not record.load(folder).alive


def test_an_interrupted_start_leaves_no_server_behind(folder, pretend, monkeypatch):
    pretend("sleep")
    monkeypatch.setattr(local, "_SAY_EVERY", 0.0)

    def interrupt(line):
        if "still starting" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        server.start(folder, progress=interrupt)
    assert not record.load(folder).alive


def test_a_start_that_was_killed_is_taken_up_by_the_next(folder, pretend):
    folder.mkdir(parents=True, exist_ok=True)
    begun = local._launch(folder, "127.0.0.1", network.free_port("127.0.0.1"))
    assert server.running(folder) is None  # its address is not known yet
    assert server.start(folder).pid == begun.pid


def test_stop_also_ends_a_server_that_ignores_sigterm(folder, pretend):
    pretend("deaf")
    started = server.start(folder)
    assert server.stop(folder, grace=0.3).pid == started.pid
    assert not started.alive
    assert server.stop(folder) is None


def test_stop_and_start_leave_a_stranger_with_the_servers_old_number_alone(folder, pretend):
    started = server.start(folder)
    server.stop(folder)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        kept = json.loads((folder / "server.json").read_text())
        (folder / "server.json").write_text(json.dumps({**kept, "pid": stranger.pid}))
        assert server.running(folder) is None
        assert server.stop(folder) is None
        assert server.start(folder).pid not in (stranger.pid, started.pid)
        assert stranger.poll() is None
        stranger.kill()


def test_a_restart_keeps_the_port_so_that_links_stay_valid(folder, pretend):
    first = server.start(folder)
    server.stop(folder)
    assert server.start(folder).port == first.port
    server.stop(folder)
    with socket.create_server(("127.0.0.1", first.port)):
        assert server.start(folder).port != first.port


def test_a_wanted_port_that_is_taken_is_refused(folder, pretend):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"127.0.0.1 port {port}"):
            server.start(folder, port=port)


@pytest.mark.parametrize("host", ["192.0.2.77", "no such host", "::1"])
def test_a_host_that_is_not_of_this_machine_is_refused(folder, pretend, host):
    with pytest.raises(InputError, match="can't listen"):
        server.start(folder, host=host)


def test_on_all_addresses_the_link_for_people_is_not_a_loopback_one(folder, pretend, monkeypatch):
    monkeypatch.setattr(network, "_outward", lambda: "198.51.100.7")
    started = server.start(folder, host="0.0.0.0")
    assert started.url == f"http://127.0.0.1:{started.port}"
    assert server.invite_link(started).startswith(f"http://198.51.100.7:{started.port}/user/signup")
    assert "LABEL_STUDIO_ALLOWED_HOSTS" not in environment(started.pid)


def test_two_starts_at_once_do_not_make_two_servers(folder, pretend):
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder / "lock"), pytest.raises(Locked):
        server.start(folder)


def test_without_the_extra_the_error_says_what_to_install(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(InputError, match="not installed") as caught:
        server.start(folder)
    assert "al-loop[server]" in caught.value.hint


def test_resolve_hands_the_local_key_only_to_the_local_server(folder, pretend):
    with pytest.raises(ConfigError, match="no Label Studio to talk to") as caught:
        server.resolve(folder)
    assert "al-loop up" in caught.value.hint
    started = server.start(folder)
    assert server.resolve(folder) == (started.url, started.token_file)
    assert server.resolve(folder, started.url + "/") == (started.url, started.token_file)
    assert server.resolve(folder, "https://example.org/") == ("https://example.org", None)


def test_up_shows_the_password_on_a_terminal_and_only_its_file_in_a_pipe(
    folder, pretend, monkeypatch, tmp_path
):
    piped = CliRunner().invoke(up, [], obj=tmp_path, catch_exceptions=False)
    started = server.running(folder)
    assert started.password not in piped.output
    assert str(started.password_file) in piped.stdout
    monkeypatch.setattr("al_loop.cli.server._terminal", lambda: True)
    shown = CliRunner().invoke(up, [], obj=tmp_path, catch_exceptions=False)
    assert started.password in shown.stdout
    assert started.key().value not in shown.output


def test_up_warns_about_other_hosts_and_about_another_server_in_the_config(
    folder, pretend, tmp_path
):
    (tmp_path / "config.toml").write_text('[label_studio]\nurl = "https://ls.example.org"\n')
    shown = CliRunner().invoke(up, ["--host", "0.0.0.0"], obj=tmp_path, catch_exceptions=False)
    assert "unencrypted" in shown.stderr
    assert "https://ls.example.org" in shown.stderr
    moved = CliRunner().invoke(up, ["--port", "1"], obj=tmp_path, catch_exceptions=False)
    assert "al-loop down first" in moved.stderr


def test_down_stops_the_server_and_is_content_when_none_runs(folder, pretend, tmp_path):
    started = server.start(folder)
    first = CliRunner().invoke(down, [], obj=tmp_path, catch_exceptions=False)
    assert f"process {started.pid}" in first.stdout
    assert not started.alive
    second = CliRunner().invoke(down, [], obj=tmp_path, catch_exceptions=False)
    assert second.exit_code == 0
    assert "no Label Studio runs" in second.stdout
    as_json = CliRunner().invoke(down, ["--json"], obj=tmp_path, catch_exceptions=False)
    assert json.loads(as_json.stdout) == {"stopped": False}


def test_a_dead_process_has_no_identity_not_even_as_a_zombie(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as child:
        alive = identity(child.pid)
        assert alive
        assert identity(child.pid) == alive
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert identity(child.pid) == ""
        assert _identity_from_ps(child.pid) == ""
    assert identity(child.pid) == ""
    assert identity(0) == ""
    assert _identity_from_ps(child.pid) == ""
    assert _identity_from_ps(os.getpid()) == _identity_from_ps(os.getpid()) != ""


def test_a_process_whose_threads_still_end_counts_as_alive(monkeypatch):
    found = Path("/proc/self/stat").read_text().rpartition(")")
    head, fields = found[0] + ")", found[2].split()
    alive = identity(os.getpid())
    real_read = Path.read_text
    for state, threads, expected in (("Z", "3", alive), ("Z", "1", ""), ("S", "1", alive)):
        text = " ".join([head, state, *fields[1:17], threads, *fields[18:]])

        def read(path, *args, text=text, **kwargs):
            return text if path.name == "stat" else real_read(path, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_text", read)
            assert identity(os.getpid()) == expected


def test_a_spawned_process_survives_its_starter_and_is_stopped_by_number(tmp_path):
    pid = spawn(["sleep", "60"], env=dict(os.environ), cwd=tmp_path, log=tmp_path / "log")
    process = identity(pid)
    assert os.getsid(pid) == pid
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600
    assert not terminate(pid, "someone else")
    assert identity(pid) == process
    assert terminate(pid, process)
    assert identity(pid) == ""
