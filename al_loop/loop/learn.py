"""Steps 4 to 6: look for wrong labels, train and measure, log the round."""

import hashlib
import json
import time
from dataclasses import replace

import numpy as np

from al_loop import learner, metrics, models
from al_loop.config import Config
from al_loop.crash import point
from al_loop.errors import StateError
from al_loop.loop import doubt, knowledge, unseen
from al_loop.loop.parts import Labels, Parts, Vectors, generator
from al_loop.store import answers, class_changes, results, rounds
from al_loop.store.core import Store
from al_loop.store.rounds import Round
from al_loop.types import Metric

_TRAIN, _ANEW, _DOUBT = 5, 10, 12
_TESTED = "test_labels"  # the note that tells whether the test set is still the same
#: Below this number of uniformly drawn labels a cross-validated accuracy says too little.
MIN_RANDOM = 30


def audit(parts: Parts, round_: Round, config: Config) -> None:
    """Settle what several people's answers add up to, then look for wrong labels."""
    began = time.monotonic()
    store = parts.store
    found = doubt.look(parts, config, round_.number)
    flagged = float(sum(d.flagged for d in found.doubts))
    with store.tx():
        doubt.save(store, round_.number, found)
        results.save_metrics(store, round_.number, [Metric("noise_found", flagged)])
        rounds.transition(store, round_.number, "pulled", "audited", time.monotonic() - began)
    point("C12 issues committed")
    parts.say(f"round {round_.number}: {found.line}")


def train(parts: Parts, round_: Round, config: Config) -> None:
    """Train on all labels, as far as they are trusted, measure, save the classifier."""
    began = time.monotonic()
    store = parts.store
    every = knowledge.labeled(parts, config, round_.number)
    known = knowledge.trusted(parts, config, round_.number, every)
    pool = knowledge.unlabeled(parts, config) if known.ids else None
    model = knowledge.train(known, config, pool) if known.ids else None
    measured, source = _measure(parts, round_, config, every, model, pool)
    measured += _measured_anew(parts, round_, config)
    plain = model if known is every else knowledge.train(every, config, pool)
    measured += _doubt_change(parts, round_, config, every, model, plain)
    saved = None
    if model is not None and parts.models_dir is not None:
        facts = {"version": known.version, "classes": known.names, "model": dict(config.model)}
        name, digest = models.save(model, parts.models_dir, round_.number, facts)
        point("C13 model saved")
        saved = results.Model(
            round=round_.number,
            version=known.version,
            path=name,
            sha256=digest,
            kind=model.head.kind,
            encoder=config.model.encoder,
            classes=tuple(known.names),
            labels=len(known.ids),
        )
    with store.tx():
        if saved is not None:
            results.save_model(store, saved)
        results.save_metrics(store, round_.number, measured)
        results.save_note(store, round_.number, "accuracy_from", source)
        results.save_note(store, round_.number, _TESTED, _digest(store))
        if model is not None and model.why:
            results.save_note(store, round_.number, "head", model.why)
        rounds.transition(store, round_.number, "audited", "trained", time.monotonic() - began)
        point("C14 model written")
    point("C14 model committed")
    if model is not None and model.why:
        parts.say(f"round {round_.number}: classifier: {model.why}")


def _measure(
    parts: Parts,
    round_: Round,
    config: Config,
    known: knowledge.Knowledge,
    model: learner.Classifier | None,
    pool: Vectors | None,
) -> tuple[list[Metric], str | None]:
    """Measure on the test set, or else on the labels that were drawn at random."""
    rng = generator(config, round_.number, _TRAIN)
    if model is not None and (test := _test_set(parts, config, known)):
        X, truth, names = test
        predicted = model.proba(X).argmax(axis=1)
        further = parts.scores([names[t] for t in truth], [names[p] for p in predicted])
        return [*metrics.evaluate(truth, predicted, rng), *further], "test set"
    drawn = results.random_items(parts.store)
    mask = np.array([i in drawn for i in known.ids], dtype=bool)
    if model is None or mask.sum() < MIN_RANDOM:
        return [Metric("accuracy", None), Metric("macro_f1", None)], None
    predicted = metrics.cross_validated(
        known.X,
        known.y,
        mask,
        n_classes=len(known.classes),
        kind=model.head.kind,
        C=model.head.C,
        seed=config.seed,
        pool=pool,
    )
    return metrics.evaluate(known.y[mask], predicted, rng), "random share, cross-validated"


def _test_set(
    parts: Parts, config: Config, known: knowledge.Knowledge
) -> tuple[Vectors, Labels, list[str]] | None:
    """Return the test set: (t, d) vectors and (t,) positions in the names; None without one.

    A class that nobody has named yet gets a place after all others: never predicted.
    """
    test = answers.labeled(parts.store, "test")
    if not test:
        return None
    names = list(dict.fromkeys([*known.names, *sorted({t[3] for t in test})]))
    order = {name: i for i, name in enumerate(names)}
    X = parts.vectors(config.model.encoder, [t[2] for t in test], [t[1] for t in test])
    return X, np.array([order[t[3]] for t in test], dtype=np.int64), names


def _doubt_change(
    parts: Parts,
    round_: Round,
    config: Config,
    known: knowledge.Knowledge,
    model: learner.Classifier | None,
    plain: learner.Classifier | None,
) -> list[Metric]:
    """Measure what it changed on the test set that doubtful labels count less, or not at all.

    plain: trained on all labels alike. Empty where they do count alike.
    """
    test = _test_set(parts, config, known) if config.audit.on_doubt != "keep" else None
    if model is None or plain is None or test is None:
        return []
    X, truth, _ = test
    now, before = (m.proba(X).argmax(axis=1) == truth for m in (model, plain))
    rng = generator(config, round_.number, _DOUBT)
    return [metrics.change("doubt_change", before, now, rng)]


def _measured_anew(parts: Parts, round_: Round, config: Config) -> list[Metric]:
    """Measure the last round's model once more, where classes or the test set changed since.

    With the classes and the test set of today on both sides, so that the two rounds can be
    compared. Empty where nothing changed, or the model or the test set is missing.
    """
    store, before = parts.store, round_.number - 1
    saved = results.model_of(store, before)
    changed = class_changes.version(store) != (class_changes.of_round(store, before) or 0)
    changed |= results.notes(store, before).get(_TESTED, _digest(store)) != _digest(store)
    test = answers.labeled(store, "test") if saved is not None and changed else []
    if saved is None or parts.models_dir is None or not test:
        return []
    try:
        model = models.load(parts.models_dir / saved.path, saved.sha256)
    except StateError:
        return []
    names = class_changes.today(store, saved.classes)
    order = {name: i for i, name in enumerate(dict.fromkeys([*names, *(t[3] for t in test)]))}
    X = parts.vectors(saved.encoder, [t[2] for t in test], [t[1] for t in test])
    truth = np.array([order[t[3]] for t in test], dtype=np.int64)
    places = np.array([order[name] for name in names], dtype=np.int64)
    predicted = places[model.proba(X).argmax(axis=1)]
    rng = generator(config, round_.number, _ANEW)
    found = {m.name: m for m in metrics.evaluate(truth, predicted, rng)}
    return [replace(found["accuracy"], name="accuracy_before")]


def _digest(store: Store) -> str:
    """Return what differs once a label of the test set does: second looks correct some."""
    facts = json.dumps([(t[0], t[3]) for t in answers.labeled(store, "test")])
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def log(parts: Parts, round_: Round) -> None:
    """Store the counts of the round and close it."""
    began = time.monotonic()
    store = parts.store
    counts = results.counts(store)
    numbers = [Metric(name, float(n)) for name, n in counts.items()]
    numbers += unseen.measure(store, round_.number, counts["pool"])
    measured = results.metrics(store, round_.number)
    now = measured.get("accuracy")
    last = results.metrics(store, round_.number - 1).get("accuracy")
    before = measured.get("accuracy_before", last)
    if now and before and now.value is not None and before.value is not None:
        numbers.append(Metric("accuracy_change", now.value - before.value))
    with store.tx():
        results.save_metrics(store, round_.number, numbers)
        rounds.transition(store, round_.number, "trained", "logged", time.monotonic() - began)
    point("C15 logged")
    if now is not None and now.value is not None:
        value = f"{now.value:.3f}"
    else:
        drawn = results.random_items(store)
        n = sum(row[0] in drawn for row in answers.labeled(store, "pool"))
        value = f"not measured yet: no test set, {n} of {MIN_RANDOM} randomly drawn labels"
    parts.say(f"round {round_.number}: logged, accuracy {value}")
