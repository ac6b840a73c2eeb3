"""Steps 4 to 6: look for wrong labels, train and measure, log the round."""

import time
from dataclasses import replace

import numpy as np

from al_loop import learner, metrics, models
from al_loop.config import Config
from al_loop.crash import point
from al_loop.errors import StateError
from al_loop.loop import consensus, doubt, knowledge, unseen
from al_loop.loop.parts import Parts, Vectors, generator
from al_loop.store import answers, class_changes, evidence, fixes, results, rounds
from al_loop.store.rounds import Round
from al_loop.types import Metric

_TRAIN, _ANEW = 5, 10
#: Below this number of uniformly drawn labels a cross-validated accuracy says too little.
MIN_RANDOM = 30


def audit(parts: Parts, round_: Round, config: Config) -> None:
    """Settle what several people's answers add up to, then look for wrong labels."""
    began = time.monotonic()
    store = parts.store
    if parts.audits:
        consensus.settle(parts, config, round_.number)
    known = knowledge.gather(parts, config, round_.number)
    found = doubt.judge(known, config) if known.ids and parts.audits else None
    records = [] if found is None else doubt.records(known.ids, known.y, known.names, found)
    left_out = [] if found is None else [known.names[i] for i in found.left_out]
    skipped = "" if found is None else found.skipped
    by_hand = fixes.standing(store)
    flagged = sum(d.flagged and d.item_id not in by_hand for d in records)
    with store.tx():
        evidence.save(store, round_.number, records)
        results.save_metrics(store, round_.number, [Metric("noise_found", float(flagged))])
        results.save_note(store, round_.number, "audit_left_out", left_out)
        results.save_note(store, round_.number, "audit_skipped", skipped)
        rounds.transition(store, round_.number, "pulled", "audited", time.monotonic() - began)
    point("C12 issues committed")
    reason = f" ({skipped})" if skipped else ""
    parts.say(f"round {round_.number}: doubtful labels: {flagged}{reason}")


def train(parts: Parts, round_: Round, config: Config) -> None:
    """Train on all labels, measure, save the classifier."""
    began = time.monotonic()
    store = parts.store
    known = knowledge.gather(parts, config, round_.number)
    pool = knowledge.unlabeled(parts, config) if known.ids else None
    model = knowledge.train(known, config, pool) if known.ids else None
    measured, source = _measure(parts, round_, config, known, model, pool)
    measured += _measured_anew(parts, round_, config)
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
    test = answers.labeled(parts.store, "test")
    if model is not None and test:
        # A class that nobody has named yet gets a place after all others: never predicted.
        names = dict.fromkeys([*known.names, *sorted({t[3] for t in test})])
        order = {name: i for i, name in enumerate(names)}
        X = parts.vectors(config.model.encoder, [t[2] for t in test], [t[1] for t in test])
        truth = np.array([order[t[3]] for t in test], dtype=np.int64)
        predicted = model.proba(X).argmax(axis=1)
        said = [known.names[p] for p in predicted]
        further = parts.scores([t[3] for t in test], said)
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


def _measured_anew(parts: Parts, round_: Round, config: Config) -> list[Metric]:
    """Measure the last round's model on the test set once more, where classes changed since.

    With the classes of today on both sides, so that the two rounds can be compared. Empty where
    nothing changed, or the model or the test set is missing.
    """
    store, before = parts.store, round_.number - 1
    saved = results.model_of(store, before)
    changed = class_changes.version(store) != (class_changes.of_round(store, before) or 0)
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
