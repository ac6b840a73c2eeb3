"""Shares with their 95 % intervals."""

from collections.abc import Iterable
from math import sqrt
from typing import Any

_Z = 1.959963984540054


def wilson(hits: float, n: float) -> tuple[float, float] | None:
    """Return the ends of a 95 % interval for a share; None without a case.

    The score interval (Wilson 1927, JASA 22), which is honest for few cases and near 0 and 1.
    Cases that depend on each other count as fewer, which need be no whole number.
    """
    if n == 0:
        return None
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def rate(hits: int, n: int) -> dict[str, Any]:
    """Return a share as it stands in reports: `n`, `hits`, `share`, `low`, `high`."""
    low, high = wilson(hits, n) or (None, None)
    share = hits / n if n else None
    return {"n": n, "hits": hits, "share": share, "low": low, "high": high}


def by_text(counts: Iterable[tuple[int, int]]) -> dict[str, Any]:
    """Return the share of comparisons that come several a text: (hits, n) of each.

    Like `rate`, but several votes on one text are not independent: the interval is Wilson's for as
    many comparisons as the texts are worth. That follows from how much the texts differ (the
    linearized variance of a ratio, which a bootstrap over texts comes to as well; Korn and
    Graubard 1998, Survey Methodology 24). Unlike resampling, it knows that 5 out of 5 is not
    always.
    """
    each = [(hits, n) for hits, n in counts if n]
    hits, total = sum(h for h, _ in each), sum(n for _, n in each)
    if not total:
        return rate(0, 0)
    share = hits / total
    spread = sum((h - share * n) ** 2 for h, n in each) / total**2
    # Where all are the same, or none is, the texts are all that can be counted on.
    worth = share * (1 - share) / spread if 0 < hits < total and spread else len(each)
    worth = min(worth, total)
    low, high = wilson(share * worth, worth) or (None, None)
    return {"n": total, "hits": hits, "share": share, "low": low, "high": high}


def difference(a: tuple[int, int], b: tuple[int, int]) -> dict[str, Any] | None:
    """Return share a - share b, each given as (hits, n), with its 95 % interval.

    Newcombe's hybrid score interval (1998, Statistics in Medicine 17, method 10); None when one
    of them has no case.
    """
    one, two = wilson(*a), wilson(*b)
    if one is None or two is None:
        return None
    p, q = a[0] / a[1], b[0] / b[1]
    below = sqrt((p - one[0]) ** 2 + (two[1] - q) ** 2)
    above = sqrt((one[1] - p) ** 2 + (q - two[0]) ** 2)
    return {"value": p - q, "low": p - q - below, "high": p - q + above}
