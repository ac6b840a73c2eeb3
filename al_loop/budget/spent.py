"""What was spent and what is left, in labels, hours and money."""

from dataclasses import dataclass

from al_loop.config import BudgetSection
from al_loop.store import Store, spending
from al_loop.store.spending import Breaks, Tally

#: From so many timed answers on they say how long the next ones will take.
ENOUGH_TIMED = 20
#: The rule of the view `spending`, in words.
BREAK_RULE = (
    "an answer of at least two minutes that took ten times that person's median counts as the"
    " median"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that an answer takes, and what that rests on."""

    seconds: float
    source: str


@dataclass(frozen=True, slots=True)
class Cost:
    """Labels, hours and money; `money` is None without a rate and a price."""

    labels: int
    hours: float
    money: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the budget stands. `left` has the limits that are set, never below 0."""

    tally: Tally
    cost: Cost
    breaks: Breaks
    pace: Pace
    limits: dict[str, float]
    left: dict[str, float]


def cost(tally: Tally, budget: BudgetSection) -> Cost:
    """Price some answers, at what an answer costs today.

    Where nothing was ever timed the hours come from `[budget] seconds_per_label`.
    """
    hours = tally.hours
    if hours is None:
        hours = tally.answers * budget.seconds_per_label / 3600
    money = None
    if budget.price_per_label:
        money = tally.labels * budget.price_per_label
    elif budget.hourly_rate:
        money = hours * budget.hourly_rate
    return Cost(tally.labels, hours, money)


def limits(budget: BudgetSection) -> dict[str, float]:
    """Return the limits that are set."""
    wanted = ("labels", "hours", "money")
    return {name: float(limit) for name in wanted if (limit := getattr(budget, name))}


def standing(store: Store, budget: BudgetSection) -> Standing:
    """Work out what was spent and what is left."""
    tally, breaks = spending.total(store)
    spent = cost(tally, budget)
    ends = limits(budget)
    left = {name: max(limit - getattr(spent, name), 0.0) for name, limit in ends.items()}
    return Standing(tally, spent, breaks, _pace(budget, breaks), ends, left)


def _pace(budget: BudgetSection, breaks: Breaks) -> Pace:
    """Return the mean of the timed answers: hours are a sum, which a median would understate."""
    if breaks.seconds is None or breaks.timed < ENOUGH_TIMED:
        guess = budget.seconds_per_label
        return Pace(guess, f"{guess:.1f} s an answer, a guess in config.toml")
    source = f"{breaks.seconds:.1f} s an answer, the mean of {breaks.timed} so far"
    return Pace(breaks.seconds, source)
