"""Send the most doubtful labels to another person: blind second looks, a task and key each.

Killed at any point and run again, or `al-loop round` instead, it ends the same: what is to be sent
is stored first, in one transaction with the round that takes it, and a push is idempotent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from al_loop import config as configs
from al_loop.config import Config
from al_loop.crash import point
from al_loop.loop import again, doubt, exchange, machine
from al_loop.loop.exchange import PullOptions
from al_loop.loop.parts import Parts
from al_loop.store import Store, evidence, overview, rounds, second_looks, tasks
from al_loop.store.rounds import BatchRow, Round

_TAKES = ("selected", "pushed")


@dataclass(frozen=True, slots=True)
class Sent:
    """What was (or would be) sent.

    audited: the round whose audit the doubts are of, 0 before the first.
    open_round: the round that took them; None: they wait, and come first in the next batch.
    rows: of `evidence.doubtful`, the most doubtful first.
    left: further labels that look wrong and that nobody was asked about yet.
    given_up: labels that look wrong and were in as many batches as they may be.
    waiting: looks at labels that look wrong which were asked for before, and have no answer.
    only: the one person who has answered anything, '' when there are more or none.
    unpaid: further labels that would have been sent, but for the budget.
    """

    audited: int
    open_round: int | None
    rows: Sequence[Mapping[str, Any]]
    left: int
    given_up: int
    waiting: int
    only: str
    unpaid: int = 0


def push(
    parts: Parts,
    config: Config,
    *,
    limit: int | None = None,
    pull: PullOptions | None = None,
    dry_run: bool = False,
    pays: Callable[[int], float] | None = None,
) -> Sent:
    """Fetch late answers, judge all labels anew, and ask for second looks at the most doubtful.

    At most `[audit] second_looks` of a batch wait or are in the open batch at a time. A dry run
    fetches and stores nothing: it tells what the newest audit makes of the answers there are.
    `pays` tells how many more answers to an open round, by its number, are paid for.

    Raises:
        StateError: the open round is with another annotator, or half taken back.
    """
    with parts.lock():
        store = parts.store
        current = _open_round(parts)
        audited = evidence.newest(store)  # 0: labels of the data, before the first round
        if current is not None:
            config = configs.parse(current.config, source=f"round {current.number}")
        if not dry_run:
            _judge(parts, config, audited, pull or PullOptions())
        takes = current is not None and current.state in _TAKES
        sent = _paid(_choose(store, config, audited, current if takes else None, limit), pays)
        if sent.rows and not dry_run:
            _ask(store, sent.rows, current if takes else None)
        resumed = current is not None and second_looks.barred(store, current.number)
    if takes and current is not None and not dry_run and (sent.rows or resumed):
        machine.run(parts, config, machine.Options(until="pushed"), current.number)
    return sent


def _open_round(parts: Parts) -> Round | None:
    """Return the round that is not logged, if there is one that further texts may join."""
    current = rounds.open_round(parts.store)
    if current is None:
        return None
    machine.check_owner(parts, current)
    machine.check_whole(parts.store, current.number)
    return current


def _judge(parts: Parts, config: Config, audited: int, pull: PullOptions) -> None:
    """Fetch answers, and store what they make of the labels under the newest audited round."""
    if tasks.task_overlaps(parts.store, parts.project.id):
        exchange.collect(parts, pull)
    point("noise answers stored")
    found = doubt.look(parts, config, audited)
    with parts.store.tx():
        doubt.save(parts.store, audited, found)
    point("noise judged")


def _choose(
    store: Store, config: Config, audited: int, current: Round | None, limit: int | None
) -> Sent:
    """Return what is to be sent now: the most doubtful labels that nobody was asked about yet."""
    found = evidence.doubtful(store, audited)
    waiting = {w.item_id for w in second_looks.waiting(store)}
    open_rows = [] if current is None else rounds.batch(store, current.number)
    batch = {b.item_id for b in open_rows}
    looked = second_looks.barred(store, current.number).keys() if current else set()
    pending = looked & set(overview.unsettled(store, current.number)) if current else set()
    tries = second_looks.tries(store)
    free = [r for r in found if r["item_id"] not in waiting | batch]
    wanted = [r for r in free if tries.get(r["item_id"], 0) < second_looks.TRIES]
    doubted = {r["item_id"] for r in found}
    under_way = len((waiting & doubted) | pending)
    room = max(again.doubtful_room(config) - under_way, 0)
    rows = wanted[: room if limit is None else min(limit, room)]
    return Sent(
        audited,
        None if current is None else current.number,
        rows,
        left=len(wanted) - len(rows),
        given_up=len(free) - len(wanted),
        waiting=under_way,
        only=_only(store, rows),
    )


def _paid(sent: Sent, pays: Callable[[int], float] | None) -> Sent:
    """Leave out what the budget does not pay for."""
    if pays is None or sent.open_round is None or not sent.rows:
        return sent
    rows = sent.rows[: int(min(pays(sent.open_round) + 1e-6, len(sent.rows)))]
    cut = len(sent.rows) - len(rows)
    return replace(sent, rows=rows, left=sent.left + cut, unpaid=cut)


def _only(store: Store, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the only person there is, if somebody else is needed for a row."""
    people = overview.people(store)
    return people[0] if len(people) == 1 and any(r["by"] for r in rows) else ""


def _ask(store: Store, rows: Sequence[Mapping[str, Any]], current: Round | None) -> None:
    """Store that second looks are wanted, and the open round that takes them, if one does."""
    ids = [r["item_id"] for r in rows]
    with store.tx():
        looks = second_looks.next_looks(store, ids)
        givers = {r["item_id"]: r["by"] for r in rows}
        second_looks.ask(store, dict.fromkeys(ids), "noise", givers=givers)
        if current is not None:
            last = max(b.rank for b in rounds.batch(store, current.number, released=True))
            batch = [_row(r, looks[r["item_id"]], last + n) for n, r in enumerate(rows, start=1)]
            rounds.append(store, current, batch)
        point("noise written")
    point("noise committed")


def _row(r: Mapping[str, Any], look: int, rank: int) -> BatchRow:
    return BatchRow(
        item_id=r["item_id"],
        text=r["text"],
        look=look,
        rank=rank,
        strategy=second_looks.STRATEGY,
        score=None,
        inclusion=None,
        why=second_looks.WHY["noise"],
        suggestion=None,
        suggestion_score=None,
        blind=True,
        overlap=1,
    )
