"""A large project, made row by row through the store: nothing is trained, nobody is asked."""

import random

import numpy as np

from al_loop import app, learner, models
from al_loop.config import parse
from al_loop.store import answers, evidence, items, open_store, results, rounds, tasks
from al_loop.types import Answer, ClassSpec, Doubt, Metric, Pulled
from al_loop.workspace import Workspace

_WORDS = ("refund", "parcel", "late", "glass", "broken", "card", "login", "invoice", "coat", "size")
_CONFIG = """\
[batch]
size = 50
[model]
encoder = "hashing"
[budget]
money = 500.0
hourly_rate = 30.0
"""
_PEOPLE = ("ana", "ben", "cem", "dua", "eli")


def make(root, texts=100_000, tests=300, classes=77, number_of_rounds=10):
    """Make a workspace whose last texts are for testing; fifty labels a round."""
    rng = random.Random(0)
    workspace = Workspace(root)
    for folder in (workspace.vectors_dir, workspace.models_dir):
        folder.mkdir(parents=True)
    workspace.config_path.write_text(_CONFIG)
    names = [f"class_{i:02}_{rng.choice(_WORDS)}" for i in range(classes)]
    store = open_store(workspace.db_path)
    with store.tx():
        store.set_meta("uuid", "00000000-0000-0000-0000-000000000000")
        _texts(store, texts, tests, names, rng)
        items.add_classes(store, [ClassSpec(name) for name in names], "config")
        answers.refresh_labels(store)
    project = tasks.make_project(store, "label_studio", "large")
    given = []
    for number in range(1, number_of_rounds + 1):
        with store.tx():
            _round(store, project.id, number, given, names, rng)
    store.close()
    _train(root, number_of_rounds)
    return root


def _texts(store, n, tests, names, rng):
    import_id = items.begin_import(store, "large.csv", "pool")
    for i in range(n):
        label = names[i % len(names)]
        text = f"{label.replace('_', ' ')} number {i}: {' '.join(rng.choices(_WORDS, k=12))}"
        role = "pool" if i < n - tests else "test"
        items.add_item(store, f"t{i}", i, text, items.text_hash(text), role)
        known = None if role == "pool" else label
        items.put_alias(store, items.Alias(f"t{i}", f"t{i}", import_id, i + 2, known, {}))


def _round(store, project_id, number, given, names, rng):
    """Let people answer fifty texts, each tenth by two; a few labels look wrong afterwards."""
    ids = [f"t{(number * 50 + k) * 7}" for k in range(50)]
    batch = [
        rounds.BatchRow(i, "", 0, k + 1, "margin", 0.5, None, "close", names[k], 0.4, k % 5 == 0, 1)
        for k, i in enumerate(ids)
    ]
    settings = parse({"model": {"encoder": "hashing"}}).model_dump(mode="json")
    new = rounds.Round(
        number,
        project_id,
        "selected",
        "margin",
        0,
        settings,
        "",
        1,
        f"2026-03-{number:02}T08:00:00Z",
    )
    rounds.create(store, new, batch, versions={})
    given += [_answer(number, k, i, names, rng) for k, i in enumerate(ids)]
    given += [_answer(number, k + 50, i, names, rng) for k, i in enumerate(ids[::10])]
    answers.save_pull(store, project_id, Pulled(given, annotated=len(given)))
    before = "selected"
    for state in ("pushed", "pulled", "audited", "trained", "logged"):
        rounds.transition(store, number, before, state, 1.0)
        before = state
    found = [Doubt(i, names[0], names[1], 1 - 0.01 * k, True) for k, i in enumerate(ids[:9])]
    evidence.save(store, number, found)
    counted = [Metric(name, float(n)) for name, n in results.counts(store).items()]
    value = 1 - 0.8 / number**0.5
    accuracy = Metric("accuracy", value, value - 0.03, value + 0.03)
    results.save_metrics(store, number, [*counted, accuracy, Metric("noise_found", 9.0)])
    results.save_note(store, number, "accuracy_from", "test set")


def _answer(number, k, item_id, names, rng):
    gold = names[int(item_id[1:]) % len(names)]
    at = f"2026-03-{number:02}T{9 + k // 10:02}:{k % 60:02}:00Z"
    return Answer(
        annotation_id=number * 1_000 + k,
        key=f"{item_id}:0",
        annotator=rng.choice(_PEOPLE[:3] if k < 50 else _PEOPLE[3:]),
        kind="label",
        labels=(gold if rng.random() < 0.9 else rng.choice(names),),
        lead_time=round(rng.lognormvariate(2, 0.5), 1),
        created_at=at,
        updated_at=at,
    )


def _train(root, number):
    with app.opened(root) as opened:
        names = [c.name for c in items.classes(opened.store)]
        labeled = answers.labeled(opened.store, "pool")
        X = opened.vectors("hashing", [r[2] for r in labeled], [r[1] for r in labeled])
        y = [names.index(r[3]) for r in labeled]
        model = learner.fit(X, np.array(y), n_classes=len(names))
        name, digest = models.save(model, opened.workspace.models_dir, number)
        with opened.store.tx():
            results.save_model(
                opened.store,
                results.Model(
                    number, "v", name, digest, "logistic", "hashing", tuple(names), len(labeled)
                ),
            )
