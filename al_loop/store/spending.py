"""What people's answers cost: counts and hours, from the views `spending` and `spending_by_...`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from al_loop.labels import folded
from al_loop.store import class_changes
from al_loop.store.core import Store

By = Literal["round", "annotator", "class"]


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers and their time. `hours` is None when there are some and none was ever timed.

    labels: answers that are labels, which is what the budget counts; the rest are skips and
        answers that say nothing.
    """

    labels: int
    answers: int
    skips: int
    hours: float | None


@dataclass(frozen=True, slots=True)
class Breaks:
    """How the hours came about: answers without a time, those cut, and what that took away.

    seconds: the mean of the timed answers, breaks cut; None when there are none.
    """

    timed: int
    untimed: int
    cut: int
    hours_cut: float
    seconds: float | None


def total(store: Store) -> tuple[Tally, Breaks]:
    """Return what everything cost, and how robust the hours are."""
    row = store.row(
        "SELECT COALESCE(SUM(kind = 'label'), 0), COUNT(*), COALESCE(SUM(kind = 'skip'), 0),"
        " CASE WHEN COUNT(*) THEN SUM(counted) / 3600 ELSE 0.0 END,"
        " COUNT(seconds), COUNT(*) - COUNT(seconds), COALESCE(SUM(counted < seconds), 0),"
        " COALESCE(SUM(seconds - counted), 0.0) / 3600,"
        " AVG(counted) FILTER (WHERE seconds NOT NULL) FROM spending"
    )
    assert row is not None
    return Tally(*row[:4]), Breaks(*row[4:])


def by(store: Store, what: By) -> list[tuple[int | str | None, Tally]]:
    """Return what was spent by round, annotator or class; rounds in order, the others by cost.

    An answer counts for the class that its name counts as by now.
    """
    order = "round IS NULL, round" if what == "round" else f"labels DESC, answers DESC, {what}"
    rows = store.rows(
        f"SELECT {what} AS name, labels, answers, skips, hours FROM spending_by_{what}"
        f" ORDER BY {order}"
    )
    found = [(r["name"], Tally(r["labels"], r["answers"], r["skips"], r["hours"])) for r in rows]
    return _of_today(store, found) if what == "class" else found


def _of_today(
    store: Store, tallies: Sequence[tuple[str | None, Tally]]
) -> list[tuple[int | str | None, Tally]]:
    """Return what each class cost under the name that its answers count as by now."""
    now = class_changes.names(store)
    sums: dict[str | None, Tally] = {}
    for name, tally in tallies:
        name = None if name is None else now.get(folded(name), name)
        sums[name] = _sum(sums[name], tally) if name in sums else tally
    order = sorted(sums.items(), key=lambda s: (-s[1].labels, -s[1].answers, s[0] or ""))
    return list(order)


def _sum(a: Tally, b: Tally) -> Tally:
    timed = [t.hours for t in (a, b) if t.hours is not None]
    hours = sum(timed) if timed else None
    return Tally(a.labels + b.labels, a.answers + b.answers, a.skips + b.skips, hours)


def answer_times(store: Store, since: str) -> list[str]:
    """Return when answers came, from a time on: UTC in ISO 8601, as everywhere here."""
    rows = store.rows("SELECT answered_at FROM purchases WHERE answered_at >= ?", [since])
    return [r["answered_at"] for r in rows]


def first_answer(store: Store) -> str | None:
    """Return when the first answer came that was paid for."""
    found: str | None = store.value(
        "SELECT MIN(answered_at) FROM purchases WHERE answered_at <> ''"
    )
    return found


def paid_texts(store: Store) -> set[str]:
    """Return the texts with a label that was paid for."""
    rows = store.rows(
        "SELECT DISTINCT item_id FROM answers_in_words"
        " WHERE through <> 'adopted' AND kind = 'label'"
    )
    return {r["item_id"] for r in rows}
