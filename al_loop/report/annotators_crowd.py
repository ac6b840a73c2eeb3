"""What several people's votes tell about them: agreement, quality, confusion, as plain values."""

from collections.abc import Container, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from al_loop.crowd import agreement as crowd
from al_loop.crowd.agreement import Measure, Share
from al_loop.crowd.quality import Person, quality
from al_loop.crowd.votes import NONE, Votes
from al_loop.report.annotators_votes import Cast, Said


def agreement(said: Said, classes: Sequence[str], seed: int) -> dict[str, Any]:
    """Return how much people agree, with 95 % intervals over texts.

    texts: with votes of two people or more; `selected`: see `Said`.
    all: share of the pairs of votes that are the same, as `n`, `hits`, `share`, `low`, `high`.
    alpha, fleiss: Krippendorff's alpha; Fleiss' kappa, on the `texts` with `votes` votes. `value`,
        `low`, `high`, each None where it is not defined.
    classes: lowest agreement first: `class`, `votes` and `texts` that say so, `share` (of the
        pairs in which one says it, how often the other does) with `low` and `high`, and `alpha` of
        the class against the others with `alpha_low` and `alpha_high`.
    pairs: of people `a` and `b`, most common texts first: as `all`, and Cohen's `kappa` with
        `kappa_low` and `kappa_high`.
    """
    found = crowd.agreement(Votes.of(said.compared, classes), seed=seed)
    by_class = [
        {"class": c.name, "votes": c.votes, "texts": c.texts}
        | {k: v for k, v in share(c.agreement).items() if k in ("share", "low", "high")}
        | _named("alpha", c.alpha)
        for c in found.classes
    ]
    return {
        "texts": found.texts,
        "selected": said.selected,
        "all": share(found.raw),
        "alpha": asdict(found.alpha),
        "fleiss": asdict(found.fleiss) | {"votes": found.fleiss_votes, "texts": found.fleiss_texts},
        "classes": sorted(by_class, key=lambda c: (c["share"], c["class"])),
        "pairs": [
            {"a": p.a, "b": p.b, **share(p.agreement), **_named("kappa", p.kappa)}
            for p in found.pairs
        ],
    }


def share(found: Share) -> dict[str, Any]:
    """Return a share as it stands in reports; see `rates.rate`."""
    ends = {"low": found.low, "high": found.high}
    return {"n": found.n, "hits": found.hits, "share": found.value, **ends}


def _named(name: str, found: Measure) -> dict[str, float | None]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def people(said: Said) -> dict[str, dict[str, Any]]:
    """Map each person who voted to what the votes of others and sure labels tell about them.

    votes: texts that they labeled. shared: of those that are compared, the ones that somebody
        else labeled, too.
    agreement: share of the comparisons with one other vote that are the same.
    others: accuracy by what most of the others said, where they are not divided.
    gold: accuracy on the texts of `Said.gold`.
    Each share as `n`, `hits`, `share`, `low`, `high`.
    """
    compared = {p.name: p for p in judged(said.compared, said)}
    gold = {p.name: p for p in judged(said.gold, said, said.labels)}
    found = {p.name: NOBODY | {"votes": p.votes} for p in judged(said.votes, said)}
    for name, p in compared.items():
        found[name] |= {
            "shared": p.shared,
            "agreement": share(p.agreement),
            "others": share(p.others),
        }
    for name, p in gold.items():
        found[name] |= {"gold": share(p.gold)}
    return found


#: Of somebody who has not voted.
NOBODY: dict[str, Any] = {
    "votes": 0,
    "shared": 0,
    **{name: share(Share()) for name in ("agreement", "others", "gold")},
}


def judged(cast: Cast, said: Said, sure: Container[str] = ()) -> list[Person]:
    """Judge people by some votes, with the labels as they stand, some of them `sure`."""
    return quality(*_arrays(cast, said, sure))


def _arrays(cast: Cast, said: Said, texts: Container[str]) -> Any:
    votes = Votes.of(cast, sorted({*said.labels.values()}))
    position = {name: i for i, name in enumerate(votes.classes)}
    labels = [position[said.labels[i]] if i in said.labels else NONE for i in votes.ids]
    sure = [i in texts for i in votes.ids]
    return votes, np.array(labels, dtype=np.int64), np.array(sure, dtype=np.bool_)


def confusion(said: Said) -> list[dict[str, Any]]:
    """Return of each person who voted what they take for what.

    `annotator`, `texts` whose label is sure or was said by somebody else, too, `wrong` ones among
    them, and `confusions`, most frequent first: `right`, `said`, `texts`, and `of` so many texts
    that are `right`.
    """
    votes, labels, sure = _arrays(said.votes, said, said.decided)
    return [_confusion(p, votes.classes) for p in quality(votes, labels, sure)]


def _confusion(person: Person, classes: Sequence[str]) -> dict[str, Any]:
    of: dict[int, int] = {}
    for (right, _), n in person.confusion.items():
        of[right] = of.get(right, 0) + n
    rows: list[dict[str, Any]] = [
        {"right": classes[right], "said": classes[mine], "texts": n, "of": of[right]}
        for (right, mine), n in person.confusion.items()
        if right != mine
    ]
    rows.sort(key=lambda r: (-r["texts"], r["of"], r["right"], r["said"]))
    wrong = sum(r["texts"] for r in rows)
    return {
        "annotator": person.name,
        "texts": sum(of.values()),
        "wrong": wrong,
        "confusions": rows,
    }
