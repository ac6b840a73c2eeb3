"""Answers that are given in the terminal, each written as soon as it is given.

None of this needs the workspace's lock: each function is one transaction that rests on nothing
that was read before it, and a pull of these answers reads them inside its own.
"""

import datetime as dt
from dataclasses import replace

from al_loop.labels import folded, proposal
from al_loop.store import (
    answers,
    class_changes,
    offers,
    overview,
    rounds,
    second_looks,
    tasks,
)
from al_loop.store.core import Store
from al_loop.types import Answer, split_key


def recorded(store: Store) -> list[Answer]:
    """Return the answers that were given in the terminal and stand."""
    rows = store.rows(
        "SELECT a.* FROM answers a JOIN projects p ON p.id = a.project_id"
        " WHERE p.annotator = 'terminal' AND a.gone = 0 ORDER BY a.annotation_id"
    )
    return [answers.answer_of(r) for r in rows]


def waiting(store: Store, number: int, annotator: str) -> list[rounds.BatchRow]:
    """Return the texts of a round that still need an answer of this person, in rank order.

    A second look at a label that looks wrong needs one of somebody else than gave the label.
    """
    open_ids = set(overview.unsettled(store, number))
    barred = second_looks.barred(store, number)
    rows = store.rows(
        "SELECT item_id, look FROM answers WHERE annotator = ? AND gone = 0", [annotator]
    )
    done = {(r["item_id"], r["look"]) for r in rows}
    return [
        b
        for b in rounds.batch(store, number)
        if b.item_id in open_ids
        and (b.item_id, b.look) not in done
        and annotator not in barred.get(b.item_id, ())
    ]


def asked(store: Store) -> list[str]:
    """Return the names that people asked for and nobody accepted, in the order of asking.

    That order, unlike one by number, gives a name the same place from text to text. Candidates,
    which are offered anyway, and rejected names are left out.
    """
    names = class_changes.vocabulary(store)
    others = set(class_changes.rejected(store))
    others |= {folded(c.name) for c in offers.offer(store).candidates}
    rows = store.rows(
        "SELECT * FROM answers WHERE missing <> '' AND gone = 0 ORDER BY created_at, annotation_id"
    )
    found: dict[str, str] = {}
    for row in rows:
        name = proposal(answers.answer_of(row), names)
        if name and folded(name) not in others:
            found.setdefault(folded(name), name)
    return list(found.values())


def record(store: Store, project_id: int, said: Answer, *, overlap: int, number: int) -> None:
    """Store what a person said about one text; what they said about it before is replaced.

    The old version stays in the history, and its seconds are added, as Label Studio does.
    `number` is the task's, should the project not have it yet: the text is one of another
    annotator's round. Number and times of the answer itself are given here.
    """
    with store.tx():
        store.execute(
            "INSERT INTO tasks (project_id, key, item_id, look, overlap, remote_id)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (project_id, key) DO NOTHING",
            [project_id, said.key, *split_key(said.key), overlap, number],
        )
        before = _own(store, project_id, said)
        at = _now()
        if before is None:
            last = "SELECT COALESCE(MAX(annotation_id), 0) FROM answers WHERE project_id = ?"
            id_ = int(store.value(last, [project_id])) + 1
            stamped = replace(said, annotation_id=id_, created_at=at, updated_at=at)
        else:
            seconds = (before.lead_time or 0) + (said.lead_time or 0)
            stamped = replace(
                said,
                annotation_id=before.annotation_id,
                lead_time=round(seconds, 3),
                created_at=before.created_at,
                updated_at=at,
            )
        answers.put(store, project_id, stamped, new=before is None)


def take_back(store: Store, project_id: int, number: int, annotator: str) -> Answer | None:
    """Withdraw the last answer of a person in a round, and return it; None when there is none.

    The row stays, marked as gone, and so does its old version in the history.
    """
    with store.tx():
        row = store.row(
            "SELECT a.* FROM answers a JOIN batch b ON b.item_id = a.item_id AND b.look = a.look"
            " WHERE a.project_id = ? AND a.annotator = ? AND a.gone = 0 AND b.round = ?"
            " ORDER BY a.updated_at DESC, a.annotation_id DESC LIMIT 1",
            [project_id, annotator, number],
        )
        if row is None:
            return None
        last = answers.answer_of(row)
        answers.withdraw(store, project_id, last)
        tasks.release_taken_back(store)
    return last


def _own(store: Store, project_id: int, said: Answer) -> Answer | None:
    """Return the person's row for the text, withdrawn or not."""
    row = store.row(
        "SELECT * FROM answers WHERE project_id = ? AND key = ? AND annotator = ?",
        [project_id, said.key, said.annotator],
    )
    return None if row is None else answers.answer_of(row)


def _now() -> str:
    """Return the time in the form of Label Studio's, which tells a quick person's answers apart."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
