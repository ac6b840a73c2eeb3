"""What a batch costs: answers, hours, money."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from al_loop.config import BudgetSection
from al_loop.store.rounds import BatchRow

_ENOUGH_TIMED = 20


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a batch. `money` is None when neither a rate nor a price is set.

    `seconds_from` says what the time rests on: answers that were timed, or config.toml.
    """

    texts: int
    answers: int
    hours: float
    money: float | None
    currency: str
    seconds_from: str

    def line(self) -> str:
        """Return the price in words."""
        money = "" if self.money is None else f", {self.money:.2f} {self.currency}"
        more = "" if self.answers == self.texts else f", {self.answers} answers"
        return (
            f"price: {self.texts} texts{more}, {self.hours:.2f} hours{money} ({self.seconds_from})"
        )


def price(budget: BudgetSection, batch: Sequence[BatchRow], lead_times: Sequence[float]) -> Price:
    """Estimate what the answers to a batch cost.

    lead_times: seconds that answers took so far; their median counts once there are enough,
        since a break in the middle of a text makes the mean useless.
    """
    wanted = sum(b.overlap for b in batch)
    if len(lead_times) >= _ENOUGH_TIMED:
        seconds = float(np.median(lead_times))
        source = f"{seconds:.1f} s an answer, median of {len(lead_times)} so far"
    else:
        seconds = budget.seconds_per_label
        source = f"{seconds:.1f} s an answer, a guess in config.toml"
    hours = wanted * seconds / 3600
    money = None
    if budget.price_per_label:
        money = round(wanted * budget.price_per_label, 2)
    elif budget.hourly_rate:
        money = round(hours * budget.hourly_rate, 2)
    return Price(len(batch), wanted, round(hours, 4), money, budget.currency, source)
