"""In the audit step, before labels are judged: what several people's votes add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from al_loop import learner
from al_loop.config import Config
from al_loop.crowd import consensus as crowd
from al_loop.crowd.votes import Votes
from al_loop.labels import Consensus, differ
from al_loop.loop.parts import Labels, Parts, Vectors
from al_loop.store import answers, class_changes, fixes, items, overview
from al_loop.store import consensus as table
from al_loop.store.core import Store

#: Methods that weigh what models say; the others look at votes alone.
_ASK_MODELS = ("fused", "crowdlab")


def settle(parts: Parts, config: Config, number: int) -> None:
    """Work out and store the consensus of texts with differing votes, and derive their labels.

    All votes inform how good people are; what models that did not see a text say about it comes in
    unless `[annotators] consensus` looks at votes alone. Nothing is fitted where people agree
    everywhere. Done again it finds the same.
    """
    store = parts.store
    differing = _differing(store)
    if not differing and not answers.consensus(store):
        return
    found = _consensus(parts, config) if differing else {}
    with store.tx():
        table.save(store, number, {i: found[i] for i in differing})
    elsewhere = fixes.standing(store).keys() | table.adjudicated(store).keys()
    left = set(differing) - elsewhere
    if left:
        still = len(left.intersection(overview.texts_with(store, "conflict")))
        parts.say(
            f"round {number}: texts that people labeled differently: {len(left)};"
            f" consensus found: {len(left) - still}, still open: {still}"
        )


def _differing(store: Store) -> list[str]:
    names = class_changes.vocabulary(store)
    return [i for i, given in answers.all_answers(store).items() if differ(given, names)]


def _consensus(parts: Parts, config: Config) -> dict[str, Consensus]:
    names = [c.name for c in items.classes(parts.store)]
    cast = table.votes(parts.store)
    votes = Votes.of(cast, names)
    method = config.annotators.consensus
    proba = out_of_sample(parts, config, votes, names) if method in _ASK_MODELS else None
    found = crowd.consensus(votes, proba, method)
    return {
        item_id: Consensus(votes.classes[label], round(float(quality), 9), of_text, found.method)
        for (item_id, of_text), label, quality in zip(
            cast.items(), found.labels, found.quality, strict=True
        )
    }


def out_of_sample(
    parts: Parts, config: Config, votes: Votes, names: Sequence[str]
) -> crowd.Floats | None:
    """Return (n, k) probabilities of texts with votes by models that did not see their labels.

    names: of the known classes in the stored order. Rows of NaN for classes with too few labels;
    None where fewer than two have enough.
    """
    return _proba(votes, _Training.of(parts, config, names), parts, config)


@dataclass(frozen=True, slots=True)
class _Training:
    """Labels of the pool by counting votes: what a consensus said before must not confirm itself.

    X: (m, d) vectors, y: (m,) positions of `n_classes` classes in the stored order.
    """

    ids: Sequence[str]
    X: Vectors
    y: Labels
    n_classes: int

    @classmethod
    def of(cls, parts: Parts, config: Config, names: Sequence[str]) -> Self:
        verdicts = answers.verdicts(parts.store, settled=False)
        label = {i: verdict.label for i, verdict in verdicts.items() if verdict.label is not None}
        rows = [row for row in items.texts(parts.store, "pool") if row[0] in label]
        order = {name: i for i, name in enumerate(names)}
        y = np.array([order[label[row[0]]] for row in rows], dtype=np.int64)
        return cls([row[0] for row in rows], _vectors(parts, config, rows), y, len(names))


def _proba(votes: Votes, seen: _Training, parts: Parts, config: Config) -> crowd.Floats | None:
    """Return (n, k) probabilities of texts with votes by models that did not see them.

    Texts of the training set are predicted out of fold, others (a tie, or of the test set) by a
    model of all of it. Rows of NaN for classes with too few labels; None where fewer than two
    have enough.
    """
    settings: dict[str, Any] = {"C": config.model.C, "seed": config.seed}
    settings["n_classes"] = seen.n_classes
    out = None
    if seen.ids:
        out = learner.out_of_fold(seen.X, seen.y, folds=config.audit.folds, **settings)
    if out is None:
        return None
    row = {item_id: i for i, item_id in enumerate(seen.ids)}
    proba = np.zeros((len(votes.ids), len(votes.classes)))
    trained = np.array([i in row for i in votes.ids])
    proba[trained, : seen.n_classes] = out[[row[i] for i in votes.ids if i in row]]
    if not trained.all():
        model = learner.fit(seen.X, seen.y, **settings)
        voted = set(votes.ids) - row.keys()
        others = [row for row in items.texts(parts.store) if row[0] in voted]
        proba[~trained, : seen.n_classes] = model.proba(_vectors(parts, config, others))
    proba[np.isnan(proba[:, 0])] = np.nan
    return proba


def _vectors(parts: Parts, config: Config, rows: Sequence[tuple[str, str, str]]) -> Vectors:
    return parts.vectors(config.model.encoder, [r[2] for r in rows], [r[1] for r in rows])
