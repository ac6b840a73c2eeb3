"""In the select step: texts that people are asked about once more come first in the batch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from al_loop.config import Config
from al_loop.labels import folded
from al_loop.loop.parts import Parts, generator
from al_loop.store import answers, class_changes, overview, second_looks, slots
from al_loop.store.core import Store
from al_loop.store.rounds import BatchRow
from al_loop.store.second_looks import SecondLook
from al_loop.store.slots import Again

_GOLD = 11  # of the round, for what is drawn
#: What stands in a batch where a strategy stands, for those that were chosen to be asked again.
GOLD, RELABEL = "gold", "second label"


def ranked(batch: Sequence[BatchRow]) -> list[BatchRow]:
    """Return a batch with its ranks in its order."""
    return [replace(b, rank=rank) for rank, b in enumerate(batch, start=1)]


def rows(parts: Parts, config: Config, number: int, pool: int) -> list[BatchRow]:
    """Return the texts that are asked about once more, the first of a batch.

    Those that wait for a second look, then gold. They take half of the batch at most, unless the
    pool (of so many texts) can't fill the other half; the labels that look wrong among them take
    `[audit] second_looks` of it. Without one that waits, and without a pool, there is no gold.
    """
    size = config.batch.size
    room = max((size + 1) // 2, size - pool)
    waiting = second_looks.waiting(parts.store)
    doubtful = [look for look in waiting if look.reason == "noise"]
    looks = [look for look in waiting if look.reason != "noise"] + doubtful[: doubtful_room(config)]
    found = [_row(look) for look in looks[:room]]
    if pool or found:
        found += _gold(parts, config, number, room - len(found), {b.item_id for b in found})
    return ranked(found)


def doubtful_room(config: Config) -> int:
    """Return how many labels that look wrong may be in a batch, one at least."""
    return max(1, int(config.audit.second_looks * config.batch.size + 1e-9))


def most(store: Store, config: Config) -> int:
    """Return how many texts the next batch has at most: what is paid for is known before."""
    batch = config.batch
    found = overview.pool_size(store) + len(second_looks.waiting(store))
    if found:
        found += int(batch.gold_share * batch.size + 0.5)
    if batch.relabel == "auto" and len(overview.people(store)) > 1:
        found += len(slots.pool_votes(store).keys() - slots.settled(store))
    return min(batch.size, found)


def _row(look: SecondLook) -> BatchRow:
    """Return a text that waits; a suggestion is shown: it is no guess, but the question."""
    return BatchRow(
        item_id=look.item_id,
        text=look.text,
        look=look.look,
        rank=0,
        strategy=second_looks.STRATEGY,
        score=None,
        inclusion=None,
        why=look.why,
        suggestion=look.suggestion,
        suggestion_score=None,
        blind=look.blind,
        overlap=1,
    )


def _gold(
    parts: Parts, config: Config, number: int, room: int, taken: Collection[str]
) -> list[BatchRow]:
    """Return texts whose label is sure, so that their answers measure people.

    `[batch] gold_share` of the batch. Those that were gold least often, drawn among equals.
    """
    n = min(int(config.batch.gold_share * config.batch.size + 0.5), room)
    if n < 1:
        return []
    used = {i: times for i, times in slots.gold(parts.store).items() if i not in taken}
    draw = generator(config, number, _GOLD).random(len(used))
    order = sorted(zip(used, draw, strict=True), key=lambda pair: (used[pair[0]], pair[1]))
    why = second_looks.WHY["gold"]
    chosen = slots.again(parts.store, [item_id for item_id, _ in order[:n]])
    return [blind(each, GOLD, why) for each in chosen]


def blind(text: Again, strategy: str, why: str, score: float | None = None) -> BatchRow:
    """Return a text that is asked about once more, with nothing shown of what it may be."""
    return BatchRow(
        item_id=text.item_id,
        text=text.text,
        look=text.look,
        rank=0,
        strategy=strategy,
        score=score,
        inclusion=None,
        why=why,
        suggestion=None,
        suggestion_score=None,
        blind=True,
        overlap=1,
    )


def save(
    parts: Parts, number: int, batch: Sequence[BatchRow], givers: Mapping[str, Sequence[str]]
) -> None:
    """Store which second looks a round takes, and its version of the classes. Inside its tx.

    givers: item id -> who labeled a text that gets a further label.
    """
    store = parts.store
    slots.ask(store, [b.item_id for b in batch if b.strategy == GOLD and b.look], "gold", {})
    relabeled = [b.item_id for b in batch if b.strategy == RELABEL and b.look]
    slots.ask(store, relabeled, "relabel", givers)
    second_looks.take(store, number, [b.item_id for b in batch if b.look])
    class_changes.note_round(store, number)


def line(batch: Sequence[BatchRow]) -> str:
    """Say how many texts of a batch, beside the new ones, are asked again; '' for none."""
    again = sum(b.look > 0 for b in batch)
    return f", and {again} asked about once more" if again else ""


def late(store: Store) -> None:
    """Ask once more where an answer that came after it was rejected asks for a name.

    Inside the tx that stores the answers.
    """
    if not (rejected := class_changes.rejected(store)):
        return
    proposed = set(overview.texts_with(store, "proposed"))
    for name, ids in answers.proposals(store).items():
        if (version := rejected.get(folded(name))) is not None:
            texts = dict.fromkeys(i for i in ids if i in proposed)
            second_looks.ask(store, texts, "rejected", version)
