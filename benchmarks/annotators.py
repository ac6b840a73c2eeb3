"""Several annotators: consensus, second labels, and one queue, against cleanlab's in the same run.

    python benchmarks/annotators.py consensus [--seeds 5] [--sets NAME ...]
    python benchmarks/annotators.py relabel [--seeds 5] [--sets NAME ...]
    python benchmarks/annotators.py queue [--seeds 3] [--sets NAME ...]
    python benchmarks/annotators.py file FILE --item COL --annotator COL --label COL --truth COL
                                         [--text COL]

Four made-up people, right in 60, 70, 80 and 95 of 100 texts, mix up classes whose texts are alike,
each in a way of their own; those on noisyag_mid10k err as its real people did. `consensus` labels
1,000 texts 2, 3 or 5 times (5: by six people). `relabel` labels 500 texts once, then 100 further
answers a round. `queue` has a pool, and asks for new texts or further labels of old ones, as many
answers a round each. `file` compares on real votes, one a row; the model reads the text column.
Results go to results/annotators.json, each part by itself. Encodes through the user's cache.
"""

import argparse
import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import annotators_play as play
import numpy as np
from common import RESULTS, save, say

SETS = ("banking77", "hwu64", play.NEWS)
PARTS = {"consensus": play.consensus, "relabel": play.relabel, "queue": play.queue}
SEEDS = {"consensus": 5, "relabel": 5, "queue": 3}


def run(part: str, sets: Sequence[str], seeds: int) -> dict[str, Any]:
    """Play a part on each set with each seed; returns means and the spread over seeds."""
    found: dict[str, Any] = {}
    for name in sets:
        data = play.load(name)
        each = []
        for seed in range(seeds):
            each.append(PARTS[part](data, seed))
            say(f"{part} {name} {seed}: {json.dumps(_compact(each[-1]))}")
        found[name] = _means(each)
    return found


def _compact(one: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {who: [np.round(v, 3).tolist() for v in of.values()] for who, of in one.items()}


def _means(each: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    return {
        who: {
            what: {
                "mean": _plain(np.mean([one[who][what] for one in each], axis=0)),
                "std": _plain(np.std([one[who][what] for one in each], axis=0)),
            }
            for what in each[0][who]
        }
        for who in each[0]
    }


def _plain(value: Any) -> Any:
    return np.round(value, 4).tolist()


def real(args: argparse.Namespace) -> dict[str, Any]:
    """Compare the methods on a file of votes, one a row, where the truth is known."""
    from al_loop.crowd.votes import Votes

    with Path(args.file).open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    votes: dict[str, dict[str, str]] = {}
    for row in rows:
        votes.setdefault(row[args.item], {})[row[args.annotator]] = row[args.label]
    truth = {row[args.item]: row[args.truth] for row in rows}
    made = Votes.of(votes, sorted(set(truth.values())))
    position = {name: i for i, name in enumerate(made.classes)}
    y = np.array([position[truth[i]] for i in made.ids], dtype=np.int64)
    X = None
    if args.text:
        texts = {row[args.item]: row[args.text] for row in rows}
        X = play.vectors([texts[i] for i in made.ids])
    found = play.compare(made, y, X)
    return {"texts": len(made.ids), "people": len(made.people), "methods": _means([found])}


def keep(part: str, arguments: str, found: Mapping[str, Any], load: Sequence[float]) -> None:
    """Store one part, leaving the others."""
    path = RESULTS / "annotators.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    others = {name: old[name] for name in PARTS if name in old}
    command = f"python benchmarks/annotators.py {arguments}"
    save("annotators", arguments, {**others, part: {"command": command, **found}}, load)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    todo = parser.add_subparsers(dest="todo", required=True)
    for part in PARTS:
        command = todo.add_parser(part)
        command.add_argument("--seeds", type=int, default=SEEDS[part])
        command.add_argument("--sets", nargs="+", default=list(SETS), choices=play.SETS)
    file = todo.add_parser("file")
    file.add_argument("file")
    for column in ("item", "annotator", "label", "truth"):
        file.add_argument(f"--{column}", required=True, metavar="COL")
    file.add_argument("--text", default="", metavar="COL")
    args = parser.parse_args(argv)
    if args.todo == "file":
        print(json.dumps(real(args), indent=2))
        return
    load = os.getloadavg()
    found = run(args.todo, args.sets, args.seeds)
    arguments = f"{args.todo} --seeds {args.seeds} --sets {' '.join(args.sets)}"
    keep(args.todo, arguments, found, load)


if __name__ == "__main__":
    main()
