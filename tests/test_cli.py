"""What goes wrong at the command line: an exit code and one line that says what to type."""

import json
import os
import signal
import stat
from functools import partial

import pytest

from al_loop import app, secrets
from al_loop.errors import Locked
from al_loop.files import lock
from tests import offline


@pytest.fixture
def al_loop(monkeypatch, capsys):
    """Run a command in this process; returns (exit code, stdout, stderr)."""
    with offline.settings_kept():
        yield partial(offline.call, monkeypatch, capsys)


@pytest.fixture
def new(tmp_path):
    """A workspace without a round."""
    return offline.make(tmp_path)


def one_error(err):
    """Return the message and the hint of output that is one error and nothing else."""
    message, hint = err.splitlines()
    assert message.startswith("al-loop: ")
    assert hint.startswith("  -> ")
    return message.removeprefix("al-loop: "), hint.removeprefix("  -> ")


# What is typed wrong


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["statsu"], "No such command 'statsu'. Did you mean status?", "al-loop --help"),
        (["xyzzy"], "No such command 'xyzzy'.", "al-loop --help"),
        (["round", "--bacth"], "--batch", "al-loop round --help"),
        (["round", "--poll", "x"], "'x' is not a valid float", "al-loop round --help"),
        (["round", "--batch", "0"], "0 is not in the range", "al-loop round --help"),
        (["round", "--until", "done"], "'done' is not one of", "al-loop round --help"),
        (["classes", "ad", "x"], "Did you mean 'add'?", "al-loop classes --help"),
        (["classes", "add"], "Missing argument 'NAME'", "al-loop classes add --help"),
        (["init"], "Missing argument 'DATA'", "al-loop init --help"),
        (["simulate"], "Missing option '--data'", "al-loop simulate --help"),
        (["import"], "name a FILE", "al-loop import --help"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_the_command_that_helps(
    al_loop, arguments, message, hint
):
    code, out, err = al_loop(*arguments)

    assert (code, out) == (2, "")
    said, to_type = one_error(err)
    assert message in said
    assert to_type == hint


def test_a_folder_that_is_a_file_is_refused(al_loop, tmp_path):
    (tmp_path / "file").touch()

    code, _, err = al_loop("-C", tmp_path / "file", "status")

    assert code == 2
    assert "is a file" in one_error(err)[0]


@pytest.mark.parametrize(
    "command",
    [
        ["round"],
        ["status"],
        ["history"],
        ["noise"],
        ["classes"],
        ["classes", "add", "x"],
        ["check"],
        ["doctor"],
        ["import", "x.csv"],
    ],
)
def test_without_a_workspace_the_command_that_makes_one_is_named(al_loop, tmp_path, command):
    code, out, err = al_loop("-C", tmp_path, *command)

    assert (code, out) == (2, "")
    message, hint = one_error(err)
    assert message == f"{tmp_path} is no workspace of al-loop"
    assert hint == "al-loop init DATA makes one"
    assert list(tmp_path.iterdir()) == []


def test_no_command_at_all_shows_the_help(al_loop):
    code, out, err = al_loop()

    assert code == 2
    assert "Commands:" in out + err
    assert "Exit codes:" in out + err


@pytest.mark.parametrize("arguments", [["--help"], ["round", "--help"], ["--version"]])
def test_help_and_version_end_with_zero(al_loop, arguments):
    code, out, err = al_loop(*arguments)

    assert (code, err) == (0, "")
    assert out


# What stands wrong in config.toml


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[batch]\nsise = 3\n", "config.toml: [batch] sise: unknown option, did you mean size?"),
        ("[batch]\nsize = 'many'\n", "config.toml: [batch] size: "),
        ("[batch\n", "config.toml is not valid TOML"),
        ("[batch]\nstrategy = 'margn'\n", "no strategy is called 'margn', did you mean margin?"),
        ("[batch]\nstrategy = 'clusters'\n[strategies.clusters]\namnog = 3\n", "amnog"),
    ],
)
def test_a_wrong_config_is_named_before_anything_is_done(al_loop, new, config, message):
    (new / "config.toml").write_text(config)

    code, out, err = al_loop("-C", new, "round")

    assert (code, out) == (2, "")
    assert message in one_error(err)[0]
    assert json.loads(al_loop("-C", new, "history", "--json")[1]) == {"rounds": []}


def test_a_config_that_is_gone_is_named(al_loop, new):
    (new / "config.toml").unlink()

    code, _, err = al_loop("-C", new, "round")

    assert code == 2
    assert "config.toml is not there" in one_error(err)[0]


def test_an_unknown_strategy_on_the_command_line_lists_those_there_are(al_loop, new):
    code, _, err = al_loop("-C", new, "round", "--strategy", "margn")

    message, hint = one_error(err)
    assert code == 2
    assert "did you mean margin?" in message
    assert " clusters, committee, density, " in hint


# Other ends


def test_a_server_that_was_never_named_ends_with_two_before_a_batch_is_fixed(al_loop, new):
    code, _, err = al_loop("-C", new, "round")

    assert code == 2
    assert err.splitlines()[-1].startswith("  -> al-loop up, or set [label_studio] url")
    assert json.loads(al_loop("-C", new, "status", "--json")[1])["state"] is None


def test_a_server_that_does_not_answer_ends_with_five(al_loop, new, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0" * 40)
    config = new / "config.toml"
    config.write_text('[label_studio]\nurl = "http://127.0.0.1:9"\n' + config.read_text())

    code, _, _ = al_loop("-C", new, "round")

    assert code == 5
    assert json.loads(al_loop("-C", new, "status", "--json")[1])["state"] is None


def test_an_empty_pool_ends_with_eight(al_loop, tmp_path):
    (tmp_path / "config.toml").write_text(offline.CONFIG)
    texts = offline.write(tmp_path / "t.csv", offline.rows(6))
    assert al_loop("-C", tmp_path, "init", texts)[0] == 0

    code, _, err = al_loop("-C", tmp_path, "round")

    assert code == 8
    assert "no unlabeled text is left" in one_error(err)[0]


def test_a_locked_workspace_ends_with_seven_and_names_the_process(al_loop, new):
    with lock(new / ".al-loop" / "lock"):
        code, _, err = al_loop("-C", new, "round")

    assert code == Locked.exit_code == 7
    assert f"process {os.getpid()} has been working in this workspace" in one_error(err)[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_with_130_and_says_that_nothing_is_lost(
    al_loop, new, monkeypatch, number
):
    monkeypatch.setattr(app, "opened", lambda *_: os.kill(os.getpid(), number))

    code, out, err = al_loop("-C", new, "round")

    assert (code, out) == (130, "")
    assert one_error(err.lstrip("\n")) == (  # a terminal shows ^C before it
        "interrupted; what was done is kept",
        "run the same command again to go on",
    )


def test_an_unexpected_error_is_one_line_and_its_details_hold_no_secret(al_loop, new, monkeypatch):
    key = "f00d" * 10
    monkeypatch.setattr(secrets, "_known", {key})
    monkeypatch.chdir(new)

    def fail(*_):
        raise ZeroDivisionError(f"with {key}\x1b[2J")

    monkeypatch.setattr(app, "opened", fail)

    code, out, err = al_loop("round")

    assert (code, out) == (1, "")
    message, hint = one_error(err)
    assert message.startswith("unexpected ZeroDivisionError: with [secret]")
    details = new / ".al-loop" / "al-loop-error.txt"
    assert hint == "details are in .al-loop/al-loop-error.txt"
    assert "Traceback" in details.read_text()
    assert key not in err + details.read_text()
    assert "\x1b" not in err + details.read_text()
    assert stat.S_IMODE(details.stat().st_mode) == 0o600


def test_outside_a_workspace_the_details_go_to_a_file_that_nobody_could_have_laid_there(
    al_loop, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    trap = tmp_path / "al-loop-error.txt"
    trap.symlink_to(tmp_path / "victim")

    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(app, "opened", fail)
    al_loop("round")

    assert not (tmp_path / "victim").exists()
    assert len(list(tmp_path.glob("al-loop-error*"))) == 2


def test_a_database_error_is_one_line(al_loop, new):
    (new / ".al-loop" / "al-loop.db").write_bytes(b"no database, but long enough " * 40)

    code, out, err = al_loop("-C", new, "status")

    assert (code, out) == (2, "")
    assert "is not a database that can be read" in one_error(err)[0]
