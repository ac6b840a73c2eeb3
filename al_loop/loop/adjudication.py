"""Disagreements on their way to a review project of their own, and what comes back.

Adjudicators see how a text was labeled, without names, and choose. Their tasks are in no batch:
a round brings them along and fetches their answers, but never waits for them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from al_loop.config import Config
from al_loop.crash import point
from al_loop.labels import counts_still, folded, votes_of
from al_loop.loop.parts import Parts
from al_loop.store import answers, class_changes, items, offers, reviews, tasks
from al_loop.store.core import Store
from al_loop.store.reviews import Review
from al_loop.types import Pulled, PushRequest, Task


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
    ids = [r.item_id for r in waiting]
    shown, said = items.context(store, ids, config.label_studio.show), words(store, ids)
    return [
        Task(r.key, r.item_id, r.look, r.text, f"{shown[r.item_id]}\n{said[r.item_id]}".strip())
        for r in waiting
    ]


def words(store: Store, item_ids: Sequence[str]) -> dict[str, str]:
    """Map texts to how they were labeled, and what is most likely, in the names of today.

    Nobody is named: who said it should not count.
    """
    known = class_changes.names(store)
    said, settled = answers.all_answers(store), answers.consensus(store)
    found = {}
    for item_id in item_ids:
        votes = votes_of(said.get(item_id, ()), known)
        found[item_id] = _labeled(votes)
        likely = settled.get(item_id)
        if likely is not None and counts_still(likely, votes, known):
            name = known.get(folded(likely.label), likely.label)
            found[item_id] += f"\nmost likely: {name} ({likely.quality:.0%})".replace("%", " %")
    return found


def _labeled(votes: Mapping[str, str]) -> str:
    counts = sorted(Counter(votes.values()).items(), key=lambda c: (-c[1], c[0]))
    return "labeled: " + ", ".join(f"{name} ({n})" for name, n in counts) if counts else ""


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
