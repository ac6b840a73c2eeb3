"""The annotator whose answers are written into the workspace as they are given.

`al-loop label` asks people and stores each answer at once, so there is nothing to bring to them
and nothing to fetch. A round of theirs runs through the same steps as any other nevertheless.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from al_loop.annotators.base import Progress, number_of
from al_loop.types import Answer, Pulled, PullRequest, Pushed, PushRequest


@dataclass(frozen=True, slots=True)
class Terminal:
    """People at a terminal of this machine; `recorded` returns all answers that stand."""

    recorded: Callable[[], Sequence[Answer]]

    def push(self, request: PushRequest, progress: Progress | None = None) -> Pushed:
        """Take the tasks: they are shown from the workspace's own tables."""
        if progress:
            progress(len(request.tasks))
        numbers = {task.key: number_of(task.key) for task in request.tasks}
        return Pushed(remote_id=1, url="", task_ids=numbers)

    def pull(self, request: PullRequest) -> Pulled:
        """Return what was answered until whoever asks for it looks."""
        answers = Recorded(self.recorded)
        return Pulled(answers, annotated=len({a.key for a in answers}))


@dataclass(frozen=True, slots=True)
class Recorded(Sequence[Answer]):
    """Answers that are read when they are looked at.

    A pull compares them with the stored ones in a transaction. An answer that was given after
    the pull had begun would be missing from a copy, and count as deleted.
    """

    read: Callable[[], Sequence[Answer]]

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.read())

    def __len__(self) -> int:
        return len(self.read())

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Answer]: ...
    def __getitem__(self, index: int | slice) -> Answer | Sequence[Answer]:
        return self.read()[index]
