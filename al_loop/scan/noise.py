"""Which labels of a file look wrong."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import learner
from al_loop.bars import Bar, no_bar
from al_loop.config import Config
from al_loop.errors import DataError
from al_loop.evidence import judging
from al_loop.evidence.judging import Evidence
from al_loop.scan.rows import Labeled, Rows

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Positions: TypeAlias = npt.NDArray[np.int64]
#: (encoder, text hashes, texts) -> (n, d) vectors of length 1.
Encode: TypeAlias = Callable[[str, Sequence[str], Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class Judged:
    """A row and what was found about its label.

    suggested: the class that fits best: the label itself where none fits better, and where its
        class has too few labels to be judged; None where the row can't be used.
    doubt: None without a label. confidence, neighbors: as in `Evidence`, None where not judged.
    """

    row: Labeled
    suggested: str | None = None
    doubt: float | None = None
    flagged: bool = False
    confidence: float | None = None
    neighbors: float | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found: all rows of a file, the most doubtful first, those without doubt last.

    labeled: rows with a label, that can be used. wrong: how many of their labels are wrong, as
    estimated. left_out: classes with too few labels to be judged.
    """

    source: Rows
    config: Config
    rows: Sequence[Judged]
    labeled: int
    wrong: float
    left_out: Sequence[str]

    @property
    def flagged(self) -> Sequence[Judged]:
        """The rows whose label looks wrong."""
        return [r for r in self.rows if r.flagged]


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """The p different pairs of text and label among the n rows that can be used.

    rows: those rows. of: (n,) the pair of each, -1 without a label. first: (p,) a row of each.
    y: (p,) positions of the labels in the classes of the file.
    """

    rows: Sequence[Labeled]
    of: Positions
    first: Positions
    y: Positions


def scan(source: Rows, encode: Encode, config: Config, bar: Bar = no_bar) -> Scan:
    """Judge every label of a file; the same for the same rows and settings.

    Rows are judged once for all that have the same text and label: a copy of a row says nothing
    new, and would speak for a wrong label. The same text with another label speaks against it.

    Raises:
        DataError: too few labels, texts or classes to judge any.
    """
    pairs = _pairs(source)
    _check(source, pairs)
    V = encode(config.model.encoder, [r.hash for r in pairs.rows], [r.text for r in pairs.rows])
    how = config.audit
    settings = judging.Settings(
        how.folds, how.method, how.filter_by, how.estimate, C=config.model.C, seed=config.seed
    )
    found = judging.judge(V[pairs.first], pairs.y, n_classes=len(source.classes), settings=settings)
    if found.skipped:
        raise _too_few(source, found.skipped, how.folds)
    rows = [
        *_judged(source, pairs, found),
        *_unlabeled(source, pairs, V, config),
        *(Judged(r) for r in source.rows if r.problem),
    ]
    of = pairs.of[pairs.of >= 0]
    left_out = [source.classes[k] for k in found.left_out]
    return Scan(source, config, rows, len(of), _wrong(found, of), left_out)


def _wrong(found: Evidence, of: Positions) -> float:
    """Return how many of (n,) rows are wrong: all copies of what is flagged, and a share of others.

    Cleanlab's own estimates may be below the number that is flagged: then a share of all.
    """
    wrong, certain = found.wrong or 0.0, found.flagged
    if wrong < certain.sum():
        certain = np.zeros_like(certain)
    others = ~np.isnan(found.doubt) & ~certain
    share = (wrong - certain.sum()) / max(others.sum(), 1)
    return float(certain[of].sum() + share * others[of].sum())


def _pairs(source: Rows) -> _Pairs:
    rows = [r for r in source.rows if not r.problem]
    position = {name: k for k, name in enumerate(source.classes)}
    seen: dict[tuple[str, str], int] = {}
    first: list[int] = []
    of = np.full(len(rows), -1)
    for i, row in enumerate(rows):
        if row.label is None:
            continue
        of[i] = seen.setdefault((row.hash, row.label), len(seen))
        if of[i] == len(first):
            first.append(i)
    y = [position[label] for _, label in seen]
    return _Pairs(rows, of, np.array(first, dtype=np.int64), np.array(y, dtype=np.int64))


def _check(source: Rows, pairs: _Pairs) -> None:
    """Refuse what has nothing to compare, before any text is encoded."""
    if not len(pairs.y):
        raise DataError(
            f"{source.name}: no row has a label, so there is nothing to judge",
            hint="name the column of labels, e.g. --label category",
        )
    problem = ""
    if len(source.classes) == 1:
        problem = f"every label is {source.classes[0]!r}"
    elif len({pairs.rows[i].hash for i in pairs.first}) == 1:
        problem = "all rows with a label have the same text"
    if problem:
        raise DataError(
            f"{source.name}: {problem}: there is nothing to compare a label with",
            hint="name a file with different texts of two classes or more",
        )


def _too_few(source: Rows, reason: str, folds: int) -> DataError:
    return DataError(
        f"{source.name}: {reason} (the same text with the same label counts once)",
        hint="label more texts of each class" + (", or ask for --folds 2" if folds > 2 else ""),
    )


def _judged(source: Rows, pairs: _Pairs, found: Evidence) -> list[Judged]:
    """Return the rows with a label, the most doubtful first."""
    doubt = _ordered(found)
    rows = [i for i in range(len(pairs.rows)) if pairs.of[i] >= 0]
    rows.sort(key=lambda i: -doubt[pairs.of[i]])
    return [_one(source, pairs.rows[i], pairs.of[i], found, doubt) for i in rows]


def _ordered(found: Evidence) -> judging.Floats:
    """Return (p,) doubts in which a label that was not judged comes after those that look wrong.

    It may well be wrong: more often than one that was judged and looks right.
    """
    judged = ~np.isnan(found.doubt)
    flagged = found.doubt[found.flagged]
    edge = flagged.min(initial=np.inf)
    below = found.doubt[judged & (found.doubt < edge)].max(initial=0.0)
    between = (edge + below) / 2 if len(flagged) else below
    return np.where(judged, found.doubt, between)


def _one(source: Rows, row: Labeled, pair: int, found: Evidence, doubt: judging.Floats) -> Judged:
    k = int(found.suggested[pair])
    return Judged(
        row,
        row.label if k < 0 else source.classes[k],
        round(float(doubt[pair]), 9),
        bool(found.flagged[pair]),
        _number(found.confidence[pair]),
        _number(found.neighbors[pair]),
    )


def _unlabeled(source: Rows, pairs: _Pairs, V: Floats, config: Config) -> Iterator[Judged]:
    """Yield the rows without a label, with what fits best."""
    rows = np.flatnonzero(pairs.of < 0)
    if not len(rows):
        return
    c = len(source.classes)
    model = learner.fit(V[pairs.first], pairs.y, n_classes=c, C=config.model.C, seed=config.seed)
    for i, k in zip(rows, model.proba(V[rows]).argmax(axis=1), strict=True):
        yield Judged(pairs.rows[i], source.classes[k])


def _number(value: np.floating[Any]) -> float | None:
    return None if np.isnan(value) else round(float(value), 9)
