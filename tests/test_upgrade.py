"""Databases of every released schema open with this version; newer ones are refused."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from al_loop import crash, migrations
from al_loop.errors import AlLoopError, InputError
from al_loop.store import checks, open_store, results
from al_loop.store.core import Store
from tests import story

DATA = Path(__file__).parent / "data"
RELEASED = sorted(DATA.glob("schema-*.db"))
LABELS = {"schema-1": 29, "schema-2": 31, "schema-3": 32, "schema-4": 32}


def test_there_is_a_file_of_every_released_schema():
    assert [p.stem for p in RELEASED] == [
        f"schema-{n}" for n in range(1, migrations.SCHEMA_VERSION + 1)
    ]


@pytest.mark.parametrize("path", RELEASED, ids=lambda p: p.stem)
def test_an_old_database_opens_and_keeps_what_is_in_it(path, tmp_path):
    shutil.copy(path, tmp_path / "al-loop.db")
    store = open_store(tmp_path / "al-loop.db")
    assert store.value("PRAGMA user_version") == migrations.SCHEMA_VERSION
    assert [r["state"] for r in results.history(store)] == ["logged", "logged", "logged"]
    assert results.counts(store)["labels"] == LABELS[path.stem]
    problems = [p for p in checks.failures(store, tmp_path) if not p.startswith("model:")]
    assert problems == []
    store.close()


def test_a_newer_database_is_refused_with_the_version_that_made_it(tmp_path):
    path = tmp_path / "al-loop.db"
    store = open_store(path)
    store.set_meta("made_by", "9.9")
    store.execute(f"PRAGMA user_version = {migrations.SCHEMA_VERSION + 1}")
    store.close()
    with pytest.raises(InputError, match=r"newer al-loop .* made by 9\.9"):
        open_store(path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "al-loop.db").write_text("texts, not tables " * 100)
    with pytest.raises(InputError, match="not a database"):
        open_store(tmp_path / "al-loop.db")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(AlLoopError, match="can't be opened"):
        open_store(tmp_path / "missing" / "al-loop.db")


def migrate_and_die(path, nth):
    pid = os.fork()
    if pid == 0:
        crash._passed.clear()
        os.environ["AL_LOOP_CRASH_AT"] = f"C17 migration statement#{nth}"
        open_store(path).close()
        os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


def statements():
    """Yield (schema before the step, number of the statement in it) of all migrations."""
    for before, ddl in enumerate(migrations.STEPS.values()):
        for nth in range(1, len(migrations.statements(ddl)) + 1):
            yield before, nth


@pytest.mark.parametrize(("before", "nth"), list(statements()))
def test_killed_in_a_migration_the_schema_is_the_old_or_the_new_one(tmp_path, before, nth):
    import sqlite_utils  # noqa: F401 - so that the children don't import it one by one

    path = tmp_path / "al-loop.db"
    if before:
        shutil.copy(DATA / f"schema-{before}.db", path)
    assert migrate_and_die(path, nth) == signal.SIGKILL
    conn = sqlite3.connect(path)
    assert conn.execute("PRAGMA user_version").fetchone()[0] == before
    found = {r[0] for r in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert ("items" in found, "fixes" in found) == (before >= 1, before >= 2)
    conn.close()
    store = open_store(path)
    assert store.value("PRAGMA user_version") == migrations.SCHEMA_VERSION
    store.close()


def open_and_end(path, barrier):
    barrier.wait()
    open_store(path).close()


def test_several_processes_that_open_an_old_database_upgrade_it_once(tmp_path):
    import sqlite_utils  # noqa: F401 - so that all begin at the same moment

    context = multiprocessing.get_context("fork")
    for attempt in range(5):
        path = tmp_path / f"{attempt}.db"
        shutil.copy(DATA / "schema-1.db", path)
        barrier = context.Barrier(3)
        processes = [context.Process(target=open_and_end, args=(path, barrier)) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_backup_is_made_before_a_migration(tmp_path, monkeypatch):
    from al_loop.store import core

    path = tmp_path / "al-loop.db"
    store = open_store(path)
    store.set_meta("made_by", "1.0")
    store.close()
    monkeypatch.setattr(core, "SCHEMA_VERSION", migrations.SCHEMA_VERSION + 1)
    applied = []
    monkeypatch.setattr(migrations, "apply", lambda conn: applied.append(conn))
    core.open_store(path).close()
    assert applied
    backup = path.with_name(f"al-loop.db.schema-{migrations.SCHEMA_VERSION}.bak")
    conn = sqlite3.connect(backup)
    assert Store(conn, None).value("SELECT value FROM meta WHERE key = 'made_by'") == "1.0"
    conn.close()
    assert backup.stat().st_mode & 0o077 == 0


def test_status_reads_an_old_workspace(tmp_path):
    for path in RELEASED:
        root = tmp_path / path.stem
        (root / ".al-loop").mkdir(parents=True)
        (root / "config.toml").write_text("")
        shutil.copy(path, root / ".al-loop" / "al-loop.db")
        code, printed = story.run(root, "status")
        assert code == 0, printed
        assert "round 3 (logged)" in printed
