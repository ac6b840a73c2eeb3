"""What is installed from a wheel is whole: the defaults, the examples, types, entry points."""

import configparser
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = "al_loop/_files"
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
#: Run where no checkout is in reach: prints where the package is, and what it finds there.
LOOK = """\
import al_loop, al_loop.config, al_loop.demo, strategies
print(al_loop.__file__)
print(strategies.__file__)
print(al_loop.demo._example("support.csv"))
print(al_loop.demo._example("support_test.csv"))
print(len(al_loop.config.default_text()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build from a copy of what a fresh clone holds; returns the wheel's path."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("al_loop", "strategies", "examples"):
        unwanted = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / name, folder / "checkout" / name, ignore=unwanted)
    for name in ("pyproject.toml", "config.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "checkout")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=folder / "checkout",
        capture_output=True,
        text=True,
        check=True,
    )
    return folder / built.stdout.split()[-1]


@pytest.fixture(scope="module")
def unpacked(wheel):
    """The wheel as an installer lays it out."""
    folder = wheel.parent / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_defaults_examples_and_the_mark_of_types(unpacked):
    for name in ("config.toml", *(f"examples/{p.name}" for p in (ROOT / "examples").iterdir())):
        assert (unpacked / FILES / name).read_bytes() == (ROOT / name).read_bytes(), name
    assert (unpacked / "al_loop" / "py.typed").is_file()
    assert next(unpacked.glob("*.dist-info/licenses/LICENSE")).is_file()


def test_the_wheel_holds_every_module_and_what_pages_are_made_of_and_no_test(unpacked):
    def modules(root):
        return {
            str(path.relative_to(root))
            for package in ("al_loop", "strategies")
            for path in (root / package).rglob("*")
            if path.suffix in {".py", ".jinja", ".css", ".js"}
        }

    assert modules(unpacked) == modules(ROOT)
    assert {p.name for p in unpacked.iterdir() if p.suffix != ".dist-info"} == {
        "al_loop",
        "strategies",
    }


def test_the_wheel_names_the_command_and_every_strategy(unpacked):
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = configparser.ConfigParser()
    found.read(next(unpacked.glob("*.dist-info/entry_points.txt")))

    assert dict(found["console_scripts"]) == wanted["scripts"]
    strategies = wanted["entry-points"]["al_loop.strategies"]
    assert dict(found["al_loop.strategies"]) == strategies


def test_from_the_wheel_the_files_are_found_without_a_checkout(unpacked, tmp_path):
    environment = {"PYTHONPATH": str(unpacked), "PATH": "/usr/bin:/bin"}

    done = subprocess.run(
        [sys.executable, "-P", "-c", LOOK],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    *places, length = done.stdout.splitlines()
    assert all(Path(place).is_relative_to(unpacked) for place in places)
    assert int(length) == len((ROOT / "config.toml").read_text(encoding="utf-8"))


def test_from_the_wheel_a_workspace_is_made(unpacked, tmp_path):
    (tmp_path / "texts.csv").write_text("id,text\n1,hello\n2,bye\n")
    command = "from al_loop.cli import main; main()"

    done = subprocess.run(
        [sys.executable, "-P", "-c", command, "init", "texts.csv", "--dry-run", "--json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert '"items": 2' in done.stdout
