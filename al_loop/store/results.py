"""What the steps of a round found out: models, metrics, notes, history."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.store import class_changes
from al_loop.store.core import Store, now
from al_loop.types import Metric


@dataclass(frozen=True, slots=True)
class Model:
    """A trained classifier on disk; `path` is relative to the models folder."""

    round: int
    version: str
    path: str
    sha256: str
    kind: str
    encoder: str
    classes: tuple[str, ...]
    labels: int


def current_model(store: Store) -> Model | None:
    """Return the model of the newest trained round."""
    return _model(store.row("SELECT * FROM models ORDER BY id DESC LIMIT 1"))


def model_of(store: Store, number: int) -> Model | None:
    """Return the model that a round trained, None when it trained none."""
    return _model(store.row("SELECT * FROM models WHERE round = ?", [number]))


def _model(r: Any) -> Model | None:
    if r is None:
        return None
    classes = tuple(json.loads(r["classes"]))
    where = (r["round"], r["version"], r["path"], r["sha256"])
    return Model(*where, r["kind"], r["encoder"], classes, r["labels"])


def save_model(store: Store, model: Model) -> None:
    """Make a model the current one; a second time for the same round replaces its file."""
    store.execute(
        "INSERT INTO models (round, version, path, sha256, kind, encoder, classes, labels,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (round) DO UPDATE SET"
        " version = excluded.version, path = excluded.path, sha256 = excluded.sha256,"
        " classes = excluded.classes, labels = excluded.labels",
        [
            model.round,
            model.version,
            model.path,
            model.sha256,
            model.kind,
            model.encoder,
            json.dumps(model.classes, ensure_ascii=False),
            model.labels,
            now(),
        ],
    )


def save_metrics(store: Store, number: int, metrics: Iterable[Metric]) -> None:
    """Store numbers of a round; the newest value of a name counts."""
    store.execute_many(
        "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?, ?)",
        [(number, m.name, m.value, m.low, m.high) for m in metrics],
    )


def metrics(store: Store, number: int) -> dict[str, Metric]:
    """Return the numbers of a round by name."""
    rows = store.rows("SELECT * FROM metrics WHERE round = ? ORDER BY name", [number])
    return {r["name"]: Metric(r["name"], r["value"], r["low"], r["high"]) for r in rows}


def save_note(store: Store, number: int, name: str, value: object) -> None:
    """Store a fact about a round that is not a number."""
    store.execute(
        "INSERT OR REPLACE INTO notes VALUES (?, ?, ?)",
        [number, name, json.dumps(value, ensure_ascii=False, sort_keys=True)],
    )


def notes(store: Store, number: int) -> dict[str, Any]:
    """Return the facts about a round."""
    rows = store.rows("SELECT name, value FROM notes WHERE round = ? ORDER BY name", [number])
    return {r["name"]: json.loads(r["value"]) for r in rows}


def seconds(store: Store, number: int) -> dict[str, float]:
    """Return the seconds of work a step took, by the state it led to."""
    rows = store.rows(
        "SELECT state, seconds FROM transitions WHERE round = ? ORDER BY rowid", [number]
    )
    return {r["state"]: round(r["seconds"], 3) for r in rows}


_STEP_NAMES: Mapping[str, str] = {
    "selected": "select",
    "pushed": "push",
    "pulled": "pull",
    "audited": "audit",
    "trained": "train",
    "logged": "log",
}


def history(store: Store) -> list[dict[str, Any]]:
    """Return one record a round, oldest first, as `al-loop history --json` prints them."""
    return [_history_row(store, r) for r in store.rows("SELECT * FROM rounds ORDER BY number")]


#: Metrics that a record of the history has; whole numbers, others, and those with an interval.
_WHOLE = (
    *("labels", "answers", "classes_known", "classes_seen", "clusters", "novel_clusters"),
    *("noise_found", "skipped"),
)
_SHARES = ("accuracy_before", "accuracy_change", "discovery_rate", "hdbscan_noise_share")
_INTERVALS = ("accuracy", "macro_f1", "unseen", "doubt_change")


def _history_row(store: Store, r: Any) -> dict[str, Any]:
    number = r["number"]
    found = metrics(store, number)
    facts = notes(store, number)
    return {
        "number": number,
        "state": r["state"],
        "strategy": r["strategy"],
        "class_version": class_changes.of_round(store, number),
        "choice": facts.get("choice"),
        "slots": facts.get("slots"),
        "accuracy_from": facts.get("accuracy_from"),
        **_values(found),
        "audit_left_out": facts.get("audit_left_out", []),
        "model_version": r["model_version"],
        "seconds": {_STEP_NAMES[k]: v for k, v in seconds(store, number).items()},
    }


def _values(found: Mapping[str, Metric]) -> dict[str, int | float | None]:
    none = Metric("", None)
    values: dict[str, int | float | None] = {}
    for name in _WHOLE:
        value = found.get(name, none).value
        values[name] = None if value is None else int(value)
    values |= {name: found.get(name, none).value for name in _SHARES}
    for name in _INTERVALS:
        metric = found.get(name, none)
        values |= {name: metric.value, f"{name}_low": metric.low, f"{name}_high": metric.high}
    return values


def random_items(store: Store) -> set[str]:
    """Return the texts that were drawn uniformly from the pool and not released."""
    rows = store.rows("SELECT item_id FROM batch WHERE inclusion IS NOT NULL AND released = 0")
    return {r["item_id"] for r in rows}


def counts(store: Store) -> dict[str, int]:
    """Count what the log of a round states: texts labeled by people, answers, skips, classes."""
    one: Sequence[tuple[str, str]] = [
        (
            "labels",
            "SELECT COUNT(*) FROM labels l JOIN items i ON i.id = l.item_id"
            " WHERE l.status IN ('agreed', 'fixed') AND i.role = 'pool'",
        ),
        (
            "given",
            "SELECT COUNT(*) FROM labels l JOIN items i ON i.id = l.item_id"
            " WHERE l.status = 'given' AND i.role = 'pool'",
        ),
        ("answers", "SELECT COUNT(*) FROM answers WHERE gone = 0"),
        ("skipped", "SELECT COUNT(*) FROM labels WHERE status = 'skipped'"),
        ("conflicts", "SELECT COUNT(*) FROM labels WHERE status = 'conflict'"),
        ("proposed", "SELECT COUNT(*) FROM labels WHERE status = 'proposed'"),
        ("unusable", "SELECT COUNT(*) FROM labels WHERE status = 'unusable'"),
        ("classes_known", "SELECT COUNT(*) FROM classes"),
        (
            "classes_seen",
            "SELECT COUNT(DISTINCT l.label) FROM labels l JOIN items i"
            " ON i.id = l.item_id WHERE i.role = 'pool' AND l.label IS NOT NULL",
        ),
        (
            "pool",
            "SELECT COUNT(*) FROM items i WHERE i.role = 'pool' AND NOT EXISTS"
            " (SELECT 1 FROM decided d WHERE d.item_id = i.id)",
        ),
        (
            "test",
            "SELECT COUNT(*) FROM labels l JOIN items i ON i.id = l.item_id"
            " WHERE i.role = 'test' AND l.label IS NOT NULL",
        ),
        ("items", "SELECT COUNT(*) FROM items"),
    ]
    return {name: int(store.value(sql)) for name, sql in one}
