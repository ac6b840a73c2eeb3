"""Shares with their 95 % intervals."""

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
