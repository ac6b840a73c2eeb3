"""A strategy of another package: the documented one, installed and run by its name."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import compare_files

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
OWN = PAGE.partition("## Your own in ten lines")[2]
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "my-package"
version = "1.2"
"""


def block(language, number=0):
    return re.findall(rf"```{language}\n(.*?)```", OWN, re.DOTALL)[number]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What the document shows, written into a package, and where pip has installed that."""
    folder = tmp_path_factory.mktemp("plugin")
    package = folder / "source" / "my_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "my_module.py").write_text(block("python"))
    (folder / "source" / "pyproject.toml").write_text(PROJECT + block("toml"))
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *offline]
    target = folder / "installed"
    subprocess.run([*pip, "--target", target, folder / "source"], check=True, timeout=120)
    return target


@pytest.fixture
def files(tmp_path):
    return compare_files.make(tmp_path)


def run(installed, folder, *words):
    """Run a command in a process of its own that finds the package; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "al_loop", *words],
        cwd=folder,
        env={"PYTHONPATH": f"{installed}:{ROOT}", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_example_has_ten_lines_and_no_more_than_three_of_imports():
    lines = [line for line in block("python").splitlines() if line.strip()]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert len(imports) <= 3
    assert len(lines) - len(imports) <= 10


def test_an_installed_strategy_is_listed_and_runs_by_its_name(installed, files):
    (files / "config.toml").write_text(compare_files.CONFIG + block("toml", 1))
    words = compare_files.words(files, "simulate", "--strategy", "unlike", "--json")
    played = run(installed, files, *words)["runs"]
    listed = {r["name"]: r for r in run(installed, files, "strategies", "--json")["strategies"]}
    assert played[0]["strategy"] == "unlike"
    assert played[0]["labels"] == [20, 40, 60]
    assert listed["unlike"]["package"] == "my-package"
    assert listed["unlike"]["version"] == "1.2"
    assert listed["unlike"]["summary"] == "Take the texts that are least like any labeled text."
    assert listed["unlike"]["problem"] == ""
    assert [(o["name"], o["value"]) for o in listed["unlike"]["options"]] == [("nearest", 3)]


def test_without_registration_the_same_function_is_named_by_where_it_is(installed, files):
    words = compare_files.words(files, "simulate", "--json", "--strategy")
    registered = run(installed, files, *words, "unlike")["runs"][0]
    named = run(installed, files, *words, "my_package.my_module:unlike")["runs"][0]
    assert named["strategy"] == "my_package.my_module:unlike"
    assert named["accuracy"] == registered["accuracy"]
