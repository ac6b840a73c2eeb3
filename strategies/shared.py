"""What several strategies of a round need, computed once and in one place."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Shared:
    """Keeps what was computed about one array, for the strategies that look at it next.

    What is kept must follow from the array, the key and `seed` alone, so that it makes no
    difference who asks first.

    seed: of whatever is random in it; the round's own.
    """

    __slots__ = ("_about", "_kept", "seed")

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._about: Any = None
        self._kept: dict[Hashable, Any] = {}

    def once(self, about: Any, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gives for this array and key, made at most once.

        Another array, by identity, starts afresh.
        """
        if self._about is not about:
            self._about, self._kept = about, {}
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found
