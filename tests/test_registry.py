"""Strategies by name: options are checked when the configuration is read, not mid-round."""

import sys
import tomllib
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from al_loop import registry
from al_loop.config import Config
from al_loop.errors import ConfigError
from strategies.base import PoolView, picks
from strategies.baseline import random
from strategies.uncertainty import margin

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
POOL = PoolView(embeddings=np.eye(9, dtype=np.float32))


def load(name, params=None, mix=None):
    return registry.load(name, params=params or {}, mix=mix or {})


def refusal(name, params=None, mix=None):
    """Return what a user would read: the line and the hint."""
    with pytest.raises(ConfigError) as caught:
        load(name, params, mix)
    assert "\n" not in caught.value.message
    return f"{caught.value.message} | {caught.value.hint}"


def greedy(
    pool,
    n,
    rng,
    *,
    power: float = 1.0,
    mode: str | None = None,
    taste: list[int] = (),
    fast: bool = False,
):
    """Take the first texts.

    More about it.
    """
    if power < 0:
        raise ValueError(f"power must not be negative, not {power}")
    return picks(range(n), np.zeros(n), source="greedy", why=f"power {power}")


def demanding(pool, n, rng, *, level: int):
    """Take what is demanded."""
    return random(pool, n, rng)


def positional(pool, n, rng, power=1.0):
    """Take options by position."""
    return random(pool, n, rng)


def broken(pool, n, rng, *, power: float = 1.0):
    """Fail at once."""
    raise ValueError("power is out")


@pytest.fixture
def plugins(monkeypatch):
    """Install functions of another package beside the built-in strategies."""
    module = ModuleType("another_package")
    monkeypatch.setitem(sys.modules, "another_package", module)
    installed = list(registry.entry_points(group=registry.GROUP))

    def add(**functions):
        for name, function in functions.items():
            setattr(module, name, function)
            installed.append(EntryPoint(name, f"another_package:{name}", registry.GROUP))

    monkeypatch.setattr(registry, "entry_points", lambda *, group: installed)
    add.point = lambda name, value: installed.append(EntryPoint(name, value, registry.GROUP))
    return add


def test_the_built_in_strategies_come_through_the_entry_points():
    declared = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["entry-points"]
    assert set(declared[registry.GROUP]) <= set(registry.names())
    some = {"auto", "random", "margin", "entropy", "clusters", "novelty", "mix"}
    assert some <= set(registry.names())
    assert registry.names() == sorted(registry.names())


def test_each_strategy_has_a_summary_of_one_line():
    for name in registry.names():
        assert registry.summary(name).endswith(".")
        assert "\n" not in registry.summary(name)
    assert len({registry.summary(n) for n in registry.names()}) == len(registry.names())


def test_a_strategy_without_options_is_the_function_itself():
    assert load("margin") is margin
    assert load("random") is random


def test_options_are_bound_by_name():
    bound = load("clusters", {"clusters": {"among": 10}, "novelty": {"min_cluster_size": 8}})
    assert isinstance(bound, partial)
    assert bound.keywords == {"among": 10}


def test_the_default_configuration_loads():
    config = Config()
    for name in registry.names():
        load(name, config.strategies, config.batch.mix)


def test_an_unknown_strategy_is_named_with_the_nearest():
    assert "no strategy is called 'magrin', did you mean margin?" in refusal("magrin")
    assert " clusters, committee, density, " in refusal("zzz")
    with pytest.raises(ConfigError, match="zzz"):
        registry.check_name("zzz")
    registry.check_name("mix")


def test_a_table_of_no_strategy_is_refused_even_if_it_is_not_used():
    text = refusal("margin", {"novlety": {"min_cluster_size": 8}})
    assert "[strategies.novlety] is of no strategy, did you mean novelty?" in text


def test_an_unknown_option_is_named_with_the_nearest():
    text = refusal("novelty", {"novelty": {"min_cluster_sise": 8}})
    assert "[strategies.novelty] min_cluster_sise: unknown option" in text
    assert "did you mean min_cluster_size?" in text
    text = refusal("margin", {"margin": {"tpyo": 1}})
    assert "[strategies.margin] tpyo: unknown option | margin has no options" in text
    assert "unknown option" in refusal("margin", {"margin": {"pool": 1}})


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("novelty", "min_cluster_size", "8"),
        ("novelty", "min_cluster_size", 8.5),
        ("novelty", "min_cluster_size", True),
        ("novelty", "min_cluster_size", -1),
        ("novelty", "min_cluster_size", 1),
        ("clusters", "among", "10"),
        ("clusters", "among", [10]),
        ("clusters", "among", False),
        ("clusters", "among", -2),
        ("clusters", "among", 0.5),
        ("clusters", "among", float("nan")),
        ("clusters", "among", float("inf")),
    ],
)
def test_a_wrong_value_is_refused_with_its_option(name, option, value):
    text = refusal(name, {name: {option: value}})
    assert f"[strategies.{name}] {option}" in text
    assert str(value) in text


def test_mix_is_built_of_parts_with_their_own_options():
    built = load("mix", {"clusters": {"among": 4}}, {"margin": 2, "clusters": 1})
    parts = built.keywords["parts"]
    assert list(parts) == ["margin", "clusters"]
    assert parts["margin"] == (margin, 2.0)
    assert parts["clusters"][0].keywords == {"among": 4}
    assert len(built(POOL, 5, np.random.default_rng(0))) == 5


def test_a_mix_of_unknown_parts_or_without_parts_is_refused():
    text = refusal("mix", mix={"margn": 1.0})
    assert "[batch] mix: no strategy is called 'margn', did you mean margin?" in text
    assert "mix" not in text.partition("parts: ")[2]
    assert "mix can't have mix as a part" in refusal("mix", mix={"mix": 1.0})
    assert "[batch] mix has no parts" in refusal("mix")
    assert "[strategies.mix] has no options" in refusal(
        "mix", {"mix": {"margin": 1}}, {"margin": 1}
    )
    assert "[strategies.clusters] among" in refusal(
        "mix", {"clusters": {"among": -1}}, {"clusters": 1.0}
    )


@pytest.mark.parametrize("share", [0, -0.3, "0.3", True, None, float("nan"), float("inf")])
def test_a_share_that_is_not_a_positive_number_is_refused(share):
    text = refusal("mix", mix={"margin": 0.7, "novelty": share})
    assert f"the share of novelty must be a positive number, not {share!r}" in text


def test_a_strategy_of_another_package_works_like_a_built_in_one(plugins):
    plugins(greedy=greedy)
    assert "greedy" in registry.names()
    assert registry.summary("greedy") == "Take the first texts."
    bound = load("greedy", {"greedy": {"power": 2, "mode": "x", "taste": [1], "fast": True}})
    assert bound(POOL, 2, np.random.default_rng(0)).why.tolist() == ["power 2"] * 2
    assert "did you mean power?" in refusal("greedy", {"greedy": {"powr": 2}})
    assert "mode must be of type str, not 3" in refusal("greedy", {"greedy": {"mode": 3}})
    assert "fast must be of type bool, not 1" in refusal("greedy", {"greedy": {"fast": 1}})
    assert "power must not be negative" in refusal("greedy", {"greedy": {"power": -1}})
    assert len(load("mix", mix={"greedy": 1, "random": 1})(POOL, 4, np.random.default_rng(0))) == 4


def test_a_strategy_that_can_not_be_used_is_refused_by_name(plugins):
    plugins(demanding=demanding, positional=positional, broken=broken, number=3)
    plugins.point("gone", "no_such_package:strategy")
    plugins.point("moved", "strategies.baseline:moved")
    assert "[strategies.demanding] level: this strategy can't do without" in refusal("demanding")
    assert load("demanding", {"demanding": {"level": 2}}).keywords == {"level": 2}
    assert "'positional' must take (pool, n, rng)" in refusal("positional")
    assert "[strategies.broken] power is out" in refusal("broken", {"broken": {"power": 1.0}})
    assert "'number': another_package:number is not a function" in refusal("number")
    assert "'gone' can't be imported from no_such_package:strategy" in refusal("gone")
    assert "'moved' can't be imported from strategies.baseline:moved" in refusal("moved")


def test_two_packages_with_strategies_of_one_name_are_refused(plugins):
    plugins.point("margin", "strategies.uncertainty:margin")  # installed twice: the same
    assert load("margin") is margin
    plugins.point("margin", "another_package:margin")
    text = refusal("margin")
    assert "two packages have a strategy 'margin'" in text
    assert "another_package:margin" in text
