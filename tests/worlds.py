"""Small workspaces without a server, for tests of the loop."""

import numpy as np

from al_loop import app
from al_loop.annotators.oracle import Oracle
from al_loop.config import parse
from al_loop.loop.parts import Parts
from al_loop.store import answers, items, open_store, tasks
from al_loop.types import ClassSpec

CLASSES = ("refund", "delay", "damage")


def make_store(path=None, n=60, test=0, classes=CLASSES):
    """A workspace of n texts in three groups; the gold label of item i is CLASSES[i % 3]."""
    store = open_store(path)
    with store.tx():
        store.set_meta("uuid", "00000000-0000-0000-0000-000000000000")
        number = items.begin_import(store, "made up", "pool")
        for i in range(n + test):
            role = "pool" if i < n else "test"
            text = f"text {i} about {CLASSES[i % 3]}"
            items.add_item(store, f"m{i}", i, text, items.text_hash(text), role)
            label = None if role == "pool" else CLASSES[i % 3]
            items.put_alias(store, items.Alias(f"m{i}", f"m{i}", number, i, label, {}))
        items.add_classes(store, [ClassSpec(c) for c in classes], "config")
        answers.refresh_labels(store)
    return store


def gold(n=60):
    return {f"m{i}": CLASSES[i % 3] for i in range(n)}


def vectors(encoder, hashes, texts):
    """Vectors that tell the classes apart, with some noise that follows from the text."""
    out = []
    for text in texts:
        kind = next((i for i, c in enumerate(CLASSES) if c in text), 0)
        noise = np.random.default_rng([len(text), *map(ord, text[-12:])]).normal(0, 0.2, 8)
        out.append(np.eye(8)[kind] + noise)
    rows = np.array(out, dtype=np.float32).reshape(len(out), 8)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)


def make_parts(store, annotator=None, said=None, **more):
    annotator = annotator or Oracle(gold())
    return Parts(
        store=store,
        annotator=annotator,
        project=tasks.make_project(store, "oracle", "test"),
        vectors=vectors,
        strategy=app.strategy,
        say=(said.append if said is not None else lambda _: None),
        **more,
    )


def config(**batch):
    return parse({"batch": {"size": 10, **batch}})
