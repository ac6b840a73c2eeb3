"""Names that people asked for, grouped by what they mean: each group is one proposal.

Two names are one proposal when their vectors and the texts they were given to lie near each
other. No vector of a name tells opposites apart ("positive" is nearer to "negative" than "refund"
to "money back"), so near names are enough only when they are spelled alike. Cosines with
all-MiniLM-L6-v2: anxious and anxiety 0.86, refund and refunds 0.89, worry and worried 0.83; but
before and after purchase 0.81, buy and sell 0.76, positive and negative 0.71, refund and return
0.60, anxious and worry 0.53. Below `SAME` the texts have to say it: nearer to each other than
texts of the workspace usually are, and as near as the texts of one name. Two or three texts a
name say little: with 2 and 2 texts, made up for it, refund and return passed; hence `TEXTS`. Tried
on banking77, clinc150, hwu64 and massive with 3 and 3 texts: of the pairs of different classes
whose names have a cosine over 0.5, 0.5, 2, 4 and 3 % pass; of two halves of one class 50, 51, 34
and 42 % do. What is not found the lead says: `accept NAME --as CLASS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from al_loop.app import App
from al_loop.errors import ConfigError
from al_loop.labels import folded
from al_loop.store import Store, answers, candidates, class_changes, items, reporting
from al_loop.store.answers import Proposal

if TYPE_CHECKING:
    from al_loop.loop.parts import Vectors

#: Cosine of two names from which they are one; below `NEAR` nothing makes them one.
SAME, NEAR = 0.83, 0.5
#: Mean cosine between the texts of two names, above that between texts of the workspace.
LIFT = 0.25
#: Texts that two names need to be one by them: each, and both together.
EACH, TEXTS = 2, 6
#: Names spelled alike are two all the same when their texts are so far apart, as a share of the
#: mean cosine within the texts of either.
APART = 0.6
_SAMPLE = 200  # texts that tell how near texts of the workspace are


def grouped(app: App, say: Callable[[str], None]) -> list[Proposal]:
    """Return the proposals, most wanted first; two candidates never become one.

    The encoder is loaded only when a name has no vector yet and there are two at least. Names
    in a language that it does not know stay by themselves, so do rejected ones, and all of them
    without an encoder.
    """
    found = answers.proposed(app.store)
    rejected = class_changes.rejected(app.store)
    alone = [p for p in found if folded(p.name) in rejected]
    free = [p for p in found if p not in alone]
    try:
        merged = _merged(app, free)
    except ConfigError as e:
        say(f"names are not grouped by meaning: {e.message}")
        return found
    return sorted([*alone, *merged], key=lambda p: (-len(p.item_ids), p.name))


def _merged(app: App, found: Sequence[Proposal]) -> list[Proposal]:
    """Merge the two names that are nearest, then the next two, while any two are one."""
    if len(found) < 2:
        return list(found)
    from al_loop import encoder_check

    if app.config.model.encoder == "hashing":
        readable = {p.name for p in found}
    else:
        readable = {p.name for p in found if encoder_check.check(app.embedder, [p.name]).ok}
    space = _Space.of(app, [p for p in found if p.name in readable])
    groups_named = frozenset(candidates.named(app.store, readable))
    groups = list(found)
    while pair := _nearest(space, [g for g in groups if g.name in readable], groups_named):
        groups = [g for g in groups if g not in pair] + [_union(*pair)]
    return groups


def _nearest(
    space: "_Space", groups: Sequence[Proposal], candidates_: frozenset[str]
) -> tuple[Proposal, Proposal] | None:
    """Return the two that are one and have the nearest names; not two candidates."""
    pairs = [
        (space.names(a, b), a, b)
        for a, b in combinations(groups, 2)
        if candidates_.isdisjoint(a.spellings) or candidates_.isdisjoint(b.spellings)
    ]
    pairs.sort(key=lambda p: (-p[0], p[1].name, p[2].name))
    return next(((a, b) for near, a, b in pairs if near >= NEAR and space.same(a, b)), None)


def _union(a: Proposal, b: Proposal) -> Proposal:
    first, second = sorted([a, b], key=lambda p: (-len(p.item_ids), p.name))
    ids = dict.fromkeys([*first.item_ids, *second.item_ids])
    return Proposal(first.name, (*first.spellings, *second.spellings), tuple(ids))


@dataclass(frozen=True, slots=True, eq=False)
class _Space:
    """Vectors of names and of the texts they were given to, and how near texts usually are."""

    app: App
    row: dict[str, int]
    vectors: "Vectors"

    @classmethod
    def of(cls, app: App, found: Sequence[Proposal]) -> "_Space":
        names = [p.name for p in found]
        hashes = [items.text_hash(n) for n in names]
        vectors = app.vectors(app.config.model.encoder, hashes, names)
        return cls(app, {n: i for i, n in enumerate(names)}, vectors)

    def names(self, a: Proposal, b: Proposal) -> float:
        """Return the largest cosine between spellings of two proposals."""
        one, two = (self.vectors[[self.row[n] for n in p.spellings]] for p in (a, b))
        return float((one @ two.T).max())

    def same(self, a: Proposal, b: Proposal) -> bool:
        """Tell whether two proposals with near names are one."""
        near = self.names(a, b)
        few = min(len(a.item_ids), len(b.item_ids)) < EACH
        if few or (near < SAME and len(a.item_ids) + len(b.item_ids) < TEXTS):
            return near >= SAME
        one, two = self._texts(a.item_ids), self._texts(b.item_ids)
        between, within = float((one @ two.T).mean()), (_within(one) + _within(two)) / 2
        if near >= SAME:
            return between >= APART * within
        return between >= within and between >= self._usual() + LIFT

    def _texts(self, ids: Sequence[str]) -> "Vectors":
        rows = reporting.texts(self.app.store, ids)
        hashes, texts = [r["text_hash"] for r in rows], [r["text"] for r in rows]
        return self.app.vectors(self.app.config.model.encoder, hashes, texts)

    def _usual(self) -> float:
        return _within(self._texts(_spread(self.app.store)))


def _within(X: "Vectors") -> float:
    """Return the mean cosine between different rows of (n, d) unit vectors, n > 1."""
    n = len(X)
    return float(((X @ X.T).sum() - n) / max(n * (n - 1), 1))


def _spread(store: Store) -> list[str]:
    """Return texts from all over those that were asked about, or that came with a label."""
    known, _ = reporting.pool_ids(store)
    step = max(len(known) // _SAMPLE, 1)
    return known[::step][:_SAMPLE]
