"""Where the texts come from that are grouped, and what is known of classes: a file, a workspace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from al_loop import imports
from al_loop.config import Config
from al_loop.data.columns import Asked
from al_loop.data.text import text_hash
from al_loop.data.vocabulary import Labels
from al_loop.discover import known
from al_loop.discover.known import Example
from al_loop.errors import DataError
from al_loop.imports import Request
from al_loop.ingest import printable
from al_loop.store import Store, answers, clusters, items, open_store, rounds
from al_loop.store.clusters import Known


@dataclass(frozen=True, slots=True)
class Source:
    """Texts to be grouped, and what shows the known classes.

    name: the file or folder. ids, texts, hashes: (n,) of the distinct texts to be grouped.
    labeled: texts of known classes. phrases: stand for classes that have no labeled text.
    classes: the names of all known classes, also those that nothing shows.
    before: groups that rounds found. taken: names that no new group may get.
    notes: lines for people about what was read.
    """

    name: str
    ids: Sequence[str]
    texts: Sequence[str]
    hashes: Sequence[str]
    labeled: Sequence[Example]
    phrases: Sequence[Example] = ()
    classes: Sequence[str] = ()
    before: Sequence[Known] = ()
    taken: Sequence[str] = ()
    notes: Sequence[str] = ()


def of_file(path: Path, asked: Asked, config: Config, known_file: Path | None) -> Source:
    """Read a file as `init` does: rows with a label show its class, the others are grouped.

    Where every row has a label and `known_file` says what is known, the labels are not used.

    Raises:
        DataError: a file can't be read, or has no texts to group.
    """
    more = known.read(known_file) if known_file else []
    store = open_store(None)
    try:
        with store.tx():
            report = imports.run(store, Request(data=path, asked=asked), config, _silent)
        texts = items.texts(store, "pool")
        given = {r[0]: r[3] for r in answers.labeled(store, "pool")}
    finally:
        store.close()
    name = printable(path)
    notes = [*_left_out(report.bad), *_doubled(report, len(texts))]
    if len(given) == len(texts) and more:
        notes.append(f"every text of {name} has a label: they are not used, --known is")
        given = {}
    labeled = [Example(given[i], t, h, name) for i, t, h in texts if i in given]
    rest = [row for row in texts if row[0] not in given]
    if not rest:
        raise DataError(
            f"{name}: every text has a label, none is left to group",
            hint="--label '' groups them all, without a look at their labels",
        )
    _check_distinct(name, len(rest))
    return replace(_source(Path(name).name, rest, [*labeled, *more]), notes=notes)


def of_store(store: Store, name: str, known_file: Path | None) -> Source:
    """Take the unlabeled pool of a workspace, and what its rounds know of classes.

    Raises:
        DataError: no text is unlabeled, or only one; `known_file` can't be read.
    """
    more = known.read(known_file) if known_file else []
    labeled = [Example(r[3], r[1], r[2], name) for r in answers.labeled(store, "pool")]
    classes = items.classes(store)
    shown = {e.name for e in [*labeled, *more]}
    phrases = [
        Example(c.name, text, text_hash(text), name)
        for c in classes
        if c.name not in shown
        for text in c.examples
    ]
    pool = rounds.pool(store)
    _check_distinct(name, len(pool))
    found = _source(name, pool, [*labeled, *more], phrases, [c.name for c in classes])
    return replace(found, before=clusters.known(store), taken=clusters.taken_names(store))


def _source(
    name: str,
    texts: Sequence[tuple[str, str, str]],
    labeled: Sequence[Example],
    phrases: Sequence[Example] = (),
    classes: Sequence[str] = (),
) -> Source:
    names = list(dict.fromkeys([*classes, *(e.name for e in (*labeled, *phrases))]))
    spelled = Labels.of(classes)
    for example in labeled:
        spelled.see(example.name, example.where)
    spelled.refuse_clashes()
    ids, said, hashes = zip(*texts, strict=True)
    return Source(name, ids, said, hashes, labeled, phrases, names)


def _check_distinct(name: str, n: int) -> None:
    if n < 2:
        what = (
            "no unlabeled text is left"
            if n == 0
            else "only one text has no label (the same text twice counts once)"
        )
        raise DataError(
            f"{name}: {what}, so there is nothing to group",
            hint="give a file with a row for each of many texts",
        )


def _left_out(bad: Sequence[str]) -> list[str]:
    more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
    return [f"left out: {bad[0]}{more}"] if bad else []


def _doubled(report: imports.ImportReport, distinct: int) -> list[str]:
    rows = report.files[0].counts.rows - len(report.bad)
    return [f"{rows:,} rows, {distinct:,} different texts"] if rows > distinct else []


def _silent(_file: str, _rows: int) -> None:
    """Draw nothing while a file is read."""
