"""Making a workspace: what is written, when it is refused, and what a kill leaves."""

import os
import signal
import stat

import pytest

from al_loop import config, crash, workspace
from al_loop.data.columns import Asked
from al_loop.errors import ConfigError, DataError, InputError, Locked
from al_loop.files import lock
from al_loop.imports import Request
from tests.workspace_files import dump, write


def test_init_makes_a_closed_folder_and_a_commented_configuration(tmp_path):
    data = write(tmp_path / "a.csv", [("1", "hello", "x", "mail")], ("nr", "body", "intent", "via"))

    workspace.init(tmp_path / "ws", Request(data, asked=Asked("body", "intent", "nr", ("via",))))

    made = workspace.find(tmp_path / "ws")
    for folder in (made.state_dir, made.vectors_dir, made.models_dir, made.server_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(made.db_path.stat().st_mode) == 0o600
    loaded = config.load(made.config_path).data
    assert (loaded.text, loaded.label, loaded.id, loaded.keep) == ("body", "intent", "nr", ("via",))
    text, default = made.config_path.read_text(), config.default_text()
    assert [line.partition("#")[2] for line in text.splitlines()] == [
        line.partition("#")[2] for line in default.splitlines()
    ]


def test_later_imports_need_no_options(tmp_path):
    first = write(tmp_path / "a.csv", [("1", "hello", "x")], ("nr", "my text", "intent"))
    workspace.init(tmp_path, Request(first, asked=Asked("my text", "intent", "nr")))
    more = write(tmp_path / "b.csv", [("2", "bye", "y")], ("nr", "my text", "intent"))

    report = workspace.add(workspace.find(tmp_path), Request(more))

    assert report.new_classes == ("y",)
    assert report.files[0].counts.added == 1


def test_a_configuration_that_is_there_is_used_and_never_overwritten(tmp_path):
    mine = '[data]\ntext = "body"\nmax_bytes = 5\n[classes.Refund]\nexamples = ["money back"]\n'
    (tmp_path / "config.toml").write_text(mine)
    data = write(tmp_path / "a.csv", [("1", "hello"), ("2", "too long")], ("id", "body"))

    report = workspace.init(tmp_path, Request(data))

    assert (tmp_path / "config.toml").read_text() == mine
    assert not report.config_written
    assert (report.items, len(report.bad), report.classes) == (1, 1, 1)


def test_a_second_init_is_refused_and_names_import(tmp_path):
    data = write(tmp_path / "a.csv", [("1", "hello", "")])
    workspace.init(tmp_path, Request(data))

    with pytest.raises(InputError, match="is a workspace already") as e:
        workspace.init(tmp_path, Request(data))
    assert "al-loop import" in e.value.hint
    assert e.value.exit_code == 2


def test_a_folder_without_a_workspace_names_init(tmp_path):
    with pytest.raises(ConfigError, match="is no workspace") as e:
        workspace.find(tmp_path)
    assert "al-loop init DATA" in e.value.hint


@pytest.mark.parametrize(
    "place",
    [
        "init folder made",
        "C0 locked",
        "C17 migration statement",
        "init imported",
        "C13 file written",
        "C13 file renamed",
        "init config written",
        "init committed",
    ],
)
def test_init_killed_anywhere_can_be_repeated(tmp_path, place):
    data = write(tmp_path / "a.csv", [(str(i), f"text {i}", f"c{i % 3}") for i in range(100)])
    workspace.init(tmp_path / "calm", Request(data))
    if (child := os.fork()) == 0:
        crash._passed.clear()
        os.environ["AL_LOOP_CRASH_AT"] = place
        workspace.init(tmp_path / "ws", Request(data))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    if place == "init committed":
        with pytest.raises(InputError, match="already"):
            workspace.init(tmp_path / "ws", Request(data))
    else:
        with pytest.raises(ConfigError, match="is no workspace"):
            workspace.find(tmp_path / "ws")
        workspace.init(tmp_path / "ws", Request(data))

    assert dump(tmp_path / "ws") == dump(tmp_path / "calm")
    assert config.load(workspace.find(tmp_path / "ws").config_path) == config.load(
        tmp_path / "calm" / "config.toml"
    )


def test_an_import_while_another_process_works_names_that_process(tmp_path):
    data = write(tmp_path / "a.csv", [("1", "hello", "")])
    workspace.init(tmp_path, Request(data))
    made = workspace.find(tmp_path)

    with lock(made.lock_path), pytest.raises(Locked, match=f"process {os.getpid()}"):
        workspace.add(made, Request(data))


def test_a_refused_import_changes_nothing(tmp_path):
    workspace.init(tmp_path, Request(write(tmp_path / "a.csv", [("1", "hello", "x")])))
    before = dump(tmp_path)
    good = write(tmp_path / "b.csv", [("2", "bye", "y")])
    bad = write(tmp_path / "t.csv", [("3", "see you", "Y")])

    with pytest.raises(DataError, match="differ only in case"):
        workspace.add(workspace.find(tmp_path), Request(good, bad))

    assert dump(tmp_path) == before


def test_a_dry_run_reports_the_same_and_writes_nothing(tmp_path):
    data = write(tmp_path / "a.csv", [(str(i), f"text {i % 90}", f"c{i % 3}") for i in range(100)])
    with data.open("a") as f:
        f.write("short\n")
    dry = workspace.init(tmp_path / "ws", Request(data, dry_run=True))
    assert not (tmp_path / "ws").exists()
    wet = workspace.init(tmp_path / "ws", Request(data))
    assert {**dry.to_dict(), "dry_run": False} == wet.to_dict()

    before = dump(tmp_path / "ws")
    more = write(
        tmp_path / "b.csv", [("x", "new", "c9"), ("1", "other", ""), ("2", "text 2", "c2")]
    )
    made = workspace.find(tmp_path / "ws")
    dry = workspace.add(made, Request(more, dry_run=True))
    assert dump(tmp_path / "ws") == before
    assert {**dry.to_dict(), "dry_run": False} == workspace.add(made, Request(more)).to_dict()
