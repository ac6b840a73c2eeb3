"""Disagreements on their way to a review project of their own, and what comes back.

Adjudicators see how a text was labeled, without names, and choose. Their tasks are in no batch:
a round brings them along and fetches their answers, but never waits for them.
"""

from collections.abc import Sequence

from al_loop.config import Config
from al_loop.crash import point
from al_loop.loop.parts import Parts
from al_loop.store import answers, consensus, items, offers, reviews, tasks
from al_loop.store.consensus import Disputed
from al_loop.store.core import Store
from al_loop.store.reviews import Review
from al_loop.types import Pulled, PushRequest, Task

#: A quality that is above every one: all that people labeled differently and nobody decided.
EVERY = 2.0


def push(parts: Parts, config: Config, *, delete_duplicates: bool = True) -> int:
    """Bring what was noted for review to the review project; returns how many texts.

    Whatever an earlier run left is finished; where nothing is left, no server is asked.
    """
    store = parts.store
    project = reviews.project(store, parts.project.id)
    waiting = [] if project is None else reviews.pending(store, project.id)
    if project is None or not waiting:
        return 0
    request = PushRequest(
        project=project,
        offer=offers.offer(store),
        tasks=_tasks(store, config, waiting),
        sweep=reviews.unanswered(store, project.id),
        delete_duplicates=delete_duplicates,
    )
    with parts.bar(len(waiting), "pushing reviews") as progress:
        pushed = parts.annotator.push(request, progress)
    with store.tx():
        tasks.record_push(
            store,
            project.id,
            remote_id=pushed.remote_id,
            url=pushed.url,
            task_ids=pushed.task_ids,
        )
        point("reviews recorded")
    point("reviews pushed")
    for note in pushed.notes:
        parts.say(note)
    parts.say(f"{_texts(len(waiting))} to adjudicate: in the review project {pushed.url}".strip())
    return len(waiting)


def _tasks(store: Store, config: Config, waiting: Sequence[Review]) -> list[Task]:
    shown = items.context(store, [r.item_id for r in waiting], config.label_studio.show)
    said = words(store)
    return [
        Task(r.key, i, r.look, r.text, f"{shown[i]}\n{said.get(i, '')}".strip())
        for r in waiting
        for i in [r.item_id]
    ]


def words(store: Store) -> dict[str, str]:
    """Map the texts that people disagree on to how they labeled them, and what is most likely.

    Nobody is named: who said it should not count.
    """
    return {d.item_id: _words(d) for d in consensus.disputed(store, below=EVERY)}


def _words(found: Disputed) -> str:
    said = f"labeled: {found.in_words}"
    if found.label is None:
        return said
    return f"{said}\nmost likely: {found.label} ({found.quality * 100:.0f} %)"


def tell(parts: Parts, pulled: Pulled, changes: answers.Changes) -> None:
    """Say what a pull of the review project brought."""
    if changes.new:
        parts.say(f"adjudications that came in: {changes.new}")
    if changes.edited or changes.deleted:
        parts.say(f"adjudications that were changed: {changes.edited}, deleted: {changes.deleted}")
    if pulled.gone:
        parts.say(
            f"{_texts(len(pulled.gone))} gone from the review project:"
            " what people disagree on there is open again"
        )


def _texts(n: int) -> str:
    return "1 text" if n == 1 else f"{n} texts"
