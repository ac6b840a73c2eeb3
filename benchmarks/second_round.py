"""The second `al-loop round` on a pool of 10,000 against encoding 1,000 of its texts.

    python benchmarks/second_round.py [--n 10000] [--batch 100] [--repeats 3]

The bar is a ratio of 1. The first round encodes the pool and is not counted. Scripted people
answer it in a local Label Studio; then `al-loop round` pulls, audits, trains, logs, selects and
pushes, in a process of its own. Counted is that process from start to end, interpreter and
imports included, less the time in which it waited for HTTP answers (`timed_command.py`). On the
other side stands `SentenceTransformer.encode` with its defaults on 1,000 texts drawn from the
pool; the model is loaded before. Each repeat is one more round, and the order alternates.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import (
    ROOT,
    al_loop,
    answer,
    distinct,
    label_studio,
    make_workspace,
    median,
    rounded,
    save,
    say,
    server_folder,
    source,
    temporary,
)

BAR = 1.0
ENCODED = 1_000
_WAITS = 3  # exit code: people are needed


def round_seconds(workspace: Path) -> dict[str, Any]:
    """Run one `al-loop round`; returns its seconds in all and outside of the server."""
    out = workspace / "timed.json"
    script = Path(__file__).with_name("timed_command.py")
    command = [sys.executable, str(script), str(out), "-C", str(workspace), "round"]
    rows = vectors(workspace)
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    total = time.perf_counter() - began
    if done.returncode != _WAITS:
        raise SystemExit(f"round ended with {done.returncode}:\n{done.stderr}")
    facts = json.loads(out.read_text(encoding="utf-8"))
    return {
        "outside": total - facts["seconds"],
        "server": facts["seconds"],
        "calls": facts["calls"],
        "loaded": facts["loaded"],
        "encoded": vectors(workspace) - rows,
    }


def vectors(workspace: Path) -> int:
    """Count the vectors in the cache of a workspace."""
    shards = (workspace / ".al-loop" / "vectors").glob("*.npy")
    return sum(len(np.load(shard, mmap_mode="r")) for shard in shards)


def encode_seconds(model: Any, texts: list[str]) -> float:
    began = time.perf_counter()
    model.encode(texts, show_progress_bar=False)
    return time.perf_counter() - began


def load_model() -> Any:
    from al_loop.embed import load_embedder

    embedder: Any = load_embedder("all-MiniLM-L6-v2")
    embedder.encode(["a first text", "and a second one"])
    return embedder._model


def measure(
    workspace: Path, texts: list[dict[str, str]], sample: list[str], repeats: int
) -> tuple[list[dict[str, Any]], list[float], tuple[float, ...]]:
    from al_loop.people import join_local

    rounds: list[dict[str, Any]] = []
    encoding: list[float] = []
    with label_studio(server_folder(workspace)) as server:
        al_loop(workspace, "round", expect=(_WAITS,))
        say(f"round 1 is pushed, {vectors(workspace)} vectors in the cache")
        people = join_local(server, ["ana", "ben"])
        model = load_model()
        load = os.getloadavg()
        for i in range(repeats):
            answer(workspace, people, texts)
            for side in ("round", "encode") if i % 2 == 0 else ("encode", "round"):
                if side == "round":
                    rounds.append(round_seconds(workspace))
                else:
                    encoding.append(encode_seconds(model, sample))
            say(f"outside {rounds[-1]['outside']:.2f} s, encoding {encoding[-1]:.2f} s")
        for person in people:
            person.close()
    return rounds, encoding, load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()

    texts = distinct(args.n)
    sample = random.Random(0).sample([row["text"] for row in texts], ENCODED)
    with temporary() as folder:
        workspace = folder / "workspace"
        make_workspace(workspace, texts, args.batch)
        rounds, encoding, load = measure(workspace, texts, sample, args.repeats)
        steps = json.loads(al_loop(workspace, "history", "--json"))["rounds"]
    outside = [r["outside"] for r in rounds]
    measured = {
        "pool": args.n,
        "texts": source(),
        "outside_seconds": rounded(outside),
        "server_seconds": rounded([r["server"] for r in rounds]),
        "http_calls": [r["calls"] for r in rounds],
        "texts_encoded": [r["encoded"] for r in rounds],
        "loaded": rounds[-1]["loaded"],
        "step_seconds": [r["seconds"] for r in steps],
        "encode_1000_seconds": rounded(encoding),
        "ratio": round(median(outside) / median(encoding), 2),
        "bar": BAR,
    }
    flags = f"--n {args.n} --batch {args.batch} --repeats {args.repeats}"
    save("second_round", flags, measured, load)


if __name__ == "__main__":
    main()
