"""Accept or reject what people asked for, and groups of texts that may be classes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from al_loop.app import App
from al_loop.classes.live import Outcome, Say, change
from al_loop.classes.names import candidate, class_of, command, counts_as, unknown
from al_loop.classes.proposals import grouped
from al_loop.data.text import normalize, shown
from al_loop.errors import DataError
from al_loop.fix import signature
from al_loop.labels import by_folded_name, folded
from al_loop.store import Store, answers, candidates, class_changes, items, second_looks, stories
from al_loop.store.answers import Proposal
from al_loop.store.candidates import Candidate
from al_loop.store.class_changes import New
from al_loop.store.items import Origin
from al_loop.types import ClassSpec

#: So many central texts of a group become the examples of its class.
EXAMPLES = 5
_AS_IT_IS = ClassSpec("")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be accepted or rejected: a candidate, a proposal, or both under one name."""

    name: str
    candidate: Candidate | None
    spellings: tuple[str, ...] = field(default=())

    @property
    def all_names(self) -> list[str]:
        """Return every name that it has."""
        own = [self.candidate.name] if self.candidate else []
        return list(dict.fromkeys([self.name, *own, *self.spellings]))


def accept(
    app: App,
    typed: str,
    author: str,
    say: Say,
    *,
    spec: ClassSpec = _AS_IT_IS,
    live: bool = True,
) -> Outcome:
    """Make a proposal or a candidate a class; answers that asked for it become labels.

    typed: its name, one of its spellings, or a candidate's number.
    spec: what the class is called instead, and how it is described. The name of a known class
        lets it count as that one. Without examples a candidate's central texts are taken.

    Raises:
        DataError: nothing is called so, or the class can't be.
    """
    author = signature(author)
    proposals = grouped(app, say)

    def work(store: Store) -> str:
        if found := _find(store, typed, proposals):
            return _accept(store, found, replace(spec, name=spec.name or found.name), author)
        if already := counts_as(store, typed):
            _refuse_another(store, typed, spec.name)
            return already
        raise _unknown(store, typed, proposals)

    return change(app, work, say, live=live)


def _refuse_another(store: Store, typed: str, wanted: str) -> None:
    """Refuse to let a class count as another one by the way: its labels would move."""
    known = class_changes.names(store)
    now = class_of(store, typed) or typed
    if wanted and known.get(folded(wanted)) != now:
        action = "merge" if folded(wanted) in known else "rename"
        raise DataError(f"{shown(now)} is a class already", hint=command(action, now, wanted))


def _accept(store: Store, found: Wanted, spec: ClassSpec, author: str) -> str:
    group = found.candidate
    known = class_changes.names(store).get(folded(spec.name))
    if known is not None and (spec.description or spec.examples):
        raise DataError(
            f"{shown(known)} is a class already: it is not described by the way",
            hint=f"accept without a description, then {command('describe', known)}",
        )
    if group is not None and not spec.examples:
        spec = replace(spec, examples=tuple(group.central[:EXAMPLES]))
    spec = items.clean_class(spec)
    class_ = known or spec.name
    if known is None:
        items.put_classes(store, [spec], _origin(group))
    detail: dict[str, object] = {"spellings": list(found.spellings)} if found.spellings else {}
    if group is not None:
        detail["candidate"] = group.id
    if group is not None and group.parent is not None and known is None:
        parent = class_changes.names(store).get(folded(group.parent))
        detail |= {"parent": parent} if parent else {}
    # Another group may have the name that this one gets: they are one class then.
    groups = {group.id} if group else set()
    groups |= set(candidates.named(store, [class_]).values())
    for each in groups:
        candidates.decide(store, each, "accepted", class_)
    names = {n: class_ for n in found.all_names if folded(n) != folded(class_)}
    class_changes.add(store, New("accept", [class_], names, detail), author)
    if known is None:
        return f"class {shown(class_)} accepted{_test_texts(store, detail)}"
    return f"{shown(found.name)} counts as {shown(class_)} now"


def _test_texts(store: Store, detail: Mapping[str, object]) -> str:
    """Say that nobody tells which part of a class that was split the test texts are of."""
    same = sum(row[3] == detail.get("parent") for row in answers.labeled(store, "test"))
    return f"; test texts that stay {detail['parent']!r}, see al-loop fix: {same}" if same else ""


def _origin(group: Candidate | None) -> Origin:
    if group is None:
        return "proposal"
    return "split" if group.origin == "split" else "cluster"


def reject(app: App, typed: str, author: str, say: Say, *, live: bool = True) -> Outcome:
    """Say that a proposal or a candidate is no class.

    Answers that asked for it stay, as proposals. Texts that have no label because of them are
    asked about once more.

    Raises:
        DataError: nothing is called so, or a class is.
    """
    author = signature(author)
    proposals = grouped(app, say)

    def work(store: Store) -> str:
        found = _find(store, typed, proposals)
        if found is None:
            raise _not_rejectable(store, typed, proposals)
        if _is_rejected(store, found):
            return f"{shown(found.name)} is rejected already"
        version = class_changes.add(store, New("reject", found.all_names), author)
        if found.candidate is not None:
            candidates.decide(store, found.candidate.id, "rejected")
        texts = dict.fromkeys(_unlabeled(store, found))
        asked = second_looks.ask(store, texts, "rejected", version)
        again = f"; texts that are asked about once more: {asked}" if asked else ""
        return f"{shown(found.name)} is rejected{again}"

    return change(app, work, say, live=live)


def _is_rejected(store: Store, found: Wanted) -> bool:
    if found.candidate is not None:
        return found.candidate.status == "rejected"
    return folded(found.name) in class_changes.rejected(store)


def _unlabeled(store: Store, found: Wanted) -> list[str]:
    """Return the texts that it was asked for on and that have no label."""
    names = by_folded_name(found.all_names)
    asked = [i for n, ids in answers.proposals(store).items() if folded(n) in names for i in ids]
    return [i for i in asked if (v := stories.verdict(store, i)) and v.label is None]


def _find(store: Store, typed: str, proposals: Sequence[Proposal]) -> Wanted | None:
    """Return what is called so, or has the number, and is no class."""
    known = class_changes.names(store)  # some may be accepted since they were grouped
    asked = next(
        (
            p
            for p in proposals
            if folded(typed) in by_folded_name(p.spellings) and folded(p.name) not in known
        ),
        None,
    )
    group = candidate(store, typed, by_number=asked is None)
    if group is None and asked is not None:
        of_theirs = (candidate(store, n, by_number=False) for n in asked.spellings)
        group = next((c for c in of_theirs if c is not None), None)
    elif group is not None and asked is None:
        asked = next(
            (p for p in proposals if folded(group.name) in by_folded_name(p.spellings)), None
        )
    if group is not None:
        return Wanted(group.name, group, asked.spellings if asked else ())
    return Wanted(asked.name, None, asked.spellings) if asked else None


def _unknown(store: Store, typed: str, proposals: Iterable[Proposal]) -> DataError:
    names = [n for p in proposals for n in p.spellings]
    names += [c.name for c in candidates.all_(store)]
    return unknown(typed, by_folded_name(names), "no proposal and no candidate")


def _not_rejectable(store: Store, typed: str, proposals: Iterable[Proposal]) -> DataError:
    if already := counts_as(store, typed):
        hint = f"`{command('merge', normalize(typed))} OTHER` lets a class count as another"
        return DataError(f"{already}: it can't be rejected", hint=hint)
    return _unknown(store, typed, proposals)
