"""Group the texts, and say of each group what it is about and whether a known class explains it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.bars import Bar, no_bar
from al_loop.config import Config
from al_loop.discover.describe import Described, describe
from al_loop.discover.known import Example
from al_loop.discover.source import Source
from al_loop.lean import one_thread
from strategies import discovery
from strategies.base import PoolView
from strategies.discovery import Clusters
from strategies.shared import Shared

Floats: TypeAlias = npt.NDArray[np.float32]
#: (encoder, text hashes, texts) -> (n, d) vectors of length 1.
Encode: TypeAlias = Callable[[str, Sequence[str], Sequence[str]], Floats]

_STEP = 6  # of the generator that bootstraps draw from


@dataclass(frozen=True, slots=True)
class Group:
    """A group of similar texts.

    id: of the workspace's group that it is, else counted from 1, novel and large ones first.
    nearest: the known class nearest to its center, None where none is known.
    similarity: the cosine of its center to that of `nearest`.
    dense: HDBSCAN found it; else it is a part of what HDBSCAN calls noise.
    density: mean cosine of its texts to its center.
    stability: how much of it bootstraps find again, 0 to 1; None where it is not shown.
    members: positions of its texts, the most central first.
    """

    id: int
    name: str
    phrases: Sequence[str]
    nearest: str | None
    similarity: float | None
    novel: bool
    dense: bool
    density: float
    stability: float | None
    members: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found: groups, novel ones first, then the larger ones first.

    X: (n, d) vectors of the source's texts. centrality: (n,) their cosines to the center of their
    group. classes: the c known classes that something shows,
    centers: (c, d) their unit means. threshold: below this cosine to all known classes a group
    is novel; None where none is known. noise_share: of the texts, by HDBSCAN.
    """

    source: Source
    groups: Sequence[Group]
    X: Floats
    centrality: Floats
    classes: Sequence[str]
    centers: Floats
    threshold: float | None
    noise_share: float
    config: Config

    @property
    def novel(self) -> Sequence[Group]:
        """The groups that may be classes nobody has named."""
        return [g for g in self.groups if g.novel]


def run(source: Source, encode: Encode, config: Config, bar: Bar = no_bar) -> Discovery:
    """Encode and group the texts of a source; the same for the same texts and seed."""
    shown = [*source.labeled, *source.phrases]
    hashes = [*source.hashes, *(e.hash for e in shown)]
    V = encode(config.model.encoder, hashes, [*source.texts, *(e.text for e in shown)])
    n, m = len(source.texts), len(source.labeled)
    X, labeled, classes = V[:n], V[n:], _classes(source, shown)
    order = {name: i for i, name in enumerate(classes)}
    y = np.array([order[e.name] for e in shown], dtype=np.int64)
    centers = _centers(labeled, y, len(classes))
    pool = PoolView(
        embeddings=X,
        # As in a round: phrases are no labeled texts, unless there are none.
        labeled=labeled[: m or None],
        labels=y[: m or None],
        centers=centers,
        shared=Shared(config.seed),
    )
    options = config.discovery
    with bar(3, f"grouping {n:,} texts") as draw, one_thread():
        found = discovery.find(
            pool,
            min_cluster_size=options.min_cluster_size,
            similarity_threshold=options.similarity_threshold,
        )
        draw(1)
        novel = _novel(found, bool(classes))
        told = describe(source, found, novel)
        draw(2)
        stability = _stability(pool, found, novel, config.seed)
        draw(3)
    return Discovery(
        source=source,
        groups=_groups(found, told, classes, novel, stability),
        X=X,
        centrality=found.centrality,
        classes=classes,
        centers=centers,
        threshold=float(found.threshold) if np.isfinite(found.threshold) else None,
        noise_share=float(found.noise_share) if len(found) else 1.0,
        config=config,
    )


def _classes(source: Source, shown: Sequence[Example]) -> list[str]:
    """Return the known classes that an example shows, in the order of the source."""
    there = {e.name for e in shown}
    return [name for name in source.classes if name in there]


def _centers(X: Floats, y: npt.NDArray[np.int64], k: int) -> Floats:
    """Return the (k, d) unit means of the rows of each class."""
    sums = np.zeros((k, X.shape[1]), dtype=np.float32)
    np.add.at(sums, y, X)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-12), dtype=np.float32)


def _novel(found: Clusters, known: bool) -> npt.NDArray[np.int64]:
    """Return the novel groups, dense ones first, then large ones.

    Where no class is known, the dense groups: what HDBSCAN calls noise is not novel by itself.
    """
    novel = found.novel if known else found.dense
    rows = np.flatnonzero(novel)
    order = np.lexsort((-found.sizes[rows], ~found.dense[rows]))
    return np.asarray(rows[order], dtype=np.int64)


def _stability(
    pool: PoolView, found: Clusters, novel: npt.NDArray[np.int64], seed: int
) -> dict[int, float]:
    if not len(novel):
        return {}
    rng = np.random.default_rng([seed, 0, _STEP])
    try:
        values = discovery.stability(pool, found, novel, rng)
    except NotImplementedError:  # TODO: gone when it is written
        return {}
    return {int(g): round(float(v), 4) for g, v in zip(novel, values, strict=True)}


def _groups(
    found: Clusters,
    told: Sequence[Described],
    classes: Sequence[str],
    novel: npt.NDArray[np.int64],
    stability: dict[int, float],
) -> list[Group]:
    rest = np.setdiff1d(np.arange(len(found)), novel)
    rest = rest[np.argsort(-found.sizes[rest], kind="stable")]
    isnew = set(novel.tolist())
    return [
        Group(
            id=told[g].id,
            name=told[g].name,
            phrases=told[g].phrases,
            nearest=classes[found.nearest[g]] if classes else None,
            similarity=round(float(found.similarity[g]), 4) if classes else None,
            novel=g in isnew,
            dense=bool(found.dense[g]),
            density=round(float(found.density[g]), 4),
            stability=stability.get(g),
            members=found.members(g),
        )
        for g in [*novel.tolist(), *rest.tolist()]
    ]
