"""Answers from gold labels, at once: simulations and the offline demo."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from al_loop.annotators.base import Progress, number_of
from al_loop.data.text import fold
from al_loop.errors import InputError
from al_loop.labels import by_folded_name
from al_loop.types import Answer, Pulled, PullRequest, Pushed, PushRequest, split_key, task_key

#: What `--annotators` calls a share of mistakes.
KINDS: Mapping[str, float] = {"good": 0.05, "fair": 0.15, "poor": 0.30}

_WHEN = "2000-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Oracle:
    """Knows the gold label of every text.

    gold: item id -> label.
    names_classes: True lets it answer with classes that are not known yet, which then are;
        False makes it write them into "missing class", as people do.
    mistakes: person -> share of the answers that are another class: any of the gold labels', or
        with `names_classes` False any that is known.
    skips: share of the tasks that are skipped. What is skipped or mistaken follows from `seed`,
        the text and the person, not from the order.
    people: who answers, in turn; a task with overlap is answered by as many of them. A text that
        is asked about once more goes on with the turn where its earlier looks ended, so that
        others answer while there are any. In review whoever mistakes least decides.
    said: what was answered so far. An oracle does not change its mind when a class is added.
    """

    gold: Mapping[str, str]
    names_classes: bool = True
    mistakes: Mapping[str, float] = field(default_factory=dict)
    skips: float = 0.0
    seed: int = 0
    people: tuple[str, ...] = ("oracle",)
    said: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def push(self, request: PushRequest, progress: Progress | None = None) -> Pushed:
        """Take the tasks; there is nobody to bring them to."""
        if progress:
            progress(len(request.tasks))
        numbers = {task.key: number_of(task.key) for task in request.tasks}
        return Pushed(remote_id=1, url="", task_ids=numbers)

    def pull(self, request: PullRequest) -> Pulled:
        """Answer every task that was ever pushed, the same way each time."""
        known = by_folded_name(c.name for c in request.classes)
        all_ = by_folded_name(sorted(set(self.gold.values()))) if self.names_classes else known
        review = request.project.role == "review"
        who = self._best if review else partial(self._asked, _earlier(request.keys))
        answers = [
            self.said.setdefault((key, person), self._answer(key, person, all_))
            for key, overlap in request.keys.items()
            for person in who(key, overlap)
        ]
        named = {label: None for a in answers for label in a.labels if fold(label) not in known}
        return Pulled(answers, annotated=len(request.keys), new_classes=tuple(named))

    def _asked(self, earlier: Mapping[str, int], key: str, overlap: int) -> list[str]:
        text = task_key(split_key(key)[0], 0)
        first = (number_of(text) + earlier[key]) % len(self.people)
        turn = self.people[first:] + self.people[:first]
        return list(turn[:overlap])

    def _best(self, _key: str, overlap: int) -> list[str]:
        return sorted(self.people, key=lambda person: self.mistakes.get(person, 0))[:overlap]

    def _draw(self, what: str, key: str, person: str) -> float:
        return number_of(f"{self.seed} {what} {key} {person}") / 2**52

    def _answer(self, key: str, person: str, classes: Mapping[str, str]) -> Answer:
        number = number_of(f"{key} {person}")
        label = self.gold[split_key(key)[0]]
        if self._draw("skip", key, person) < self.skips:
            return Answer(number, key, person, "skip", created_at=_WHEN, updated_at=_WHEN)
        if not self.names_classes and fold(label) not in classes:
            return Answer(number, key, person, "label", missing=label, updated_at=_WHEN)
        others = [name for folded, name in classes.items() if folded != fold(label)]
        if others and self._draw("mistake", key, person) < self.mistakes.get(person, 0):
            label = others[int(self._draw("which", key, person) * len(others))]
        return Answer(number, key, person, "label", (label,), updated_at=_WHEN)


def _earlier(overlaps: Mapping[str, int]) -> dict[str, int]:
    """Map each key to the answers that the earlier looks at its text are asked for."""
    sums: dict[str, int] = defaultdict(int)
    found = {}
    for key in sorted(overlaps, key=lambda key: split_key(key)[1]):
        item_id = split_key(key)[0]
        found[key] = sums[item_id]
        sums[item_id] += overlaps[key]
    return found


def crew(text: str) -> dict[str, float]:
    """Read ``good:2,poor:1`` or ``0.2:1``: people, with the share of their mistakes.

    Raises:
        InputError: neither one of `KINDS` nor a share from 0 to 1, or no count from 1 to 100.
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        kind, _, number = (word.strip() for word in part.partition(":"))
        share = KINDS.get(kind, float(kind) if re.fullmatch(r"[01]|[01]?\.\d+", kind) else 2.0)
        if share > 1 or not re.fullmatch(r"[1-9]\d?|100", number):
            raise InputError(
                f"--annotators: {part!r} is not KIND:NUMBER",
                hint="for example --annotators good:2,poor:1, or 0.2:1 for one with 20 % mistakes",
            )
        known = sum(name.startswith(f"{kind} ") for name in found)
        found |= {f"{kind} {known + i + 1}": share for i in range(int(number))}
    return found
