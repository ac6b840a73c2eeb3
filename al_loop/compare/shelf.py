"""Finished runs, one file each, under a name that follows from everything they depend on."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from al_loop import registry
from al_loop.config import Config
from al_loop.data.source import check_file, unreadable
from al_loop.embed import load_embedder
from al_loop.files import sha256, write_whole
from al_loop.imports import Request
from al_loop.simulate import Plan

_PACKAGES = ("al-loop", "numpy", "scipy", "scikit-learn", "modAL-python", "hdbscan")


def of_files(request: Request, config: Config) -> str:
    """Return a digest of a data set in files: their contents, and how they are read.

    Raises:
        DataError: a file can't be read.
    """
    files = [_contents(path) for path in (request.data, request.test)]
    asked = asdict(request.asked)
    return digest([files, asked, config.data.model_dump(), sorted(config.classes), config.seed])


def name(data: str, config: Config, plan: Plan) -> str:
    """Return the name of a run's file.

    A part of config.toml that the run does not use, another strategy's options among them, does
    not count. Of a strategy, its package's version counts and the text of its module.
    """
    parts = config.batch.mix if plan.strategy == registry.MIX else {}
    used = [plan.strategy, *parts]
    facts = {
        "data": data,
        "encoder": load_embedder(config.model.encoder).name,
        "model": config.model.model_dump(),
        "batch": config.batch.model_dump(exclude={"size", "strategy", "mix"}),
        "mix": parts,
        "strategies": {s: [config.strategies.get(s, {}), _origin(s)] for s in used},
        "plan": asdict(plan) | {"labeled_ids": sorted(plan.labeled_ids)},
        "versions": [_version(package) for package in _PACKAGES],
    }
    return f"{digest(facts)}.json"


def digest(facts: object) -> str:
    """Return half of the SHA-256 of some JSON."""
    return sha256(json.dumps(facts, sort_keys=True).encode())[:32]


def put(path: Path, run: Mapping[str, Any], texts: Mapping[str, int]) -> None:
    """Store a finished run, and how many texts there were, whole."""
    record = {"run": dict(run), "texts": dict(texts), "made_by": _version("al-loop")}
    record["sum"] = digest(record)
    write_whole(path, json.dumps(record, ensure_ascii=False, indent=1).encode())


def get(path: Path) -> dict[str, Any] | None:
    """Return what `put` stored; None when it is not there, or damaged."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record if record.pop("sum") == digest(record) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def tidy(folder: Path) -> None:
    """Take away what a killed process left. Under the lock of the folder."""
    for pattern in (".*.tmp", "world-*"):
        for path in folder.glob(pattern):
            with suppress(OSError):
                path.unlink()


def _contents(path: Path | None) -> str:
    if path is None:
        return ""
    check_file(path)
    try:
        with path.open("rb") as f:
            return hashlib.file_digest(f, "sha256").hexdigest()
    except OSError as e:
        raise unreadable(str(path), e) from e


def _origin(strategy: str) -> list[str]:
    """Return where a strategy comes from, with a digest of its module's text."""
    found = registry.installed(strategy)
    spec = find_spec(found.function.partition(":")[0])
    text = b""
    if spec is not None and spec.origin is not None:
        with suppress(OSError):
            text = Path(spec.origin).read_bytes()
    return [found.function, found.package, found.version, sha256(text)]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
