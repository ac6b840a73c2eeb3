"""When the budget is gone at the present speed."""

import datetime as dt
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

#: The present speed is that of so many days up to now; weekends are in it as they come.
WINDOW = 14
#: Below these numbers no speed is stated.
LEAST_DAYS, LEAST_ANSWERS = 3, 20
_RESAMPLES = 1_000
_FAR = 3650  # days


@dataclass(frozen=True, slots=True)
class Forecast:
    """Answers a day, and the days on which the budget ends (95 % interval).

    `why` says what a missing value is missing for; a missing `latest` is beyond ten years.
    """

    a_day: float | None = None
    ends: dt.date | None = None
    earliest: dt.date | None = None
    latest: dt.date | None = None
    days: int = 0
    why: str = ""


def forecast(
    times: Sequence[dt.datetime], first: dt.datetime, left: float | None, now: dt.datetime
) -> Forecast:
    """Extend the speed of the last days. The days are resampled (percentile bootstrap).

    Args:
        times: when answers came in the last `WINDOW` days; earlier ones are ignored.
        first: when the very first one came: days before it are no idle days.
        left: answers that the budget still pays for; None without a limit.
        now: the time to count from.

    """
    age = [(now - t) / dt.timedelta(days=1) for t in times]
    days = min(WINDOW, math.floor((now - first) / dt.timedelta(days=1)) + 1)
    counts = [0] * days
    for a in age:
        if 0 <= a < days:
            counts[math.floor(a)] += 1
    found = sum(counts)
    if not found:
        return Forecast(why=f"nobody answered in the last {WINDOW} days")
    if days < LEAST_DAYS or found < LEAST_ANSWERS:
        so_far = f"{found} answers in {days} day{'s'[: days != 1]}"
        needs = f"{LEAST_ANSWERS} answers over {LEAST_DAYS} days"
        return Forecast(why=f"can't tell the speed yet: {so_far}; it takes {needs}")
    if left is None:
        return Forecast(found / days, days=days, why="no limit set")
    rng = random.Random(0)  # noqa: S311 - no secret
    speeds = sorted(sum(rng.choices(counts, k=days)) / days for _ in range(_RESAMPLES))
    slow, fast = speeds[round(0.025 * _RESAMPLES)], speeds[round(0.975 * _RESAMPLES) - 1]
    ends, earliest, latest = (_date(now, left, speed) for speed in (found / days, fast, slow))
    return Forecast(found / days, ends, earliest, latest, days)


def _date(now: dt.datetime, left: float, a_day: float) -> dt.date | None:
    if left > _FAR * a_day:
        return None
    return (now + dt.timedelta(days=left / a_day if left else 0)).date()
