"""Classifiers on disk: skops files, written whole, verified before they are read.

Never pickle: a skops file can hold only types that are trusted, and those are listed here.
The same classifier makes the same file, so that a step that is repeated after a crash writes
what it wrote before.
"""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from al_loop.errors import StateError
from al_loop.files import sha256, write_whole
from al_loop.heads import Head
from al_loop.lean import without_torch
from al_loop.learner import Classifier

#: Beside numpy's and scikit-learn's own, which skops trusts by itself.
TRUSTED = ("al_loop.heads.NearestMean",)

_HINT = "run the same command again: the model is trained anew"


def save(
    classifier: Classifier, folder: Path, number: int, manifest: Mapping[str, Any] | None = None
) -> tuple[str, str]:
    """Write a classifier and what it was made of.

    Args:
        classifier: a fitted one.
        folder: the models folder, made when it is not there.
        number: of the round.
        manifest: facts that JSON can hold (classes, encoder, versions), stored in the file.

    Returns:
        The file's name in `folder`, ``round-<number>-<first 8 hex digits of the hash>.skops``,
        and its SHA-256.

    Raises:
        InputError: the file is a symbolic link.

    """
    with without_torch():
        from skops.io import dumps

    record = {
        "kind": classifier.head.kind,
        "C": classifier.head.C,
        "n_classes": classifier.n_classes,
        "present": classifier.present,
        "estimator": classifier.estimator,
        "temperature": classifier.temperature,
        "manifest": json.dumps(dict(manifest or {}), sort_keys=True, ensure_ascii=False),
    }
    data = _canonical(dumps(record))
    digest = sha256(data)
    name = f"round-{number}-{digest[:8]}.skops"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / name, data)
    return name, digest


def load(path: Path, digest: str) -> Classifier:
    """Read a classifier back.

    Raises:
        StateError: the file is gone, is not the one that was written, or was written by a
            version of scikit-learn that can't be read.

    """
    record = _record(path, digest)
    head = Head(record["kind"], record["C"])
    present = np.asarray(record["present"], dtype=np.int64)
    return Classifier(
        head, record["n_classes"], present, record["estimator"], record["temperature"]
    )


def manifest(path: Path, digest: str) -> dict[str, Any]:
    """Return the facts stored with a classifier; raises as `load` does."""
    found: dict[str, Any] = json.loads(_record(path, digest)["manifest"])
    return found


def _record(path: Path, digest: str) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as e:
        raise StateError(f"the model {path.name} can't be read: {e.strerror}", hint=_HINT) from e
    if sha256(data) != digest:
        raise StateError(
            f"the model {path.name} is not the file that was saved (SHA-256 differs)", hint=_HINT
        )
    with without_torch():
        from skops.io import loads
    try:
        record: dict[str, Any] = loads(data, trusted=list(TRUSTED))
    except Exception as e:  # whatever another version of scikit-learn makes of it
        raise StateError(f"the model {path.name} can't be read: {e}", hint=_HINT) from e
    return record


def _canonical(data: bytes) -> bytes:
    """Rewrite a skops file without what changes from run to run.

    Those are the memory addresses that skops uses as ids, and the times in the archive.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = members.pop("schema.json").decode()
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return match[1] + numbers.setdefault(match[2], str(len(numbers) + 1)) + match[3]

    schema = re.sub(r'("__id__": )(\d+)()', renumber, schema)
    schema = re.sub(r'("file": ")(\d+)(\.npy")', renumber, schema)
    renamed = {re.sub(r"^()(\d+)(\.npy)$", renumber, name): v for name, v in members.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in [*renamed.items(), ("schema.json", schema.encode())]:
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()
