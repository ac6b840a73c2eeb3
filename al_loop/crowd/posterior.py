"""What people's votes and a model say together about the class of each text."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.crowd.votes import NONE, Labels

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

ROUNDS = 30
CLOSE = 1e-3  # largest change of a probability at which to stop
RIGHT, PERSON = 0.8, 5.0  # a person of whom nothing is known, and for how many votes that counts
CLASS, MISTAKE, SHARPNESS = 30.0, 30.0, 100.0  # how many votes or texts it takes to move these
FAR = 0.2  # share of mistakes that go to any class, however unlike
_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """proba: (n, k), of each text's class. people: (a,), how often each person is right."""

    proba: Floats
    people: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Voted:
    """One person's votes: rows of texts, and the classes named, also as a (k, m) 0/1 matrix."""

    rows: Labels
    classes: Labels
    named: npt.NDArray[np.float64]  # scipy sparse; behaves as one under `@`


def believe(labels: Labels, proba: Floats | None, n_classes: int) -> Belief:
    """Weigh (n, a) votes and (n, k) out-of-fold probabilities by how well each does.

    Dawid and Skene's (1979) model of people, with a classifier's probabilities in the place of
    the classes' shares, as in Raykar et al. (2010, Learning from Crowds): the class of a text is
    drawn by the model's probabilities, sharpened or flattened by one exponent, and each vote by
    the confusions of its person. All of it is fitted by expectation maximization. People have
    few votes a class, so that how often a person is right in a class leans on how often they
    are right at all, and which class is named by mistake is one table for all people, which
    leans on the classes that the model mixes up. Texts with a single vote take part.

    Rows of NaN in `proba` fall back on the shares of the classes among all votes; classes that
    the model does not know, for want of labels, have theirs everywhere.
    """
    votes = _voted(labels, n_classes)
    prior = _Prior.of(labels, proba, n_classes)
    often = prior.mixed_up()
    skill: Floats = np.full(len(votes), RIGHT)
    confusion = _confusion(np.full((len(votes), n_classes), RIGHT), often)
    exponent = 1.0
    found = prior.log(exponent)
    for _ in range(ROUNDS):
        last, found = found, _expected(prior.log(exponent), votes, confusion)
        if np.abs(found - last).max(initial=0) < CLOSE:
            break
        said = np.stack([(v.named @ found[v.rows]).T for v in votes])  # person, class, named
        skill, by_class, mistakes = _people(said, often)
        confusion = _confusion(by_class, mistakes)
        exponent = prior.sharpened(exponent, found)
    return Belief(found, skill)


def _voted(labels: Labels, k: int) -> list[_Voted]:
    from scipy.sparse import csr_matrix

    votes = []
    for column in labels.T:
        rows = np.flatnonzero(column != NONE)
        classes = column[rows]
        ones = (np.ones(len(rows)), (classes, np.arange(len(rows))))
        votes.append(_Voted(rows, classes, csr_matrix(ones, shape=(k, len(rows)))))
    return votes


def _expected(logits: Floats, votes: list[_Voted], confusion: Floats) -> Floats:
    """Return (n, k) probabilities of the classes, given people's confusions."""
    for v, table in zip(votes, np.log(confusion + _TINY), strict=True):
        logits[v.rows] += table.T[v.classes]
    return _softmax(logits)


def _people(said: Floats, often: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how often people are right, the same by class, and what is named by mistake.

    said: (a, k, k) expected votes: person, class, class named.
    """
    right, total = np.einsum("jcc->jc", said), said.sum(axis=2)
    skill = (RIGHT * PERSON + right.sum(axis=1)) / (PERSON + total.sum(axis=1))
    by_class = (CLASS * skill[:, None] + right) / (CLASS + total)
    wrong = said.sum(axis=0)
    np.fill_diagonal(wrong, 0)
    mistakes = (MISTAKE * often + wrong) / (MISTAKE + wrong.sum(axis=1, keepdims=True))
    return skill, by_class, mistakes


def _confusion(people: Floats, mistakes: Floats) -> Floats:
    """Return (a, k, k): what each person says of texts of each class."""
    found = (1 - people)[:, :, None] * mistakes
    every = np.arange(len(mistakes))
    found[:, every, every] = people
    return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Prior:
    """What is known of a text's class before anybody votes.

    logs: (m, p) logarithms of the model's probabilities, of the `known` texts and classes.
    texts: (n,), classes: (k,) True where the model knows them. shares: (k,) among all votes.
    """

    logs: Floats
    texts: Flags
    classes: Flags
    shares: Floats

    @classmethod
    def of(cls, labels: Labels, proba: Floats | None, k: int) -> "_Prior":
        counts = np.bincount(labels[labels != NONE], minlength=k) + 1.0
        shares = counts / counts.sum()
        if proba is None:
            proba = np.full((len(labels), k), np.nan)
        texts: Flags = np.logical_not(np.isnan(proba).any(axis=1))
        classes: Flags = np.any(proba[texts] > 0, axis=0)
        logs = np.log(proba[np.ix_(texts, classes)] + 1e-4)
        return cls(logs, texts, classes, shares)

    def log(self, exponent: float) -> Floats:
        """Return (n, k) logarithms of the probabilities."""
        found = np.tile(self.shares, (len(self.texts), 1))
        unknown = self.shares[~self.classes].sum()
        found[np.ix_(self.texts, self.classes)] = (1 - unknown) * _softmax(exponent * self.logs)
        return np.asarray(np.log(found + _TINY), dtype=np.float64)

    def mixed_up(self) -> Floats:
        """Return (k, k) with rows of sum 1: which other class is the model's second guess."""
        k = len(self.classes)
        far = (1 - np.eye(k)) / max(k - 1, 1)
        near: Floats = np.zeros((k, k))
        sure = _softmax(self.logs)
        near[np.ix_(self.classes, self.classes)] = sure.T @ sure
        np.fill_diagonal(near, 0)
        total = near.sum(axis=1, keepdims=True)
        near = np.where(total > 0, near / np.where(total > 0, total, 1), far)
        return np.asarray((1 - FAR) * near + FAR * far, dtype=np.float64)

    def sharpened(self, exponent: float, found: Floats) -> float:
        """Return the exponent after two of Newton's steps to the likeliest; it leans on 1."""
        wanted = found[np.ix_(self.texts, self.classes)]
        wanted = wanted / np.maximum(wanted.sum(axis=1, keepdims=True), _TINY)
        reached = (wanted * self.logs).sum()
        for _ in range(2):
            now = _softmax(exponent * self.logs)
            means = (now * self.logs).sum(axis=1)
            slope = reached - means.sum() - SHARPNESS * (exponent - 1)
            bend = (now * self.logs**2).sum() - (means**2).sum() + SHARPNESS
            exponent = float(np.clip(exponent + slope / bend, 0.05, 5))
        return exponent


def _softmax(logits: Floats) -> Floats:
    if not logits.size:
        return logits
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
