"""The rule that turns answers into labels.

Pure: what a text counts as follows from the decisions by hand, the answers, the labels that came
with the data, and the classes that are known.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from al_loop.data.text import fold, normalize
from al_loop.types import Answer, LabelStatus


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a text counts as. `label` is set for 'given', 'agreed' and 'fixed' only."""

    status: LabelStatus
    label: str | None = None
    votes: int = 0


def _fold(name: str) -> str:
    return fold(normalize(name))


def by_folded_name(classes: Iterable[str]) -> dict[str, str]:
    """Map folded names to the classes' own spelling."""
    return {_fold(name): name for name in classes}


def vote(answer: Answer, known: Mapping[str, str]) -> str | None:
    """Return the known class that an answer stands for, or None.

    A ticked choice counts, except when it is an unchanged suggestion beside a missing class:
    suggestions come pre-checked, so there the missing class is what the person said.
    """
    if answer.kind != "label":
        return None
    if answer.missing and (not answer.labels or answer.origin == "prediction"):
        return known.get(_fold(answer.missing))
    return known.get(_fold(answer.labels[0])) if answer.labels else None


def proposal(answer: Answer, known: Mapping[str, str]) -> str | None:
    """Return the class that an answer asks for and nobody has accepted yet, or None."""
    if answer.kind != "label" or not answer.missing or _fold(answer.missing) in known:
        return None
    if answer.labels and answer.origin != "prediction":
        return None
    return answer.missing.strip()


def votes_of(answers: Iterable[Answer], known: Mapping[str, str]) -> dict[str, str]:
    """Return one vote a person, by annotator: their latest answer that counts."""
    votes: dict[str, str] = {}
    for answer in sorted(answers, key=_when):
        label = vote(answer, known)
        if label is not None:
            votes[answer.annotator] = label
    return votes


def judge(
    answers: Sequence[Answer],
    given: Collection[str],
    known: Mapping[str, str],
    fixed: str | None = None,
) -> Verdict | None:
    """Decide what one text counts as; None when nothing is known about it.

    answers: all annotations of the text that still exist.
    given: the distinct labels that came with the data.
    known: from `by_folded_name`.
    fixed: the label that somebody set by hand, if that decision stands.

    A decision by hand comes first, then people's votes, then given labels. One vote a person,
    their latest that counts; a tie is a conflict.
    """
    votes = votes_of(answers, known)
    if fixed is not None:
        return Verdict("fixed", fixed, len(votes))
    if votes:
        ranking = Counter(votes.values()).most_common()
        if len(ranking) > 1 and ranking[0][1] == ranking[1][1]:
            return Verdict("conflict", votes=len(votes))
        return Verdict("agreed", ranking[0][0], len(votes))
    if len(given) == 1:
        return Verdict("given", next(iter(given)))
    if given and not answers:
        return Verdict("conflict")
    return _without_votes(answers, known)


def _when(answer: Answer) -> tuple[str, int]:
    # Without the Z a whole second sorts before its fractions.
    return answer.updated_at.removesuffix("Z"), answer.annotation_id


def _without_votes(answers: Sequence[Answer], known: Mapping[str, str]) -> Verdict | None:
    if any(proposal(a, known) for a in answers):
        return Verdict("proposed")
    if any(a.kind == "skip" for a in answers):
        return Verdict("skipped")
    return Verdict("unusable") if answers else None
