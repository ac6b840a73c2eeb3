"""The map of `al-loop discover` shows a part of many texts, and of novel groups enough."""

from dataclasses import replace

import numpy as np
import pytest

from al_loop.config import parse
from al_loop.discover import report
from al_loop.discover.known import Example
from al_loop.discover.run import run
from al_loop.discover.source import Source
from al_loop.report import discover_page, textmap

N, NEW = 2_600, 60  # texts; those of a group that nobody named
DIMENSIONS = 16
CONFIG = parse({"discovery": {"similarity_threshold": 0.3}})


def encode(_encoder, _hashes, texts):
    """Vectors around the axis that each text names first."""
    rng = np.random.default_rng(3)
    axes = np.eye(DIMENSIONS)[[int(t.split()[0]) for t in texts]]
    rows = axes + rng.normal(0, 0.05, axes.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def found():
    about = [9] * NEW + [i % 4 for i in range(N - NEW)]
    texts = [f"{a} text {i}" for i, a in enumerate(about)]
    known = [Example(f"class {a}", f"{a} example {i}", "") for a in range(4) for i in range(6)]
    names = [f"class {a}" for a in range(4)]
    ids = [str(i) for i in range(N)]
    return run(Source("made up", ids, texts, ids, known, classes=names), encode, CONFIG)


def test_a_part_of_many_texts_is_shown_and_it_says_which(found, monkeypatch):
    monkeypatch.setattr(textmap, "project", lambda X, _seed: X[:, :2])
    rows = discover_page._sample(found)
    assert len(rows) == len(set(rows.tolist())) == textmap.MOST
    assert set(range(NEW)) <= set(rows.tolist())
    text = discover_page.page(found, report.report(found))
    assert "2,000 of 2,600 texts, drawn at random: up to half of them from novel groups" in text
    assert all(f"new? {g.name}" in text for g in found.novel)


def test_novel_groups_have_at_most_half_of_the_map(found, monkeypatch):
    monkeypatch.setattr(textmap, "MOST", 40)
    rows = discover_page._sample(found)
    assert len(rows) == 40
    assert (rows < NEW).sum() == 20


def test_many_novel_groups_share_the_last_color(found, monkeypatch):
    monkeypatch.setattr(discover_page, "_COLORS", 3)
    of = [found.groups[0]] * 5
    groups = [replace(found.groups[0], name=f"group {i}", index=i) for i in range(6)]
    first = next(iter(discover_page._colorings(found, [*of, *groups])))
    assert len(set(first.groups)) == 3
    assert "new? 5 smaller groups" in first.groups
