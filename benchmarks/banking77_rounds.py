"""Five rounds of 100 on banking77 against a real Label Studio, then the same simulated.

    python benchmarks/banking77_rounds.py [--rounds 5] [--batch 100]

The commands are a lead's: `al-loop init`, then `round --until pushed` and `round --until logged`
for each round. Between them two scripted people answer through the labeling page's own calls,
always with the gold label. The list of classes is known, nothing is labeled. At the end every key
is looked up on the server, and `simulate` plays the default strategy on the same data.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from common import (
    BANKING,
    al_loop,
    answer,
    label_studio,
    make_workspace,
    rounded,
    rows,
    save,
    say,
    server_folder,
    tasks_a_key,
    temporary,
)

BAR = 0.78


def play(workspace: Path, server: Any, texts: list[dict[str, str]], n: int) -> dict[str, Any]:
    """Run n rounds; returns what is on the server and in the workspace afterwards."""
    from al_loop import app
    from al_loop.people import join_local
    from al_loop.store import tasks

    people = join_local(server, ["ana", "ben"])
    answering = []
    for _ in range(n):
        al_loop(workspace, "round", "--until", "pushed")
        answering.append(answer(workspace, people, texts))
        al_loop(workspace, "round", "--until", "logged")
    for person in people:
        person.close()
    with app.opened(workspace) as opened:
        project = opened.project
        keys = list(tasks.task_overlaps(opened.store, project.id))
    assert project.remote_id is not None
    history = json.loads(al_loop(workspace, "history", "--json"))["rounds"]
    al_loop(workspace, "check")
    return {
        "on_the_server": tasks_a_key(server, project.remote_id, keys),
        "labels": [r["labels"] for r in history],
        "accuracy": rounded([r["accuracy"] for r in history], 3),
        "accuracy_low": rounded([r["accuracy_low"] for r in history], 3),
        "accuracy_high": rounded([r["accuracy_high"] for r in history], 3),
        "macro_f1": rounded([r["macro_f1"] for r in history], 3),
        "answering_seconds": rounded(answering, 0),
        "step_seconds": [r["seconds"] for r in history],
    }


def simulate(folder: Path, n: int, batch: int) -> dict[str, Any]:
    """Play the default strategy through; the first run on a machine encodes the texts."""
    data = ["--data", str(BANKING / "train.jsonl.gz"), "--test", str(BANKING / "test.jsonl.gz")]
    size = ["--rounds", str(n), "--batch", str(batch), "--seeds", "1"]
    began = time.perf_counter()
    played = json.loads(al_loop(folder, "simulate", *data, *size, "--json"))["runs"][0]
    return {
        "strategy": played["strategy"],
        "labels": played["labels"],
        "accuracy": rounded(played["accuracy"], 3),
        "round_seconds": rounded(played["seconds"]),
        "wall_seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=100)
    args = parser.parse_args()
    if not BANKING.exists():
        raise SystemExit(f"this benchmark needs banking77 in {BANKING}")

    load = os.getloadavg()
    texts = rows("train")
    with temporary() as folder:
        os.environ["AL_LOOP_CACHE"] = str(folder / "cache")  # an empty one
        workspace = folder / "workspace"
        began = time.perf_counter()
        make_workspace(workspace, texts, args.batch)
        with label_studio(server_folder(workspace)) as server:
            measured = play(workspace, server, texts, args.rounds)
        measured["wall_seconds"] = round(time.perf_counter() - began, 1)
        say(f"accuracy {measured['accuracy']}")
        simulated = [simulate(folder, args.rounds, args.batch) for _ in range(2)]
    save(
        "banking77_rounds",
        f"--rounds {args.rounds} --batch {args.batch}",
        {**measured, "simulated": simulated[0], "simulated_again": simulated[1], "bar": BAR},
        load,
    )


if __name__ == "__main__":
    main()
