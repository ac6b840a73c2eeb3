"""What the next batch costs, and how large it may be."""

from collections.abc import Mapping
from dataclasses import dataclass

from al_loop.budget.spent import Pace, Standing
from al_loop.config import BatchSection, BudgetSection, Config
from al_loop.errors import BudgetStop

_ROUNDING = 1e-6  # 0.3 left at 0.1 an answer is three answers


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

    @property
    def cost(self) -> str:
        """The money, or the answers where no price is set."""
        if self.money is None:
            return f"{self.answers} answers"
        return f"{self.money:.2f} {self.currency}"

    def line(self) -> str:
        """Return the price in words."""
        money = "" if self.money is None else f", {self.money:.2f} {self.currency}"
        more = "" if self.answers == self.texts else f", {self.answers} answers"
        return (
            f"price: {self.texts} texts{more}, {self.hours:.2f} hours{money} ({self.seconds_from})"
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The next batch: its price, the texts that were `wanted`, and whether to ask first."""

    price: Price
    wanted: int
    left: str
    asks: bool

    @property
    def shrunk(self) -> str:
        """Say that the batch is smaller than wanted, empty when it is not."""
        if self.price.texts == self.wanted:
            return ""
        return f"the budget pays for {self.price.texts} of {self.wanted} texts"


def price(budget: BudgetSection, texts: int, answers: int, pace: Pace) -> Price:
    """Estimate what the answers to a batch cost."""
    hours = answers * pace.seconds / 3600
    each = answer_money(budget, pace)
    money = None if each is None else round(answers * each, 2)
    return Price(texts, answers, round(hours, 4), money, budget.currency, pace.source)


def answer_money(budget: BudgetSection, pace: Pace) -> float | None:
    """Return what one more answer costs, None without a rate and a price."""
    if budget.price_per_label:
        return budget.price_per_label
    return budget.hourly_rate * pace.seconds / 3600 if budget.hourly_rate else None


def answers_of(batch: BatchSection, texts: int) -> int:
    """Return how many answers a batch of some texts asks for, as `loop.select` deals them out."""
    return texts + round(batch.overlap.share * texts) * (batch.overlap.annotators - 1)


def answers_left(budget: BudgetSection, left: Mapping[str, float], pace: Pace) -> dict[str, float]:
    """Return how many more answers each limit allows; the first to end has the fewest."""
    each = {"labels": 1.0, "hours": pace.seconds / 3600, "money": answer_money(budget, pace)}
    return {name: rest / one for name, rest in left.items() if (one := each[name])}


def plan(config: Config, now: Standing, texts: int, *, go_on: bool = False) -> Plan:
    """Plan a batch of at most `texts` texts that the budget pays for.

    go_on: past the end of the budget, with all of them.

    Raises:
        BudgetStop: what is left does not pay for one text.
    """
    fits = min(answers_left(config.budget, now.left, now.pace).values(), default=float("inf"))
    size = texts
    while size and not go_on and answers_of(config.batch, size) > fits + _ROUNDING:
        size -= 1
    if texts and not size:
        raise _stop(config, now)
    coming = price(config.budget, size, answers_of(config.batch, size), now.pace)
    counted = coming.answers if coming.money is None else coming.money
    asks = 0 < config.budget.confirm_over < counted
    return Plan(coming, texts, left_line(config.budget, now), asks)


def first_to_end(budget: BudgetSection, now: Standing) -> str | None:
    """Return the limit that allows the fewest answers, None without a limit."""
    allowed = answers_left(budget, now.left, now.pace)
    return min(allowed, key=lambda name: allowed[name]) if allowed else None


def used_up(config: Config, now: Standing) -> str | None:
    """Return what a round would say if it stopped at the end of the budget; None if it began."""
    try:
        plan(config, now, 1)
    except BudgetStop as e:
        return f"{e.message}; {e.hint}"
    return None


def _stop(config: Config, now: Standing) -> BudgetStop:
    first = first_to_end(config.budget, now)
    assert first is not None
    one = answers_of(config.batch, 1)
    rest = f"; one more text takes {one} answer{'s'[: one > 1]}" if now.left[first] else ""
    gone = _of(first, getattr(now.cost, first), now.limits[first], config.budget.currency)
    return BudgetStop(
        f"the budget is used up: {gone} are spent{rest}",
        hint=f"raise [budget] {first} in config.toml, or al-loop round --continue",
    )


def left_line(budget: BudgetSection, now: Standing) -> str:
    """Say what is left of each limit, and which ends first; empty without a limit."""
    if not now.left:
        return ""
    parts = [_of(n, now.left[n], limit, budget.currency) for n, limit in now.limits.items()]
    ends = f"; first to end: {first_to_end(budget, now)}" if len(parts) > 1 else ""
    return f"budget left: {', '.join(parts)}{ends}"


def _of(name: str, value: float, limit: float, currency: str) -> str:
    """Return how much of a limit, as people write it."""
    digits, unit = (0 if name == "labels" else 2), (currency if name == "money" else name)
    return f"{value:.{digits}f} of {limit:.{digits}f} {unit}"
