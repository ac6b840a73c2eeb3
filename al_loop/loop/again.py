"""In the select step: texts that people are asked about once more come first in the batch."""

from collections.abc import Sequence

from al_loop.config import Config
from al_loop.labels import folded
from al_loop.loop.parts import Parts
from al_loop.store import answers, class_changes, overview, second_looks
from al_loop.store.core import Store
from al_loop.store.rounds import BatchRow
from al_loop.store.second_looks import SecondLook


def rows(parts: Parts, config: Config, pool: int) -> list[BatchRow]:
    """Return the texts that wait for a second look, the first of a batch from a pool of a size.

    They take half of the batch at most, unless the pool can't fill the other half. The
    suggestion of a part is never hidden: it is no guess about the text as it was, but the question.
    """
    size = config.batch.size
    room = max((size + 1) // 2, size - pool)
    waiting = second_looks.waiting(parts.store)[:room]
    return [row(look, rank) for rank, look in enumerate(waiting, start=1)]


def row(look: SecondLook, rank: int) -> BatchRow:
    """Return the place of a second look in a batch."""
    return BatchRow(
        item_id=look.item_id,
        text=look.text,
        look=look.look,
        rank=rank,
        strategy=second_looks.STRATEGY,
        score=None,
        inclusion=None,
        why=look.why,
        suggestion=look.suggestion,
        suggestion_score=None,
        blind=look.blind,
        overlap=1,
    )


def save(parts: Parts, number: int, batch: Sequence[BatchRow]) -> None:
    """Store which second looks a round takes, and its version of the classes. Inside its tx."""
    second_looks.take(parts.store, number, [b.item_id for b in batch if b.look])
    class_changes.note_round(parts.store, number)


def line(batch: Sequence[BatchRow]) -> str:
    """Say how many texts of a batch are asked about once more, '' for none."""
    again = sum(b.look > 0 for b in batch)
    return f", {again} of them asked about once more" if again else ""


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
