"""Step 1: choose a batch, with its provenance, and store it before anybody is asked."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from al_loop import learner
from al_loop.config import Config
from al_loop.crash import point
from al_loop.errors import AlLoopError, NothingToSelect
from al_loop.loop import again, discover, knowledge, queue
from al_loop.loop.discover import Discovery
from al_loop.loop.knowledge import Knowledge
from al_loop.loop.parts import Parts, generator
from al_loop.loop.queue import Division
from al_loop.store import answers, results, reviews, rounds
from al_loop.store.core import now
from al_loop.store.rounds import BatchRow
from strategies.base import FloatArray, Picks, PoolView
from strategies.shared import Shared

T = TypeVar("T", bound=np.generic)
_STEP, _SHARED = 1, 7  # of the round, for what is drawn
_PACKAGES = ("al-loop", "scikit-learn", "modAL-python", "hdbscan", "cleanlab", "numpy")


@dataclass(frozen=True, slots=True)
class Choice:
    """A batch that was chosen but not stored yet.

    divided: between new texts and further labels; None where nobody asked for that.
    """

    number: int
    rows: tuple[BatchRow, ...]
    model_version: str
    pool_size: int
    note: str
    found: Discovery | None = None
    divided: Division | None = None


def choose(parts: Parts, config: Config, *, ask: bool = False) -> Choice:
    """Choose the next batch. The same choice every time, until something is stored.

    ask: a configured namer may be asked; a preview sends no text anywhere.

    Raises:
        NothingToSelect: no unlabeled text is left, and none waits for a second look.
        AlLoopError: the strategy chose fewer texts than it was asked for.
    """
    number = rounds.last_number(parts.store) + 1
    pool = rounds.pool(parts.store)
    asked_again = again.rows(parts, config, number, len(pool))
    if not pool and not asked_again and config.batch.relabel == "never":
        raise _nothing_left()
    known = knowledge.gather(parts, config, number - 1)
    divided = _divided(parts, config, known, pool, asked_again)
    if divided is not None:
        asked_again = again.ranked([*asked_again, *divided.again])
    n = min(config.batch.size - len(asked_again), len(pool)) if divided is None else divided.new
    if not n and not asked_again:
        raise _nothing_left()
    if not n:  # suggestions are sent in the name of a version: that of no model here
        return Choice(number, tuple(asked_again), f"al-r{number - 1}", len(pool), "", None, divided)
    rng = generator(config, number, _STEP)
    model, model_version = knowledge.classifier(parts, config, known)
    view, center_names = _view(parts, config, number, pool, known, model)
    found = discover.look(parts, config, number, view, pool, center_names, ask=ask)
    picks = _asked(parts, config, view, n, rng)
    suggests = model is not None and len(np.unique(known.y)) > 1
    told = _suggestions(model, view.vectors(picks.indices), known.names) if suggests else []
    suggestions = dict(zip(picks.indices.tolist(), told, strict=False))
    suggestions |= {} if found is None else found.suggestions
    rows = _rows(config, pool, picks, suggestions, rng)
    rows = [*asked_again, *(replace(r, rank=r.rank + len(asked_again)) for r in rows)]
    version = model_version if any(r.suggestion for r in rows) else ""
    return Choice(number, tuple(rows), version, len(pool), picks.note, found, divided)


def _nothing_left() -> NothingToSelect:
    return NothingToSelect(
        "no unlabeled text is left to choose from",
        hint="al-loop import FILE adds texts; al-loop status tells what became of the others",
    )


def _divided(
    parts: Parts,
    config: Config,
    known: Knowledge,
    pool: Sequence[tuple[str, str, str]],
    asked_again: Sequence[BatchRow],
) -> Division | None:
    """Return what the slots that are left go to; None where all are for new texts."""
    size = config.batch.size - len(asked_again)
    if config.batch.relabel == "never" or not size:
        return None
    encoder = config.model.encoder
    vectors = parts.vectors(encoder, [p[2] for p in pool], [p[1] for p in pool])
    return queue.divide(parts, config, known, vectors, size, {b.item_id for b in asked_again})


def _view(
    parts: Parts,
    config: Config,
    number: int,
    pool: Sequence[tuple[str, str, str]],
    known: Knowledge,
    model: learner.Classifier | None,
) -> tuple[PoolView, list[str]]:
    """Return what strategies look at, and the class of each of its centers."""
    encoder = config.model.encoder
    embeddings = parts.vectors(encoder, [p[2] for p in pool], [p[1] for p in pool])
    asked = knowledge.asked(known, config, model)
    centers, names = knowledge.centers(parts, config, known)
    view = PoolView(
        embeddings=_read_only(embeddings),
        proba=None if asked is None else _read_only(asked.proba(embeddings)),
        labeled=_read_only(known.X),
        labels=_read_only(known.y),
        centers=_read_only(centers),
        predict=None if asked is None else asked.proba,
        learn=knowledge.learn(known, config, asked),
        shared=Shared(int(generator(config, number, _SHARED).integers(2**31))),
    )
    return view, names


def _asked(parts: Parts, config: Config, pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Return n texts that the strategy chooses."""
    picks = parts.strategy(config)(pool, n, rng)
    if len(picks) < n:
        raise AlLoopError(
            f"strategy {config.batch.strategy!r} chose only {len(picks)} of {n} texts",
            hint="al-loop round --strategy NAME chooses by another one;"
            " in a mix another part can fill the batch",
        )
    return picks


def _suggestions(
    model: learner.Classifier | None, chosen: FloatArray, names: Sequence[str]
) -> list[tuple[str, float]]:
    """Return a class and its probability for each row of (n, d) vectors."""
    assert model is not None
    proba = model.proba(chosen)
    best = proba.argmax(axis=1)
    return [(names[b], round(float(p[b]), 6)) for b, p in zip(best, proba, strict=True)]


def _rows(
    config: Config,
    pool: Sequence[tuple[str, str, str]],
    picks: Picks,
    suggestions: Mapping[int, tuple[str, float]],
    rng: np.random.Generator,
) -> list[BatchRow]:
    n = len(picks)
    blind = set(rng.permutation(n)[: round(config.batch.blind_share * n)].tolist())
    double = set(rng.permutation(n)[: round(config.batch.overlap.share * n)].tolist())
    rows = []
    for rank, index in enumerate(picks.indices.tolist()):
        item_id, text, _ = pool[index]
        label, score = suggestions.get(index, (None, None))
        rows.append(
            BatchRow(
                item_id=item_id,
                text=text,
                look=0,
                rank=rank + 1,
                strategy=str(picks.source[rank]),
                score=_number(picks.scores[rank]),
                inclusion=_number(picks.inclusion[rank]),
                why=str(picks.why[rank]),
                suggestion=label,
                suggestion_score=score,
                blind=rank in blind,
                overlap=config.batch.overlap.annotators if rank in double else 1,
            )
        )
    return rows


def _number(value: float) -> float | None:
    return round(float(value), 9) if np.isfinite(value) else None


def _read_only(array: npt.NDArray[T]) -> npt.NDArray[T]:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def select(parts: Parts, config: Config) -> int:
    """Choose a batch and store it with the intent to push it; returns the round's number."""
    began = time.monotonic()
    choice = choose(parts, config, ask=True)
    # Needed when the round is measured. Encoded with the pool, so that no later round waits.
    test = answers.labeled(parts.store, "test")
    parts.vectors(config.model.encoder, [t[2] for t in test], [t[1] for t in test])
    new = rounds.Round(
        number=choice.number,
        project_id=parts.project.id,
        state="selected",
        strategy=config.batch.strategy,
        seed=config.seed,
        # Where the key lies says nothing about the round, and might be the key by mistake.
        config=config.model_dump(mode="json", exclude={"label_studio": {"token_file"}}),
        model_version=choice.model_version,
        pool_size=choice.pool_size,
        created_at=now(),
    )
    _save(parts, new, choice, began)
    fresh = sum(row.look == 0 for row in choice.rows)
    parts.say(
        f"round {choice.number}: {fresh} of {choice.pool_size} texts chosen by"
        f" {config.batch.strategy}{again.line(choice.rows)}"
        + (f" ({choice.divided.line})" if choice.divided is not None else "")
        + (f": {choice.note}" if choice.note else "")
    )
    if choice.found is not None:
        parts.say(f"round {choice.number}: {choice.found.line}")
    return choice.number


def _save(parts: Parts, new: rounds.Round, choice: Choice, began: float) -> None:
    divided = choice.divided or Division(0)
    review = reviews.make_project(parts.store, parts.project).id if divided.reviews else 0
    with parts.store.tx():
        rounds.create(parts.store, new, choice.rows, versions=_versions())
        rounds.transition(parts.store, choice.number, None, "selected", time.monotonic() - began)
        again.save(parts, choice.number, choice.rows, divided.givers)
        reviews.ask(parts.store, review, divided.reviews)
        if choice.divided is not None:
            results.save_note(parts.store, choice.number, "slots", divided.slots)
        if choice.note:
            results.save_note(parts.store, choice.number, "choice", choice.note)
        if choice.found is not None:
            discover.save(parts, choice.number, choice.found)
        point("C1 round and batch written")
    point("C2 round and batch committed")


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
