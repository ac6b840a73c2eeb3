"""An annotator's mind: gold labels, mistakes and skips, fixed by a seed."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from al_loop.people.page import Choice, Decision, Missing, Offered, Skip
from al_loop.people.person import Decide, Person


@dataclass(frozen=True)
class Scripted:
    """Answers with the gold label, and errs and skips now and then.

    Args:
        gold: text, item id or the id column's value -> class.
        mistakes: share of texts that get another class of the page.
        skips: share of texts that are skipped; texts without gold label are skipped too.
        seed: with the person's name and the text it decides everything.

    """

    gold: Mapping[str, str]
    mistakes: float = 0.1
    skips: float = 0.03
    seed: int = 0

    def __call__(self, person: Person, task: Offered) -> Decision:
        """Look at a task; the same task gets the same answer whenever it is offered."""
        draw = self._draws(person.name, task.text)
        seconds = round(1.5 + 9 * draw("seconds") ** 2, 3)
        label = self._gold(task)
        if label is None or draw("skip") < self.skips:
            return Skip(seconds)
        others = [name for name in task.classes if name != label]
        if others and draw("mistake") < self.mistakes:
            return Choice(others[int(draw("which") * len(others))], seconds=seconds)
        if label not in (*task.classes, *task.candidates):
            return Missing(label, keep_suggestion=draw("keep") < 0.5, seconds=seconds)
        return Choice(label, seconds=seconds)

    def _gold(self, task: Offered) -> str | None:
        for name in (task.text, task.item_id, str(task.data.get("id", ""))):
            if name in self.gold:
                return self.gold[name]
        return None

    def _draws(self, name: str, text: str) -> Callable[[str], float]:
        def draw(what: str) -> float:
            """Return a number in [0, 1) that is fixed for seed, person, text and purpose."""
            digest = hashlib.sha256(f"{self.seed}\0{name}\0{what}\0{text}".encode()).digest()
            return int.from_bytes(digest[:6], "big") / 2**48

        return draw


def each(scripts: Mapping[str, Decide]) -> Decide:
    """Let everybody follow a script of their own, by name."""
    return lambda person, task: scripts[person.name](person, task)
