"""What the steps of a round found out: models, metrics, doubtful labels, notes, history."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.store.core import Store, now
from al_loop.types import Issue, Metric


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
    r = store.row("SELECT * FROM models ORDER BY id DESC LIMIT 1")
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


def save_issues(store: Store, number: int, found: Iterable[Issue]) -> None:
    """Store the doubtful labels of a round."""
    store.execute("DELETE FROM issues WHERE round = ?", [number])
    store.execute_many(
        "INSERT INTO issues VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(number, i.item_id, i.kind, i.score, int(i.flagged), i.given, i.suggested) for i in found],
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


def _history_row(store: Store, r: Any) -> dict[str, Any]:
    number = r["number"]
    found = metrics(store, number)
    none = Metric("", None)

    def whole(name: str) -> int | None:
        value = found.get(name, none).value
        return None if value is None else int(value)

    accuracy = found.get("accuracy", none)
    macro_f1 = found.get("macro_f1", none)
    facts = notes(store, number)
    return {
        "number": number,
        "state": r["state"],
        "strategy": r["strategy"],
        "choice": facts.get("choice"),
        "labels": whole("labels"),
        "answers": whole("answers"),
        "accuracy": accuracy.value,
        "accuracy_low": accuracy.low,
        "accuracy_high": accuracy.high,
        "accuracy_from": facts.get("accuracy_from"),
        "accuracy_change": found.get("accuracy_change", none).value,
        "macro_f1": macro_f1.value,
        "macro_f1_low": macro_f1.low,
        "macro_f1_high": macro_f1.high,
        "classes_known": whole("classes_known"),
        "classes_seen": whole("classes_seen"),
        "discovery_rate": found.get("discovery_rate", none).value,
        "unseen": found.get("unseen", none).value,
        "unseen_low": found.get("unseen", none).low,
        "unseen_high": found.get("unseen", none).high,
        "hdbscan_noise_share": found.get("hdbscan_noise_share", none).value,
        "clusters": whole("clusters"),
        "novel_clusters": whole("novel_clusters"),
        "noise_found": whole("noise_found"),
        "skipped": whole("skipped"),
        "audit_left_out": facts.get("audit_left_out", []),
        "model_version": r["model_version"],
        "seconds": {_STEP_NAMES[k]: v for k, v in seconds(store, number).items()},
    }


def doubtful(store: Store, number: int, *, flagged: bool = True) -> list[Any]:
    """Return the doubtful labels of a round, worst first; all judged ones if not `flagged`.

    A label that somebody set by hand is no longer in doubt.
    """
    return store.rows(
        "SELECT s.item_id, s.given, s.suggested, s.score, s.flagged, l.status, i.text"
        " FROM issues s JOIN items i ON i.id = s.item_id LEFT JOIN labels l ON l.item_id = i.id"
        " WHERE s.round = ?1 AND (NOT ?2 OR (s.flagged AND l.status IS NOT 'fixed'))"
        " ORDER BY s.score, s.item_id",
        [number, int(flagged)],
    )


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


def last_audited(store: Store) -> int:
    """Return the newest round that was audited, 0 if none was."""
    return int(
        store.value("SELECT COALESCE(MAX(round), 0) FROM transitions WHERE state = 'audited'")
    )
