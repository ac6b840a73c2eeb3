"""Set labels by hand: one, or many from a file. All of them or none."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from al_loop.data.tables import open_table
from al_loop.data.text import fault, name_fault, normalize, shown
from al_loop.errors import DataError, InputError
from al_loop.labels import Verdict, folded
from al_loop.store import Store, answers, class_changes, fixes, stories


@dataclass(frozen=True, slots=True)
class Wanted:
    """A decision as somebody typed it, and where; `label` None takes an earlier one back."""

    id: str
    label: str | None
    reason: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a text counted as before a decision and counts as now; None: nothing is known."""

    item_id: str
    was: Verdict | None
    now: Verdict | None


def apply(store: Store, wanted: Sequence[Wanted], author: str) -> list[Change]:
    """Store decisions and bring the labels up to date, in one transaction.

    Raises:
        DataError: an unknown id or class, or a text that can't be stored; nothing was changed.
        InputError: the author's name can't be stored.
    """
    author = signature(author)
    with store.tx():
        known = class_changes.names(store)
        before: dict[str, Verdict | None] = {}
        problems = []
        for each in wanted:
            try:
                item_id = stories.find(store, each.id, near=not each.where)
                before.setdefault(item_id, stories.verdict(store, item_id))
                _decide(store, item_id, each, known, author)
            except DataError as e:
                if not each.where:
                    raise
                problems.append(f"{each.where}: {e.message}")
        if problems:
            raise DataError(
                f"{len(problems)} of {len(wanted)} rows can't be used; nothing was changed",
                hint="mend them, then run the same command again",
                problems=problems,
            )
        answers.refresh_labels(store, *(before if len(before) == 1 else ()))
        return [Change(i, was, stories.verdict(store, i)) for i, was in before.items()]


def signature(author: str) -> str:
    """Return the name of who decides, as it is stored; raises InputError for none."""
    name = normalize(author)
    if problem := "is empty" if not name else name_fault(name):
        raise InputError(f"the name of who decides {problem}", hint="add --as NAME")
    return name


def _decide(
    store: Store, item_id: str, wanted: Wanted, known: Mapping[str, str], author: str
) -> None:
    """Store one decision, unless the very same one stands."""
    label = None if wanted.label is None else _class(wanted.label, known)
    newest = fixes.of_item(store, item_id)[-1:]
    if label is None and not (newest and newest[0].label):
        raise DataError(
            f"the label of {shown(wanted.id)} is not set by hand: there is nothing to take back",
            hint=f"al-loop explain {quote(wanted.id)}",
        )
    if problem := fault(wanted.reason):
        raise DataError(f"the reason has {problem}", hint="write it without that character")
    reason = normalize(wanted.reason)
    if (label, author, reason) not in [(f.label, f.author, f.reason) for f in newest]:
        fixes.add(store, item_id, label, author=author, reason=reason)


def _class(name: str, known: Mapping[str, str]) -> str:
    """Return the known class that a name stands for by now, whatever its case and form."""
    if (found := known.get(folded(name))) is not None:
        return found
    near = difflib.get_close_matches(folded(name), known, n=1)
    meant = f"did you mean {shown(known[near[0]])}? " if near else ""
    raise DataError(
        f"{shown(name)} is no class of this workspace",
        hint=f"{meant}`al-loop classes` lists them, `al-loop classes add {quote(name)}` adds it",
    )


def read(path: Path) -> Iterator[Wanted]:
    """Yield the decisions in a file with the columns id (or item_id), label and maybe reason.

    Rows without a label are left out: a list of doubtful labels needs only some filled in.

    Raises:
        DataError: the file or a row can't be read, or a column is missing.
    """
    table = open_table(path)
    name = "id" if "id" in table.columns else "item_id"
    if missing := [c for c in (name, "label") if c not in table.columns]:
        raise DataError(
            f"{path}: there is no column {shown(missing[0])}",
            hint="name the columns in the first line: id,label,reason",
        )
    for row in table.rows([name, "label", "reason"]):
        where = f"{path}:{row.line}"
        if row.problem:
            raise DataError(f"{where}: {row.problem}", hint="nothing was changed; mend the row")
        cells = {c: str(row.cells.get(c) or "").strip() for c in (name, "label", "reason")}
        if cells["label"]:
            yield Wanted(cells[name], cells["label"], cells["reason"], where)
