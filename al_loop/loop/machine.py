"""Run the steps in order, from wherever the open round stands. Resuming is running again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn, get_args

from al_loop import config as configs
from al_loop.config import Config
from al_loop.errors import (
    BudgetStop,
    Locked,
    NothingToSelect,
    ServerError,
    StateError,
    Waiting,
)
from al_loop.loop import exchange, learn
from al_loop.loop.exchange import Progress, PullOptions
from al_loop.loop.parts import Parts
from al_loop.loop.select import select
from al_loop.store import Store, answers, items, rounds, tasks, undo
from al_loop.types import State

_HINT = "al-loop round goes on when they are done (or: al-loop round --wait)"
#: What carries a round of each annotator on.
_OWNERS = {"label_studio": "al-loop round", "terminal": "al-loop label"}
STATES: tuple[State, ...] = get_args(State)


def _no_watch(_: Progress) -> None:
    """Draw nothing."""


def _no_gate(config: Config) -> Config:
    """Let every round begin."""
    return config


@dataclass(frozen=True, slots=True)
class Options:
    """What one call of the loop is to do.

    until: stop when the round has reached this state; None goes on to the next round's push.
    wait: poll for answers every `poll` seconds instead of stopping; end with a logged round.
    patience: how many polls in a row may fail before the error is reported.
    gate: asked before a new round is selected, without the lock, since a person may have to
        think; returns the configuration to begin it with, or raises, and then no round begins.
    """

    until: State | None = None
    wait: bool = False
    poll: float = 5.0
    patience: int = 5
    pull: PullOptions = field(default_factory=PullOptions)
    watch: Callable[[Progress], None] = _no_watch
    gate: Callable[[Config], Config] = _no_gate


def run(parts: Parts, config: Config, options: Options, number: int | None = None) -> int:
    """Carry the open round as far as it goes, or begin one; returns its number.

    Without `wait`, a round that gets logged is followed by the next one, which is pushed.
    `number` names the open round: when another process closes it first, none is begun.

    Raises:
        Waiting: people have to answer first.
        BudgetStop: the gate lets no more rounds begin.
        NothingToSelect: the pool is empty.
        StateError: the open round is with another annotator.
    """
    while True:
        permit = _permit(parts, config, options) if number is None else None
        with parts.lock():
            current = rounds.open_round(parts.store)
            if number is not None and (current is None or current.number != number):
                return number  # logged by another process meanwhile
            if current is None:
                if permit is None or permit.after != rounds.last_number(parts.store):
                    continue  # another process spent on a round meanwhile
                current = _begin(parts, permit.config, options)
            check_owner(parts, current)
            number = current.number
            if options.until and STATES.index(current.state) >= STATES.index(options.until):
                return number
            patient = options.wait and current.state == "pushed"
            progress = None if patient else _step(parts, current, options)
        if patient:
            _wait(parts, number, options)
        elif progress is not None:
            raise Waiting(_standing(number, progress), hint=_hint(progress, options))
        elif rounds.get_round(parts.store, number).state == "logged":
            if options.until or options.wait:
                return number
            _next(parts, config, options)


@dataclass(frozen=True, slots=True)
class _Permit:
    """What a new round may begin with, as long as none has begun after the round `after`."""

    config: Config
    after: int


def _permit(parts: Parts, config: Config, options: Options) -> _Permit | None:
    """Ask the gate, unless a round is open; after late answers, which were paid for as well."""
    with parts.lock():
        if rounds.open_round(parts.store) is not None:
            return None
        exchange.sync(parts, options.pull)
        after = rounds.last_number(parts.store)
    try:
        return _Permit(options.gate(config), after)
    except BudgetStop:
        with parts.lock():
            _take_corrections(parts, options)
        raise


def _begin(parts: Parts, config: Config, options: Options) -> rounds.Round:
    """Select a round, with the classes that config.toml has gained."""
    with parts.store.tx():
        if items.add_classes(parts.store, configs.class_specs(config), "config"):
            answers.refresh_labels(parts.store)
    try:
        return rounds.get_round(parts.store, select(parts, config))
    except NothingToSelect:
        _take_corrections(parts, options)
        raise


def _take_corrections(parts: Parts, options: Options) -> None:
    """Fetch what people changed since the last pull: without a next round nothing else would."""
    if tasks.task_overlaps(parts.store, parts.project.id):
        exchange.collect(parts, options.pull)


def check_owner(parts: Parts, current: rounds.Round) -> None:
    """Raise StateError for a round that is with another annotator."""
    if current.project_id != parts.project.id:
        owner = tasks.annotator(parts.store, current.project_id)
        command = _OWNERS.get(owner, "al-loop demo DIR --offline")
        raise StateError(
            f"round {current.number} is open and with another annotator: {owner}",
            hint=f"finish it there first: {command}",
        )


def _next(parts: Parts, config: Config, options: Options) -> NoReturn:
    """After a logged round: select and push the next, which then waits for people."""
    following = replace(options, until="pushed", wait=False)
    number = run(parts, config, following)
    size = len(rounds.batch(parts.store, number))
    raise Waiting(f"round {number}: {size} texts wait for answers", hint=_HINT)


def _step(parts: Parts, current: rounds.Round, options: Options) -> Progress | None:
    """Do the one step that the round's state asks for, with the settings it began with."""
    check_whole(parts.store, current.number)
    config = configs.parse(current.config, source=f"round {current.number}")
    match current.state:
        case "selected":
            if options.pull.allow_shrink:
                exchange.sync(parts, options.pull)
            exchange.push(parts, current, config, delete_duplicates=options.pull.delete_duplicates)
        case "pushed":
            return exchange.pull(parts, current, config, options.pull)
        case "pulled":
            learn.audit(parts, current, config)
        case "audited":
            learn.train(parts, current, config)
        case "trained":
            learn.log(parts, current)
    return None


def check_whole(store: Store, number: int) -> None:
    """Refuse to go on with a round that an undo has begun to take back."""
    if undo.begun(store, number) is not None:
        raise StateError(
            f"round {number} is half taken back: an undo was cut off",
            hint="al-loop undo goes on with it",
        )


def _wait(parts: Parts, number: int, options: Options) -> None:
    """Poll until the round moves on. No lock is held between two looks.

    A look that finds the workspace locked, or the server away, is made again later.
    """
    if page := tasks.page(parts.store, parts.project.id):
        parts.say(f"waiting; people label here: {page}")
    failures = 0
    while True:
        began = time.monotonic()
        try:
            with parts.lock():
                current = rounds.get_round(parts.store, number)
                left = _step(parts, current, options) if current.state == "pushed" else None
            failures = 0
            if left is None:
                return
            options.watch(left)
        except Locked as e:
            parts.say(f"{e.message}; looking again")
        except ServerError as e:
            failures += 1
            if failures >= options.patience:
                raise
            parts.say(f"{e.message}; trying again")
        # A look costs the server more the more answers there are: leave it nine tenths.
        time.sleep(max(options.poll, 9 * (time.monotonic() - began)))


def _standing(number: int, progress: Progress) -> str:
    return f"round {number}: {progress.settled} of {progress.texts} texts are settled"


def _hint(progress: Progress, options: Options) -> str:
    if options.pull.accept_partial and not progress.settled:
        return "nobody has answered yet; a round closes with one answer at least"
    return _HINT
