"""A map of the texts: those that mean similar things lie near each other."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.config import Config
from al_loop.files import sha256, write_whole
from al_loop.html import shorten
from al_loop.lean import one_thread
from al_loop.report.quality import Vectors
from al_loop.store import Store, reporting

Floats: TypeAlias = npt.NDArray[np.float32]

MOST = 2_000  # texts on a map: more are no clearer, and t-SNE takes seconds for them already
_LEAST = 5
_WIDTH = 160
_COMPONENTS = 50
_STEP = 7  # of the generator: the steps of a round have the numbers below


def facts(
    store: Store, config: Config, vectors: Vectors, cache: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return at most 2,000 texts of the pool with their places, texts shortened.

    Texts that something is known about come first; the rest is drawn with the seed of the
    configuration, so that the same texts come back. Places are kept in the file `cache`, which
    holds those of one map.
    """
    chosen, total = _choose(store, config.seed)
    rows = reporting.texts(store, chosen)
    doubtful = reporting.doubtful_ids(store)
    if len(rows) < _LEAST:
        return {"total": total, "points": []}
    encoder = config.model.encoder
    X = vectors(encoder, [r["text_hash"] for r in rows], [r["text"] for r in rows])
    places = _places(X, config.seed, cache, say)
    points = [
        {
            "id": r["id"],
            "x": x,
            "y": y,
            "class": r["label"],
            "round": r["round"],
            "status": "doubtful" if r["id"] in doubtful else r["status"],
            "text": shorten(r["text"], _WIDTH),
        }
        for r, (x, y) in zip(rows, places, strict=True)
    ]
    return {"total": total, "points": points}


def _choose(store: Store, seed: int) -> tuple[list[str], int]:
    """Return the ids of the texts to show, and how many there are."""
    known, others = reporting.pool_ids(store)
    rng = np.random.default_rng([seed, 0, _STEP])
    first = _sample(known, MOST, rng)
    return [*first, *_sample(others, MOST - len(first), rng)], len(known) + len(others)


def _sample(ids: Sequence[str], n: int, rng: np.random.Generator) -> Sequence[str]:
    if len(ids) <= n:
        return ids
    return [ids[i] for i in rng.choice(len(ids), n, replace=False)]


def _places(X: Floats, seed: int, cache: Path, say: Callable[[str], None]) -> list[list[float]]:
    """Return (n, 2) places, from the cache when it holds those of just these vectors."""
    key = sha256(json.dumps([list(X.shape), seed]).encode() + np.ascontiguousarray(X).tobytes())
    try:
        kept = json.loads(cache.read_bytes())
        if kept["key"] == key:
            return [[float(x), float(y)] for x, y in kept["places"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no map yet, or no file of ours
    say(f"drawing a map of {len(X)} texts, which the next report uses again")
    places: list[list[float]] = project(X, seed).astype(np.float64).round(2).tolist()
    write_whole(cache, json.dumps({"key": key, "places": places}).encode())
    return places


def project(X: Floats, seed: int) -> Floats:
    """Return (n, 2) places of (n, d) vectors, n >= 5 and d >= 2; zeros when all are the same.

    PCA to at most 50 dimensions, then t-SNE (van der Maaten and Hinton 2008, JMLR 9) that
    starts from the first two of them, so that the whole keeps its shape from run to run.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n, d = X.shape
    if np.ptp(X, axis=0).max() < 1e-6:
        return np.zeros((n, 2), dtype=np.float32)
    with one_thread():
        Z = PCA(min(_COMPONENTS, n, d), random_state=seed).fit_transform(X)
        perplexity = min(30.0, (n - 1) / 3)
        model = TSNE(init="pca", perplexity=perplexity, random_state=seed)
        return np.asarray(model.fit_transform(Z), dtype=np.float32)
