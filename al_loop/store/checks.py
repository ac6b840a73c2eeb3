"""The invariants of a workspace as SQL, and a dump for comparing two runs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from al_loop.files import sha256
from al_loop.labels import folded
from al_loop.store import answers, class_changes, results
from al_loop.store.core import Store

#: name -> (what must hold, query that finds what breaks it)
_RULES: Mapping[str, tuple[str, str]] = {
    "one open round": (
        "at most one round is not logged",
        "SELECT number FROM rounds WHERE state <> 'logged' AND (SELECT COUNT(*) FROM rounds"
        " WHERE state <> 'logged') > 1",
    ),
    "rounds without gaps": (
        "rounds are numbered 1, 2, 3, ...",
        "SELECT number FROM rounds r WHERE number > 1 AND NOT EXISTS"
        " (SELECT 1 FROM rounds p WHERE p.number = r.number - 1)",
    ),
    "batches": (
        "every round has a batch",
        "SELECT number FROM rounds r WHERE NOT EXISTS (SELECT 1 FROM batch b"
        " WHERE b.round = r.number)",
    ),
    "intent": (
        "every chosen text has a task",
        "SELECT b.item_id FROM batch b JOIN rounds r ON r.number = b.round WHERE NOT EXISTS"
        " (SELECT 1 FROM tasks t WHERE t.item_id = b.item_id AND t.look = b.look"
        "  AND t.project_id = r.project_id)",
    ),
    "pushed": (
        "every text of a pushed round is on the server, was released, or its task is gone",
        "SELECT b.item_id FROM batch b JOIN rounds r ON r.number = b.round JOIN tasks t"
        " ON t.item_id = b.item_id AND t.look = b.look AND t.project_id = r.project_id"
        " WHERE r.state <> 'selected' AND b.released = 0 AND t.remote_id IS NULL AND t.gone = 0",
    ),
    "one task a text": (
        "no two keys share a task",
        "SELECT remote_id FROM tasks WHERE remote_id IS NOT NULL"
        " GROUP BY project_id, remote_id HAVING COUNT(*) > 1",
    ),
    "asked once": (
        "no text is in two batches, unless it went back in between",
        "SELECT item_id FROM batch WHERE released = 0 GROUP BY item_id, look HAVING COUNT(*) > 1",
    ),
    "test set kept apart": (
        "no test text is in a batch, but for those with a label in doubt",
        "SELECT b.item_id FROM batch b JOIN items i ON i.id = b.item_id WHERE i.role = 'test'"
        " AND b.look = 0",
    ),
    "review kept apart": (
        "a task for adjudicators has a look of its own, and is in no batch",
        "SELECT t.key FROM tasks t JOIN projects p ON p.id = t.project_id AND p.role = 'review'"
        " WHERE EXISTS (SELECT 1 FROM tasks o WHERE o.key = t.key"
        "  AND o.project_id IN (SELECT id FROM projects WHERE id <> t.project_id))"
        " OR EXISTS (SELECT 1 FROM batch b WHERE b.item_id = t.item_id AND b.look = t.look)",
    ),
    "steps": (
        "a round has passed every state before its own",
        "SELECT r.number FROM rounds r WHERE (SELECT COUNT(*) FROM transitions t"
        " WHERE t.round = r.number) <> CASE r.state WHEN 'selected' THEN 1 WHEN 'pushed' THEN 2"
        " WHEN 'pulled' THEN 3 WHEN 'audited' THEN 4 WHEN 'trained' THEN 5 ELSE 6 END",
    ),
    "measured": (
        "every trained round has its accuracy, even if it is null",
        "SELECT number FROM rounds r WHERE state IN ('trained', 'logged') AND NOT EXISTS"
        " (SELECT 1 FROM metrics m WHERE m.round = r.number AND m.name = 'accuracy')",
    ),
    "gone": (
        "a task that is gone from the server has no number there",
        "SELECT key FROM tasks WHERE gone = 1 AND remote_id IS NOT NULL",
    ),
    "answers": (
        "every answer belongs to the text of its task's key",
        "SELECT annotation_id FROM answers WHERE key <> item_id || ':' || look",
    ),
    "history": (
        "every edited answer has its old version",
        "SELECT annotation_id FROM answers a WHERE gone = 1 AND NOT EXISTS (SELECT 1 FROM"
        " answer_history h WHERE h.project_id = a.project_id"
        " AND h.annotation_id = a.annotation_id)",
    ),
    "versions of the classes": (
        "they are numbered 1, 2, 3, ..., and no round began with a later one",
        "SELECT version FROM class_changes c WHERE version > 1 AND NOT EXISTS"
        " (SELECT 1 FROM class_changes p WHERE p.version = c.version - 1)"
        " UNION SELECT version FROM round_classes"
        " WHERE version > (SELECT COALESCE(MAX(version), 0) FROM class_changes)",
    ),
    "candidates": (
        "a group is offered only until it is decided, and has a class when it is accepted",
        "SELECT name FROM clusters WHERE (status <> 'open' AND offered = 1)"
        " OR (status = 'accepted') <> (class IS NOT NULL)",
    ),
    "second looks": (
        "a text that is asked about once more waits, or is in the batch of its round",
        "SELECT s.item_id FROM second_looks s WHERE s.round IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM batch b WHERE b.round = s.round AND b.item_id = s.item_id"
        "  AND b.look >= s.look AND b.released = 0)",
    ),
    "reasons to look again": (
        "a text that is in a batch once more was asked for, and is there for that reason",
        "SELECT b.item_id FROM batch b WHERE b.look > 0 AND NOT EXISTS (SELECT 1"
        " FROM second_looks s WHERE s.item_id = b.item_id AND s.look <= b.look"
        "  AND (s.round = b.round OR b.released = 1))",
    ),
    "looks by others": (
        "a label that looks wrong is asked about blind, of one person, and not for ever",
        "SELECT b.item_id FROM batch b JOIN second_looks s ON s.round = b.round"
        " AND s.item_id = b.item_id AND s.look = b.look WHERE s.reason = 'noise'"
        " AND (b.blind = 0 OR b.overlap > 1) AND NOT EXISTS (SELECT 1 FROM second_looks o"
        "  WHERE o.round = s.round AND o.item_id = s.item_id AND o.reason <> 'noise')"
        " UNION SELECT item_id FROM second_looks WHERE sent < 0",
    ),
    "taken back": (
        "a round that was taken back had a number of its own, and no more tasks than texts",
        "SELECT round FROM undone WHERE removed + kept > texts"
        " OR round > (SELECT COALESCE(MAX(number), 0) + 1 FROM rounds)",
    ),
}


def failures(store: Store, models_dir: Path) -> Iterator[str]:
    """Yield one line for each invariant that does not hold."""
    for problem in store.rows("PRAGMA integrity_check"):
        if problem[0] != "ok":
            yield f"database file: {problem[0]}"
    for row in store.rows("PRAGMA foreign_key_check"):
        yield f"foreign key: a row of {row[0]} points to nothing in {row[2]}"
    for name, (promise, query) in _RULES.items():
        if found := store.rows(query):
            shown = ", ".join(str(r[0]) for r in found[:5])
            yield f"{name}: {promise}, but not: {shown} ({len(found)} in all)"
    yield from _names(store)
    yield from _labels(store)
    yield from _model(store, models_dir)


def _names(store: Store) -> Iterator[str]:
    """Look for names that should count as a class, and for two things with the same name."""
    known = class_changes.names(store)
    for row in store.rows("SELECT DISTINCT label FROM fixes WHERE label IS NOT NULL"):
        if folded(row["label"]) not in known:
            yield f"by hand: every label set by hand counts as a class, but not: {row['label']!r}"
    for name in sorted(class_changes.former_names(store)):
        if folded(name) not in known:
            yield f"names: every earlier name counts as a class, but not: {name!r}"
    for row in store.rows("SELECT name, status, class FROM clusters"):
        counts = known.get(folded(row["class"] or row["name"]))
        if (counts is not None) != (row["status"] == "accepted"):
            yield f"candidates: just accepted ones count as a class, but not: {row['name']!r}"


def _labels(store: Store) -> Iterator[str]:
    """Compare the stored labels with what follows from decisions, answers and data."""
    stored = {
        r["item_id"]: (r["status"], r["label"], r["votes"])
        for r in store.rows("SELECT * FROM labels")
    }
    derived = {i: (v.status, v.label, v.votes) for i, v in answers.verdicts(store).items()}
    wrong = sorted(i for i in stored.keys() | derived.keys() if stored.get(i) != derived.get(i))
    if wrong:
        yield f"labels: {len(wrong)} don't follow from answers and decisions, e.g. {wrong[0]}"


def _model(store: Store, models_dir: Path) -> Iterator[str]:
    model = results.current_model(store)
    if model is None:
        return
    path = models_dir / model.path
    if not path.is_file():
        yield f"model: {model.path} is not there; the next round trains it again"
    elif sha256(path.read_bytes()) != model.sha256:
        yield f"model: {model.path} is damaged; the next round trains it again"


#: What two runs that did the same must agree in: no times, no numbers the server gave.
_DUMPED: Mapping[str, str] = {
    "items": "SELECT id, position, text, role FROM items ORDER BY position",
    "aliases": "SELECT id, item_id, label, extra FROM aliases ORDER BY id",
    "classes": "SELECT name, position, description, examples, origin FROM classes"
    " ORDER BY position",
    "class_changes": "SELECT version, action, classes, names, detail, author FROM class_changes"
    " ORDER BY version",
    "clusters": "SELECT id, name, origin, parent, status, class, offered, shown, first_round"
    " FROM clusters ORDER BY id",
    "cluster_rounds": "SELECT * FROM cluster_rounds ORDER BY round, cluster",
    "cluster_texts": "SELECT * FROM cluster_texts ORDER BY item_id",
    "second_looks": "SELECT item_id, look, reason, suggestion, version, givers, round, sent"
    " FROM second_looks ORDER BY id",
    "round_classes": "SELECT * FROM round_classes ORDER BY round",
    "rounds": "SELECT number, state, strategy, seed, model_version, pool_size FROM rounds"
    " ORDER BY number",
    "batch": "SELECT round, rank, item_id, look, strategy, score, inclusion, why, suggestion,"
    " suggestion_score, blind, overlap, released FROM batch ORDER BY round, rank",
    "tasks": "SELECT key, item_id, look, overlap, remote_id IS NOT NULL AS pushed, gone"
    " FROM tasks ORDER BY key",
    "answers": "SELECT key, annotator, kind, labels, missing, comment, origin, model_version,"
    " problem, gone FROM answers ORDER BY key, annotator, kind, labels, missing",
    "fixes": "SELECT item_id, label, was, author, reason FROM fixes ORDER BY id",
    "labels": "SELECT item_id, status, label, votes FROM labels ORDER BY item_id",
    "models": "SELECT round, version, kind, encoder, classes, labels FROM models ORDER BY round",
    "evidence": "SELECT * FROM evidence ORDER BY round, item_id",
    "consensus": "SELECT * FROM consensus ORDER BY item_id",
    "metrics": "SELECT round, name, value, low, high FROM metrics ORDER BY round, name",
    "notes": "SELECT round, name, value FROM notes ORDER BY round, name",
    "transitions": "SELECT round, state FROM transitions ORDER BY round, state",
    "undone": "SELECT round, state, strategy, texts, removed, kept, author FROM undone ORDER BY id",
}


def dump(store: Store) -> Iterator[str]:
    """Yield each row as a line of JSON, without times and the server's numbers."""
    for table, query in _DUMPED.items():
        for row in store.rows(query):
            yield json.dumps({"table": table, **dict(row)}, ensure_ascii=False, sort_keys=True)
