"""Somebody's strategy of our own contract does no harm, whatever it does."""

import json
import random
import sys
import warnings
from dataclasses import replace
from importlib.metadata import EntryPoint
from types import ModuleType

import numpy as np
import pytest
from sklearn.utils import check_random_state

from al_loop import registry
from al_loop.errors import AlLoopError, ConfigError
from al_loop.loop import select
from strategies.base import Picks, PoolView, lacks, needs, no_picks, picks
from strategies.baseline import random as drawn
from strategies.mix import mix
from strategies.share import with_random_share
from tests import compare_files, offline, worlds

POOL = PoolView(embeddings=np.eye(30, dtype=np.float32))


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def load(monkeypatch):
    """Give a function a name as somebody's strategy, and return what al-loop makes of it."""
    module = ModuleType("somebodys")
    monkeypatch.setitem(sys.modules, "somebodys", module)

    def loaded(function, params=None):
        module.own = function
        return registry.load("somebodys:own", params=params or {}, mix={})

    return loaded


def filled(n, **changed):
    usual = picks(np.arange(n), np.zeros(n), source="own", why="so")
    return replace(usual, **changed)


def returning(make):
    return lambda pool, n, rng: make(pool, n)


JUNK = {
    "twice": (lambda _, n: filled(n, indices=np.zeros(n, np.int64)), "returned twice"),
    "too many": (
        lambda _, n: filled(n + 1),
        "3 positions were asked for, not an array of shape (4",
    ),
    "outside": (lambda pool, n: filled(n, indices=np.arange(n) + len(pool)), "not in the pool of"),
    "from the end": (lambda _, n: filled(n, indices=-1 - np.arange(n)), "not in the pool of 30"),
    "mask": (lambda pool, n: filled(n, indices=np.arange(len(pool)) < n), "shape (30,) and type b"),
    "floats": (lambda _, n: filled(n, indices=np.arange(n) / 2), "shape (3,) and type float64"),
    "square": (lambda _, n: filled(n, indices=np.arange(n)[None]), "shape (1, 3) and type int64"),
    "few scores": (lambda _, n: filled(n, scores=np.zeros(1)), "scores: 3 values were expected"),
    "one why": (lambda _, n: filled(n, why="so"), "why: 3 values were expected"),
    "chances": (lambda _, n: filled(n, inclusion=np.full(n, 7.0)), "inclusion probabilities are"),
    "positions": (lambda _, n: np.arange(n), "Picks were asked for, not ndarray"),
    "nothing": (lambda *_: None, "Picks were asked for, not NoneType"),
    "error": (lambda *_: 1 // 0, "ZeroDivisionError: integer division or modulo by zero"),
    "exit": (lambda *_: sys.exit(3), "SystemExit: 3"),
    "lines": (lambda *_: registry.load("a\nb", params={}, mix={}), "failed: ConfigError: "),
}


@pytest.mark.parametrize(("make", "said"), JUNK.values(), ids=JUNK.keys())
def test_whatever_goes_wrong_inside_becomes_one_line_with_the_name_and_a_hint(load, make, said):
    with pytest.raises(AlLoopError) as caught:
        load(returning(make))(POOL, 3, rng())
    assert caught.value.message.startswith("strategy 'somebodys:own' failed: ")
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert "--strategy" in caught.value.hint


def test_lists_will_do_and_what_moves_the_cursor_is_taken_out_of_words(load):
    def own(pool, n, rng):
        return Picks([2, 1], [1, 0], ["a\n", "b"], ["\x1b[31mred", ""], [np.nan] * 2, "one\ntwo")

    chosen = load(own)(POOL, 2, rng())
    assert chosen.indices.dtype == np.int64
    assert chosen.scores.tolist() == [1, 0]
    assert (chosen.source.tolist(), chosen.why[0]) == (["a", "b"], "[31mred")
    assert chosen.note == "one two"


def test_positions_that_are_no_whole_numbers_are_refused_where_picks_are_built():
    for wrong in ([0.5, 1.5], [True, False], ["a"]):
        with pytest.raises(ValueError, match="positions must be whole numbers"):
            picks(wrong, np.zeros(len(wrong)), source="x", why="x")
    assert len(no_picks()) == 0


def test_what_it_prints_and_warns_of_leaves_stdout_alone(load, capsys):
    def own(pool, n, rng, *, level: int = 1):
        print("level", level)
        warnings.warn("old", FutureWarning, stacklevel=1)
        return filled(n)

    load(own)(POOL, 2, rng())
    with pytest.warns(FutureWarning):
        load(own, {"somebodys:own": {"level": 2}})
    assert capsys.readouterr() == ("", "level 1\nlevel 2\n")


def test_what_it_draws_from_global_generators_follows_from_the_seed_and_is_put_back(load):
    numpys = check_random_state(None)

    def own(pool, n, rng):
        start = random.randrange(9)
        return filled(n, indices=np.sort(numpys.permutation(20)[:n]) + start)

    strategy = load(own)
    before = [str(numpys.get_state()), random.getstate()]
    one, other = strategy(POOL, 5, rng(1)), strategy(POOL, 5, rng(2))
    assert [str(numpys.get_state()), random.getstate()] == before
    numpys.permutation(3)
    assert strategy(POOL, 5, rng(1)).indices.tolist() == one.indices.tolist()
    assert other.indices.tolist() != one.indices.tolist()


def test_it_keeps_its_signature_its_words_and_what_it_needs(load):
    @needs("centers")
    def own(pool, n, rng, *, level: int = 1):
        """Take the first."""
        return filled(n)

    strategy = load(own, {"somebodys:own": {"level": 2}})
    assert lacks(strategy, POOL)
    assert registry.summary("somebodys:own") == "Take the first."
    assert [(o.name, o.type) for o in registry.installed("somebodys:own").options] == [
        ("level", "int")
    ]


@pytest.mark.parametrize("error", [KeyError("level"), SystemExit(3), AssertionError()])
def test_options_that_it_fails_with_are_refused_when_config_toml_is_read(load, error):
    def own(pool, n, rng, *, level: int = 1):
        raise error

    with pytest.raises(ConfigError, match=r'\[strategies."somebodys:own"\] \S'):
        load(own, {"somebodys:own": {"level": 2}})


def test_a_package_that_ends_the_process_when_it_is_imported_is_refused(monkeypatch, tmp_path):
    (tmp_path / "ends_it.py").write_text("print('bye')\nraise SystemExit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("own", "ends_it:own", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    for name in ("own", "ends_it:own"):
        with pytest.raises(ConfigError, match=f"strategy '{name}'.* can't be imported"):
            registry.load(name, params={}, mix={})


def short(pool, n, rng):
    return drawn(pool, min(n, 2), rng)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_batch_that_stays_short_is_refused_with_the_name_and_both_numbers(share):
    store = worlds.make_store()
    config = worlds.config()
    for strategy in (short, lambda *a: mix(*a, parts={"short": (short, 1.0)})):
        chosen = with_random_share(strategy, share)
        parts = replace(worlds.make_parts(store), strategy=lambda _, chosen=chosen: chosen)
        with pytest.raises(AlLoopError, match=r"'\w+' chose only \d of 10 texts") as caught:
            select.choose(parts, config)
        assert config.batch.strategy in caught.value.message
        assert "--strategy" in caught.value.hint
    store.close()


def test_a_strategy_that_prints_leaves_json_readable(load, tmp_path, monkeypatch, capsys):
    def own(pool, n, rng):
        print("here I am")
        return filled(n)

    load(own)
    files = compare_files.make(tmp_path)
    words = compare_files.words(files, "simulate", "--strategy", "somebodys:own", "--json")
    with offline.settings_kept():
        code, out, err = offline.call(monkeypatch, capsys, *words)
    assert code == 0, err
    assert json.loads(out)["runs"][0]["strategy"] == "somebodys:own"
    assert "here I am" in err
