"""What a file of answers tells about texts and people."""

from typing import Any

import numpy as np

from al_loop import learner
from al_loop.bars import Bar, no_bar
from al_loop.config import Config
from al_loop.crowd.consensus import Consensus, Floats, consensus
from al_loop.crowd.votes import NONE, Labels, Votes
from al_loop.data.text import text_hash
from al_loop.report import annotators_crowd, annotators_targets
from al_loop.report.annotators_votes import SHARED, Said
from al_loop.scan.answers import Answers
from al_loop.scan.noise import Encode


def scan(source: Answers, encode: Encode, config: Config, bar: Bar = no_bar) -> dict[str, Any]:
    """Return what `al-loop annotators scan --json` prints.

    file, answers, texts, classes, notes: what was read.
    annotators: a record a person, as of `al-loop annotators`, with `quality`: how often they are
        right by the method of the consensus; and `confusions`.
    agreement, targets: as of `al-loop annotators`.
    consensus: a record a text, in the order of the file: `id`, `label`, `quality` (the probability
        that the label is right) and `votes`, person -> label. `method`: what it was found by.
    encoder: None where the file has no texts: then no model has a say.
    """
    names = sorted({label for cast in source.votes.values() for label in cast.values()})
    votes = Votes.of(source.votes, names)
    proba = _proba(source, votes, encode, config) if source.texts else None
    with bar(2, f"comparing {source.answers:,} answers") as draw:
        found = consensus(votes, proba, config.annotators.consensus)
        draw(1)
        said = _said(source, votes, found)
        agreement = annotators_crowd.agreement(said, names, config.seed)
        draw(2)
    return {
        "file": source.name,
        "answers": source.answers,
        "texts": len(votes.ids),
        "classes": names,
        "annotators": _people(said, votes, found),
        "agreement": agreement,
        "targets": annotators_targets.targets(said, config),
        "consensus": _texts(source, votes, found),
        "method": found.method,
        "encoder": config.model.encoder if source.texts else None,
        "seed": config.seed,
        "notes": list(source.notes),
    }


def _said(source: Answers, votes: Votes, found: Consensus) -> Said:
    """Return the answers as those of a workspace in which nothing was decided by hand."""
    pairs = zip(votes.ids, found.labels, strict=True)
    labels = {item: votes.classes[k] for item, k in pairs}
    shared = {item: cast for item, cast in source.votes.items() if len(cast) > 1}
    return Said(source.votes, source.votes, False, labels, {}, shared, SHARED)


def _people(said: Said, votes: Votes, found: Consensus) -> list[dict[str, Any]]:
    judged = annotators_crowd.people(said)
    mistakes = {p["annotator"]: p["confusions"] for p in annotators_crowd.confusion(said)}
    return [
        {"annotator": name, **judged[name], "quality": quality, "confusions": mistakes[name]}
        for name, quality in zip(votes.people, found.people.round(6).tolist(), strict=True)
    ]


def _texts(source: Answers, votes: Votes, found: Consensus) -> list[dict[str, Any]]:
    return [
        {"id": item, "label": votes.classes[k], "quality": quality, "votes": source.votes[item]}
        for item, k, quality in zip(
            votes.ids, found.labels, found.quality.round(6).tolist(), strict=True
        )
    ]


def _proba(source: Answers, votes: Votes, encode: Encode, config: Config) -> Floats | None:
    """Return (n, k) probabilities of texts by models that did not see their votes.

    The models learn from what most people said; those of texts on which votes are tied learn from
    all the others. Rows of NaN for texts that are not in the file and for classes with too few
    labels; None where fewer than two classes have enough.
    """
    with_text = np.array([item in source.texts for item in votes.ids])
    texts = [source.texts[item] for item in votes.ids if item in source.texts]
    X = encode(config.model.encoder, [text_hash(text) for text in texts], texts)
    y = _most(votes)[with_text]
    known, n_classes = y != NONE, len(votes.classes)
    C, seed, folds = config.model.C, config.seed, config.audit.folds
    X_known, y_known = X[known], y[known]
    seen = learner.out_of_fold(X_known, y_known, n_classes=n_classes, folds=folds, C=C, seed=seed)
    if seen is None:
        return None
    of_texts = np.empty((len(texts), n_classes))
    of_texts[known] = seen
    if not known.all():
        model = learner.fit(X_known, y_known, n_classes=n_classes, C=C, seed=seed)
        of_texts[~known] = model.proba(X[~known])
    proba = np.full((len(votes.ids), n_classes), np.nan)
    proba[with_text] = of_texts
    return proba


def _most(votes: Votes) -> Labels:
    """Return (n,) what most votes of each text say, `NONE` where that is a tie."""
    rows, columns = np.nonzero(votes.labels != NONE)
    counts = np.zeros((len(votes.ids), len(votes.classes)), dtype=np.int64)
    np.add.at(counts, (rows, votes.labels[rows, columns]), 1)
    alone = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1) == 1
    return np.where(alone, counts.argmax(axis=1), NONE)
