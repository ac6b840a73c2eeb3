"""Strategies of other libraries, named in config.toml by where they are."""

import json
import random
import re
import subprocess
import sys
import tomllib
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from sklearn.utils import check_random_state

from al_loop import app, doctor, learner, registry, signatures
from al_loop.annotators.oracle import Oracle
from al_loop.config import parse
from al_loop.errors import AlLoopError, ConfigError
from al_loop.foreign import names
from al_loop.loop import machine
from al_loop.store import rounds
from strategies.base import PoolView, lacks, picks
from tests import compare_files, offline
from tests.test_strategies import assert_kept, assert_same

PAGE = (Path(__file__).parent.parent / "docs" / "strategies.md").read_text("utf-8")
SECTION = PAGE.partition("## Other people's strategies")[2].partition("\n## ")[0]
WORKING = re.findall(r"`((?:modAL|skactiveml)\.[\w.]+:\w+)`", SECTION)
ENTROPY, BADGE = "modAL.uncertainty:entropy_sampling", "skactiveml.pool:Badge"


def load(name, params=None, mix=None):
    return registry.load(name, params=params or {}, mix=mix or {})


def refusal(name, params=None, mix=None):
    """Return what a user would read: the line and the hint."""
    with pytest.raises(ConfigError) as caught:
        load(name, params, mix)
    assert "\n" not in caught.value.message
    return f"{caught.value.message} | {caught.value.hint}"


def rng(seed=0):
    return np.random.default_rng(seed)


def frozen(values, dtype=np.float32):
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array


def unit(rows):
    return frozen(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def make_pool(n=120, k=4, m=16, d=12):
    """Texts of eight groups, the first k of which are classes, and the model of their labels."""
    r = rng(3)
    means = r.normal(size=(8, d))
    y = frozen(np.arange(m) % k, np.int64)
    X = unit(means[r.integers(0, 8, n)] + 0.3 * r.normal(size=(n, d)))
    labeled = unit(means[y] + 0.3 * r.normal(size=(m, d)))

    def learn(X, y):
        return learner.fit(X, y, n_classes=k).proba

    predict = learn(labeled, y)
    return PoolView(
        embeddings=X,
        proba=frozen(predict(X)),
        labeled=labeled,
        labels=y,
        predict=predict,
        learn=learn,
    )


POOL = make_pool()
COLD = PoolView(embeddings=POOL.embeddings)


@pytest.fixture
def library(monkeypatch):
    """A module of somebody else; `library(name, thing)` adds to it and returns the full name."""
    module = ModuleType("another_library")
    monkeypatch.setitem(sys.modules, "another_library", module)

    def add(thing, name="thing"):
        setattr(module, name, thing)
        return f"another_library:{name}"

    return add


def answering(*answer):
    """A modAL callable that answers the same to everybody."""

    def ask(classifier, X, n_instances=1):
        return answer if len(answer) > 1 else answer[0]

    return ask


# What is documented works


def test_both_libraries_are_documented_with_strategies_that_work():
    assert {"modAL.uncertainty:entropy_sampling", "modAL.batch:uncertainty_batch_sampling"} <= {
        *WORKING
    }
    assert {"skactiveml.pool:Badge", "skactiveml.pool:TypiClust"} <= {*WORKING}
    assert len(WORKING) == len({*WORKING}) > 20


@pytest.mark.parametrize("name", WORKING)
def test_each_strategy_that_is_documented_gives_n_distinct_texts_reproducibly(name):
    strategy = load(name)
    for n in (1, 2, 9):
        chosen = strategy(POOL, n, rng())
        assert_kept(chosen, n, POOL)
        assert_same(chosen, strategy(POOL, n, rng()))
        assert {*chosen.source} == {name}
        assert all(re.fullmatch(r"utility -?[\d.]+(e-\d+)?", why) for why in chosen.why)
        assert np.isnan(chosen.inclusion).all()
    double = replace(POOL, **{f: getattr(POOL, f).astype(float) for f in ("embeddings", "labeled")})
    assert_same(chosen, strategy(double, 9, rng()))


@pytest.mark.parametrize("name", WORKING)
def test_each_strategy_that_is_documented_works_before_there_is_a_model(name):
    strategy = load(name)
    chosen = strategy(COLD, 5, rng())
    assert_kept(chosen, 5, COLD)
    assert lacks(strategy, COLD) == all("no model yet" in why for why in chosen.why)
    assert len(strategy(COLD, 0, rng())) == 0
    with pytest.raises(ValueError, match="has only 120"):
        strategy(COLD, 121, rng())


def test_the_examples_of_the_document_are_read():
    for block in re.findall(r"```toml\n(.*?)```", SECTION, re.DOTALL):
        app.strategy(parse(tomllib.loads(block)))


def test_modal_strategies_choose_what_they_are_for():
    pool = make_pool(n=2000)  # numpy sorts the parts of small arrays too
    proba = pool.predict(pool.embeddings)
    order = np.sort(proba, axis=1)
    margins = order[:, -1] - order[:, -2]
    entropies = -(proba * np.log(proba)).sum(axis=1)
    by_margin = load("modAL.uncertainty:margin_sampling")(pool, 600, rng())
    by_entropy = load(ENTROPY)(pool, 600, rng())
    assert by_margin.indices.tolist() == np.argsort(margins)[:600].tolist()
    assert by_entropy.indices.tolist() == np.argsort(-entropies)[:600].tolist()
    assert by_entropy.scores == pytest.approx(np.sort(entropies)[::-1][:600])
    assert by_entropy.why[0] == f"utility {entropies.max():.3g}"


def test_scikit_activeml_gets_the_rounds_own_model_and_its_labels():
    method = {"skactiveml.pool:UncertaintySampling": {"method": "margin_sampling"}}
    chosen = load("skactiveml.pool:UncertaintySampling", method)(POOL, 7, rng())
    ours = load("margin")(POOL, 7, rng())
    assert {*chosen.indices} == {*ours.indices}

    def no_fit(X, y):
        raise AssertionError("the model of these labels is there already")

    again = replace(POOL, learn=no_fit)
    assert_same(chosen, load("skactiveml.pool:UncertaintySampling", method)(again, 7, rng()))
    far = replace(POOL, labeled=POOL.embeddings[:60], labels=frozen(np.arange(60) % 4, np.int64))
    chosen = load("skactiveml.pool:CoreSet")(far, 9, rng())
    assert min(chosen.indices) >= 60  # what is labeled is covered


def test_two_positions_are_two_texts_whatever_modal_takes_them_for(library):
    chosen = load(library(answering(np.array([3, 8]))))(POOL, 2, rng())
    assert chosen.indices.tolist() == [3, 8]
    assert chosen.scores.tolist() == [2, 1]
    assert {*chosen.why} == {"chosen by another_library:thing"}
    pair = load(library(answering([3, 8], np.array([0.5, 0.25]))))(POOL, 2, rng())
    assert pair.scores.tolist() == [0.5, 0.25]
    rows = load(library(answering([3, 8], POOL.embeddings[[3, 8]])))(POOL, 2, rng())
    assert rows.indices.tolist() == [3, 8]


def test_an_order_is_kept_where_the_utilities_belong_to_its_steps(library):
    chosen = load(library(answering([3, 8, 1], np.array([0.5, 0.25, 0.75]))))(POOL, 3, rng())
    assert chosen.indices.tolist() == [3, 8, 1]
    assert chosen.scores.tolist() == [3, 2, 1]
    assert chosen.why.tolist() == ["utility 0.5", "utility 0.25", "utility 0.75"]


# Contained and checked


def test_global_generators_are_seeded_for_the_call_and_put_back(library):
    numpys = check_random_state(None)  # what np.random.permutation and the like draw from

    def drawing(classifier, X, n_instances=1):
        random.random()
        return numpys.permutation(len(X))[:n_instances]

    def failing(classifier, X, n_instances=1):
        return numpys.permutation(len(X))[0] / 0

    strategy, broken = load(library(drawing)), load(library(failing, "broken"))
    numpys.permutation(3)
    random.random()  # so that the states are of no call before
    _, keys, position, *_ = numpys.get_state()
    plain = random.getstate()
    one, other = strategy(POOL, 9, rng(1)), strategy(POOL, 9, rng(2))
    with pytest.raises(AlLoopError), np.errstate(all="raise"):
        broken(POOL, 2, rng())
    _, keys_after, position_after, *_ = numpys.get_state()
    assert (keys == keys_after).all()
    assert position == position_after
    assert random.getstate() == plain
    numpys.permutation(5)
    random.random()
    assert_same(one, strategy(POOL, 9, rng(1)))
    assert one.indices.tolist() != other.indices.tolist()


def test_what_the_code_warns_of_stays_with_it(library):
    def warning(classifier, X, n_instances=1):
        warnings.warn("old", FutureWarning, stacklevel=1)
        return np.arange(n_instances)

    assert len(load(library(warning))(POOL, 2, rng())) == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (([1, 2],), "3 positions were asked for, not 2"),
        (([[1, 2, 3]],), "3 positions were asked for, not an array of shape (1, 3)"),
        (([1.0, 2.0, 3.0],), "type float64"),
        (([1, 2, 1],), "a position was returned twice"),
        (([1, 2, 120],), "not in the pool of 120 texts"),
        (([-1, 2, 3],), "not in the pool of 120 texts"),
        (([1, 2, 3], np.array([1, np.nan, 0])), "a utility is not a number"),
        ((None,), "3 positions were asked for"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_the_name(library, answer, said):
    with pytest.raises(AlLoopError) as caught:
        load(library(answering(*answer)))(POOL, 3, rng())
    assert caught.value.message.startswith("strategy 'another_library:thing' failed: ValueError: ")
    assert said in caught.value.message
    assert "--strategy" in caught.value.hint


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), AssertionError("a\nb " * 200)])
def test_whatever_the_code_raises_becomes_one_line_with_the_name(library, error):
    def failing(classifier, X, n_instances=1):
        raise error

    with pytest.raises(AlLoopError) as caught:
        load(library(failing))(POOL, 3, rng())
    assert "'another_library:thing' failed: " + type(error).__name__ in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400


def test_the_code_can_not_change_the_pool(library):
    def writing(classifier, X, n_instances=1):
        X[0] = 0

    with pytest.raises(AlLoopError, match="read-only"):
        load(library(writing))(POOL, 3, rng())

    class Writing:
        def query(self, X, y, batch_size=1):
            X[:] = y[:] = 0
            return len(POOL.labeled) + np.arange(batch_size)

    kept = POOL.embeddings.copy()
    assert load(library(Writing))(POOL, 3, rng()).indices.tolist() == [0, 1, 2]
    assert (POOL.embeddings == kept).all()


# Names and options


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("modAL.uncertainty:entropi_sampling", "did you mean modAL.uncertainty:entropy_sampling?"),
        ("modAL.uncertanty:entropy_sampling", "no module uncertanty, did you mean modAL.uncerta"),
        ("skactiveml.pool:Bagde", "did you mean skactiveml.pool:Badge? | installed is scikit-a"),
        ("no_such_library.x:y", "no_such_library is not installed | install the package that no_s"),
        ("modAL.cluster:x", "modAL.cluster can't be imported: ModuleNotFoundError"),
        ("modAL.uncertainty:", "is written package.module:name"),
        (":x", "is written package.module:name"),
        ("a b:c", "is written package.module:name"),
        ("skactiveml.pool.Badge", "is written package.module:name"),
        ("modAL.disagreement:max_std_sampling", "wants 'regressor', and al-loop has a classifier"),
        ("skactiveml.pool:RegressionTreeBasedAL", "its query wants 'reg', which al-loop has not"),
        ("skactiveml.pool.multiannotator:IntervalEstimationThreshold", "wants 'annotators'"),
        ("skactiveml.stream:StreamRandomSampling", "is a class without query(X, y, ..., batch"),
        ("modAL.density:information_density", "must take (pool, n, rng)"),
        ("math:pi", "math:pi is not a function"),
    ],
)
def test_a_name_that_can_not_be_used_says_why_and_what_to_do(name, said):
    assert said in refusal(name)
    if names.is_foreign(name):
        assert name in refusal(name)
        assert name in refusal("mix", mix={name: 1.0})


def test_a_library_that_is_not_installed_comes_with_the_command_that_installs_it(monkeypatch):
    def find_spec(name, *_):
        if name in {"skactiveml", "modAL"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    for loaded in [m for m in sys.modules if m.partition(".")[0] in {"skactiveml", "modAL"}]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=find_spec), *sys.meta_path])
    assert refusal(BADGE).endswith(
        'skactiveml is not installed | pip install "al-loop[skactiveml]"'
    )
    assert refusal(ENTROPY).endswith("modAL is not installed | pip install modAL-python")


def test_a_library_is_imported_without_pytorch(tmp_path):
    code = f"from al_loop import registry; registry.load({BADGE!r}, params={{}}, mix={{}})\n"
    code += f"registry.load({ENTROPY!r}, params={{}}, mix={{}})\nimport sys\n"
    code += "print(sorted({'torch', 'modAL', 'skactiveml', 'matplotlib'} & {*sys.modules}))"
    out = fresh_python(tmp_path, code)
    assert out.strip() == "['modAL', 'skactiveml']"


def fresh_python(folder, code):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_options_are_those_of_the_signature_without_what_al_loop_supplies():
    options = {o.name: o for o in registry.installed("skactiveml.pool:ProbCover").options}
    assert "alpha" in options
    assert {"random_state", "missing_label", "cluster_algo"}.isdisjoint(options)
    assert registry.installed("skactiveml.pool:Quire").options[0].name == "lmbda"
    batch = {
        o.name: o.type for o in registry.installed("modAL.batch:uncertainty_batch_sampling").options
    }
    assert batch == {"metric": "str or Callable", "n_jobs": "int or none"}


def test_an_option_that_is_wrong_is_named_with_its_table():
    name = "skactiveml.pool:TypiClust"
    assert (
        '[strategies."skactiveml.pool:TypiClust"] kk: unknown option, did you mean k?'
        in refusal(name, {name: {"kk": 3}})
    )
    assert "unknown option" in refusal(name, {name: {"random_state": 3}})
    wrong = {ENTROPY: {"random_tie_break": 1}}
    assert "random_tie_break must be of type bool, not 1" in refusal(ENTROPY, wrong)
    table = {"skactiveml.pool:TypiClus": {"k": 3}}
    assert "did you mean skactiveml.pool:TypiClust?" in refusal("margin", table)
    bound = load(name, {name: {"k": 3}})
    assert_kept(bound(POOL, 9, rng()), 9, POOL)
    with pytest.raises(AlLoopError, match=f"strategy '{name}' failed: .*k"):
        load(name, {name: {"k": 0}})(POOL, 9, rng())


def test_a_class_with_an_option_that_it_can_not_do_without_says_so(library):
    class Demanding:
        def __init__(self, level, random_state=None):
            if level < 0:
                raise ValueError(f"level {level} is below 0")
            self.level = level

        def query(self, X, y, batch_size, *, candidates=None):
            return len(POOL.labeled) + self.level + np.arange(batch_size)

    name = library(Demanding)
    assert f'[strategies."{name}"] level: this strategy can\'t do without it' in refusal(name)
    assert f'[strategies."{name}"] level -1 is below 0' in refusal(name, {name: {"level": -1}})
    assert load(name, {name: {"level": 5}})(COLD, 2, rng()) is not None


def test_a_function_of_our_own_contract_needs_no_registration(library):
    def first(pool, n, rng, *, skip: int = 0):
        """Take the first texts."""
        return picks(np.arange(skip, skip + n), np.zeros(n), source="first", why="first")

    name = library(first)
    assert load(name)(POOL, 2, rng()).indices.tolist() == [0, 1]
    assert load(name, {name: {"skip": 4}})(POOL, 2, rng()).indices.tolist() == [4, 5]
    assert "skip must be of type int, not 'x'" in refusal(name, {name: {"skip": "x"}})
    assert registry.summary(name) == "Take the first texts."


def test_signatures_that_do_not_fit_are_refused_and_annotations_of_no_use_are_none(library):
    for takes_too_little in (lambda n_instances: [0], lambda X, n_instances: [0]):
        assert "must take (classifier, X, n_instances) | see docs" in refusal(
            library(takes_too_little)
        )

    def annotated(pool, n, rng, *, a: "np.no_such_type" = 1, b: "two words" = 2):  # noqa: F722
        return picks(np.arange(n), np.zeros(n), source="x", why="x")

    name = library(annotated)
    assert len(load(name, {name: {"a": 3}})(POOL, 2, rng())) == 2


def test_the_header_of_a_table_can_be_read_back():
    for name in ("margin", "my-own_1", BADGE, "näher"):
        found = tomllib.loads(f"{signatures.table(name)}\nk = 1")
        assert found == {"strategies": {name: {"k": 1}}}


# Wherever a name can stand


def test_parts_of_a_mix_can_be_of_other_libraries():
    built = load("mix", {BADGE: {}}, {ENTROPY: 1, BADGE: 1, "clusters": 1})
    chosen = built(POOL, 9, rng())
    assert_kept(chosen, 9, POOL)
    assert {*chosen.source} == {ENTROPY, BADGE, "clusters"}
    cold = built(COLD, 9, rng())
    assert all("no model yet" in why for why in cold.why)


WORKSPACE = f"""\
[batch]
size = 12
strategy = "mix"
mix = {{ "{BADGE}" = 0.5, "{ENTROPY}" = 0.5 }}
[model]
encoder = "hashing"
[strategies."{ENTROPY}"]
random_tie_break = true
[classes.refund]
[classes.delay]
[classes.damage]
"""


@pytest.fixture
def al_loop(monkeypatch, capsys):
    """Run a command in this process; returns (exit code, stdout, stderr)."""
    with offline.settings_kept():
        yield partial(offline.call, monkeypatch, capsys)


def test_rounds_are_played_by_strategies_of_other_libraries(tmp_path, al_loop):
    offline.make(tmp_path, rounds=2, config=WORKSPACE)
    with app.opened(tmp_path) as opened:
        rows = rounds.batch(opened.store, 2)
    assert {row.strategy for row in rows} == {"random", BADGE, ENTROPY}
    assert all(row.why.startswith("utility ") for row in rows if row.strategy != "random")
    chosen = next(row for row in rows if row.strategy == BADGE)
    code, out, err = al_loop("-C", tmp_path, "explain", chosen.item_id)
    assert code == 0, err
    assert BADGE in out


def test_the_list_of_strategies_has_those_that_config_toml_names(tmp_path, al_loop):
    broken = WORKSPACE.replace("mix = {", 'mix = { "no_such_library:x" = 1.0,')
    (tmp_path / "config.toml").write_text(broken)
    _, out, _ = al_loop("-C", tmp_path, "strategies", "--json")
    found = {r["name"]: r for r in json.loads(out)["strategies"]}
    assert found[BADGE]["share"] == 0.5
    assert found[BADGE]["package"] == "scikit-activeml"
    assert found[BADGE]["summary"]
    assert found[ENTROPY]["options"][0]["value"] is True
    assert found["no_such_library:x"]["problem"].endswith("no_such_library is not installed")
    assert found["margin"]["problem"] == ""


@pytest.mark.parametrize("name", [ENTROPY, BADGE, "skactiveml.pool:ProbCover"])
def test_one_is_shown_whole_with_lines_of_config_toml_that_can_be_loaded(tmp_path, al_loop, name):
    code, out, _ = al_loop("-C", tmp_path, "strategies", name)
    text, _, toml = out.partition("in config.toml:")
    assert code == 0
    assert text.startswith(f"{name} (modAL-python " if name == ENTROPY else f"{name} (scikit-act")
    chosen = parse(tomllib.loads("\n".join(line.strip() for line in toml.splitlines())))
    assert chosen.batch.strategy == name
    registry.load(name, params=chosen.strategies, mix=chosen.batch.mix)
    code, _, err = al_loop("-C", tmp_path, "strategies", name[:-1] + "x")
    assert code == 2
    assert f"did you mean {name}?" in err


def test_the_doctor_looks_at_it(tmp_path):
    offline.make(tmp_path, config=WORKSPACE)
    found = {}
    for config in (WORKSPACE, WORKSPACE.replace(BADGE, BADGE + "r")):
        (tmp_path / "config.toml").write_text(config)
        with app.opened(tmp_path) as opened:
            looked = next(f for f in doctor.examine(opened) if f.name == "settings")
        found[looked.ok] = looked
    assert found[True].detail == "strategy mix"
    assert f"has no Badger, did you mean {BADGE}?" in found[False].detail
    assert found[False].hint


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return compare_files.make(tmp_path_factory.mktemp("compare"))


def test_simulate_and_compare_take_the_names(files, tmp_path, al_loop, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = compare_files.words(files, "compare", "--jobs", "1")
    asked = ["--strategies", f"{ENTROPY},skactiveml.pool:TypiClust", "--seeds", "1", "--json"]
    code, out, err = al_loop(*words, *asked)
    assert code == 0, err
    found = json.loads(out)["strategies"]
    assert {s["strategy"] for s in found} == {ENTROPY, "skactiveml.pool:TypiClust", "random"}
    words = compare_files.words(files, "compare", "--jobs", "1")
    code, _, err = al_loop(*words, "--strategies", "skactiveml.pool:Typiclust")
    assert code == 2
    assert "did you mean skactiveml.pool:TypiClust?" in err


def test_recommend_replays_the_one_that_is_configured(tmp_path, al_loop):
    config = WORKSPACE.replace("size = 12", "size = 40\nrandom_share = 0.3")
    config = config.replace('strategy = "mix"', f'strategy = "{ENTROPY}"')
    offline.make(tmp_path, rounds=4, config=config, table=offline.rows(200))
    asked = ["--strategies", "random", "--seeds", "1", "--jobs", "1", "--json"]
    code, out, err = al_loop("-C", tmp_path, "recommend", *asked)
    assert code == 0, err
    assert json.loads(out)["advice"]["now"] == ENTROPY


def test_a_strategy_that_fails_ends_the_round_with_one_line_and_nothing_stored(
    files, tmp_path, al_loop, library, monkeypatch
):
    name = library(answering([0]))
    config = WORKSPACE.replace('"mix"', f'"{name}"')
    offline.make(tmp_path, rounds=0, config=WORKSPACE)
    (tmp_path / "config.toml").write_text(config)
    with app.opened(tmp_path) as opened:
        gold = {i: label for i, _, label in offline.rows()}
        parts = opened.parts(Oracle(gold))
        machine.run(parts, opened.config, machine.Options(until="logged"))  # the cold start
        with pytest.raises(AlLoopError, match=f"strategy '{name}' failed"):
            machine.run(parts, opened.config, machine.Options(until="logged"))
        assert rounds.last_number(opened.store) == 1
    monkeypatch.chdir(tmp_path)
    code, _, err = al_loop(*compare_files.words(files, "simulate", "--strategy", name))
    assert code == 1
    assert "Traceback" not in err
    assert f"al-loop: strategy '{name}' failed: ValueError: " in err
