"""Which group of an earlier round a group is: the one that it shares most of its texts with."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

#: Share of the texts of both that two groups have in common at least, to be the same group.
LEAST = 0.2


def match(
    before: Mapping[int, Collection[str]], now: Sequence[Collection[str]], pool: Collection[str]
) -> list[int | None]:
    """Return the number of the earlier group that each group is, None for a new one.

    before: number -> the ids of its texts, also of those that left the pool; none is in two.
    now: the ids of the texts of each group. pool: all texts that could be in a group now.

    No number is given twice; a group that was split stays itself in the part that has most of
    its texts. The pairs are those with the largest sum of Jaccard similarities, over texts that
    are still in the pool, among all that share `LEAST`.

    Source: H. W. Kuhn, The Hungarian method for the assignment problem, 1955.
    """
    here = pool if isinstance(pool, set | frozenset) else set(pool)
    numbers = [n for n, texts in before.items() if not here.isdisjoint(texts)]
    found: list[int | None] = [None] * len(now)
    if not numbers or not now:
        return found
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    owner = {text: row for row, n in enumerate(numbers) for text in before[n] if text in here}
    shared = Counter(
        (owner[text], column) for column, texts in enumerate(now) for text in texts if text in owner
    )
    common = np.zeros((len(numbers), len(now)))
    for place, n in shared.items():
        common[place] = n
    sizes = np.bincount(list(owner.values()), minlength=len(numbers))
    union = sizes[:, None] + np.array([len(texts) for texts in now])[None, :] - common
    overlap = common / np.maximum(union, 1)
    overlap[overlap < LEAST] = 0
    for row, column in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[row, column] > 0:
            found[column] = numbers[row]
    return found
