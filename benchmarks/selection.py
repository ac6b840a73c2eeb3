"""Selection against the peers: same vectors, head, batches and seeds; every run is stored.

    python benchmarks/selection.py encode
    python benchmarks/selection.py peers --peers-python PATH
    python benchmarks/selection.py play auto random [--seeds 10] [--head auto] [--again auto]
    python benchmarks/selection.py timing --peers-python PATH
    python benchmarks/selection.py table

From no labels, 12 rounds of 100 on five sets, on two of them also of 25; after every batch the
head is fitted on the labels so far and measured on the test split. `play` plays al-loop's own
strategies by name, their random share included, `peers` those of other libraries in their own
environment (selection_peers.py). A stored run is not played again, so a killed command goes on
where it stopped. `timing` compares the query's time with TypiClust's and looks at the memory of
`badge`; `table` prints everything and writes results/selection.json. Needs the real data sets.
"""

import argparse
import functools
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import selection_ours as ours
import selection_runs as runs
import selection_table
import selection_timing
from common import ROOT
from selection_runs import Data, Key, Run


def queue(
    names: Sequence[str], games: Sequence[tuple[str, int]], seeds: int, head: str, cache: Path
) -> Iterator[tuple[Key, Callable[[], Run]]]:
    """Yield the runs of some strategies, all strategies of a seed beside each other."""
    load = functools.lru_cache(maxsize=1)(runs.load)
    for name, batch in games:
        for seed in range(seeds):
            for strategy in names:
                key = Key(name, batch, head, ours.LIBRARY, strategy, seed)
                yield key, partial(play, key, partial(load, name, cache))


def play(key: Key, load: Callable[[], Data]) -> Run:
    """Play one run of al-loop."""
    from al_loop.config import Config

    learn = partial(ours.fit, kind=key.head, seed=key.seed)
    curve = runs.play(load(), key.batch, key.seed, ours.chooser(key.name), learn)
    settings = {"random_share": Config().batch.random_share, "C": ours.C}
    versions = runs.versions(ours.LIBRARY, "scikit-learn", "numpy")
    return curve | {"versions": versions, "settings": settings}


def game(text: str) -> tuple[str, int]:
    """Read a set and its batch, such as hwu64-100."""
    name, _, batch = text.rpartition("-")
    if (name, int(batch)) not in runs.GAMES:
        raise argparse.ArgumentTypeError("one of " + " ".join(f"{s}-{b}" for s, b in runs.GAMES))
    return name, int(batch)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    todo = parser.add_subparsers(dest="todo", required=True)
    by_name = {n: todo.add_parser(n) for n in ("encode", "play", "peers", "timing", "table")}
    for name in ("encode", "play", "peers", "timing"):
        by_name[name].add_argument("--cache", type=Path, default=runs.CACHE)
    for name in ("peers", "timing"):
        by_name[name].add_argument("--peers-python", type=Path, required=True)
    for name in ("timing", "table"):
        by_name[name].add_argument("--ours", default="auto", metavar="NAME")
    for name in ("play", "peers"):
        by_name[name].add_argument("--again", nargs="+", default=[], metavar="NAME")
    mine = by_name["play"]
    mine.add_argument("names", nargs="*", metavar="NAME")
    mine.add_argument("--seeds", type=int, default=5)
    mine.add_argument("--head", default="logistic")
    mine.add_argument("--games", nargs="+", type=game, default=runs.GAMES, metavar="SET-BATCH")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.todo == "table":
        selection_table.main(given.ours)
        return
    for name in dict(given.games if given.todo == "play" else runs.GAMES):
        ours.encode(name, given.cache)
    if given.todo == "play":
        names = list(dict.fromkeys([*given.names, *given.again]))
        found = queue(names, given.games, given.seeds, given.head, given.cache)
        runs.play_missing(found, given.again)
    elif given.todo == "peers":
        script = str(ROOT / "benchmarks" / "selection_peers.py")
        options = ["--cache", str(given.cache), *(["--again", *given.again] if given.again else [])]
        subprocess.run([str(given.peers_python), script, *options], check=True)
    elif given.todo == "timing":
        selection_timing.main(given.ours, given.cache, given.peers_python)


if __name__ == "__main__":
    main()
