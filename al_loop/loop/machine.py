"""Run the steps in order, from wherever the open round stands. Resuming is running again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, get_args

from al_loop import config as configs
from al_loop.config import Config
from al_loop.errors import Locked, ServerError, Waiting
from al_loop.loop import exchange, learn
from al_loop.loop.exchange import Progress, PullOptions
from al_loop.loop.parts import Parts
from al_loop.loop.select import select
from al_loop.store import rounds
from al_loop.types import State

_HINT = "al-loop round goes on when they are done (or: al-loop round --wait)"
STATES: tuple[State, ...] = get_args(State)


def _no_watch(_: Progress) -> None:
    """Draw nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """What one call of the loop is to do.

    until: stop when the round has reached this state; None goes on to the next round's push.
    wait: poll for answers every `poll` seconds instead of stopping; end with a logged round.
    patience: how many polls in a row may fail before the error is reported.
    """

    until: State | None = None
    wait: bool = False
    poll: float = 5.0
    patience: int = 5
    pull: PullOptions = field(default_factory=PullOptions)
    watch: Callable[[Progress], None] = _no_watch


def run(parts: Parts, config: Config, options: Options) -> int:
    """Carry the open round as far as it goes, or begin one; returns its number.

    Without `wait`, a round that gets logged is followed by the next one, which is pushed.

    Raises:
        Waiting: people have to answer first.
        NothingToSelect: the pool is empty.
    """
    number = None
    while True:
        with parts.lock():
            current = rounds.open_round(parts.store)
            if current is None and number is not None:
                return number  # logged by this call or, meanwhile, by another
            if current is None:
                exchange.sync(parts, options.pull)
                number = select(parts, config)
                current = rounds.get_round(parts.store, number)
            number = current.number
            if options.until and STATES.index(current.state) >= STATES.index(options.until):
                return number
            waiting = _step(parts, current, options)
        if waiting is not None:
            _wait(parts, number, waiting, options)
        elif rounds.get_round(parts.store, number).state == "logged":
            if options.until or options.wait:
                return number
            _next(parts, config, options)


def _next(parts: Parts, config: Config, options: Options) -> NoReturn:
    """After a logged round: select and push the next, which then waits for people."""
    number = run(parts, config, Options(until="pushed", pull=options.pull))
    size = len(rounds.batch(parts.store, number))
    raise Waiting(f"round {number}: {size} texts wait for answers", hint=_HINT)


def _step(parts: Parts, current: rounds.Round, options: Options) -> Progress | None:
    """Do the one step that the round's state asks for, with the settings it began with."""
    config = configs.parse(current.config, source=f"round {current.number}")
    match current.state:
        case "selected":
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


def _wait(parts: Parts, number: int, progress: Progress, options: Options) -> None:
    """Poll until the round moves on, or say that it waits. No lock is held meanwhile."""
    if not options.wait:
        raise Waiting(
            f"round {number}: {progress.settled} of {progress.texts} texts are settled",
            hint=_HINT,
        )
    failures = 0
    while True:
        options.watch(progress)
        time.sleep(options.poll)
        try:
            with parts.lock():
                current = rounds.get_round(parts.store, number)
                if current.state != "pushed":
                    return
                left = _step(parts, current, options)
        except (ServerError, Locked) as e:
            failures += 1
            if failures >= options.patience:
                raise
            parts.say(f"{e.message}; trying again")
            continue
        failures = 0
        if left is None:
            return
        progress = left
