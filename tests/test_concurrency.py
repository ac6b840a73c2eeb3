"""Two processes, one workspace: a clear word instead of a corrupt round."""

import multiprocessing
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from al_loop.errors import Locked
from al_loop.files import lock
from al_loop.store import open_store
from tests import story

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def workspace(tmp_path):
    texts = story.make_files(tmp_path, "http://127.0.0.1:9")
    assert story.run(tmp_path, "init", str(texts))[0] == 0
    return tmp_path


HOLD = """
import sys
from pathlib import Path
from al_loop.files import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(workspace):
    """Another process that is in the middle of a step."""
    command = [sys.executable, "-c", HOLD, str(workspace / ".al-loop" / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_second_round_during_a_step_ends_at_once_and_names_the_first(workspace, holder):
    began = time.monotonic()
    code, printed = story.run(
        workspace, "round", LABEL_STUDIO_API_KEY="0123456789abcdef0123456789abcdef01234567"
    )
    assert code == 7, printed
    assert f"process {holder.pid}" in printed
    assert time.monotonic() - began < 10, "it did not wait for the lock"


def test_a_holder_that_has_just_begun_is_named_and_one_that_was_killed_is_not(workspace, holder):
    path = workspace / ".al-loop" / "lock"
    written = path.read_text()
    path.write_text('{"pid": 4194305, "since": 0}')  # a number that no process has
    threading.Timer(0.15, path.write_text, [written]).start()
    with pytest.raises(Locked, match=f"process {holder.pid} has"), lock(path):
        pass


def test_importing_and_adding_classes_respect_the_lock_too(workspace, holder):
    assert story.run(workspace, "import", str(workspace / "texts.csv"))[0] == 7
    assert story.run(workspace, "classes", "add", "praise")[0] == 7


def test_reading_commands_do_not_wait_for_a_step(workspace, holder):
    for command in ("status", "history", "classes", "noise", "check"):
        code, printed = story.run(workspace, command)
        assert code == 0, printed


def test_the_lock_is_free_again_when_its_holder_is_killed(workspace, holder):
    path = workspace / ".al-loop" / "lock"
    with pytest.raises(Locked, match=f"process {holder.pid}"), lock(path):
        pass
    holder.kill()
    holder.wait(10)
    with lock(path):
        pass


def count_up(path, times):
    store = open_store(path)
    for _ in range(times):
        with store.tx():
            value = int(store.meta("counter") or 0)
            store.set_meta("counter", str(value + 1))
    store.close()


def test_read_then_write_never_fails_as_locked_and_loses_nothing(workspace):
    """A deferred transaction fails here: see the next test."""
    path = workspace / ".al-loop" / "al-loop.db"
    processes = [FORK.Process(target=count_up, args=(path, 60)) for _ in range(3)]
    for p in processes:
        p.start()
    for p in processes:
        p.join(60)
    assert [p.exitcode for p in processes] == [0, 0, 0]
    store = open_store(path)
    assert store.meta("counter") == "180"
    store.close()


def test_a_deferred_transaction_would_fail_so_the_test_above_proves_something(workspace):
    path = workspace / ".al-loop" / "al-loop.db"
    one, two = open_store(path), open_store(path)
    one.conn.execute("BEGIN")
    two.conn.execute("BEGIN")
    one.meta("counter")
    two.meta("counter")
    one.set_meta("counter", "1")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        two.set_meta("counter", "2")
    one.conn.execute("COMMIT")
    two.conn.execute("ROLLBACK")
    one.close()
    two.close()


def test_tx_begins_immediately(workspace):
    """Held by BEGIN IMMEDIATE: a second writer is kept out before it has read anything."""
    path = workspace / ".al-loop" / "al-loop.db"
    store, other = open_store(path), open_store(path)
    other.conn.execute("PRAGMA busy_timeout = 10")
    with store.tx(), pytest.raises(sqlite3.OperationalError, match="locked"), other.tx():
        pass
    store.close()
    other.close()


def test_a_reader_sees_the_state_before_a_write_and_gets_no_error(workspace):
    path = workspace / ".al-loop" / "al-loop.db"
    store, reader = open_store(path), open_store(path)
    before = reader.meta("made_by")
    with store.tx():
        store.set_meta("made_by", "changed")
        assert reader.meta("made_by") == before
    assert reader.meta("made_by") == "changed"
    store.close()
    reader.close()


def test_two_real_processes_at_once_leave_one_round(workspace, fake_server):
    """Whatever the timing: the other ends with 7, or goes on where the first one is."""
    config = workspace / "config.toml"
    config.write_text(config.read_text().replace("http://127.0.0.1:9", fake_server.url))
    command = [sys.executable, "-m", "al_loop", "-C", str(workspace), "round", "--until", "pushed"]
    environment = os.environ | {story.TOKEN_VARIABLE: fake_server.token}
    processes = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [p.communicate(timeout=120)[1] for p in processes]
    codes = sorted(p.returncode for p in processes)
    assert codes in ([0, 0], [0, 7]), printed
    if codes == [0, 7]:
        named = r"process \d+ has been working|another process is working"  # or was done meanwhile
        assert any(re.search(named, text) for text in printed)
    there = fake_server.control("dump")
    assert len(there["keys"]) == 10
    assert all(len(ids) == 1 for ids in there["keys"].values())
    assert story.run(workspace, "check")[0] == 0


def test_two_workspaces_cannot_share_a_project(tmp_path, fake_server):
    environment = {story.TOKEN_VARIABLE: fake_server.token}
    first, second = tmp_path / "first", tmp_path / "second"
    for root in (first, second):
        texts = story.make_files(root, fake_server.url)
        assert story.run(root, "init", str(texts))[0] == 0
    assert story.run(first, "round", "--until", "pushed", **environment)[0] == 0
    number = fake_server.control("dump")["projects"][0]["id"]
    config = second / "config.toml"
    config.write_text(
        config.read_text().replace("[label_studio]", f"[label_studio]\nproject = {number}")
    )
    code, printed = story.run(second, "round", "--until", "pushed", **environment)
    assert code == 2, printed
    assert "another workspace" in printed
    assert len(fake_server.control("dump")["keys"]) == 10
