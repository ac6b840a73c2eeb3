"""What `al-loop label` does around the screen: begin a round, label, carry the round on."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from al_loop.annotators.terminal import Terminal
from al_loop.errors import Locked, StateError, Waiting
from al_loop.labeling.session import Work, label
from al_loop.loop import machine
from al_loop.loop.exchange import PullOptions
from al_loop.loop.machine import Options
from al_loop.store import overview, rounds, tasks, terminal

if TYPE_CHECKING:
    from al_loop.app import App
    from al_loop.config import Config
    from al_loop.loop.parts import Parts

T = TypeVar("T")
Say = Callable[[str], None]
_PAUSE = 0.2  # seconds between two tries to get the workspace's lock


def run(
    opened: "App",
    config: "Config",
    annotator: str,
    *,
    gate: "Callable[[Config], Config]",
    accept_partial: bool,
    say: Say,
) -> None:
    """Let one person label the open round, or a new one, and carry it on.

    A round of Label Studio is only helped along: its texts are answered here as well, and
    `al-loop round` goes on with it.

    Raises:
        Waiting: texts are left.
        StateError: the open round has nothing to label, or nothing is open to be closed.
    """
    store = opened.store
    here = Terminal(lambda: terminal.recorded(store))
    parts = _patiently(lambda: opened.parts(here, say), say)
    current = rounds.open_round(store)
    helping = current and tasks.annotator(store, current.project_id) == "label_studio"
    if helping or (current is None and accept_partial):
        _check_open(current, accept_partial=accept_partial)
    else:
        begins = Options(until="pushed", gate=gate)
        number = _patiently(lambda: machine.run(parts, config, begins), say)
        current = rounds.get_round(store, number)
    assert current is not None
    if current.state == "pushed" and not accept_partial:
        work = Work(store, current, parts.project.id, annotator)
        label(work, opened.workspace.lock_path.with_name("label.lock"))
    if helping:
        _leave_open(parts, current.number, say)
    else:
        _carry_on(parts, config, current.number, annotator, PullOptions(accept_partial))


def _check_open(current: rounds.Round | None, *, accept_partial: bool) -> None:
    if current is None:
        raise StateError("no round is open that could be closed", hint="al-loop label")
    if accept_partial:
        raise StateError(
            f"round {current.number} is with Label Studio", hint="al-loop round --accept-partial"
        )
    if current.state != "pushed":
        raise StateError(
            f"round {current.number} is {current.state}: there is nothing to label in it",
            hint="al-loop round goes on with it",
        )


def _leave_open(parts: "Parts", number: int, say: Say) -> None:
    """Say how far a round of Label Studio is; what was answered here counts already."""
    texts, left = _standing(parts, number)
    if left:
        raise Waiting(
            f"round {number}: {texts - left} of {texts} texts are settled",
            hint="al-loop label, or people in Label Studio (where the texts answered here stay on"
            " the page: tell people that they are done); then al-loop round goes on",
        )
    say(f"round {number}: all {texts} texts are settled; al-loop round goes on")


def _carry_on(
    parts: "Parts", config: "Config", number: int, annotator: str, pull: PullOptions
) -> None:
    """Take the terminal's round as far as it goes."""
    if rounds.last_number(parts.store) < number:
        raise StateError(
            f"round {number} was taken back meanwhile; what was answered counts",
            hint="al-loop label begins a new round",
        )
    to_the_end = Options(until="logged", pull=pull)
    try:
        _patiently(lambda: machine.run(parts, config, to_the_end, number), parts.say)
    except Waiting as e:
        if pull.accept_partial:
            raise
        if terminal.waiting(parts.store, number, annotator):
            raise Waiting(e.message, hint="al-loop label") from None
        _, left = _standing(parts, number)
        others = f"{e.message}, {left} need an answer of another person"
        raise Waiting(others, hint="al-loop label --as NAME") from None
    if rounds.get_round(parts.store, number).state == "logged":
        parts.say("the next batch: al-loop label")


def _standing(parts: "Parts", number: int) -> tuple[int, int]:
    """Return the number of texts, and of those that are not settled."""
    return len(rounds.batch(parts.store, number)), len(overview.unsettled(parts.store, number))


def _patiently(work: Callable[[], T], say: Say) -> T:
    """Do something that needs the workspace's lock; wait while another process holds it."""
    told = False
    while True:
        try:
            return work()
        except Locked as e:
            if not told:
                say(f"{e.message}; waiting for it")
            told = True
            time.sleep(_PAUSE)
