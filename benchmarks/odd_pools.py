"""The default strategy against random labels where nobody tuned it: odd pools, cold start.

    python benchmarks/odd_pools.py [--seeds 6] [--games NAME ...]

2 to 150 classes, few that dominate, texts that stand there many times, wrong answers, vectors of
other encoders: 12 batches by `auto`, its random share included, and by `random`, of 25 texts
unless the name of a game says otherwise. After every batch logistic regression with C = 10 is
fitted on the labels so far and measured on the test split, which has the shares of the pool.
Printed are auto's gains over the same seed's random labels, on average over the rounds with the
95 % interval and in the worst round, and the numbers of labels at which the interval is wholly
below -0.003. In the narrow cone that is the head's doing: C = 10 smooths what differs there.
Encodes through the user's cache, needs the real data sets.
"""

import argparse
import gzip
import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import selection_ours as ours
import selection_runs as runs
from common import ROOT, rounded, save, say
from selection_bars import LOSS, ends, interval
from selection_runs import Data, Run
from selection_table import between

OURS = "auto"
BATCH = 25
COPIED, COPIES = 600, 5_000  # texts, and how many rows they fill
WRONG = 0.1
MADE = [4, 2]  # seeds what is made up; a run's own seed would draw the same rows
TOWARDS = 3.0  # times the length of a vector
HASHING = "hashing"
TEST_SHARE = 0.3

#: Texts with their classes, to choose from and to test on.
Rows: TypeAlias = list[tuple[str, str]]
Texts: TypeAlias = tuple[Rows, Rows]


def of(name: str, rename: Callable[[str], str | None] = str) -> Texts:
    """Return the texts of a set, its classes renamed; those that become None are left out."""
    pool, test = (
        [(text, new) for text, label in ours.rows(name, split) if (new := rename(label))]
        for split in ("train", "test")
    )
    return pool, test


def news(*classes: str) -> Texts:
    """Return news of some topics, a part of them split off for testing."""
    found = [r for r in ours.rows("noisyag_mid10k", "train") if r[1] in classes]
    order = np.random.default_rng(MADE).permutation(len(found))
    mixed = [found[i] for i in order]
    cut = round(len(mixed) * TEST_SHARE)
    return mixed[cut:], mixed[:cut]


def scenario(label: str) -> str:
    """Return what an intent is about: calendar of calendar_set."""
    return label.partition("_")[0]


def one(*classes: str) -> Callable[[str], str]:
    """Return what makes two classes of all."""
    return lambda label: "yes" if label in classes else "no"


def domains() -> Texts:
    """Return clinc150 with its ten domains as classes."""
    path = ROOT.parent / "shared" / "data" / "clinc150" / "train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as f:
        domain = {row["label"]: row["domain"] for row in map(json.loads, f)}
    return of("clinc150", domain.get)


def out_of_scope() -> Texts:
    """Return requests that an assistant knows, 150 kinds as one class, and a few others."""
    pool, test = of("clinc150", lambda _: "known")
    unknown = [
        (text, "unknown")
        for split in ("oos_train", "oos_dev", "oos_test")
        for text, _ in ours.rows("clinc150", split)
    ]
    return pool + unknown[:200], test + unknown[200 : 200 + len(test) * 200 // len(pool)]


def skewed(texts: Texts, power: float, least: int = 1, classes: int | None = None) -> Texts:
    """Cut classes down to sizes that fall with the rank, which chance gives, by a power."""
    rng = np.random.default_rng(MADE)
    names = rng.permutation(sorted({label for _, label in texts[0]})).tolist()[:classes]
    cut = []
    for part in texts:
        by_class = {n: [row for row in part if row[1] == n] for n in names}
        largest = max(map(len, by_class.values()))
        sizes = [max(least, round(largest / rank**power)) for rank in range(1, len(names) + 1)]
        cut.append(
            [row for n, size in zip(names, sizes, strict=True) for row in by_class[n][:size]]
        )
    return cut[0], cut[1]


def encoded(texts: Texts, encoder: str = "all-MiniLM-L6-v2") -> Data:
    """Encode through the user's cache."""
    from al_loop import cache
    from al_loop.bars import no_bar
    from al_loop.store.items import text_hash

    names = sorted({label for part in texts for _, label in part})
    order = {name: i for i, name in enumerate(names)}
    X, T = (
        cache.vectors(encoder, [text_hash(t) for t, _ in part], [t for t, _ in part], no_bar)
        for part in texts
    )
    y, t = (np.array([order[label] for _, label in part], dtype=np.int64) for part in texts)
    return Data("", X, y, T, t)


def by_words(texts: Texts) -> Data:
    """Encode as people did before there were sentence encoders: TF-IDF, 100 dimensions."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    found = encoded(texts, HASHING)
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True), TruncatedSVD(100, random_state=0), Normalizer()
    )
    X = model.fit_transform([text for text, _ in texts[0]]).astype(np.float32)
    T = model.transform([text for text, _ in texts[1]]).astype(np.float32)
    return Data("", X, found.y, T, found.t)


def copied(data: Data) -> Data:
    """Fill a pool with copies: the first texts of a random order, most of the first ones."""
    rng = np.random.default_rng(MADE)
    shares = 1 / np.arange(1, COPIED + 1)
    rows = rng.permutation(len(data.y))[rng.choice(COPIED, size=COPIES, p=shares / shares.sum())]
    return Data("", data.X[rows], data.y[rows], data.T, data.t)


def mistaken(data: Data) -> Data:
    """Let a tenth of all answers name another class, each as likely."""
    rng = np.random.default_rng(MADE)
    y, classes = data.y.copy(), int(data.y.max()) + 1
    wrong = rng.permutation(len(y))[: round(WRONG * len(y))]
    y[wrong] = (y[wrong] + rng.integers(1, classes, size=len(wrong))) % classes
    return Data("", data.X, y, data.T, data.t)


def in_a_cone(data: Data) -> Data:
    """Turn all vectors towards one direction, as those of plain language models are."""
    rng = np.random.default_rng(MADE)
    direction = rng.normal(size=data.X.shape[1])
    direction *= TOWARDS / np.linalg.norm(direction)
    X, T = (
        ((M + direction) / np.linalg.norm(M + direction, axis=1, keepdims=True)).astype(np.float32)
        for M in (data.X, data.T)
    )
    return Data("", X, data.y, T, data.t)


def among_junk(texts: Texts, junk: Texts) -> Texts:
    """Add as many texts again that have nothing to do with the task, as a class of their own."""
    both = zip(texts, junk, strict=True)
    pool, test = (part + [(text, "junk") for text, _ in more[: len(part)]] for part, more in both)
    return pool, test


TOPICS = ("World", "Sports", "Business", "Sci/Tech")
#: What each game is played on; a number at the end of the name is its batch.
GAMES: Mapping[str, Callable[[], Data]] = {
    "4 topics": lambda: encoded(news(*TOPICS)),
    "4 topics, 100": lambda: encoded(news(*TOPICS)),
    "3 topics": lambda: encoded(news(*TOPICS[:3])),
    "2 topics": lambda: encoded(news(*TOPICS[2:])),
    "8 % admire": lambda: encoded(of("goemotions", one("admiration"))),
    "3 % in anger": lambda: encoded(of("goemotions", one("anger"))),
    "1 % in fear": lambda: encoded(of("goemotions", one("fear"))),
    "1 % out of scope": lambda: encoded(out_of_scope()),
    "1 % out of scope, 100": lambda: encoded(out_of_scope()),
    "5 skewed domains": lambda: encoded(skewed(domains(), 2.0, classes=5)),
    "10 skewed domains": lambda: encoded(skewed(domains(), 1.5)),
    "18 scenarios": lambda: encoded(of("massive_en", scenario)),
    "18 scenarios, 50": lambda: encoded(of("hwu64", scenario)),
    "20 skewed intents": lambda: encoded(skewed(of("banking77"), 1.0, classes=20)),
    "77 skewed intents": lambda: encoded(skewed(of("banking77"), 0.5, least=2)),
    "150 intents": lambda: encoded(of("clinc150")),
    "copies": lambda: copied(encoded(of("massive_en"))),
    "wrong answers": lambda: mistaken(encoded(of("hwu64"))),
    "wrong answers, 100": lambda: mistaken(encoded(of("hwu64"))),
    "half junk": lambda: encoded(among_junk(of("hwu64"), of("goemotions"))),
    "hashed n-grams": lambda: encoded(of("massive_en"), HASHING),
    "a narrow cone": lambda: in_a_cone(encoded(of("hwu64"))),
    "words": lambda: by_words(of("banking77")),
    "words, 100": lambda: by_words(of("banking77")),
}


def batch_of(game: str) -> int:
    """Return the batch that the name of a game says."""
    last = game.rpartition(" ")[2]
    return int(last) if last.isdigit() else BATCH


def play(game: str, seeds: int) -> dict[str, list[Run]]:
    """Return the runs of both, a seed each."""
    data, found = GAMES[game](), {name: list[Run]() for name in (OURS, runs.RANDOM)}
    for seed in range(seeds):
        learn = partial(ours.fit, kind="logistic", seed=seed)
        for name, played in found.items():
            choose = ours.chooser(name)
            played.append(runs.play(data, batch_of(game), seed, choose, learn))
    return found


def gains(found: Mapping[str, Sequence[Run]], what: str) -> Any:
    """Return (seeds, rounds) of what the strategy has more than random labels of the same seed."""
    mine, chance = (np.array([run[what] for run in found[name]]) for name in (OURS, runs.RANDOM))
    return mine - chance


def summary(found: Mapping[str, Sequence[Run]], batch: int) -> dict[str, Any]:
    """Return what a game gained a round and on average, and where it lost."""
    result: dict[str, Any] = {"batch": batch}
    for what in ("accuracy", "macro_f1"):
        gained = gains(found, what)
        low, high = interval(gained)
        result[what] = {
            "random": rounded(np.mean([run[what] for run in found[runs.RANDOM]], axis=0), 3),
            "rounds": rounded(gained.mean(axis=0), 4),
            "low": rounded(low, 4),
            "high": rounded(high, 4),
            "area": round(float(gained.mean()), 4),
            "area_interval": ends(gained.mean(axis=1)),
            "labels_where_it_loses": [batch * (int(i) + 1) for i in np.flatnonzero(high < -LOSS)],
        }
    result["classes"] = {
        name: rounded(np.mean([run["classes"] for run in played], axis=0), 1)
        for name, played in found.items()
    }
    return result


def row(game: str, facts: Mapping[str, Any]) -> str:
    """Write a row of the table."""
    cells = [game, str(facts["batch"])]
    for what in ("accuracy", "macro_f1"):
        f = facts[what]
        worst = int(np.argmin(f["rounds"]))
        cells.append(f"{f['area']:+.3f}, {between(f['area_interval'])}")
        cells.append(f"{f['rounds'][worst]:+.3f} at {facts['batch'] * (worst + 1)}")
    lost = [n for what in ("accuracy", "macro_f1") for n in facts[what]["labels_where_it_loses"]]
    return f"| {' | '.join(cells)} | {' '.join(map(str, lost)) or '-'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--games", nargs="+", default=list(GAMES), choices=GAMES, metavar="NAME")
    args = parser.parse_args()

    load, found = os.getloadavg(), {}
    say("| pool | batch | accuracy | worst | macro-F1 | worst | loses at |\n" + "|---" * 7 + "|")
    for game in args.games:
        found[game] = summary(play(game, args.seeds), batch_of(game))
        say(row(game, found[game]))
    held = [
        not f["accuracy"]["labels_where_it_loses"] and f["accuracy"]["area"] >= 0
        for f in found.values()
    ]
    every = tuple(args.games) == tuple(GAMES)
    arguments = f"--seeds {args.seeds}" + ("" if every else f" --games {shlex.join(args.games)}")
    measured = {"seeds": args.seeds, "holds": sum(held), "games": found}
    save("odd_pools", arguments, measured, load, show=False)


if __name__ == "__main__":
    main()
