"""Encoding through the cache against SentenceTransformer.encode on the same texts.

    python benchmarks/encode.py [--n 2000] [--repeats 3] [--data FILE]

The bar is a ratio of 1.05. Both use the same packaged model in the same process and the same
texts; the order alternates, and each side counts with the median of its runs. The cache starts
empty each time, so its time includes the lookups, writing the shards and recording the rows.
"""

import argparse
import csv
import gzip
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from al_loop.embed import load_embedder, vectors  # noqa: E402 - works without being installed
from al_loop.store import open_store  # noqa: E402

BANKING = ROOT.parent / "shared" / "data" / "banking77" / "train.jsonl.gz"
BAR = 1.05


def read(path: Path, n: int) -> list[str]:
    """Return n texts, made different by a number where the file has fewer."""
    if path.name.endswith(".jsonl.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as f:
            texts = [json.loads(line)["text"] for line in f]
    else:
        with path.open(encoding="utf-8", newline="") as f:
            texts = [row["text"] for row in csv.DictReader(f)]
    texts = list(dict.fromkeys(texts))
    return [texts[i % len(texts)] + (f" ({i})" if i >= len(texts) else "") for i in range(n)]


def through_the_cache(embedder: Any, texts: list[str]) -> tuple[float, np.ndarray]:
    hashes = [hashlib.sha256(t.encode()).hexdigest() for t in texts]
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "db.sqlite")
        began = time.perf_counter()
        found = vectors(store, Path(folder) / "vectors", embedder, hashes, texts)
        seconds = time.perf_counter() - began
        began = time.perf_counter()
        vectors(store, Path(folder) / "vectors", embedder, hashes, texts)
        print(f"  read back from the cache: {time.perf_counter() - began:.3f} s", file=sys.stderr)
        store.close()
    return seconds, found


def directly(model: Any, texts: list[str]) -> tuple[float, np.ndarray]:
    began = time.perf_counter()
    found = model.encode(texts, show_progress_bar=False, normalize_embeddings=True)
    return time.perf_counter() - began, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=3)
    default = BANKING if BANKING.exists() else ROOT / "examples" / "support.csv"
    parser.add_argument("--data", type=Path, default=default)
    args = parser.parse_args()

    texts = read(args.data, args.n)
    embedder = load_embedder("all-MiniLM-L6-v2")
    embedder.encode(texts[:64])
    model = embedder._model  # the very same object: what differs is what lies around it
    cache, direct = [], []
    for i in range(args.repeats):
        sides = [("cache", through_the_cache, embedder), ("direct", directly, model)]
        found = {}
        for name, run, encoder in sides if i % 2 == 0 else sides[::-1]:
            seconds, found[name] = run(encoder, texts)
            (cache if name == "cache" else direct).append(seconds)
            print(f"{name:>7} {seconds:7.2f} s", file=sys.stderr)
        assert np.allclose(found["cache"], found["direct"], atol=1e-5)

    ratio = statistics.median(cache) / statistics.median(direct)
    result = {
        "command": f"python benchmarks/encode.py --n {args.n} --repeats {args.repeats}",
        "texts": args.n,
        "cache_seconds": [round(s, 2) for s in cache],
        "encode_seconds": [round(s, 2) for s in direct],
        "ratio": round(ratio, 3),
        "bar": BAR,
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "load": round(os.getloadavg()[0], 1),
    }
    out = ROOT / "benchmarks" / "results" / "encode.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
