"""`al-loop init` and `al-loop import` as they are typed."""

import json

import pytest
from click.testing import CliRunner

from al_loop.cli import workspace as commands
from al_loop.errors import AlLoopError
from tests.workspace_files import dump, write


def run(root, command, *args):
    """Run a command as the group would, with the workspace folder as its object."""
    return CliRunner().invoke(command, [str(a) for a in args], obj=root)


def test_init_prints_what_it_did_and_what_to_type_next(tmp_path):
    rows = [
        ("1", "hello", "x", "m"),
        ("2", "hello", "y", ""),
        ("3", "", "", ""),
        ("4", "bye", "", ""),
    ]
    data = write(tmp_path / "a.csv", rows, ("id", "body", "label", "via"))

    result = run(tmp_path / "ws", commands.init, data, "--text", "body")

    assert result.exit_code == 0
    for line in (
        "(pool): 4 rows",
        "        2 new texts",
        "        1 more ids of texts that are there",
        "        1 bad rows, left out",
        "columns: text = body (named), label = label",
        "ids: column id",
        "not read: via (--keep COL,COL carries them)",
        "workspace: 2 texts, 0 came with a label",
        "classes: 2 (2 new: x, y)",
        "test set: none: 0 of the texts have a label, 60 are needed to draw one",
        f"{data}:4: text is empty",
        "1 = 2: x or y",
        "next: al-loop doctor",
    ):
        assert line in result.stdout


def test_ids_that_are_made_of_the_text_are_said_to_be(tmp_path):
    data = tmp_path / "a.txt"
    data.write_text("hello\n")

    assert "SHA-256: the same text is the same item" in run(tmp_path, commands.init, data).stdout


def test_json_owns_stdout(tmp_path):
    data = write(tmp_path / "a.csv", [("1", "hello", "x"), ("2", "", "")])

    report = json.loads(run(tmp_path, commands.init, data, "--json").stdout)

    assert report["files"][0]["added"] == 1
    assert report["files"][0]["id_rule"].startswith("column id")
    assert report["bad"] == [f"{data}:3: text is empty"]
    again = json.loads(run(tmp_path, commands.import_, data, "--json").stdout)
    assert again["files"][0]["duplicates"] == 1


def test_after_twenty_bad_rows_the_command_that_lists_all_is_named(tmp_path):
    data = write(tmp_path / "a.csv", [("ok", "fine", ""), *[(str(i), "", "") for i in range(332)]])

    shown = run(tmp_path, commands.init, data, "--dry-run").stdout

    assert shown.count(": text is empty") == 20
    assert f"... and 312 more: al-loop init {data} --dry-run --json lists all" in shown
    assert "next:" not in shown
    assert (
        len(json.loads(run(tmp_path, commands.init, data, "--dry-run", "--json").stdout)["bad"])
        == 332
    )


def test_the_named_dry_run_keeps_the_options_that_were_typed(tmp_path):
    rows = [("ok", "fine"), *[(str(i), "") for i in range(30)]]
    data = write(tmp_path / "a.csv", rows, ("id", "note"))

    shown = run(tmp_path, commands.init, data, "--text", "note", "--replace-bad-chars").stdout

    command = f"al-loop import {data} --text note --replace-bad-chars --dry-run --json lists all"
    assert f"... and 10 more: {command}" in shown


def test_kept_columns_may_be_given_with_commas_or_again_and_again(tmp_path):
    data = write(tmp_path / "a.csv", [("1", "a", "b", "c")], ("text", "x", "y", "z"))

    run(tmp_path, commands.init, data, "--keep", "x, y", "--keep", "z")

    assert dump(tmp_path)["aliases"][0][-1] == '{"x": "a", "y": "b", "z": "c"}'


def test_import_wants_a_file_or_a_test_file(tmp_path):
    data = write(tmp_path / "a.csv", [("1", "hello", "x")])
    run(tmp_path, commands.init, data)

    assert run(tmp_path, commands.import_).exit_code == 2
    assert "1 texts (from the test file)" in run(tmp_path, commands.import_, "--test", data).stdout


@pytest.mark.parametrize("command", [commands.init, commands.import_])
def test_errors_of_use_end_with_two(tmp_path, command):
    result = run(tmp_path, command, tmp_path / "no.csv")

    assert isinstance(result.exception, AlLoopError)
    assert result.exception.exit_code == 2


def test_nothing_from_a_file_moves_the_cursor(tmp_path):
    data = write(
        tmp_path / "a.csv", [("1", "a", "x", "")], ("id", "text", "label", "\x1b]0;evil\x07")
    )

    assert "\x1b" not in run(tmp_path, commands.init, data).stdout
