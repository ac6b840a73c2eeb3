"""Classifiers on disk: the same after reading, refused when they are not what was written."""

import io
import zipfile

import numpy as np
import pytest

from al_loop import learner, models
from al_loop.errors import InputError, StateError
from al_loop.files import sha256

KINDS = ["logistic", "balanced", "svm", "nearest_mean", "self_training", "auto"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 8)).astype(np.float32)
Y = np.repeat([4, 0, 2], 20)


def fitted(kind="logistic", y=Y):
    return learner.fit(X[: len(y)], y, n_classes=6, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_classifier_reads_back_as_it_was(tmp_path, kind):
    model = fitted(kind)
    name, digest = models.save(model, tmp_path, 3)
    found = models.load(tmp_path / name, digest)
    np.testing.assert_array_equal(found.proba(X), model.proba(X))
    assert found.head == model.head


def test_a_classifier_of_a_single_class_reads_back(tmp_path):
    name, digest = models.save(fitted(y=np.array([2, 2])), tmp_path, 1)
    assert (models.load(tmp_path / name, digest).proba(X).argmax(axis=1) == 2).all()


def test_the_name_says_round_and_hash_and_the_hash_is_the_files(tmp_path):
    name, digest = models.save(fitted(), tmp_path / "models", 12)
    assert name == f"round-12-{digest[:8]}.skops"
    assert sha256((tmp_path / "models" / name).read_bytes()) == digest
    assert [p.name for p in (tmp_path / "models").iterdir()] == [name]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_classifier_makes_the_same_file(tmp_path, kind):
    facts = {"classes": ["a", "ü"], "labels": 60}
    first = models.save(fitted(kind), tmp_path, 1, facts)
    kept = [bytearray(100) for _ in range(1_000)]  # so that addresses differ
    assert models.save(fitted(kind), tmp_path, 1, facts) == first
    assert len(kept) == 1_000


def test_the_facts_about_a_model_are_in_its_file(tmp_path):
    facts = {"classes": ["a", "ü"], "labels": 60}
    name, digest = models.save(fitted(), tmp_path, 1, facts)
    assert models.manifest(tmp_path / name, digest) == facts


def test_a_changed_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    name, digest = models.save(fitted(), tmp_path, 1)
    path = tmp_path / name
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr("skops.io.loads", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(StateError, match=f"{name} is not the file that was saved") as e:
        models.load(path, digest)
    assert "run the same command again" in e.value.hint


def test_a_file_that_is_gone_is_one_clear_line(tmp_path):
    with pytest.raises(StateError, match=r"round-1-x\.skops can't be read") as e:
        models.load(tmp_path / "round-1-x.skops", "0")
    assert "run the same command again" in e.value.hint


def test_a_type_that_is_not_trusted_is_refused(tmp_path):
    """Also when the hash fits: a workspace may come from someone else."""
    from skops.io import dumps

    class Foreign:
        pass

    Foreign.__module__, Foreign.__qualname__ = "al_loop.models", "Foreign"
    models.Foreign = Foreign
    try:
        data = dumps({"kind": "logistic", "estimator": Foreign()})
    finally:
        del models.Foreign
    (tmp_path / "m.skops").write_bytes(data)
    with pytest.raises(StateError, match="can't be read"):
        models.load(tmp_path / "m.skops", sha256(data))


def test_a_file_of_another_kind_is_one_clear_line(tmp_path):
    (tmp_path / "m.skops").write_bytes(b"no zip")
    with pytest.raises(StateError, match="can't be read"):
        models.load(tmp_path / "m.skops", sha256(b"no zip"))


def test_no_pickle_is_in_the_file(tmp_path):
    for kind in KINDS:
        name, _ = models.save(fitted(kind), tmp_path, 1)
        with zipfile.ZipFile(io.BytesIO((tmp_path / name).read_bytes())) as archive:
            names = archive.namelist()
            assert {n.rpartition(".")[2] for n in names} <= {"npy", "json"}
            for n in names:
                if n.endswith(".npy"):
                    np.load(io.BytesIO(archive.read(n)), allow_pickle=False)


def test_a_symbolic_link_in_the_place_of_the_file_is_not_followed(tmp_path):
    name, _ = models.save(fitted(), tmp_path, 1)
    outside = tmp_path / "outside"
    outside.write_text("precious")
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(outside)
    with pytest.raises(InputError, match="symbolic link"):
        models.save(fitted(), tmp_path, 1)
    assert outside.read_text() == "precious"
