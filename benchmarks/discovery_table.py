"""What the stored runs of benchmarks/discovery.py say, as tables and bars."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import discovery_runs as runs
import numpy as np
from common import save
from discovery_runs import GAMES, NID, RANDOM, RARE, RARE_KNOWN, Run

Row = dict[str, Any]

#: The bars: LOOP's H-score is to be reached with few answers.
H, NOVEL, LOOP_H, LOOP_ANSWERS = 0.88, 0.85, 0.746, 170
SEEN_WITHIN, MORE_IN_FIRST, RARE_RATIO, COVERAGE, SECONDS = 230, 1.25, 0.25, 0.8, 60
SETTLED = 2  # rounds after which the interval is looked at
_OPEN = [name for name in GAMES if name not in (RARE, RARE_KNOWN)]


def scores(name: str, played: Sequence[Run], random: Sequence[Run]) -> Row:
    """Return what all answers bring, and how many it takes to LOOP's H-score."""
    last = {key: mean(run[key][-1] for run in played) for key in _SCORES}
    needed = [reached(run["labels"], run["h_score"], LOOP_H) for run in played]
    chance = [reached(run["labels"], run["h_score"], LOOP_H) for run in random]
    return {
        "game": name,
        "strategy": played[0]["strategy"],
        "seeds": len(played),
        "answers": played[0]["labels"][-1],
        **last,
        "worst_h_score": min(run["h_score"][-1] for run in played),
        "against_random": last["h_score"] - mean(run["h_score"][-1] for run in random),
        "to_loop": needed,
        "mean_to_loop": mean(needed),
        "random_to_loop": mean(chance),
    }


_SCORES = ("known_accuracy", "novel_accuracy", "h_score", "nmi", "ari")


def seen(name: str, played: Sequence[Run], random: Sequence[Run]) -> Row:
    """Return how soon classes are seen."""
    row = {
        "game": name,
        "strategy": played[0]["strategy"],
        "seeds": len(played),
        "classes": played[0]["classes"],
        "known": played[0]["known"],
        "curve": np.mean([run["classes_seen"] for run in played], axis=0).tolist(),
        "new_in_first": [run["classes_seen"][0] - run["known"] for run in played],
        "all_seen_with": [within(run) for run in played],
    }
    mine, chance = (
        mean(row["new_in_first"]),
        mean(r["classes_seen"][0] - r["known"] for r in random),
    )
    return row | {"new_against_random": mine / chance}


def within(run: Run) -> int | None:
    """Return with how many answers all classes were seen; None if they never were."""
    full = [
        n for n, c in zip(run["labels"], run["classes_seen"], strict=True) if c >= run["classes"]
    ]
    return full[0] if full else None


def reached(labels: Sequence[int], curve: Sequence[float], target: float) -> float:
    """Return where a curve reaches a target, on straight lines between rounds; else infinity.

    A curve that starts above it counts as reaching it with its first batch.
    """
    for i, value in enumerate(curve):
        if value >= target:
            if i == 0:
                return float(labels[0])
            share = (target - curve[i - 1]) / (value - curve[i - 1])
            return labels[i - 1] + share * (labels[i] - labels[i - 1])
    return math.inf


def rare(name: str, played: Sequence[Run], random: Sequence[Run]) -> Row:
    """Return how many labels it takes to see the rare classes."""
    by_seed = {run["seed"]: run["needed"] for run in random}
    ratios = []
    for run in played:
        rounds = sorted(run["first"].get(c, math.inf) for c in run["rare"])
        last = rounds[math.ceil(runs.RARE_SOUGHT * len(rounds)) - 1]
        needed = run["labels"][int(last) - 1] if last < math.inf else math.inf
        ratios.append(needed / by_seed[run["seed"]])
    found = [
        [sum(run["first"].get(c, math.inf) <= i for c in run["rare"]) for i in rounds_of(run)]
        for run in played
    ]
    return {
        "game": name,
        "strategy": played[0]["strategy"],
        "seeds": len(played),
        "rare": len(played[0]["rare"]),
        "labels": played[0]["labels"],
        "found": np.mean(found, axis=0).tolist(),
        "needed_of_random": ratios,
        "random_needs": mean(by_seed.values()),
    }


def rounds_of(run: Run) -> range:
    """Return the numbers of a run's rounds."""
    return range(1, len(run["labels"]) + 1)


def unseen(name: str, played: Sequence[Run]) -> Row:
    """Return how often the interval of unseen classes holds the truth, and how wide it is."""
    found = []
    for run in played:
        for (low, estimate, high), n in zip(
            run["unseen_estimate"][SETTLED:], run["classes_seen"][SETTLED:], strict=True
        ):
            truth = run["classes"] - n
            found.append((low <= truth <= high, high - low, estimate, truth))
    holds, width, estimate, truth = np.mean(found, axis=0).tolist()
    facts = {"coverage": holds, "width": width, "estimate": estimate, "truth": truth}
    return {"game": name, "strategy": played[0]["strategy"], "rounds": len(found), **facts}


def mean(values: Any) -> float:
    """Return the mean."""
    return float(np.mean(list(values)))


def gather() -> dict[str, dict[str, list[Run]]]:
    """Return game -> strategy -> its runs, in the order of their seeds."""
    found: dict[str, dict[str, list[Run]]] = {}
    for game in GAMES:
        for key, run in sorted(runs.stored(game).items(), key=lambda p: p[0].seed):
            found.setdefault(game, {}).setdefault(key.strategy, []).append(run)
    return found


def bars(tables: Mapping[str, list[Row]], ours: str) -> dict[str, Any]:
    """Return which bars a strategy holds, with the worst of what they are about."""
    mine = {key: [r for r in rows if r["strategy"] == ours] for key, rows in tables.items()}
    nid = [row for row in mine["scores"] if row["game"].startswith(NID)]
    first = [row for row in mine["seen"] if row["game"] == f"{NID}-0.25"]
    sure = [row for row in mine["unseen"] if row["game"].startswith(NID)]
    found = {
        "h_score": (min((r["h_score"] for r in nid), default=None), H, 1),
        "novel_accuracy": (min((r["novel_accuracy"] for r in nid), default=None), NOVEL, 1),
        "answers_to_loop": (max((r["mean_to_loop"] for r in nid), default=None), LOOP_ANSWERS, -1),
        "all_seen_with": (
            max((n or math.inf for r in first for n in r["all_seen_with"]), default=None),
            SEEN_WITHIN,
            -1,
        ),
        "new_against_random": (
            min((r["new_against_random"] for r in first), default=None),
            MORE_IN_FIRST,
            1,
        ),
        "rare_of_random": (
            max(
                (mean(r["needed_of_random"]) for r in mine["rare"] if r["game"] == RARE_KNOWN),
                default=None,
            ),
            RARE_RATIO,
            -1,
        ),
        "coverage": (min((r["coverage"] for r in sure), default=None), COVERAGE, 1),
    }
    return {
        name: {
            "value": value,
            "bar": bar,
            "holds": value is not None and sign * value >= sign * bar,
        }
        for name, (value, bar, sign) in found.items()
    }


def main(ours: str) -> None:
    """Print the tables and bars, and write results/discovery.json."""
    load, found = os.getloadavg(), gather()
    tables: dict[str, list[Row]] = {"scores": [], "seen": [], "rare": [], "unseen": []}
    for game, by_strategy in found.items():
        random = by_strategy.get(RANDOM, [])
        for name, played in by_strategy.items():
            seeds = {run["seed"] for run in played}
            same = [run for run in random if run["seed"] in seeds]
            if not same:
                continue
            if game in _OPEN:
                tables["scores"].append(scores(game, played, same))
                tables["seen"].append(seen(game, played, same))
                tables["unseen"].append(unseen(game, played))
            elif name != RANDOM:
                tables["rare"].append(rare(game, played, same))
    held = bars(tables, ours)
    played = [run for game in found.values() for name in game for run in game[name]]
    others = sum(run["code"] != runs.code(run["strategy"]) for run in played)
    timing = runs.STORED / "timing.json"
    measured = {
        "strategy": ours,
        "bars": held,
        "timing": json.loads(timing.read_text("utf-8")) if timing.exists() else None,
        **tables,
        "runs_by_other_code": others,
    }
    show(tables, held)
    print(f"timing: {json.dumps(measured['timing'])}")
    if others:
        print(f"{others} runs were played by other code than there is now: play --fresh")
    save("discovery", "table", plain(measured), load, show=False)


def plain(value: Any) -> Any:
    """Round numbers, and write what was never reached as null."""
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def show(tables: Mapping[str, list[Row]], held: Mapping[str, Any]) -> None:
    """Print everything in Markdown."""
    print("| start | strategy | seeds | H | worst | known | novel | NMI | ARI | H, gain |", end="")
    print(f" answers to H {LOOP_H} | random's |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for r in tables["scores"]:
        cells = [r["h_score"], r["worst_h_score"], *(r[k] for k in _SCORES if k != "h_score")]
        values = " | ".join(f"{v:.3f}" for v in cells)
        ends = f"{r['against_random']:+.3f} | {r['mean_to_loop']:.0f} | {r['random_to_loop']:.0f} |"
        print(f"| {r['game']} | {r['strategy']} | {r['seeds']} | {values} | {ends}")
    print("\n| start | strategy | classes | known | seen after each round |", end="")
    print(" new in the first, of random's | all seen with |\n|---|---|--:|--:|---|--:|---|")
    for r in tables["seen"]:
        curve = " ".join(f"{c:.1f}" for c in r["curve"])
        full = " ".join("-" if n is None else str(n) for n in r["all_seen_with"])
        start = f"| {r['game']} | {r['strategy']} | {r['classes']} | {r['known']} | {curve} |"
        print(f"{start} {r['new_against_random']:.2f} | {full} |")
    print("\n| start | strategy | rare classes | found by labels | needed, of random's |", end="")
    print(" random needs |\n|---|---|--:|---|---|--:|")
    for r in tables["rare"]:
        pairs = zip(r["labels"], r["found"], strict=False)
        found = " ".join(f"{n}:{c:.1f}" for n, c in pairs)
        ratios = " ".join(f"{v:.3f}" for v in r["needed_of_random"])
        start = f"| {r['game']} | {r['strategy']} | {r['rare']} |"
        print(f"{start} {found} | {ratios} | {r['random_needs']:.0f} |")
    print("\n| start | strategy | rounds | truth in the interval | width | estimate | truth |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for r in tables["unseen"]:
        facts = f"{r['width']:.1f} | {r['estimate']:.1f} | {r['truth']:.1f} |"
        print(f"| {r['game']} | {r['strategy']} | {r['rounds']} | {r['coverage']:.0%} | {facts}")
    print()
    for name, bar in held.items():
        value = "not played" if bar["value"] is None else f"{bar['value']:.3f}"
        print(f"{name}: {value}, bar {bar['bar']} ({'holds' if bar['holds'] else 'MISSED'})")
