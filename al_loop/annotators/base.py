"""The two-method protocol between the loop and those who answer."""

import hashlib
from collections.abc import Callable
from typing import Protocol

from al_loop.types import Pulled, PullRequest, Pushed, PushRequest

#: Called with the number of tasks done so far; the command line draws a bar from it.
Progress = Callable[[int], None]


def number_of(key: str) -> int:
    """Return the number of a task where no server gives it one: the same for a key for ever."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big") >> 4


class Annotator(Protocol):
    """Brings tasks to people (or an oracle) and their answers back.

    Both methods can be repeated at any time with the same arguments: a push creates only
    what is missing, a pull is a full snapshot. Neither touches the workspace's database.
    """

    def push(self, request: PushRequest, progress: Progress | None = None) -> Pushed:
        """Make each task of `request` exist exactly once.

        Raises:
            ServerError: unreachable, or the outcome could not be read back; run again.
            AuthError: the key was refused.
            InputError: the project can't be used (gone, of another workspace).

        """
        ...

    def pull(self, request: PullRequest) -> Pulled:
        """Return every annotation of the project, or raise and return nothing.

        Raises:
            ServerError: unreachable, or the snapshot is incomplete; run again.
            AuthError: the key was refused.
            StateError: tasks or annotations are gone and `allow_shrink` is not set.

        """
        ...
