"""`al-loop strategies`: what is installed, from where, and how config.toml chooses it."""

import csv
import io
import json
import sys
import tomllib
from functools import partial
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from al_loop import config, registry
from tests import offline
from tests.test_startup import HEAVY, imported_by, packages

BUILT_IN = {"auto", "random", "margin", "entropy", "clusters", "novelty", "mix"}


@pytest.fixture
def al_loop(monkeypatch, capsys):
    """Run a command in this process; returns (exit code, stdout, stderr)."""
    with offline.settings_kept():
        yield partial(offline.call, monkeypatch, capsys)


@pytest.fixture
def install(monkeypatch):
    """Install a strategy of another package, from the source of its module."""
    points = list(registry.entry_points(group=registry.GROUP))
    monkeypatch.setattr(registry, "entry_points", lambda *, group: points)

    def add(name, source, module="another_package"):
        made = ModuleType(module)
        exec(source, vars(made))
        monkeypatch.setitem(sys.modules, module, made)
        points.append(EntryPoint(name, f"{module}:{name}", registry.GROUP))

    add.point = lambda name, value: points.append(EntryPoint(name, value, registry.GROUP))
    return add


def listed(al_loop, *arguments):
    code, out, _ = al_loop(*arguments, "strategies", "--json")
    assert code == 0
    return {record["name"]: record for record in json.loads(out)["strategies"]}


GREEDY = '''
def greedy(pool, n, rng, *, power: float = 1.0, mode: str | None = None, level: int):
    """Take the first texts.

    Source: A. Author, A Paper, B 2020; and
    another one.

    Raises:
        ValueError: never.
    """
'''


def test_every_strategy_is_listed_with_what_it_does_and_its_package(al_loop, tmp_path):
    found = listed(al_loop, "-C", tmp_path)

    assert set(found) >= BUILT_IN
    for name in BUILT_IN:
        assert found[name]["summary"] == registry.summary(name)
        assert found[name]["package"] == "al-loop"
        assert found[name]["version"]
        assert found[name]["problem"] == ""
    assert "ECIR 2003" in found["clusters"]["source"]
    assert found["random"]["source"] is None
    assert found["random"]["options"] == []


def test_options_come_from_the_signature_with_type_and_default(al_loop, install, tmp_path):
    install("greedy", GREEDY)

    found = listed(al_loop, "-C", tmp_path)

    assert found["novelty"]["options"] == [
        {"name": "min_cluster_size", "type": "int", "required": False, "default": 0, "value": 0}
    ]
    assert [(o["name"], o["type"], o["required"]) for o in found["greedy"]["options"]] == [
        ("power", "float", False),
        ("mode", "str or none", False),
        ("level", "int", True),
    ]
    assert found["greedy"]["source"] == "A. Author, A Paper, B 2020; and another one."
    assert found["greedy"]["package"] == ""


def test_outside_of_a_workspace_the_defaults_are_shown(al_loop, tmp_path):
    found = listed(al_loop, "-C", tmp_path)

    assert [name for name, r in found.items() if r["configured"]] == ["auto"]
    assert list(tmp_path.iterdir()) == []


def test_in_a_workspace_its_values_and_its_choice_are_shown(al_loop, tmp_path):
    (tmp_path / config.FILE_NAME).write_text(
        '[batch]\nstrategy = "mix"\nmix = { clusters = 2, random = 1 }\n'
        "[strategies.clusters]\namong = 4\n"
    )

    found = listed(al_loop, "-C", tmp_path)
    code, out, _ = al_loop("-C", tmp_path, "strategies")

    assert [name for name, r in found.items() if r["configured"]] == ["mix"]
    assert found["clusters"]["share"] == 2
    assert found["margin"]["share"] is None
    assert found["clusters"]["options"][0]["value"] == 4
    assert found["clusters"]["options"][0]["default"] == 10.0
    assert code == 0
    assert "among: float = 4 (default 10.0)" in out
    assert "mix: shares = 2 clusters + 1 random" in " ".join(out.split())
    assert "2 of mix" in out


def test_values_that_do_not_fit_are_shown_as_the_problem_of_their_strategy(al_loop, tmp_path):
    (tmp_path / config.FILE_NAME).write_text("[strategies.clusters]\namongst = 4\n")

    found = listed(al_loop, "-C", tmp_path)

    assert "amongst: unknown option, did you mean among?" in found["clusters"]["problem"]
    assert found["margin"]["problem"] == ""


def test_a_plug_in_that_can_not_be_imported_is_shown_with_its_problem(al_loop, install, tmp_path):
    install.point("gone", "no_such_package:strategy")
    install("number", "number = 3")
    install("odd", "def odd(pool, n): 'Odd.'", "odd_package")
    (tmp_path / "bad_package.py").write_text("raise RuntimeError('no GPU\\x1b[2J here')")
    sys.path.insert(0, str(tmp_path))
    install.point("bad", "bad_package:bad")
    try:
        found = listed(al_loop, "-C", tmp_path)
        code, out, _ = al_loop("-C", tmp_path, "strategies")
    finally:
        sys.path.remove(str(tmp_path))

    assert "No module named 'no_such_package'" in found["gone"]["problem"]
    assert "is not a function" in found["number"]["problem"]
    assert "must take (pool, n, rng)" in found["odd"]["problem"]
    assert "no GPU" in found["bad"]["problem"]
    assert all(found[name]["problem"] == "" for name in BUILT_IN)
    assert code == 0
    assert "gone can't be used: strategy 'gone' can't be imported" in out
    assert "\x1b" not in out


def test_two_packages_with_one_name_break_that_name_only(al_loop, install, tmp_path):
    install.point("margin", "another_package:margin")

    found = listed(al_loop, "-C", tmp_path)

    assert "two packages have a strategy 'margin'" in found["margin"]["problem"]
    assert found["entropy"]["problem"] == ""


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_one_is_shown_whole_and_its_lines_of_config_toml_can_be_loaded(al_loop, tmp_path, name):
    code, out, _ = al_loop("-C", tmp_path, "strategies", name)

    text, _, toml = out.partition("in config.toml:")
    assert code == 0
    assert registry.installed(name).doc in text
    assert "al-loop " in text.splitlines()[0]
    chosen = config.parse(tomllib.loads("\n".join(line.strip() for line in toml.splitlines())))
    assert chosen.batch.strategy == name
    registry.load(name, params=chosen.strategies, mix=chosen.batch.mix)


def test_an_option_that_has_to_be_given_is_said_to(al_loop, install, tmp_path):
    install("greedy", GREEDY)

    _, table, _ = al_loop("-C", tmp_path, "strategies")
    _, out, _ = al_loop("-C", tmp_path, "strategies", "greedy")

    assert "power: float = 1.0, mode: str or none = none, level: int " in table
    assert "none: it has to be given" in out
    assert "level = ...   # int" in out


def test_one_can_be_read_as_json_and_an_unknown_one_is_refused_with_the_nearest(al_loop, tmp_path):
    _, out, _ = al_loop("-C", tmp_path, "strategies", "margin", "--json")
    code, _, err = al_loop("-C", tmp_path, "strategies", "magrin")

    assert json.loads(out)["doc"] == registry.installed("margin").doc
    assert code == 2
    assert "did you mean margin?" in err


def test_the_list_is_printed_as_csv_and_markdown(al_loop, tmp_path):
    _, as_csv, _ = al_loop("-C", tmp_path, "strategies", "--csv")
    _, as_md, _ = al_loop("-C", tmp_path, "strategies", "--md")
    _, one, _ = al_loop("-C", tmp_path, "strategies", "clusters", "--csv")

    rows = {r["name"]: r for r in csv.DictReader(io.StringIO(as_csv))}
    assert rows["clusters"]["options"] == "among: float = 10.0"
    assert rows["margin"]["summary"] == registry.summary("margin")
    assert as_md.startswith("| strategy")
    assert registry.summary("novelty") in as_md
    assert one.splitlines() == ["name,type,default,value", "among,float,10.0,10.0"]


def test_the_list_imports_nothing_heavy_but_numpy(tmp_path):
    found = packages(imported_by(tmp_path, "-C", str(tmp_path), "strategies"))

    assert found & HEAVY <= {"numpy"}
