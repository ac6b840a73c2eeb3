"""The rule that turns answers into labels.

Pure: what a text counts as follows from the decisions by hand, the answers, the labels that came
with the data, and the names: classes, what they were called before, candidates, parts.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from al_loop.data.text import fold, normalize
from al_loop.types import Answer, LabelStatus


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a text counts as. `label` is set for 'given', 'agreed' and 'fixed' only."""

    status: LabelStatus
    label: str | None = None
    votes: int = 0


@dataclass(frozen=True, slots=True)
class Names:
    """What names stand for.

    known: folded names, those of earlier versions among them -> the class that they count as.
    candidates: folded names of groups that people can tick (or could) -> their spelling. Ticking
        one asks for a class.
    parents: folded names of a part of a class, those of earlier versions among them -> the folded
        name that the class had when it was split. They say so whatever the part counts as by now.
    """

    known: Mapping[str, str]
    candidates: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)


def folded(name: str) -> str:
    """Return what is equal for names that people would take for the same."""
    return fold(normalize(name))


def by_folded_name(classes: Iterable[str]) -> dict[str, str]:
    """Map folded names to the classes' own spelling."""
    return {folded(name): name for name in classes}


def vote(answer: Answer, known: Mapping[str, str]) -> str | None:
    """Return the known class that an answer stands for, or None."""
    name, _ = _named(answer)
    return known.get(folded(name)) if name else None


def proposal(answer: Answer, names: Names) -> str | None:
    """Return the class that an answer asks for and nobody has accepted yet, or None.

    It was written as a missing class, or is a candidate that was ticked.
    """
    name, ticked = _named(answer)
    if not name or folded(name) in names.known:
        return None
    return names.candidates.get(folded(name)) if ticked else name.strip()


def _named(answer: Answer) -> tuple[str, bool]:
    """Return the name that an answer stands for (or '') and whether it was ticked, not written.

    A ticked choice counts, except when it is an unchanged suggestion beside a missing class:
    suggestions come pre-checked, so there the missing class is what the person said.
    """
    if answer.kind != "label":
        return "", False
    if answer.missing and (not answer.labels or answer.origin == "prediction"):
        return answer.missing, False
    return (answer.labels[0], True) if answer.labels else ("", False)


def votes_of(answers: Iterable[Answer], known: Mapping[str, str]) -> dict[str, str]:
    """Return one vote a person, by annotator: their latest answer that counts."""
    return {person: label for person, (label, _) in _cast(answers, known).items()}


def _cast(answers: Iterable[Answer], known: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the votes with the folded name that each was given under."""
    votes: dict[str, tuple[str, str]] = {}
    for answer in sorted(answers, key=_when):
        label = vote(answer, known)
        if label is not None:
            votes[answer.annotator] = label, folded(_named(answer)[0])
    return votes


def judge(
    answers: Sequence[Answer],
    given: Collection[str],
    names: Names,
    fixed: str | None = None,
) -> Verdict | None:
    """Decide what one text counts as; None when nothing is known about it.

    answers: all annotations of the text that still exist.
    given: the distinct labels that came with the data.
    fixed: the label that somebody set by hand, if that decision stands.

    A decision by hand comes first, then people's votes, then given labels. One vote a person,
    their latest that counts; a tie is a conflict. A vote for a part of a class that was split
    says more than one for the class: only the parts are counted then.
    """
    known = names.known
    votes = _cast(answers, known)
    if fixed is not None:
        return Verdict("fixed", known.get(folded(fixed), fixed), len(votes))
    if votes:
        ranking = Counter(_most_exact(votes.values(), names)).most_common()
        if len(ranking) > 1 and ranking[0][1] == ranking[1][1]:
            return Verdict("conflict", votes=len(votes))
        return Verdict("agreed", ranking[0][0], len(votes))
    came_with = {known.get(folded(label), label) for label in given}
    if len(came_with) == 1:
        return Verdict("given", came_with.pop())
    if came_with and not answers:
        return Verdict("conflict")
    return _without_votes(answers, names)


def _most_exact(votes: Collection[tuple[str, str]], names: Names) -> list[str]:
    """Return the votes without those for a class of which another vote names a part."""
    above: set[str] = set()
    for label, name in votes:
        above |= _wholes(name, names) - {label}
    labels = [label for label, _ in votes]
    # Merges can put two classes above each other: then neither says more.
    return [label for label in labels if label not in above] or labels


def _wholes(name: str, names: Names) -> set[str]:
    """Return the classes that a folded name was a part of, as what they count as by now."""
    found, seen = set(), {name}
    while (name := names.parents.get(name, "")) and name not in seen:
        seen.add(name)
        found.add(names.known.get(name, name))
    return found


def _when(answer: Answer) -> tuple[str, int]:
    # Without the Z a whole second sorts before its fractions.
    return answer.updated_at.removesuffix("Z"), answer.annotation_id


def _without_votes(answers: Sequence[Answer], names: Names) -> Verdict | None:
    if any(proposal(a, names) for a in answers):
        return Verdict("proposed")
    if any(a.kind == "skip" for a in answers):
        return Verdict("skipped")
    return Verdict("unusable") if answers else None
