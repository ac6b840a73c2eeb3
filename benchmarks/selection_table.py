"""Prints what the stored runs of benchmarks/selection.py say."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import selection_runs as runs
from common import save
from selection_bars import LOGISTIC, OURS, Game, bars, ends, find, games


def table(game: Game) -> list[dict[str, Any]]:
    """Return a row a strategy, largest area first."""
    rows = []
    for player in game:
        areas = player.areas(sorted(player.runs))
        f1 = [np.mean(run["macro_f1"]) for run in player.runs.values()]
        rows.append(
            {
                "library": player.library,
                "name": player.shown,
                "seeds": len(areas),
                "area": round(float(areas.mean()), 4),
                "interval": ends(areas),
                "macro_f1": round(float(np.mean(f1)), 4),
                "query_seconds": round(player.seconds(), 3),
            }
        )
    return sorted(rows, key=lambda row: -row["area"])


def main(ours: str) -> None:
    """Print the tables and bars, and write results/selection.json."""
    load = os.getloadavg()
    found, failed = games(runs.everything())
    heads = sorted({p.head for game in found.values() for p in game}, reverse=True)
    tables = {name: table(game) for name, game in found.items()}
    held = [bar for head in heads if (bar := bars(found, ours, head))]
    for name, rows in tables.items():
        print_table(name, rows)
    for bar in held:
        print_bars(bar)
    agreed = agreement(found)
    print(f"\nrandom in both environments: accuracies differ by at most {agreed}")
    for run in failed:
        print(f"failed: {runs.Key.of(run)}: {run['failed']}")
    timing = runs.STORED / "timing.json"
    measured = {
        "bars": held,
        "timing": json.loads(timing.read_text("utf-8")) if timing.exists() else None,
        "tables": tables,
        "random_differs_by": agreed,
        "failed": [f"{runs.Key.of(run)}: {run['failed']}" for run in failed],
        "peers": peer_versions(found),
    }
    if measured["timing"]:
        print(f"timing: {json.dumps(measured['timing'])}")
    arguments = "table" if ours == "auto" else f"table --ours {ours}"
    save("selection", arguments, measured, load, show=False)


def agreement(found: Mapping[str, Game]) -> float | None:
    """Return how far the same random labels lead apart in the two environments."""
    apart = []
    for game in found.values():
        mine = find(game, runs.RANDOM, LOGISTIC)
        theirs = [p for p in game if p.name == runs.RANDOM and p.library != OURS]
        both = set(mine.runs) & set(theirs[0].runs) if mine and theirs else set()
        if mine and both:
            apart.append(np.abs(mine.curves(both) - theirs[0].curves(both)).max())
    return round(float(max(apart)), 5) if apart else None


def peer_versions(found: Mapping[str, Game]) -> dict[str, str]:
    """Return the versions of the libraries that the peers come from."""
    return {
        package: number
        for game in found.values()
        for player in game
        if player.library != OURS
        for run in player.runs.values()
        for package, number in run["versions"].items()
    }


def print_table(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the players of a game in Markdown."""
    print(f"\n## {name}\n\n| strategy | library | seeds | area | its 95 % interval | seconds |")
    print("|---|---|--:|--:|--:|--:|")
    for row in rows:
        facts = f"{row['seeds']} | {row['area']:.3f} | {between(row['interval'])}"
        print(f"| {row['name']} | {row['library']} | {facts} | {row['query_seconds']:.2f} |")


def print_bars(bar: Mapping[str, Any]) -> None:
    """Print the bars of a strategy under a head."""
    print(f"\n# {bar['strategy']}, head {bar['head']}")
    print("\n| set | area | best peer | lead | its 95 % interval | seeds |")
    print("|---|--:|---|--:|--:|--:|")
    for name, facts in bar["against_peers"].items():
        if facts:
            start = f"| {name} | {facts['area']:.3f} | {facts['best_peer']} | {facts['lead']:+.3f}"
            print(f"{start} | {between(facts['interval'])} | {facts['seeds']} |")
    print(f"\nmean lead {bar['mean_lead']} ({held(bar['mean_lead_holds'])})")
    for name, facts in bar["areas"].items():
        print(f"{name}: area {facts['area']:.4f}, bar {facts['bar']} ({held(facts['holds'])})")
    for name, facts in bar["against_random"].items():
        if facts:
            rounds = " ".join(f"{gain:+.3f}" for gain in facts["rounds"])
            print(f"{name} against random, {facts['seeds']} seeds: {facts['area']:+.4f}, {rounds}")
            lost = f" loses at {facts['labels_where_it_loses']}" * (not facts["holds"])
            print(f"  {held(facts['holds'])}{lost}")
    print(f"banking77: {json.dumps(bar['banking77'])}")


def held(holds: bool) -> str:
    """Say whether a bar holds."""
    return "holds" if holds else "MISSED"


def between(ends_: Sequence[float] | None) -> str:
    """Write an interval."""
    return "-" if ends_ is None else f"{ends_[0]:.3f} to {ends_[1]:.3f}"
