"""In the audit step, before labels are judged: what several people's votes add up to."""

from collections.abc import Sequence

import numpy as np

from al_loop import learner
from al_loop.config import Config
from al_loop.crowd import consensus as crowd
from al_loop.crowd.votes import Votes
from al_loop.labels import Consensus, differ
from al_loop.loop import knowledge
from al_loop.loop.parts import Parts, Vectors
from al_loop.store import answers, class_changes, fixes, overview, reporting
from al_loop.store import consensus as table
from al_loop.store.core import Store


def settle(parts: Parts, config: Config, number: int) -> None:
    """Work out and store the consensus of texts with differing votes, and derive their labels.

    All votes inform how good people are. What a model that did not see a text says about it comes
    in by `[annotators] consensus = "crowdlab"`. Nothing is fitted where people agree everywhere.
    """
    store = parts.store
    differing = _differing(store)
    if not differing and not answers.consensus(store):
        return
    found = _consensus(parts, config, number) if differing else {}
    with store.tx():
        table.save(store, number, {i: found[i] for i in differing if i in found})
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


def _consensus(parts: Parts, config: Config, number: int) -> dict[str, Consensus]:
    known = knowledge.labeled(parts, config, number)
    cast = table.votes(parts.store)
    votes = Votes.of(cast, known.names)
    method = config.annotators.consensus
    proba = out_of_sample(parts, config, known, votes) if method == "crowdlab" else None
    try:
        found = crowd.consensus(votes, proba, method)
    except NotImplementedError:  # until the methods are there
        return {}
    return {
        item_id: Consensus(votes.classes[label], round(float(quality), 9), of_text, found.method)
        for (item_id, of_text), label, quality in zip(
            cast.items(), found.labels, found.quality, strict=True
        )
    }


def out_of_sample(
    parts: Parts, config: Config, known: knowledge.Knowledge, votes: Votes
) -> crowd.Floats | None:
    """Return (n, k) probabilities of texts with votes by models that did not see them.

    Texts of the training set are predicted out of fold, others (in conflict, or of the test set)
    by a model of all of it. Rows of NaN for classes with too few labels; None where fewer than
    two have enough.
    """
    n_classes, C, seed = len(known.classes), config.model.C, config.seed
    seen = None
    if known.ids:
        seen = learner.out_of_fold(
            known.X, known.y, n_classes=n_classes, folds=config.audit.folds, C=C, seed=seed
        )
    if seen is None:
        return None
    row = {item_id: i for i, item_id in enumerate(known.ids)}
    proba = np.zeros((len(votes.ids), len(votes.classes)))
    trained = np.array([i in row for i in votes.ids])
    proba[trained, :n_classes] = seen[[row[i] for i in votes.ids if i in row]]
    others = [i for i in votes.ids if i not in row]
    if others:
        model = learner.fit(known.X, known.y, n_classes=n_classes, C=C, seed=seed)
        proba[~trained, :n_classes] = model.proba(_vectors(parts, config, others))
    proba[np.isnan(proba[:, 0])] = np.nan
    return proba


def _vectors(parts: Parts, config: Config, item_ids: Sequence[str]) -> Vectors:
    rows = reporting.texts(parts.store, item_ids)
    return parts.vectors(
        config.model.encoder, [r["text_hash"] for r in rows], [r["text"] for r in rows]
    )
