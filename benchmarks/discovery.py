"""An open world: how soon classes that nobody named are found, and how well they are told apart.

    python benchmarks/discovery.py play auto random [--seeds 5] [--games GAME ...] [--fresh]
    python benchmarks/discovery.py timing
    python benchmarks/discovery.py table

`play` runs `al-loop simulate` on banking77_nid from a quarter, half and three quarters of the
classes (splits of the new-intent-discovery papers, convention textoir), 530 answers in 7 rounds;
on clinc150 from nothing, with a fifth of its classes cut to 5 texts each in the pool; and on
three other sets from a quarter of the classes. Every finished run is stored, and not played
again, so a killed command goes on where it stopped; `--fresh` plays those again that other code
played. `timing` measures one run on banking77_nid from a quarter as a command, beside the same
with `random`. `table` prints everything and writes results/discovery.json. Needs the real data.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import discovery_runs as runs
import discovery_table
from common import ROOT, median, rounded, say, temporary
from discovery_runs import DATA, GAMES, NID, RANDOM, STORED

REPEATS = 3


def timing(ours: str) -> None:
    """Measure the whole command, both strategies in turn, once all texts are encoded."""
    load, game = os.getloadavg(), GAMES[f"{NID}-0.25"]
    known, ids = runs.start(game, 0)
    runs.world(NID)  # encodes what is not encoded yet
    taken: dict[str, list[float]] = {ours: [], RANDOM: []}
    with temporary() as folder:
        for name, entries in (("known.txt", known), ("ids.txt", ids)):
            (folder / name).write_text("\n".join(entries) + "\n", encoding="utf-8")
        for _ in range(REPEATS):
            for name, seconds in taken.items():
                seconds.append(one_loop(folder, name, game))
                say(f"{name}: {seconds[-1]:.1f} s")
    middle = {name: median(seconds) for name, seconds in taken.items()}
    measured = {
        "strategy": ours,
        "seconds": rounded(taken[ours], 1),
        "random_seconds": rounded(taken[RANDOM], 1),
        "median": round(middle[ours], 1),
        "ratio": round(middle[ours] / middle[RANDOM], 2),
        "holds": middle[ours] <= discovery_table.SECONDS,
        "load_before": rounded(load, 1),
    }
    STORED.mkdir(parents=True, exist_ok=True)
    text = json.dumps(measured, indent=2)
    (STORED / "timing.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def one_loop(folder: Path, strategy: str, game: runs.Game) -> float:
    """Return the seconds of one `al-loop simulate`."""
    files = {"--data": DATA / NID / "train.jsonl.gz", "--test": DATA / NID / "test.jsonl.gz"}
    files |= {"--known-classes": folder / "known.txt", "--labeled-ids": folder / "ids.txt"}
    options = [str(part) for pair in files.items() for part in pair]
    options += ["--budget", str(game.answers), "--rounds", str(game.rounds), "--json"]
    command = [sys.executable, "-m", "al_loop", "simulate", "--strategy", strategy, *options]
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - began


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    todo = parser.add_subparsers(dest="todo", required=True)
    play, clock, table = (todo.add_parser(n) for n in ("play", "timing", "table"))
    play.add_argument("names", nargs="+", metavar="STRATEGY")
    play.add_argument("--seeds", type=int, default=5)
    play.add_argument("--games", nargs="+", choices=list(GAMES), default=list(GAMES))
    play.add_argument("--fresh", action="store_true")
    for command in (clock, table):
        command.add_argument("--ours", default="auto", metavar="STRATEGY")
    return parser.parse_args(argv)


def main() -> None:
    given = arguments()
    if given.todo == "table":
        discovery_table.main(given.ours)
    elif given.todo == "timing":
        timing(given.ours)
    else:
        for name in given.names:
            runs.code(name)  # as it is when it is imported
        runs.play_missing(runs.queue(given.games, given.names, given.seeds), given.fresh)


if __name__ == "__main__":
    main()
