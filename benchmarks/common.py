"""What the benchmarks share: texts, a Label Studio of their own, and how results are kept."""

import csv
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # works without being installed

BANKING = ROOT.parent / "shared" / "data" / "banking77"
RESULTS = ROOT / "benchmarks" / "results"
_PACKAGES = (
    "click",
    "httpx",
    "label-studio",
    "label-studio-sdk",
    "numpy",
    "plotly",
    "scikit-learn",
    "sentence-transformers",
    "torch",
)


def rows(split: str) -> list[dict[str, str]]:
    """Return the rows of banking77; without it, those of the examples under made-up ids."""
    path = BANKING / f"{split}.jsonl.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as f:
            return [json.loads(line) for line in f]
    name = "support_test.csv" if split == "test" else "support.csv"
    with (ROOT / "examples" / name).open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def distinct(n: int) -> list[dict[str, str]]:
    """Return n rows with distinct texts, none of the test set's, numbered where there are fewer."""
    from al_loop.store.items import text_hash

    test = {text_hash(row["text"]) for row in rows("test")}
    by_hash = {text_hash(row["text"]): row for row in rows("train")}
    found = [row for hash_, row in by_hash.items() if hash_ not in test]
    more = [
        {**row, "id": f"{row['id']}-{i}", "text": f"{row['text']} ({i})"}
        for i in range(1, n // len(found) + 1)
        for row in found
    ]
    return [*found, *more][:n]


def source() -> str:
    """Say where the texts come from."""
    return "banking77" if BANKING.exists() else "examples/, numbered"


@contextmanager
def temporary() -> Iterator[Path]:
    """Yield a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="al-loop-benchmark-") as folder:
        yield Path(folder)


@contextmanager
def label_studio(folder: Path) -> Iterator[Any]:
    """Run a Label Studio with its data in `folder`; yields al_loop's LocalServer."""
    from al_loop import server

    running = server.start(folder, progress=say)
    try:
        yield running
    finally:
        server.stop(folder)


def al_loop(workspace: Path, *arguments: str, expect: Sequence[int] = (0,)) -> str:
    """Run a command as a lead would; returns what it printed."""
    command = [sys.executable, "-m", "al_loop", "-C", str(workspace), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in expect:
        raise SystemExit(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def make_workspace(folder: Path, texts: Sequence[Mapping[str, str]], batch: int) -> None:
    """Make a workspace of unlabeled texts, with the list of classes known and a test file."""
    folder.mkdir(parents=True)
    test = rows("test")
    classes = [f"[classes.{json.dumps(name)}]" for name in sorted({r["label"] for r in test})]
    config = "\n".join(["[batch]", f"size = {batch}", "", *classes, ""])
    (folder / "config.toml").write_text(config, encoding="utf-8")
    write_lines(folder / "texts.jsonl", [{"id": r["id"], "text": r["text"]} for r in texts])
    write_lines(folder / "test.jsonl", [{k: r[k] for k in ("id", "text", "label")} for r in test])
    al_loop(folder, "init", str(folder / "texts.jsonl"), "--test", str(folder / "test.jsonl"))


def server_folder(workspace: Path) -> Path:
    """Return where `al-loop round` looks for a local server."""
    from al_loop.workspace import Workspace

    return Workspace(workspace).server_dir


def answer(workspace: Path, people: Sequence[Any], texts: Sequence[Mapping[str, str]]) -> float:
    """Let people answer all open tasks with the gold label; returns the seconds that took."""
    from al_loop import app
    from al_loop.people import Scripted, answer_all

    with app.opened(workspace) as opened:
        project = opened.project.remote_id
    assert project is not None
    gold = {row["text"]: row["label"] for row in texts}
    began = time.perf_counter()
    given = answer_all(people, project, Scripted(gold, mistakes=0, skips=0))
    seconds = time.perf_counter() - began
    say(f"{given} answers in {seconds:.0f} s")
    return seconds


def write_lines(path: Path, values: Sequence[Mapping[str, Any]]) -> None:
    """Write JSON Lines."""
    with path.open("w", encoding="utf-8") as f:
        f.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def tasks_a_key(server: Any, project: int, keys: Sequence[str]) -> dict[str, int]:
    """Count a project's tasks: of all keys, keys with just one, and any others."""
    from al_loop.annotators.label_studio import LabelStudio, tasks

    adapter = LabelStudio(server.url, server.key().value)
    try:
        total = tasks.count(adapter.api, project)
        found = tasks.lookup(adapter.api, project, keys, total)
    finally:
        adapter.api.close()
    once = sum(len(ids) == 1 for ids in found.values())
    return {"tasks": total, "keys": len(set(keys)), "keys_with_one_task": once}


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def rounded(values: Sequence[float], digits: int = 2) -> list[float]:
    """Return the values for people."""
    return [round(v, digits) for v in values]


def say(line: str) -> None:
    """Tell what happens."""
    print(line, file=sys.stderr, flush=True)


def save(
    name: str,
    arguments: str,
    measured: Mapping[str, Any],
    load: Sequence[float],
    *,
    show: bool = True,
) -> None:
    """Write and print a result with what it was made by; `load` as it was at the start."""
    result = {
        "command": f"python benchmarks/{name}.py {arguments}".strip(),
        **measured,
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "load_before": rounded(load, 1),
        "load_after": rounded(os.getloadavg(), 1),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": sys.version.split()[0], **_versions()},
    }
    RESULTS.mkdir(exist_ok=True)
    text = _one_line_lists(json.dumps(result, indent=2, ensure_ascii=False))
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    if show:
        print(text)


def _one_line_lists(text: str) -> str:
    """Put the numbers of a list beside each other."""
    return re.sub(r"\[\s+([\d.,\s-]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
