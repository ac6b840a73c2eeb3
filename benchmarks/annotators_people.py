"""Made-up people for benchmarks/annotators.py: each answers by a confusion matrix of their own."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from common import ROOT
from selection_runs import Data, Positions

NEWS = "noisyag_mid10k"
#: How often each of four people is right, on average over the classes.
SKILLS = (0.6, 0.7, 0.8, 0.95)
NEAR = 0.05  # difference in cosine that makes an error e times less likely
FAR = 0.2  # share of errors that know nothing of similarity
UNEVEN = 0.6  # spread of a person's skill over classes, in logits

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """People who answer. confusion: (a, k, k), what each says to texts of each class."""

    confusion: Matrix

    def answer(self, person: Positions, truth: Positions, rng: np.random.Generator) -> Positions:
        """Draw (m,) answers of (m,) people to texts of (m,) classes."""
        ladder = self.confusion[person, truth].cumsum(axis=1)
        drawn = rng.random(len(truth))[:, None] * ladder[:, -1:]
        found: Positions = (ladder < drawn).sum(axis=1)
        return found


def crowd(data: Data, seed: int, skills: Sequence[float] = SKILLS) -> Crowd:
    """Make people who mix classes up whose texts are alike, each in a way of their own."""
    rng = np.random.default_rng([seed, 1])
    k = int(data.y.max()) + 1
    means = np.stack([data.X[data.y == c].mean(axis=0) for c in range(k)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    near = np.exp(means @ means.T / NEAR)
    np.fill_diagonal(near, 0)
    near /= near.sum(axis=1, keepdims=True)
    far = (1 - np.eye(k)) / (k - 1)
    return Crowd(np.stack([_person(near, far, skill, rng) for skill in skills]))


def _person(near: Matrix, far: Matrix, skill: float, rng: np.random.Generator) -> Matrix:
    own = near * rng.gamma(1.0, size=near.shape)  # everybody's favorite mistakes
    wrong = (1 - FAR) * own / own.sum(axis=1, keepdims=True) + FAR * far
    logit = np.log(skill / (1 - skill)) + UNEVEN * rng.normal(size=len(near))
    right = 1 / (1 + np.exp(-logit))
    right = np.clip(right + skill - right.mean(), 0.02, 0.99)[:, None]
    return np.asarray(right * np.eye(len(near)) + (1 - right) * wrong)


def news_crowd(data: Data, seed: int, skills: Sequence[float] = SKILLS) -> Crowd:
    """Make people who err as those of noisyag_mid10k did: real errors, made more or less often."""
    path = ROOT.parent / "shared" / "data" / NEWS / "train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    order = {name: i for i, name in enumerate(sorted({row["label"] for row in rows}))}
    real = np.zeros((len(order), len(order)))
    for row in rows:
        real[order[row["label"]], order[row["noisy_label"]]] += 1
    real /= real.sum(axis=1, keepdims=True)
    rng = np.random.default_rng([seed, 1])
    return Crowd(np.stack([_scaled(real, skill, rng) for skill in skills]))


def _scaled(real: Matrix, skill: float, rng: np.random.Generator) -> Matrix:
    wrong = real * (1 - np.eye(len(real))) * rng.gamma(4.0, size=real.shape)
    wrong *= (1 - skill) / wrong.sum(axis=1).mean()
    wrong *= np.minimum(1, 0.9 / wrong.sum(axis=1, keepdims=True))
    return np.asarray(wrong + np.diag(1 - wrong.sum(axis=1)))
