"""One person at a terminal: text after text, each answer stored before the next is shown."""

import math
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from al_loop.annotators.base import number_of
from al_loop.config import parse
from al_loop.labeling import claims, keys
from al_loop.labeling import screen as screens
from al_loop.labeling.draw import Row, draw
from al_loop.labeling.form import Ask, Form, Go, Said, press
from al_loop.labeling.screen import Screen
from al_loop.labels import folded
from al_loop.store import Store, items, offers, rounds, terminal
from al_loop.store.rounds import BatchRow, Round
from al_loop.types import Answer, Suggestion

#: Seconds in which the last answer of a batch can be taken back before the round goes on.
_LAST = 5


@dataclass(frozen=True, slots=True)
class Work:
    """Whose answers go where. `project_id` is the terminal's own, whoever owns the round."""

    store: Store
    round: Round
    project_id: int
    annotator: str


def label(work: Work, claims_file: Path) -> None:
    """Ask for one text after the other, until none is left or the person leaves."""
    before: Answer | None = None  # the answer that was taken back
    answered = False
    with ExitStack() as stack:
        claimed = stack.enter_context(claims.opened(claims_file))
        screen = stack.enter_context(screens.opened())
        while True:
            waiting = terminal.waiting(work.store, work.round.number, work.annotator)
            chosen = [b for b in waiting if before is not None and b.key == before.key]
            text = claimed.take(chosen or waiting)
            if text is None and not answered:
                return
            began = time.monotonic()
            said = _end(screen) if text is None else _ask(screen, _form(work, text, before))
            match said:
                case Said() if text is not None:
                    _record(work, text, said, time.monotonic() - began)
                    answered, before = True, None
                case Go.BACK:
                    before = _back(work) or before
                case _:
                    return


def _back(work: Work) -> Answer | None:
    return terminal.take_back(work.store, work.project_id, work.round.number, work.annotator)


def _form(work: Work, text: BatchRow, before: Answer | None) -> Form:
    """Return the empty form of a text, or with the comment of the answer that was taken back."""
    batch = rounds.batch(work.store, work.round.number)
    place = [b.key for b in batch].index(text.key) + 1
    show = parse(work.round.config).label_studio.show
    ask = Ask(
        text=text.text,
        context=items.context(work.store, [text.item_id], show)[text.item_id],
        suggestion=_suggestion(work, text),
        title=f"round {work.round.number}  {place} of {len(batch)}  {work.annotator}",
        why=f"{text.why} (strategy: {text.strategy})",
    )
    offer = offers.offer(work.store)
    form = Form(ask, offer.classes, offer.candidates, terminal.asked(work.store))
    if before is None or before.key != text.key:
        return form
    return replace(form, comment=before.comment, note=f"taken back: {_words(before)}")


def _suggestion(work: Work, text: BatchRow) -> Suggestion | None:
    """Return what is suggested for a text, in the names of today; None on a blind one."""
    name = offers.names_of_today(work.store).get(folded(text.suggestion or ""))
    return Suggestion(name, text.suggestion_score or 0) if name and not text.blind else None


def _words(answer: Answer) -> str:
    if answer.kind == "skip":
        return "skipped"
    return answer.labels[0] if answer.labels else f"new class {answer.missing}"


def _ask(screen: Screen, form: Form) -> Said | Go:
    """Show a text until it is answered. What was typed before it was seen does not count."""
    screen.forget()
    while True:
        drawn = draw(form, *screen.size())
        screen.show(drawn.rows, drawn.cursor)
        form = drawn.form
        for key in screen.read(math.inf):
            next_ = press(form, key)
            if not isinstance(next_, Form):
                return next_
            form = next_


def _end(screen: Screen) -> Go:
    """After the last text: a moment in which its answer can be taken back."""
    screen.forget()
    lines = (
        "That was the last text for you.",
        "",
        "Enter goes on, < takes the answer back.",
        f"It goes on by itself in {_LAST} seconds.",
    )
    wide, high = screen.size()
    screen.show([Row(line[:wide]) for line in lines[:high]], (min(len(lines), high) - 1, 0))
    end = time.monotonic() + _LAST
    while (left := end - time.monotonic()) > 0:
        for key in screen.read(left):
            if key in ("<", keys.UNDO):
                return Go.BACK
            if key in (keys.ENTER, keys.LEAVE):
                return Go.OUT
    return Go.OUT


def _record(work: Work, text: BatchRow, said: Said, seconds: float) -> None:
    suggested = _suggestion(work, text) is not None
    answer = Answer(
        annotation_id=0,  # given when it is stored
        key=text.key,
        annotator=work.annotator,
        kind=said.kind,
        labels=said.labels,
        missing=said.missing,
        comment=said.comment,
        origin=said.origin,
        lead_time=round(seconds, 3),
        model_version=work.round.model_version if suggested else "",
    )
    terminal.record(
        work.store, work.project_id, answer, overlap=text.overlap, number=number_of(text.key)
    )
