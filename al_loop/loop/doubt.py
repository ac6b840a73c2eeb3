"""Judge the labels of the workspace: those of the training set, and those of the test set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from al_loop.config import Config
from al_loop.evidence import judging
from al_loop.evidence.judging import Evidence, Settings
from al_loop.loop import consensus, knowledge
from al_loop.loop.knowledge import Knowledge
from al_loop.loop.parts import Labels, Parts
from al_loop.store import answers, evidence, results
from al_loop.store.core import Store
from al_loop.store.evidence import Ground
from al_loop.types import Doubt

#: How much a label is evidence that rests on suggestions alone, left as they came. A constant, as
#: long as nobody has measured it: people who see a suggestion take part of its errors over.
ACCEPTED = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """What was found about all labels.

    doubts: of every label that was judged; `tested` those of the test set.
    left_out: classes with too few labels to judge.
    skipped: why nothing was judged, empty when something was.
    wrong: how many labels of the training set are wrong, as estimated.
    """

    doubts: Sequence[Doubt] = ()
    tested: Sequence[Doubt] = ()
    left_out: Sequence[str] = ()
    skipped: str = ""
    wrong: float | None = None

    @property
    def line(self) -> str:
        """What to tell people."""
        n, of_test = (sum(d.flagged for d in some) for some in (self.doubts, self.tested))
        reason = f" ({self.skipped})" if self.skipped else ""
        return f"doubtful labels: {n}{reason}" + (f", in the test set: {of_test}" * bool(of_test))


def settings(config: Config) -> Settings:
    """Return how a configuration wants labels to be judged."""
    wanted = config.audit
    how = (wanted.folds, wanted.method, wanted.filter_by, wanted.estimate)
    return Settings(*how, C=config.model.C, seed=config.seed)


def look(parts: Parts, config: Config, number: int) -> Found:
    """Settle what several people's answers add up to, then judge all labels for a round.

    The training set is judged from itself, the test set from the training set alone: nothing of
    it is learned from.
    """
    if not parts.audits:
        return Found()
    consensus.settle(parts, config, number)
    known = knowledge.labeled(parts, config, number)
    if not known.ids:
        return Found()
    rests_on = evidence.grounds(parts.store)
    found = judge(known, config, [rests_on[i] for i in known.ids])
    return Found(
        records(known.ids, known.y, known.names, found),
        () if found.skipped else _tested(parts, config, known, rests_on),
        [known.names[i] for i in found.left_out],
        found.skipped,
        found.wrong,
    )


def judge(known: Knowledge, config: Config, grounds: Sequence[Ground]) -> Evidence:
    """Judge the labels of the training set, of which `grounds` tells what each rests on."""
    order = {name: i for i, name in enumerate(known.names)}
    first = [order.get(g.first, y) for g, y in zip(grounds, known.y.tolist(), strict=True)]
    sure = np.array([g.sure for g in grounds])
    return judging.judge(
        known.X,
        known.y,
        n_classes=len(known.classes),
        settings=settings(config),
        sure=sure,
        trust=np.array([ACCEPTED if g.accepted else 1.0 for g in grounds]),
        # Answers feed back: what was corrected tells which classes are mixed up.
        was=np.where(sure, np.array(first, dtype=np.int64), known.y),
    )


def _tested(
    parts: Parts, config: Config, known: Knowledge, grounds: Mapping[str, Ground]
) -> list[Doubt]:
    """Judge the labels of the test set, but for those of classes that are not known yet."""
    order = {name: i for i, name in enumerate(known.names)}
    rows = [r for r in answers.labeled(parts.store, "test") if r[3] in order]
    if not rows:
        return []
    given = np.array([order[r[3]] for r in rows], dtype=np.int64)
    X = parts.vectors(config.model.encoder, [r[2] for r in rows], [r[1] for r in rows])
    n = len(known.classes)
    found = judging.judge_others(known.X, known.y, X, given, n_classes=n, settings=settings(config))
    sure = np.array([grounds[r[0]].sure for r in rows])
    doubt = np.where(sure & ~np.isnan(found.doubt), 0.0, found.doubt)
    found = replace(found, doubt=doubt, flagged=found.flagged & ~sure)
    return records([r[0] for r in rows], given, known.names, found)


def records(ids: Sequence[str], y: Labels, names: Sequence[str], found: Evidence) -> list[Doubt]:
    """Return what was found about judged labels, worst first."""
    judged = np.flatnonzero(~np.isnan(found.doubt))
    return [
        Doubt(
            item_id=ids[i],
            given=names[y[i]],
            suggested=names[found.suggested[i]],
            doubt=round(float(found.doubt[i]), 9),
            flagged=bool(found.flagged[i]),
            confidence=_number(found.confidence[i]),
            neighbors=_number(found.neighbors[i]),
        )
        for i in judged[np.argsort(-found.doubt[judged], kind="stable")]
    ]


def _number(value: np.floating[Any]) -> float | None:
    return None if np.isnan(value) else round(float(value), 9)


def save(store: Store, number: int, found: Found) -> None:
    """Store what was found for a round; 0 stands for none before the first. Inside a tx."""
    evidence.save(store, number, [*found.doubts, *found.tested])
    if not number:
        return
    results.save_note(store, number, "audit_left_out", list(found.left_out))
    results.save_note(store, number, "audit_skipped", found.skipped)
    results.save_note(store, number, "audit_wrong", found.wrong)
