"""Encoders by name, and the cache that encodes each text once."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from al_loop import embed
from al_loop.bars import no_bar
from al_loop.embed import load_embedder, vectors
from al_loop.errors import ConfigError
from al_loop.store import open_store
from al_loop.store import vectors as table

TEXTS = [f"text number {i} about {'refunds' if i % 2 else 'cards'}" for i in range(35)]
HASHES = [f"h{i:03d}" for i in range(35)]
ROOT = Path(__file__).parent.parent


class Counting:
    """The hashing encoder, with a record of what it was asked."""

    def __init__(self, name="counting", fail_at=None):
        self.name = name
        self.fail_at = fail_at
        self.calls = []
        self.inner = load_embedder("hashing")

    def encode(self, texts, progress=None):
        if self.fail_at is not None and len(self.calls) >= self.fail_at:
            raise KeyboardInterrupt
        self.calls.append(list(texts))
        return self.inner.encode(texts, progress)


class Bars:
    """Keeps what was drawn: the total of each bar, and every number of things done."""

    def __init__(self):
        self.totals = []
        self.done = []

    @contextmanager
    def __call__(self, total, label):
        assert label == "encoding"
        self.totals.append(total)
        yield self.done.append


def missing(store, name):
    return len(set(HASHES) - table.places(store, name, HASHES).keys())


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "db.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "vectors"


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(embed, "SHARD_ROWS", 10)


def test_rows_come_in_the_order_of_the_hashes_and_equal_a_direct_encoding(store, folder):
    order = np.random.default_rng(0).permutation(35)
    vectors(store, folder, Counting(), HASHES, TEXTS)
    found = vectors(
        store, folder, Counting(), [HASHES[i] for i in order], [TEXTS[i] for i in order]
    )
    np.testing.assert_array_equal(found, load_embedder("hashing").encode(TEXTS)[order])
    assert found.dtype == np.float32


def test_nothing_is_encoded_twice_and_an_unused_encoder_is_not_asked(store, folder, small_shards):
    vectors(store, folder, Counting(), HASHES[:20], TEXTS[:20])
    second = Counting()
    assert missing(store, "counting") == 15
    vectors(store, folder, second, HASHES, TEXTS)
    assert [t for call in second.calls for t in call] == TEXTS[20:]
    third = Counting(fail_at=0)
    assert missing(store, "counting") == 0
    vectors(store, folder, third, HASHES, TEXTS)


def test_the_same_hash_may_stand_more_than_once(store, folder):
    encoder = Counting()
    found = vectors(store, folder, encoder, ["a", "b", "a"], ["one", "two", "one"])
    assert encoder.calls == [["one", "two"]]
    np.testing.assert_array_equal(found[0], found[2])
    again = vectors(store, folder, Counting(), ["b", "a", "b", "c"], ["two", "one", "two", "x"])
    np.testing.assert_array_equal(again[:3], found[[1, 0, 1]])


def test_no_text_gives_no_row(store, folder):
    assert vectors(store, folder, Counting(), [], []).shape == (0, 0)


def test_a_thousand_hashes_and_a_scan_of_the_table_find_the_same_rows(store, folder, monkeypatch):
    looked_up = vectors(store, folder, Counting(), HASHES, TEXTS)
    monkeypatch.setattr(table, "_SCAN_FROM", 3)
    np.testing.assert_array_equal(vectors(store, folder, Counting(), HASHES, TEXTS), looked_up)


def test_each_encoder_has_its_own_rows(store, folder):
    for name in ("b", "a", "c"):
        encoder = Counting(name)
        vectors(store, folder, encoder, HASHES, TEXTS)
        assert len(encoder.calls) == 1


def test_an_interruption_costs_one_shard(store, folder, small_shards):
    with pytest.raises(KeyboardInterrupt):
        vectors(store, folder, Counting(fail_at=2), HASHES, TEXTS)
    after = Counting()
    found = vectors(store, folder, after, HASHES, TEXTS)
    assert [len(call) for call in after.calls] == [10, 5]
    np.testing.assert_array_equal(found, load_embedder("hashing").encode(TEXTS))


CRASH = """
import sys
from pathlib import Path
from al_loop import embed
from al_loop.store import open_store
embed.SHARD_ROWS = 2
root = Path(sys.argv[1])
store = open_store(root / "db.sqlite")
texts = ["one", "two", "three", "four"]
embed.vectors(store, root / "vectors", embed.load_embedder("hashing"), texts, texts)
"""


@pytest.mark.parametrize("point", ["written", "synced", "renamed"])
def test_a_kill_while_the_second_shard_is_written_leaves_the_first(tmp_path, point):
    env = {**os.environ, "AL_LOOP_CRASH_AT": f"C13 file {point}#2", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], env=env, cwd=ROOT)
    assert done.returncode == -9
    store = open_store(tmp_path / "db.sqlite")
    texts = ["one", "two", "three", "four"]
    after = Counting("hashing-512")
    found = vectors(store, tmp_path / "vectors", after, texts, texts)
    assert after.calls == [["three", "four"]]
    np.testing.assert_array_equal(found, load_embedder("hashing").encode(texts))
    store.close()


def gone(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def zeroed(path):
    path.write_bytes(path.read_bytes()[:200] + bytes(path.stat().st_size - 200))


def empty(path):
    path.write_bytes(b"")


def short(path):
    np.save(path, np.load(path)[:3])


def text(path):
    path.write_text("not an array")


@pytest.mark.parametrize("damage", [gone, cut, zeroed, empty, short, text])
def test_the_texts_of_a_damaged_shard_are_encoded_again(store, folder, small_shards, damage):
    vectors(store, folder, Counting(), HASHES, TEXTS)
    shard, _ = table.places(store, "counting", HASHES)[HASHES[10]]
    damage(next(folder.glob(f"*-{shard}.npy")))
    after = Counting()
    found = vectors(store, folder, after, HASHES, TEXTS)
    assert [t for call in after.calls for t in call] == TEXTS[10:20]
    np.testing.assert_array_equal(found, load_embedder("hashing").encode(TEXTS))
    assert missing(store, "counting") == 0
    assert len(list(folder.iterdir())) == 4, "the damaged file is gone"


def other_process(tmp_path, folder, hashes, texts, encoder):
    """Do what a process without the lock, like `round --dry-run`, may do at any time."""
    other = open_store(tmp_path / "db.sqlite")
    found = vectors(other, folder, encoder, hashes, texts)
    other.close()
    return found


@pytest.mark.parametrize("moment", ["before the file is written", "before its rows are recorded"])
@pytest.mark.parametrize("same", [False, True], ids=["other texts", "the same texts"])
def test_two_processes_that_encode_at_once_never_share_a_shard(
    tmp_path, store, folder, monkeypatch, moment, same
):
    theirs = slice(0, 20) if same else slice(20, 35)
    write, ran = embed.write_whole, []

    def write_at_once(path, data):
        if moment == "before its rows are recorded":
            write(path, data)
        if not ran:
            ran.append(path)
            # In the reverse order, so that a row of the wrong file is the wrong vector.
            other_process(tmp_path, folder, HASHES[theirs][::-1], TEXTS[theirs][::-1], Counting())
        if moment == "before the file is written":
            write(path, data)

    monkeypatch.setattr(embed, "write_whole", write_at_once)
    expected = load_embedder("hashing").encode(TEXTS)
    found = vectors(store, folder, Counting(), HASHES[:20], TEXTS[:20])
    np.testing.assert_array_equal(found, expected[:20])
    found = vectors(store, folder, Counting(), HASHES, TEXTS)
    np.testing.assert_array_equal(found, expected)
    assert missing(store, "counting") == 0


def test_a_process_that_looked_a_row_up_before_its_shard_was_dropped_encodes_it_again(
    tmp_path, store, folder, monkeypatch
):
    vectors(store, folder, Counting(), HASHES, TEXTS)
    look_up, ran = table.places, []

    def places_then_the_other(*args):
        found = look_up(*args)
        if not ran:
            ran.append(found)
            for path in folder.iterdir():
                path.unlink()
            other_process(tmp_path, folder, HASHES[::-1], TEXTS[::-1], Counting())
        return found

    monkeypatch.setattr(table, "places", places_then_the_other)
    found = vectors(store, folder, Counting(), HASHES, TEXTS)
    np.testing.assert_array_equal(found, load_embedder("hashing").encode(TEXTS))


def test_shards_that_were_numbered_by_an_earlier_version_are_read(store, folder):
    vectors(store, folder, Counting(), HASHES, TEXTS)
    path = next(folder.iterdir())
    path.rename(path.with_name(path.name.partition("-")[0] + "-000001.npy"))
    with store.tx():
        store.execute("UPDATE vectors SET shard = 1")
    found = vectors(store, folder, Counting(fail_at=0), HASHES, TEXTS)
    np.testing.assert_array_equal(found, load_embedder("hashing").encode(TEXTS))


def test_another_model_under_the_same_name_replaces_all_rows(store, folder):
    class Short(Counting):
        def encode(self, texts, progress=None):
            rows = super().encode(texts, progress)[:, :100]
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    vectors(store, folder, Counting(), HASHES[:10], TEXTS[:10])
    bars = Bars()
    assert vectors(store, folder, Short(), HASHES, TEXTS, bars).shape == (35, 100)
    assert missing(store, "counting") == 0
    assert bars.totals == [25, 35]
    assert len(list(folder.iterdir())) == 1, "the file of the other model is gone"


def test_the_bar_goes_from_nothing_to_what_was_missing(store, folder, small_shards):
    vectors(store, folder, Counting(), HASHES[:5], TEXTS[:5])
    bars = Bars()
    vectors(store, folder, Counting(), [*HASHES, *HASHES], [*TEXTS, *TEXTS], bars)
    assert bars.totals == [30]
    assert bars.done == sorted(bars.done)
    assert bars.done[-1] == 30


def test_no_bar_is_drawn_when_nothing_is_missing(store, folder):
    vectors(store, folder, Counting(), HASHES, TEXTS)
    bars = Bars()
    vectors(store, folder, Counting(), HASHES, TEXTS, bars)
    assert bars.totals == []


def test_the_table_is_looked_up_once(store, folder, monkeypatch):
    look_up, calls = table.places, []
    monkeypatch.setattr(table, "places", lambda *args: calls.append(args) or look_up(*args))
    for _ in range(2):  # with texts missing, and without
        calls.clear()
        embed.vectors(store, folder, Counting(), HASHES, TEXTS, no_bar)
        assert len(calls) == 1


def test_hashing_gives_unit_rows_of_float32_for_any_text_the_same_each_time():
    texts = ["refund please", "我的订单还没有到", "!", "", "😀", "x" * 5_000]
    first, second = load_embedder("hashing").encode(texts), load_embedder("hashing").encode(texts)
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, rtol=1e-6)


def test_hashing_puts_similar_texts_closer():
    a, b, c = load_embedder("hashing").encode(
        ["my card has not arrived", "card still not arrived", "change the exchange rate"]
    )
    assert a @ b > a @ c + 0.1


PACKAGED = """
import socket
def refuse(*_): raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
from al_loop.embed import load_embedder
embedder = load_embedder("all-MiniLM-L6-v2")
assert embedder.name == "all-MiniLM-L6-v2"
import numpy as np
steps = []
texts = ["where is my money? " * (i % 5 + 1) for i in range(300)]
rows = embedder.encode(texts, steps.append)
assert rows.shape == (300, 384) and rows.dtype == np.float32
assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
assert np.allclose(rows[:5], rows[5:10], atol=1e-5) and rows[0] @ rows[1] < 0.9999
assert sum(steps) == 300 and len(steps) > 1
"""


def test_the_packaged_encoder_needs_no_network_and_says_nothing():
    env = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"}
    env["OMP_NUM_THREADS"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", PACKAGED], env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_rows_of_a_model_that_does_not_normalize_have_length_1_and_keep_their_order():
    class Model:
        def encode(self, texts, normalize_embeddings, show_progress_bar):
            rows = np.array([[len(t), 3.0] for t in texts])
            norms = np.linalg.norm(rows, axis=1, keepdims=True)
            return rows / norms if normalize_embeddings else rows

    embedder = load_embedder("some/model")
    embedder.__dict__["_model"] = Model()
    rows = embedder.encode(["aaaa", "a" * 9, "a"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(rows[:, 0] / rows[:, 1] * 3, [4, 9, 1], rtol=1e-5)


def test_naming_an_encoder_imports_and_loads_nothing():
    code = (
        "import sys\nfrom al_loop.embed import load_embedder\n"
        "for n in ('all-MiniLM-L6-v2', 'hashing', 'some/model'): load_embedder(n).name\n"
        "heavy = {'torch', 'sklearn', 'transformers', 'sentence_transformers', 'huggingface_hub'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_name_the_hub_does_not_know_is_one_line_with_what_to_type(monkeypatch):
    import huggingface_hub

    def unknown(self, repository, timeout):
        raise RuntimeError(f"404 for {repository}\nlong\nstory")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unknown)
    with pytest.raises(ConfigError) as e:
        load_embedder("all-MiniLM-L7-v9").encode(["x"])
    assert '[model] encoder = "all-MiniLM-L7-v9"' in e.value.message
    assert "404 for sentence-transformers/all-MiniLM-L7-v9" in e.value.message
    assert "\n" not in e.value.message
    assert '"hashing"' in e.value.hint


def test_an_empty_name_and_a_folder_that_is_not_there_are_refused_at_once():
    with pytest.raises(ConfigError, match="empty"):
        load_embedder(" ")
    with pytest.raises(ConfigError, match="no such folder"):
        load_embedder("./models/none")


def test_a_folder_without_a_model_is_one_line_and_another_file_another_cache_key(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    first = load_embedder(str(tmp_path))
    with pytest.raises(ConfigError, match="can't be loaded"):
        first.encode(["x"])
    (tmp_path / "more.json").write_text("{}")
    assert load_embedder(str(tmp_path)).name != first.name
