"""What became of an adopted project, in numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from al_loop.adopt.place import Placed
from al_loop.labels import vote
from al_loop.store import Store, adopted, class_changes, items, results
from al_loop.store.answers import Changes
from al_loop.types import Answer

if TYPE_CHECKING:
    from al_loop.annotators.label_studio.controls import Control
    from al_loop.annotators.label_studio.existing import Existing


@dataclass(frozen=True, slots=True)
class Report:
    """What adopting did, or with `dry_run` would do.

    control, text, kept: what the class is there, the text, and the kept columns.
    tasks: of the project; `repeated` of them have a text of another one.
    texts: of the tasks; `statuses` counts them by what they count as.
    unanswered: tasks that nobody has answered or skipped there.
    skips: answers that are skips; `unknown` counts choices that the page does not have.
    ground_truth, predictions, drafts: answers with a star; tasks with predictions, and drafts,
        neither of which is taken over.
    bad: one line for each task, or row of the test file, that was left out.
    test_rule: as in `imports.ImportReport`.
    """

    project: int
    where: str
    title: str
    control: str
    tasks: int
    texts: int
    new_texts: int
    repeated: int
    unanswered: int
    statuses: Mapping[str, int]
    answers: int
    people: int
    skips: int
    unknown: Mapping[str, int]
    other_controls: tuple[str, ...]
    ground_truth: int
    predictions: int
    drafts: int
    bad: tuple[str, ...]
    classes: tuple[str, ...]
    test_size: int
    new_classes: tuple[str, ...] = ()
    changes: Changes = field(default_factory=Changes)
    text: str = ""
    kept: tuple[str, ...] = ()
    test_rule: str = "none"
    first: bool = True
    dry_run: bool = False
    config_written: bool = False

    @property
    def labels(self) -> int:
        """How many of its texts have a label."""
        return sum(self.statuses.get(status, 0) for status in ("given", "agreed", "fixed"))

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return asdict(self) | {"labels": self.labels}


def make(
    store: Store,
    project_id: int,
    found: "Existing",
    control: "Control",
    placed: Placed,
    said: Sequence[Answer],
) -> Report:
    """Count what there is and what was not taken over."""
    names = [spec.name for spec in items.classes(store)]
    known = class_changes.names(store)
    odd = [a.labels[0] for a in said if a.kind == "label" and a.labels and not vote(a, known)]
    counts = adopted.statuses(store, project_id)
    texts = sum(counts.values())
    answered = {answer.key for answer in said}
    annotations = [a for task in found.tasks for a in task["annotations"]]
    return Report(
        project=found.number,
        where=found.where,
        title=found.title,
        control=control.name,
        tasks=len(found.tasks),
        texts=texts,
        new_texts=placed.added,
        repeated=len(placed.keys) - texts,
        unanswered=sum(key not in answered for key in placed.keys.values()),
        statuses=counts,
        answers=len(said),
        people=len({answer.annotator for answer in said}),
        skips=sum(answer.kind == "skip" for answer in said),
        unknown=dict(Counter(odd).most_common()),
        other_controls=control.others,
        ground_truth=sum(bool(a.get("ground_truth")) for a in annotations),
        predictions=sum(bool(task.get("predictions")) for task in found.tasks),
        drafts=sum(len(task.get("drafts") or ()) for task in found.tasks),
        bad=tuple(placed.bad),
        classes=tuple(names),
        test_size=results.counts(store)["test"],
    )
