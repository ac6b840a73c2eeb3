"""How far the search for classes has come: those first seen in a round, those still unseen."""

from al_loop.store import first_seen, items
from al_loop.store.core import Store
from al_loop.types import Metric
from strategies.unseen import unseen


def measure(store: Store, number: int, left: int) -> list[Metric]:
    """Return `discovery_rate` and `unseen` of a round that is about to be logged.

    `discovery_rate` is the share of the classes seen by now, that is those with a label and those
    that people asked for, that this round saw first. `unseen` is how many classes have neither
    label nor name, with the ends of a 90 % interval, not 95 %; no value before any label. left:
    texts of the pool without an answer.
    """
    found = first_seen.seen(store)
    new = [r for c, r in found.first.items() if r and c not in found.known]
    rounds = sorted(found.labels)
    estimate = unseen(
        [new.count(r) for r in rounds],
        [found.labels[r] for r in rounds],
        len(items.classes(store)) + len(found.asked),
        left=left,
    )
    first = list(found.first.values())
    rate = Metric("discovery_rate", first.count(number) / len(first) if first else None)
    if estimate is None:
        return [rate, Metric("unseen", None)]
    ends = float(estimate.low), float(estimate.high)
    return [rate, Metric("unseen", float(estimate.estimate), *ends)]
