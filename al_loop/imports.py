"""One import: its files one after the other, then classes, test set and labels, as a whole."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from al_loop.config import Config, class_specs
from al_loop.data.columns import Asked
from al_loop.data.vocabulary import Labels
from al_loop.ingest import FileReport, Progress, Reading, ingest
from al_loop.labels import folded
from al_loop.store import Store, answers, class_changes, items
from al_loop.store.items import Conflict
from al_loop.types import ClassSpec

TEST_SHARE = 0.2
TEST_LEAST = 30
LABELED_LEAST = 60  # below, a test set of 30 would take more than half of the labels

_DRAW_STEP = 7  # of the random generator [seed, round 0, step]


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for; `data` or `test` is set, or both."""

    data: Path | None = None
    test: Path | None = None
    asked: Asked = field(default_factory=Asked)
    replace_bad_chars: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with `dry_run` would do.

    `labeled` counts the texts with exactly one given label. `test_rule` tells where the test
    set is from: "file", "drawn", "kept" (of an earlier import), "too few labels" or "none".
    """

    files: tuple[FileReport, ...]
    items: int
    labeled: int
    conflicts: tuple[Conflict, ...]
    new_classes: tuple[str, ...]
    classes: int
    test_size: int
    test_rule: str
    not_offered: tuple[str, ...] = ()
    dry_run: bool = False
    config_written: bool = False

    @property
    def bad(self) -> list[str]:
        """Every refused row of every file."""
        return [problem for file in self.files for problem in file.bad]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            "files": [_file_dict(file) for file in self.files],
            "items": self.items,
            "labeled": self.labeled,
            "conflicts": [asdict(conflict) for conflict in self.conflicts],
            "classes": self.classes,
            "new_classes": list(self.new_classes),
            "not_offered": list(self.not_offered),
            "test": {"size": self.test_size, "rule": self.test_rule},
            "bad": self.bad,
            "dry_run": self.dry_run,
            "config_written": self.config_written,
        }


def run(
    store: Store,
    request: Request,
    config: Config,
    progress: Progress,
    *,
    draw: bool = False,
    config_written: bool = False,
) -> ImportReport:
    """Import the files of a request. Inside a tx, so that all of it is kept or nothing.

    Raises:
        DataError: a file is refused, or labels differ only in case.

    """
    items.add_classes(store, class_specs(config), "config")
    before = items.classes(store)
    labels = Labels.of([c.name for c in before])
    files, new, not_offered = _ingest_all(store, request, config, labels, progress)
    labels.refuse_clashes()
    items.add_classes(store, map(ClassSpec, new), "data", ", ".join(f.file for f in files))
    after = items.classes(store)
    if draw and request.test is None:
        draw_test(store, config.seed)
    answers.refresh_labels(store)
    _remember_columns(store, files)
    test_size = len(items.with_one_label(store, "test"))
    return ImportReport(
        files=files,
        items=items.count(store),
        labeled=len(items.with_one_label(store, "pool")) + test_size,
        conflicts=tuple(items.conflicts(store)),
        new_classes=tuple(c.name for c in after[len(before) :]),
        classes=len(after),
        not_offered=not_offered,
        test_size=test_size,
        test_rule=_test_rule(files, draw, test_size),
        dry_run=request.dry_run,
        config_written=config_written,
    )


def _ingest_all(
    store: Store, request: Request, config: Config, labels: Labels, progress: Progress
) -> tuple[tuple[FileReport, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the files' reports, the labels that become classes, and those that don't.

    A list of classes in config.toml is what people are offered: a label that only the test
    file has is then no class, and counts as wrong until it is added.
    """
    files: list[FileReport] = []
    offered: tuple[str, ...] | None = None
    for path, reading in readings(request, config):
        if reading.role == "test" and config.classes:
            offered = tuple(labels.new)
        files.append(ingest(store, path, reading, labels, progress))
    new = tuple(labels.new) if offered is None else offered
    known = class_changes.names(store)  # what had this name once is offered, as what it is now
    not_offered = [n for n in labels.new if n not in new and folded(n) not in known]
    return tuple(files), new, tuple(not_offered)


def readings(request: Request, config: Config) -> Iterator[tuple[Path, Reading]]:
    """Yield the files of a request and how each is read: the data first, then the test set.

    The named label column may be missing in the data when there is a test file, and the id and
    kept columns in a test file.
    """
    asked, mend = request.asked, request.replace_bad_chars
    if request.data is not None:
        needed = ["text", "id", "keep"] + (["label"] if request.test is None else [])
        yield request.data, Reading(asked, config, "pool", needed, mend)
    if request.test is not None:
        # ``--label ''`` says that the data has no labels; a test set is nothing without them.
        labeled = asked if asked.label else replace(asked, label=None)
        yield request.test, Reading(labeled, config, "test", ["text", "label"], mend)


def draw_test(store: Store, seed: int, labeled: Sequence[str] | None = None) -> int:
    """Move a random 20 % (at least 30) of the pool's labeled texts to the test set.

    Returns how many; 0 where fewer than 60 texts have a label. `labeled` are the texts that
    count as labeled, instead of those that came with exactly one label.
    """
    import numpy as np

    if labeled is None:
        labeled = items.with_one_label(store, "pool")
    if len(labeled) < LABELED_LEAST:
        return 0
    rng = np.random.default_rng([seed, 0, _DRAW_STEP])
    n = max(TEST_LEAST, round(TEST_SHARE * len(labeled)))
    drawn = rng.choice(len(labeled), size=n, replace=False)
    items.set_role(store, [labeled[i] for i in sorted(drawn)], "test")
    return n


def _test_rule(files: tuple[FileReport, ...], draw: bool, size: int) -> str:
    if any(file.role == "test" for file in files):
        return "file"
    if draw:
        return "drawn" if size else "too few labels"
    return "kept" if size else "none"


def _remember_columns(store: Store, files: tuple[FileReport, ...]) -> None:
    """Keep the columns of the latest import, and every kept column there ever was."""
    columns = files[0].columns
    before = json.loads(store.meta("columns") or "{}").get("keep", [])
    keep = list(dict.fromkeys([*before, *(c for file in files for c in file.columns.keep)]))
    facts = {"text": columns.text, "label": columns.label, "id": columns.id, "keep": keep}
    store.set_meta("columns", json.dumps(facts, ensure_ascii=False))


def _file_dict(file: FileReport) -> dict[str, Any]:
    return {
        "file": file.file,
        "role": file.role,
        **asdict(file.counts),
        "bad": len(file.bad),
        "columns": asdict(file.columns),
        "id_rule": file.id_rule,
        "note": file.note,
    }
