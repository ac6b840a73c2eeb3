"""The rule that turns answers into labels.

Pure: what a text counts as follows from the decisions by hand, the answers, what differing ones
were found to add up to, the labels that came with the data, and the names: classes, what they were
called before, candidates, parts.
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
class Consensus:
    """What differing votes on a text were found to add up to.

    quality: 0 to 1, how sure it is. Without a majority, or against it, a consensus decides above
        `DECIDES` only; else, or where it is a class that nobody named, the text is in conflict:
        nothing is trained on that is likelier wrong than right. One by `majority` decides nothing
        that counting votes does not.
    votes: person -> class, that it was worked out from, in the names of then.
    """

    label: str
    quality: float
    votes: Mapping[str, str]
    method: str


DECIDES = 0.5


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
    """Return one vote a person, by annotator: their latest answer that counts.

    What adjudicators said in review is none: see `decisions_of`.
    """
    return _plain(_cast((a for a in answers if not a.review), known))


def decisions_of(answers: Iterable[Answer], known: Mapping[str, str]) -> dict[str, str]:
    """Return what each adjudicator decided in review: their latest answer that counts."""
    return _plain(_cast((a for a in answers if a.review), known))


def _plain(votes: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {person: label for person, (label, _) in votes.items()}


def _cast(answers: Iterable[Answer], known: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the votes with the folded name that each was given under."""
    votes: dict[str, tuple[str, str]] = {}
    for answer in sorted(answers, key=_when):
        label = vote(answer, known)
        if label is not None:
            votes[answer.annotator] = label, folded(_named(answer)[0])
    return votes


def differ(answers: Iterable[Answer], names: Names) -> bool:
    """Tell whether people said different things; a class and a part of it are no such two."""
    votes = _cast((a for a in answers if not a.review), names.known)
    return len(set(_most_exact(votes.values(), names))) > 1


def counts_still(consensus: Consensus, votes: Mapping[str, str], known: Mapping[str, str]) -> bool:
    """Tell whether the votes of today are just those that a consensus was worked out from."""
    then = {person: known.get(folded(label), label) for person, label in consensus.votes.items()}
    return then == votes


def judge(
    answers: Sequence[Answer],
    given: Collection[str],
    names: Names,
    fixed: str | None = None,
    consensus: Consensus | None = None,
) -> Verdict | None:
    """Decide what one text counts as; None when nothing is known about it.

    answers: all annotations of the text that still exist.
    given: the distinct labels that came with the data.
    fixed: the label that somebody set by hand, if that decision stands.
    consensus: what the votes were found to add up to; ignored once they are others.

    A decision by hand comes first, then what adjudicators decided, then people's votes, then given
    labels. One vote a person, their latest that counts. Where votes differ their consensus
    decides, without one the majority; a tie is a conflict, also one between adjudicators. A vote
    for a part of a class that was split says more than one for the class: only the parts are
    counted then.
    """
    known = names.known
    labeling = [a for a in answers if not a.review]
    votes = _cast(labeling, known)
    if fixed is not None:
        return Verdict("fixed", known.get(folded(fixed), fixed), len(votes))
    if decided := _decided(answers, names):
        return _majority(decided, len(votes))
    if votes:
        labels = _most_exact(votes.values(), names)
        if consensus is not None and len(set(labels)) > 1:
            labels = _settled(consensus, _plain(votes), labels, known)
        return _majority(labels, len(votes))
    came_with = {known.get(folded(label), label) for label in given}
    if len(came_with) == 1:
        return Verdict("given", came_with.pop())
    if came_with and not labeling:
        return Verdict("conflict")
    return _without_votes(answers, names)


def _majority(labels: Iterable[str], votes: int) -> Verdict:
    ranking = Counter(labels).most_common()
    if not ranking or (len(ranking) > 1 and ranking[0][1] == ranking[1][1]):
        return Verdict("conflict", votes=votes)
    return Verdict("agreed", ranking[0][0], votes)


def _settled(
    consensus: Consensus, votes: Mapping[str, str], labels: list[str], known: Mapping[str, str]
) -> list[str]:
    """Return the label that a consensus finds among differing ones, none where it finds no such.

    All of them where it has no say: votes have changed, or it takes the class of a given part.
    """
    label = known.get(folded(consensus.label), consensus.label)
    whole = label in votes.values() and label not in labels
    if consensus.method == "majority" or whole or not counts_still(consensus, votes, known):
        return labels
    sure = consensus.quality > DECIDES or label == _majority(labels, 0).label
    return [label] if label in labels and sure else []


def _decided(answers: Sequence[Answer], names: Names) -> list[str]:
    """Return what adjudicators decided: their votes, or later votes for a part of their class."""
    review = [a for a in answers if a.review]
    decisions = [label for label, _ in _cast(review, names.known).values()]
    whole = _majority(decisions, 0).label if decisions else None
    if whole is None:
        return decisions
    # They could not choose a part that was not there yet.
    last = max(_when(a)[0] for a in review)
    later = [a for a in answers if not a.review and _when(a)[0] > last]
    votes = _cast(later, names.known).values()
    parts = [(label, name) for label, name in votes if whole in _wholes(name, names) - {label}]
    return _most_exact(parts, names) if parts else decisions


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
    labeling = [a for a in answers if not a.review]  # an adjudicator's skip decides nothing
    if any(a.kind == "skip" for a in labeling):
        return Verdict("skipped")
    return Verdict("unusable") if labeling else None
