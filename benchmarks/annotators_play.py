"""The games of benchmarks/annotators.py: who is asked what, and what comes of it."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import annotators_people as people
import numpy as np
import numpy.typing as npt
import selection_ours as ours
import selection_runs as runs
from annotators_people import NEWS, SKILLS, Crowd
from selection_runs import Data, Positions

# Only now, since common makes al_loop importable without being installed.
# isort: split
from al_loop import learner
from al_loop.crowd import consensus as crowd
from al_loop.crowd import queue as slots
from al_loop.crowd.votes import NONE, Votes

__all__ = ["NEWS"]

SETS = ("banking77", "clinc150", "hwu64", "massive_en", NEWS)
TEXTS, SIX = 1_000, (0.6, 0.6, 0.7, 0.7, 0.8, 0.95)
METHODS: tuple[crowd.Method, ...] = ("majority", "dawid_skene", "crowdlab", "fused")
LABELED, BATCH, ROUNDS = 500, 100, 10
START, LONG, POOL, UNSURE = 200, 12, 6_000, 8
MINUTES = slots.Minutes(new=0.15, again=0.15, review=0.5)

Floats: TypeAlias = npt.NDArray[np.float64]
Curves: TypeAlias = dict[str, dict[str, Any]]


def load(name: str) -> Data:
    """Return a set, encoded once."""
    path = runs.CACHE / f"{name}.npz"
    if name == NEWS and not path.exists():
        import odd_pools

        found = odd_pools.encoded(odd_pools.news("Business", "Sci/Tech", "Sports", "World"))
        np.savez(path, X=found.X, y=found.y, T=found.T, t=found.t)
    elif name != NEWS:
        ours.encode(name, runs.CACHE)
    return runs.load(name, runs.CACHE)


def vectors(texts: Sequence[str]) -> Any:
    """Encode the texts of a file."""
    from al_loop import cache
    from al_loop.bars import no_bar
    from al_loop.config import Config
    from al_loop.store.items import text_hash

    return cache.vectors(Config().model.encoder, [text_hash(t) for t in texts], texts, no_bar)


def crowd_of(data: Data, seed: int, skills: Sequence[float] = SKILLS) -> Crowd:
    return (people.news_crowd if data.name == NEWS else people.crowd)(data, seed, skills)


def votes_of(labels: Positions, k: int) -> Votes:
    n, a = labels.shape
    ids, who, classes = ([f"{i:05}" for i in range(m)] for m in (n, a, k))
    return Votes(tuple(ids), tuple(who), tuple(classes), labels)


def cleanlab_input(labels: Positions, proba: Floats) -> tuple[Floats, Floats]:
    """Return both as cleanlab wants them; where the model says nothing, all are as likely."""
    given = np.where(labels == NONE, np.nan, labels)
    return given, np.where(np.isnan(proba), 1 / proba.shape[1], proba)


def their_consensus(labels: Positions, proba: Floats) -> Positions:
    """Return cleanlab's own, as it is called by its users."""
    from cleanlab.multiannotator import get_label_quality_multiannotator

    if (labels != NONE).sum(axis=1).max() < 2:
        return labels.max(axis=1)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        np.random.seed(0)  # noqa: NPY002  cleanlab breaks ties by it
        found = get_label_quality_multiannotator(*cleanlab_input(labels, proba), verbose=False)
    result: Positions = found["label_quality"]["consensus_label"].to_numpy().astype(np.int64)
    return result


def their_scores(labels: Positions, proba: Floats, pool: Floats | None) -> tuple[Floats, Floats]:
    """Return ActiveLab's scores of labeled and unlabeled texts; low ones are to be asked."""
    from cleanlab.multiannotator import get_active_learning_scores

    given = cleanlab_input(labels, proba)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        np.random.seed(0)  # noqa: NPY002  cleanlab breaks ties by it
        seen, new = get_active_learning_scores(*given, pool)
    return np.asarray(seen), np.asarray(new)


def out_of_fold(X: Any, y: Positions, k: int) -> Floats:
    found = learner.out_of_fold(X, y, n_classes=k)
    return np.full((len(y), k), np.nan) if found is None else found


def compare(votes: Votes, y: Positions, X: Any) -> Curves:
    """Return the accuracy of each method's labels, and of its quality: expected less reached."""
    k = len(votes.classes)
    first = crowd.consensus(votes, None, "majority")
    proba = None if X is None else out_of_fold(X, first.labels, k)
    result: Curves = {}
    for method in METHODS:
        found = crowd.consensus(votes, proba, method)
        right = np.mean(found.labels == y)
        result[method] = {"labels": right, "sure": found.quality.mean() - right}
    if proba is not None and votes.counts.max() > 1:
        result["cleanlab"] = {"labels": np.mean(their_consensus(votes.labels, proba) == y)}
    return result


def consensus(data: Data, seed: int) -> Curves:
    """Compare the methods at 2, 3 and 5 votes a text."""
    result: Curves = {}
    k = int(data.y.max()) + 1
    for each in (2, 3, 5):
        skills = SIX if each == 5 else SKILLS
        rng = np.random.default_rng([seed, 2, each])
        rows = rng.permutation(len(data.y))[:TEXTS]
        labels = np.full((len(rows), len(skills)), NONE, dtype=np.int64)
        asked = np.stack([rng.permutation(len(skills))[:each] for _ in rows])
        items, who = np.repeat(np.arange(len(rows)), each), asked.ravel()
        labels[items, who] = crowd_of(data, seed, skills).answer(who, data.y[rows][items], rng)
        found = compare(votes_of(labels, k), data.y[rows], data.X[rows])
        for method, of in found.items():
            for what, value in of.items():
                result.setdefault(method, {}).setdefault(what, []).append(value)
    return result


class Game:
    """Texts, their votes so far, and the people who are asked."""

    def __init__(self, data: Data, seed: int, size: int, start: int) -> None:
        self.rng = np.random.default_rng([seed, 3])
        self.crowd, self.data, self.k = crowd_of(data, seed), data, int(data.y.max()) + 1
        rows = self.rng.permutation(len(data.y))[:size]
        self.X, self.y = data.X[rows], data.y[rows]
        self.labels = np.full((len(rows), len(SKILLS)), NONE, dtype=np.int64)
        self.kept = np.full(len(rows), NONE, dtype=np.int64)  # the consensus before
        self.ask(np.arange(min(start, len(rows))))

    def ask(self, rows: Positions) -> None:
        """Ask for each text one of those who have not labeled it, by chance."""
        free = self.rng.random((len(rows), len(SKILLS)))
        who = np.where(self.labels[rows] == NONE, free, -1).argmax(axis=1)
        self.labels[rows, who] = self.crowd.answer(who, self.y[rows], self.rng)

    def settle(self, method: str) -> tuple[Positions, Votes, Floats, crowd.Consensus | None]:
        """Work out labels of what was asked, from a model of the labels before."""
        have = np.flatnonzero((self.labels != NONE).any(axis=1))
        votes = votes_of(self.labels[have], self.k)
        before = np.where(self.kept[have] == NONE, votes.labels.max(axis=1), self.kept[have])
        proba = out_of_fold(self.X[have], before, self.k)
        found = None
        if method == "cleanlab":
            self.kept[have] = their_consensus(votes.labels, proba)
        else:
            found = crowd.consensus(votes, proba, method)  # type: ignore[arg-type]
            self.kept[have] = found.labels
        return have, votes, proba, found

    def model(self, have: Positions) -> learner.Classifier:
        return learner.fit(self.X[have], self.kept[have], n_classes=self.k)

    def right(self, have: Positions) -> float:
        return float(np.mean(self.kept[have] == self.y[have]))

    def tested(self, model: learner.Classifier) -> float:
        return float(np.mean(model.proba(self.data.T).argmax(axis=1) == self.data.t))


#: who chooses the text, and who makes the labels
RELABEL = {
    "ours": ("divide", "fused"),
    "ours with crowdlab": ("divide", "crowdlab"),
    "activelab": ("activelab", "cleanlab"),
    "random, fused": ("random", "fused"),
    "random, cleanlab": ("random", "cleanlab"),
    "random, majority": ("random", "majority"),
}


def relabel(data: Data, seed: int) -> Curves:
    """Label texts once, then ask again where it is worth most."""
    result: Curves = {}
    for name, (choose, method) in RELABEL.items():
        game = Game(data, seed, LABELED, LABELED)
        curve = result.setdefault(name, {"labels": [], "model": []})
        for number in range(ROUNDS + 1):
            have, votes, proba, found = game.settle(method)
            curve["labels"].append(game.right(have))
            curve["model"].append(game.tested(game.model(have)))
            if number < ROUNDS:
                game.ask(again(choose, game, votes, proba, found))
    return result


def again(
    choose: str, game: Game, votes: Votes, proba: Floats, found: crowd.Consensus | None
) -> Positions:
    """Return the texts that are asked again."""
    free = votes.counts < len(SKILLS)
    if choose == "divide":
        assert found is not None
        no = np.zeros(len(free), dtype=bool)
        none = np.empty((0, game.k))
        return slots.divide(
            votes, found, proba, none, size=BATCH, minutes=MINUTES, sure=no, reviewable=no
        ).again
    if choose == "random":
        return game.rng.permutation(np.flatnonzero(free))[:BATCH]
    order = np.argsort(their_scores(votes.labels, proba, None)[0], kind="stable")
    return order[free[order]][:BATCH]


#: which slots, and who makes the labels
QUEUES = {
    "auto": "fused",
    "activelab": "cleanlab",
    "new only": "fused",
    "new only, majority": "majority",
    "everything twice": "fused",
    "everything twice, majority": "majority",
}


def queue(data: Data, seed: int) -> Curves:
    """Ask for new texts or further labels, as many answers a round."""
    result: Curves = {}
    for name, method in QUEUES.items():
        game = Game(data, seed, POOL, START)
        curve = result.setdefault(name, {"labels": [], "model": [], "all": [], "texts": []})
        for number in range(LONG + 1):
            have, votes, proba, found = game.settle(method)
            model = game.model(have)
            everything = model.proba(game.X)
            said = everything.argmax(axis=1)
            said[have] = game.kept[have]
            curve["labels"].append(game.right(have))
            curve["model"].append(game.tested(model))
            curve["all"].append(float(np.mean(said == game.y)))
            curve["texts"].append(len(have))
            if number < LONG:
                _ask(name, game, have, (votes, proba, found), everything)
    return result


def _ask(name: str, game: Game, have: Positions, seen: Any, everything: Floats) -> None:
    """Ask a batch: further labels, and new texts drawn among those the model is least sure of."""
    votes, proba, found = seen
    pool = np.setdiff1d(np.arange(len(game.y)), have)
    old, new = np.empty(0, dtype=np.int64), BATCH
    no = np.zeros(len(have), dtype=bool)
    if name == "auto":
        took = slots.divide(
            votes, found, proba, everything[pool],
            size=BATCH, minutes=MINUTES, sure=no, reviewable=no,
        )  # fmt: skip
        old, new = took.again, took.new
    elif name == "activelab":
        seen_scores, fresh = their_scores(votes.labels, proba, everything[pool])
        seen_scores[votes.counts == len(SKILLS)] = np.inf
        first = np.argsort(np.concatenate([seen_scores, fresh]), kind="stable")[:BATCH]
        game.ask(np.concatenate([have, pool])[first])
        return
    elif name.startswith("everything twice"):
        new = BATCH // 2
    unsure = np.argsort(everything[pool].max(axis=1), kind="stable")[: UNSURE * new]
    rows = game.rng.choice(pool[unsure], new, replace=False)
    game.ask(have[old])
    game.ask(rows)
    if name.startswith("everything twice"):
        game.ask(rows)
