"""Parts of a pool: what is left of it, or the candidates among it, without copying vectors."""

from dataclasses import dataclass, field, replace

import numpy as np

from strategies.base import FloatArray, IntArray, Picks, PoolView, Strategy

_SAME = ("labeled", "labels", "centers", "predict", "learn", "shared")


@dataclass(frozen=True, slots=True)
class _Part(PoolView):
    """Some texts of a pool: a field's rows are copied when it is looked at.

    A million vectors are gigabytes, and few strategies look at all of them.

    part_of: the whole pool and the positions in it; None once `dataclasses.replace` made a
        pool of its own of it.
    """

    part_of: tuple[PoolView, IntArray] | None = field(default=None, init=False)

    def __getattr__(self, name: str) -> FloatArray | None:
        # Python asks here for a slot that is empty.
        if name not in ("embeddings", "proba") or self.part_of is None:
            raise AttributeError(name)
        whole, positions = self.part_of
        values: FloatArray | None = getattr(whole, name)
        part = None if values is None else _rows(values, positions)
        object.__setattr__(self, name, part)
        return part

    def __len__(self) -> int:
        return len(self.embeddings if self.part_of is None else self.part_of[1])

    def vectors(self, positions: IntArray) -> FloatArray:
        """Return (m, d) vectors, copied straight from the whole pool."""
        if self.part_of is None:
            return self.embeddings[positions]
        return self.part_of[0].embeddings[self.part_of[1][positions]]


def whole(pool: PoolView) -> tuple[PoolView, IntArray]:
    """Return the pool that al-loop handed over, and where the rows of this one stand in it."""
    if isinstance(pool, _Part) and pool.part_of is not None:
        return pool.part_of
    return pool, np.arange(len(pool), dtype=np.int64)


def part(pool: PoolView, positions: IntArray, pending: FloatArray | None = None) -> PoolView:
    """Return the texts at some positions as a pool of their own.

    positions: (m,) distinct and ascending. pending: what is in the batch by now; None leaves it.

    Nothing is copied until a strategy looks at `embeddings` or `proba`, and then from the pool
    that al-loop handed over, however often texts were taken: as a strategy lets go of its view
    when it is done, no more than one copy lives at a time.
    """
    origin, rows = whole(pool)
    view = object.__new__(_Part)
    kept = {name: getattr(pool, name) for name in _SAME}
    kept["pending"] = pool.pending if pending is None else pending
    for name, value in {**kept, "part_of": (origin, rows[positions])}.items():
        object.__setattr__(view, name, value)
    return view


def without(pool: PoolView, taken: IntArray) -> tuple[PoolView, IntArray]:
    """Return the pool less the taken positions, and where its rows stand in the given pool.

    The taken texts are `pending` in it.
    """
    if len(taken) == 0 and not isinstance(pool, _Part):
        return pool, np.arange(len(pool), dtype=np.int64)
    left = np.ones(len(pool), dtype=np.bool_)
    left[taken] = False
    rest = np.flatnonzero(left).astype(np.int64)
    chosen = pool.vectors(taken)
    # None yet, or of vectors that somebody has put others in the place of.
    stale = pool.pending.shape[1] != chosen.shape[1]
    pending = chosen if stale else np.concatenate([pool.pending, chosen])
    pending.flags.writeable = False
    return part(pool, rest, pending), rest


def choose_from_rest(
    strategy: Strategy, pool: PoolView, taken: IntArray, n: int, rng: np.random.Generator
) -> Picks:
    """Let a strategy choose up to n texts among those not taken; positions are the pool's.

    Raises:
        ValueError: the strategy returned a position twice, one that does not exist, or more
            than it was asked for.

    """
    rest, positions = without(pool, taken)
    chosen = strategy(rest, n, rng)
    local = chosen.indices
    if len(np.unique(local)) != len(local) or len(local) > n:
        raise ValueError(f"a strategy returned {len(local)} positions, not {n} distinct ones")
    if len(local) and (local.min() < 0 or local.max() >= len(rest)):
        raise ValueError(f"a strategy returned a position outside of 0 to {len(rest) - 1}")
    return replace(chosen, indices=positions[local])


def _rows(values: FloatArray, positions: IntArray) -> FloatArray:
    part = values[positions]
    part.flags.writeable = False
    return part
