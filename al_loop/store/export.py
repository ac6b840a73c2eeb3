"""What `al-loop export` reads: every id with its label and where that comes from, as a stream."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from al_loop.store import answers, evidence
from al_loop.store.core import Store
from al_loop.types import Answer, Role

_FROM = " FROM aliases a JOIN items i ON i.id = a.item_id LEFT JOIN labels l ON l.item_id = i.id"
_WHICH = (
    " WHERE (l.label IS NOT NULL OR :everything) AND i.role = COALESCE(:role, i.role)"
    " AND (a.id = i.id OR NOT :distinct)"
)
#: The newest choice of a text, of its first look, which may have been drawn; the newest decision
#: on it; what the newest audit said about the label `judged`, unless somebody decided on it; and
#: what differing votes were found to add up to.
_PROVENANCE = (
    " LEFT JOIN batch b ON b.rowid = (SELECT c.rowid FROM batch c WHERE c.item_id = i.id"
    "     ORDER BY c.look, c.round DESC LIMIT 1)"
    " LEFT JOIN rounds r ON r.number = b.round"
    " LEFT JOIN fixes f ON l.status = 'fixed' AND f.id ="
    "     (SELECT MAX(g.id) FROM fixes g WHERE g.item_id = i.id)"
    " LEFT JOIN evidence s ON s.round = :audited AND s.item_id = i.id"
    "     AND l.status <> 'fixed'"
    " LEFT JOIN consensus c ON c.item_id = i.id AND l.status = 'agreed'"
)


@contextmanager
def one_moment(store: Store) -> Iterator[None]:
    """Let every query inside see the same state, whatever others write meanwhile."""
    store.conn.execute("BEGIN")
    try:
        yield
    finally:
        store.conn.execute("ROLLBACK")


def count(store: Store, *, everything: bool, role: Role | None, distinct: bool) -> int:
    """Return the number of rows that `labels` will yield."""
    which = {"everything": everything, "role": role, "distinct": distinct}
    found: int = store.conn.execute("SELECT COUNT(*)" + _FROM + _WHICH, which).fetchone()[0]
    return found


def labels(
    store: Store, *, everything: bool, role: Role | None, distinct: bool
) -> Iterator[sqlite3.Row]:
    """Return every id with its text, label and provenance, in order of arrival.

    everything: also texts without a label.
    role: only the pool or only the test set.
    distinct: one row a text, that of the id under which it first came.
    """
    audited = evidence.newest(store)
    which = {"everything": everything, "role": role, "distinct": distinct, "audited": audited}
    return store.conn.execute(
        "SELECT a.id, i.id AS item_id, i.position, i.text, i.role, a.extra, l.label, l.status,"
        " l.votes, b.round, b.strategy, b.inclusion, b.suggestion, b.suggestion_score, b.blind,"
        " r.model_version, s.doubt, s.flagged, s.given AS judged, s.suggested AS fits,"
        " :audited > 0 AS audited,"
        " f.author AS fixed_by, f.reason AS fix_reason, f.at AS fixed_at, c.label AS settled,"
        " c.quality AS settled_quality, c.votes AS settled_votes, c.method AS settled_method,"
        " (SELECT json_group_array(DISTINCT o.label) FROM aliases o"
        "   WHERE o.item_id = i.id AND o.label IS NOT NULL) AS came_with"
        + _FROM
        + _PROVENANCE
        + _WHICH
        + " ORDER BY i.position, a.rowid",
        which,
    )


def answers_in_order(store: Store) -> Iterator[tuple[int, Answer]]:
    """Yield (position of its text, answer) of every answer that stands, in order of the texts."""
    for row in store.conn.execute(
        "SELECT i.position, a.*, p.role = 'review' AS review FROM answers a"
        " JOIN items i ON i.id = a.item_id JOIN projects p ON p.id = a.project_id"
        " WHERE a.gone = 0 ORDER BY i.position, a.project_id, a.annotation_id"
    ):
        yield row["position"], answers.answer_of(row, review=bool(row["review"]))


def kept_columns(store: Store) -> list[str]:
    """Return the names of all kept columns, in the order in which they first came."""
    rows = store.rows(
        "SELECT j.key FROM aliases a, json_each(a.extra) j"
        " GROUP BY j.key ORDER BY MIN(a.rowid), MIN(j.id)"
    )
    return [row["key"] for row in rows]


def accounts(store: Store) -> list[str]:
    """Return who answered under a name that a Label Studio knows: an address, or a number."""
    rows = store.rows("SELECT DISTINCT annotator FROM answers WHERE gone = 0 ORDER BY annotator")
    names = [row["annotator"] for row in rows]
    return [name for name in names if "@" in name or name.isdecimal()]


def class_names(store: Store) -> list[str]:
    """Return the classes in the stored order, then other labels (of the test set) by name."""
    rows = store.rows(
        "SELECT name FROM (SELECT name, position FROM classes UNION ALL"
        " SELECT DISTINCT label, 1e18 FROM labels WHERE label IS NOT NULL"
        " AND label NOT IN (SELECT name FROM classes)) ORDER BY position, name"
    )
    return [row["name"] for row in rows]
