"""Frozen records that pass between the modules. No behavior beyond their own fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

State = Literal["selected", "pushed", "pulled", "audited", "trained", "logged"]
Role = Literal["pool", "test"]
Kind = Literal["label", "skip", "empty", "invalid"]
LabelStatus = Literal["given", "agreed", "fixed", "conflict", "skipped", "proposed", "unusable"]


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """A class that people can choose, with what helps them choose it."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()


#: Stands above the candidates wherever people choose.
HEADING = "new? to be confirmed"


@dataclass(frozen=True, slots=True)
class Offer:
    """What people can choose, and what they no longer can.

    classes: the known classes, in the stored order.
    candidates: groups of texts that may be classes, to be confirmed; `examples` are their most
        central texts. Ticking one proposes it.
    gone: names that were offered once: merged, renamed, rejected or forgotten. Nobody should see
        them any more, and no answer that has one may be lost.
    version: of the list of classes.
    """

    classes: Sequence[ClassSpec]
    candidates: Sequence[ClassSpec] = ()
    gone: Sequence[str] = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A pre-annotation: the model's class for a text and its probability."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Task:
    """One look at one text, as it is sent to people.

    `key` is unique in a project for ever: ``<item id>:<look>``.
    `suggestion` is None for a blind task and before the first model.
    """

    key: str
    item_id: str
    look: int
    text: str
    context: str = ""
    overlap: int = 1
    suggestion: Suggestion | None = None


def task_key(item_id: str, look: int) -> str:
    """Return the key of one look at an item; `split_key` reads it back."""
    return f"{item_id}:{look}"


def split_key(key: str) -> tuple[str, int]:
    """Return (item id, look) of a task's key.

    >>> split_key(task_key("a:1", 0))
    ('a:1', 0)
    """
    item_id, _, look = key.rpartition(":")
    return item_id, int(look)


@dataclass(frozen=True, slots=True)
class Answer:
    """One annotation as it stands on the server, parsed but not yet judged.

    `review` is True for one that was given in the review project, by an adjudicator.
    `kind` is what the annotation alone tells: a skip, an empty answer, one that does not
    fit the page (`problem` says why), or a label. Whether the label is a known class is
    decided in `labels`, where the classes are known.
    """

    annotation_id: int
    key: str
    annotator: str
    kind: Kind
    labels: tuple[str, ...] = ()
    missing: str = ""
    comment: str = ""
    origin: str = ""
    lead_time: float | None = None
    model_version: str = ""
    created_at: str = ""
    updated_at: str = ""
    problem: str = ""
    review: bool = False


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """A project on the annotators' side; `marker` finds it again when `remote_id` is unknown."""

    id: int
    marker: str
    title: str
    role: Literal["labeling", "review"] = "labeling"
    remote_id: int | None = None
    pinned: bool = False  # the user named it in config.toml: never create another


@dataclass(frozen=True, slots=True)
class PushRequest:
    """What has to be on the server after a push, however often it is repeated.

    `tasks` must each exist once; `sweep` are the keys of recent rounds that are looked at
    for duplicates as well.
    """

    project: ProjectRef
    offer: Offer
    tasks: Sequence[Task]
    model_version: str = ""
    sweep: Sequence[str] = ()
    delete_duplicates: bool = True


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did. `task_ids` maps each key to the one task that counts."""

    remote_id: int
    url: str
    task_ids: Mapping[str, int]
    created: int = 0
    duplicates_deleted: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What a pull needs to know to tell a complete answer from a broken one.

    `keys` maps every key that was ever pushed to its overlap; `annotated_before` is the
    number of annotated tasks at the last pull.
    """

    project: ProjectRef
    classes: Sequence[ClassSpec]
    keys: Mapping[str, int]
    sweep: Sequence[str] = ()
    annotated_before: int = 0
    allow_shrink: bool = False
    delete_duplicates: bool = True


@dataclass(frozen=True, slots=True)
class Pulled:
    """A full snapshot: every annotation there is now. `gone` are keys without a task.

    `new_classes` are classes that the answerer may name by itself: an oracle's, not people's.
    """

    answers: Sequence[Answer]
    annotated: int
    task_ids: Mapping[str, int] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    digest: str = ""
    duplicates_deleted: int = 0
    new_classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of the tasks of some keys when their round was taken back.

    found: keys that had a task. kept: key -> the task that somebody worked on; the others are
    gone, or would be. note: why there was nothing to look at, for people.
    """

    found: Sequence[str] = ()
    kept: Mapping[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A number with the ends of its 95 % interval (`unseen`: 90 %), None where it has none."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """What speaks for and against a label.

    doubt: in [0, 1], the higher the more doubtful. confidence: out-of-fold probability of the
    label. neighbors: share of the label among similar labeled texts. Both None where unknown.
    """

    item_id: str
    given: str
    suggested: str
    doubt: float
    flagged: bool
    confidence: float | None = None
    neighbors: float | None = None
