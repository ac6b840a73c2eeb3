"""Answers of people, and the labels that follow from them."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from al_loop.labels import Consensus, Verdict, folded, judge, proposal
from al_loop.store import class_changes, fixes, items, tasks
from al_loop.store.core import Store, now
from al_loop.types import Answer, Pulled, split_key

_CONTENT = (
    "key, annotator, kind, labels, missing, comment, origin, lead_time, model_version,"
    " created_at, updated_at, problem, gone"
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a pull changed."""

    new: int = 0
    edited: int = 0
    deleted: int = 0


def save_pull(store: Store, project_id: int, pulled: Pulled) -> Changes:
    """Store a snapshot: new and edited answers, those that vanished, tasks that are gone.

    Nothing is ever overwritten without a trace: the trigger keeps the old version. Labels are
    derived anew. Inside a tx.
    """
    known = {
        r["key"] for r in store.rows("SELECT key FROM tasks WHERE project_id = ?", [project_id])
    }
    ours = [a for a in pulled.answers if a.key in known]
    stored = {
        r["annotation_id"]: tuple(r)[1:]
        for r in store.rows(
            f"SELECT annotation_id, {_CONTENT} FROM answers WHERE project_id = ?", [project_id]
        )
    }
    present = {a.annotation_id: _content(a) for a in ours}
    new = [i for i in present if i not in stored]
    edited = [i for i in present if i in stored and stored[i] != present[i]]
    vanished = [i for i, content in stored.items() if i not in present and not content[-1]]
    _write(store, project_id, present, new, edited, vanished)
    store.execute_many(
        "UPDATE tasks SET remote_id = ? WHERE project_id = ? AND key = ? AND remote_id <> ?",
        [(task_id, project_id, key, task_id) for key, task_id in pulled.task_ids.items()],
    )
    store.execute_many(
        "UPDATE tasks SET gone = 1, remote_id = NULL WHERE project_id = ? AND key = ?",
        [(project_id, key) for key in pulled.gone],
    )
    tasks.forget_empty_project(store, project_id)
    store.execute(
        "UPDATE projects SET annotated = ?, digest = ?, pulled_at = ? WHERE id = ?",
        [pulled.annotated, pulled.digest, now(), project_id],
    )
    refresh_labels(store)
    return Changes(len(new), len(edited), len(vanished))


def _content(a: Answer) -> tuple[Any, ...]:
    labels = json.dumps(list(a.labels), ensure_ascii=False)
    said = (a.key, a.annotator, a.kind, labels, a.missing, a.comment, a.origin, a.lead_time)
    return (*said, a.model_version, a.created_at, a.updated_at, a.problem, 0)


def _write(
    store: Store,
    project_id: int,
    present: dict[int, tuple[Any, ...]],
    new: Iterable[int],
    edited: Iterable[int],
    vanished: Iterable[int],
) -> None:
    store.execute_many(
        f"INSERT INTO answers (project_id, annotation_id, item_id, look, {_CONTENT})"
        " VALUES (?,?,?,?, ?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [(project_id, i, *split_key(present[i][0]), *present[i]) for i in new],
    )
    columns = f"item_id, look, {_CONTENT}".split(",")
    assignments = ", ".join(f"{name.strip()} = ?" for name in columns)
    store.execute_many(
        f"UPDATE answers SET {assignments} WHERE project_id = ? AND annotation_id = ?",
        [(*split_key(present[i][0]), *present[i], project_id, i) for i in edited],
    )
    store.execute_many(
        "UPDATE answers SET gone = 1 WHERE project_id = ? AND annotation_id = ?",
        [(project_id, i) for i in vanished],
    )


def put(store: Store, project_id: int, answer: Answer, *, new: bool) -> None:
    """Store one answer, a new one or another version of one that is there. Inside a tx."""
    ids = [answer.annotation_id]
    added, edited = (ids, []) if new else ([], ids)
    _write(store, project_id, {ids[0]: _content(answer)}, added, edited, [])
    refresh_labels(store, split_key(answer.key)[0])


def withdraw(store: Store, project_id: int, answer: Answer) -> None:
    """Mark one answer as gone. Inside a tx."""
    _write(store, project_id, {}, [], [], [answer.annotation_id])
    refresh_labels(store, split_key(answer.key)[0])


def all_answers(
    store: Store, *, gone: bool = False, item_id: str | None = None
) -> dict[str, list[Answer]]:
    """Return the answers that exist (or also those deleted since), by item; all or one item's."""
    found: dict[str, list[Answer]] = defaultdict(list)
    for r in store.rows(
        "SELECT a.*, p.role = 'review' AS review FROM answers a JOIN projects p"
        " ON p.id = a.project_id WHERE a.gone <= ? AND a.item_id = COALESCE(?, a.item_id)"
        " ORDER BY a.project_id, a.annotation_id",
        [int(gone), item_id],
    ):
        found[r["item_id"]].append(answer_of(r, review=bool(r["review"])))
    return dict(found)


def answer_of(r: sqlite3.Row, *, review: bool = False) -> Answer:
    """Return a row of the table as a record; `review` tells the role of its project."""
    labels = tuple(json.loads(r["labels"]))
    said = (r["annotator"], r["kind"], labels, r["missing"], r["comment"], r["origin"])
    when = (r["created_at"], r["updated_at"], r["problem"], review)
    return Answer(r["annotation_id"], r["key"], *said, r["lead_time"], r["model_version"], *when)


def consensus(store: Store, item_id: str | None = None) -> dict[str, Consensus]:
    """Return what votes were found to add up to, by item, whether they are still those or not."""
    rows = store.rows("SELECT * FROM consensus WHERE item_id = COALESCE(?, item_id)", [item_id])
    return {
        r["item_id"]: Consensus(r["label"], r["quality"], json.loads(r["votes"]), r["method"])
        for r in rows
    }


def verdicts(
    store: Store, item_id: str | None = None, *, settled: bool = True
) -> dict[str, Verdict]:
    """Work out from scratch what every text counts as that anything is known about.

    Or what one text does: a person who answers text after text must not wait for all. Without
    `settled` no consensus has a say: votes are counted.
    """
    names = class_changes.vocabulary(store)
    given = items.given_labels(store, item_id)
    answers = all_answers(store, item_id=item_id)
    fixed = fixes.standing(store, item_id)
    together = consensus(store, item_id) if settled else {}
    found = {
        i: judge(answers.get(i, ()), given.get(i, ()), names, fixed.get(i), together.get(i))
        for i in given.keys() | answers.keys() | fixed.keys()
    }
    return {i: verdict for i, verdict in found.items() if verdict is not None}


def refresh_labels(store: Store, item_id: str | None = None) -> None:
    """Bring the derived table of labels up to date. Inside a tx, after any change it rests on.

    Only what differs is written: a pull that brings nothing new costs no write. `item_id` is
    the one text that the change was about, if it was about one.
    """
    found = {i: (v.status, v.label, v.votes) for i, v in verdicts(store, item_id).items()}
    stored = {
        r["item_id"]: (r["status"], r["label"], r["votes"])
        for r in store.rows(
            "SELECT item_id, status, label, votes FROM labels WHERE item_id = COALESCE(?, item_id)",
            [item_id],
        )
    }
    store.execute_many(
        "DELETE FROM labels WHERE item_id = ?", [(i,) for i in sorted(stored.keys() - found)]
    )
    store.execute_many(
        "INSERT OR REPLACE INTO labels (item_id, status, label, votes) VALUES (?, ?, ?, ?)",
        [(i, *values) for i, values in sorted(found.items()) if stored.get(i) != values],
    )


def undecided(store: Store, number: int, item_ids: Sequence[str]) -> list[str]:
    """Return those of some texts of a round that still need someone.

    A text that is asked about once more counts as something already: it needs an answer to
    this very look.
    """
    rows = store.rows(
        "SELECT b.item_id FROM batch b WHERE b.round = ? AND CASE WHEN b.look = 0"
        " THEN NOT EXISTS (SELECT 1 FROM decided d WHERE d.item_id = b.item_id)"
        " ELSE NOT EXISTS (SELECT 1 FROM answers a WHERE a.item_id = b.item_id"
        "  AND a.look = b.look AND a.gone = 0) END",
        [number],
    )
    needed = {r["item_id"] for r in rows}
    return [i for i in item_ids if i in needed]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What people asked for.

    name: the spelling that most of them used; `spellings` has all, with this one first.
    item_ids: the texts they asked for it on.
    """

    name: str
    spellings: tuple[str, ...]
    item_ids: tuple[str, ...]


def proposed(store: Store) -> list[Proposal]:
    """Return what people asked for, each name by itself, most wanted first."""
    return [Proposal(n, (n,), tuple(ids)) for n, ids in proposals(store).items()]


def proposals(store: Store) -> dict[str, list[str]]:
    """Map each class that people asked for to the texts they asked for it on, most wanted first.

    They wrote it as a missing class, or ticked a candidate that nobody has accepted.
    """
    names = class_changes.vocabulary(store)
    spelling: dict[str, str] = {}
    found: dict[str, list[str]] = defaultdict(list)
    for item_id, answers in all_answers(store).items():
        for answer in answers:
            if name := proposal(answer, names):
                found[spelling.setdefault(folded(name), name)].append(item_id)
    return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def labeled(store: Store, role: str) -> list[tuple[str, str, str, str]]:
    """Return (item id, text, text hash, label) of the texts with a label, in order of arrival.

    For the pool this is the training set: a pure function of the database, without skipped,
    empty, unknown or conflicting answers.
    """
    rows = store.rows(
        "SELECT i.id, i.text, i.text_hash, l.label FROM labels l JOIN items i ON i.id = l.item_id"
        " WHERE i.role = ? AND l.label IS NOT NULL ORDER BY i.position",
        [role],
    )
    return [(r["id"], r["text"], r["text_hash"], r["label"]) for r in rows]
