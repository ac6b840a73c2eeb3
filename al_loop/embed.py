"""Vectors of texts, each computed once: the encoder by its name, and the cache.

The cache is a folder of append-only float32 shards (``.npy``, memory-mapped when read) and the
table `vectors`, which maps (encoder, text hash) to a row of a shard. A shard is written whole
before its rows are recorded: a crash costs one shard at most. Its number is drawn at random and
its file never written again, so that of several processes without a lock none reads or records
rows of another's file as its own; two that encode the same text at once keep the later row.
"""

import io
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.bars import Bar, Draw, no_bar
from al_loop.encoders import (
    HINT,
    FloatMatrix,
    HashingEncoder,
    Progress,
    SentenceEncoder,
    from_folder,
    multilingual,
    packaged,
)
from al_loop.errors import ConfigError
from al_loop.files import sha256, write_whole
from al_loop.store import Store
from al_loop.store import vectors as table

SHARD_ROWS = 4_096
PACKAGED = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")

_Positions: TypeAlias = npt.NDArray[np.int64]


class Embedder(Protocol):
    """Turns texts into vectors. `name` names everything that determines them: the cache key."""

    @property
    def name(self) -> str:
        """Return the cache key; cheap, nothing is loaded for it."""
        ...

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """Return (n, d) float32 rows of length 1 in the order of `texts`.

        `progress` is called with the number of texts done since its last call.
        """
        ...


def load_embedder(name: str) -> Embedder:
    """Return the encoder that ``[model] encoder`` names; it is loaded when it is first used.

    ``all-MiniLM-L6-v2`` comes with al-loop, ``multilingual`` with its extra of that name,
    ``hashing`` needs no model, an existing folder is loaded from there, any other name is a model
    on the sentence-transformers hub.

    Raises:
        ConfigError: the name is empty, or the package or folder with the model is missing. A
            model that the hub does not know raises it from `Embedder.encode`.

    """
    if name == "hashing":
        return HashingEncoder()
    if name in PACKAGED:
        return packaged(PACKAGED[0])
    if name == "multilingual":
        return multilingual()
    if not name.strip():
        raise ConfigError("[model] encoder is empty", hint=HINT)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return from_folder(folder.resolve())
    if name.startswith((".", "/", "~")):
        raise ConfigError(f'[model] encoder = "{name}": there is no such folder', hint=HINT)
    return SentenceEncoder(name, name)


def vectors(
    store: Store,
    folder: Path,
    embedder: Embedder,
    hashes: Sequence[str],
    texts: Sequence[str],
    bar: Bar = no_bar,
) -> FloatMatrix:
    """Return the vectors of texts, encoding those that the cache does not hold.

    They are (n, d) float32, rows of length 1 in the order of `hashes`; (0, 0) for no text.

    Args:
        store: the workspace.
        folder: where its shards lie, and those of no other workspace; made when missing.
        embedder: only its name is read when nothing is missing, so that nothing is loaded.
        hashes: (n,) of `texts`; the same may stand more than once.
        texts: (n,), read for the missing hashes.
        bar: drawn over the distinct texts to encode, if there are any.

    Raises ConfigError where the encoder can't be loaded.
    """
    out, todo = _read(store, folder, embedder.name, hashes)
    if not len(todo):
        return out
    first = {hashes[i]: int(i) for i in todo[::-1]}
    distinct = sorted(first.values())
    with bar(len(distinct), "encoding") as draw:
        for part, rows in _encode(embedder, texts, distinct, draw):
            if not out.size:
                out = np.empty((len(hashes), rows.shape[1]), dtype=np.float32)
            if out.shape[1] != rows.shape[1]:
                break
            _append(store, folder, embedder.name, [hashes[i] for i in part], rows)
            out[part] = rows
        else:
            return _repeat(out, {int(i): first[hashes[i]] for i in todo})
    # What the cache holds is of another model under the same name.
    _forget(store, folder, embedder.name, table.shards(store, embedder.name))
    return vectors(store, folder, embedder, hashes, texts, bar)


def _repeat(out: FloatMatrix, source: Mapping[int, int]) -> FloatMatrix:
    """Fill rows with copies of others, leaving alone those that are their own source."""
    copies = {to: row for to, row in source.items() if to != row}
    out[list(copies)] = out[list(copies.values())]
    return out


def _encode(
    embedder: Embedder, texts: Sequence[str], positions: Sequence[int], draw: Draw
) -> Iterator[tuple[Sequence[int], FloatMatrix]]:
    """Yield the positions and the (m, d) vectors of one shard after the other."""
    done = 0

    def add(more: int) -> None:
        nonlocal done
        done += more
        draw(done)

    for start in range(0, len(positions), SHARD_ROWS):
        part = positions[start : start + SHARD_ROWS]
        yield part, embedder.encode([texts[i] for i in part], add)


def _read(
    store: Store, folder: Path, encoder: str, hashes: Sequence[str]
) -> tuple[FloatMatrix, _Positions]:
    """Return (n, d) with the rows that the cache holds, and the positions of the others.

    Rows of a shard that is damaged or gone are dropped from the table, to be encoded again.
    """
    places = table.places(store, encoder, hashes)
    where = np.array([places.get(h, (-1, -1)) for h in hashes], dtype=np.int64).reshape(-1, 2)
    out = np.empty((len(hashes), 0), dtype=np.float32)
    for shard in np.unique(where[:, 0][where[:, 0] >= 0]).tolist():
        asked = np.flatnonzero(where[:, 0] == shard)
        rows = _read_shard(_path(folder, encoder, shard), where[asked, 1])
        if rows is None or (out.size and out.shape[1] != rows.shape[1]):
            _forget(store, folder, encoder, [shard])
            where[asked] = -1
            continue
        if not out.size:
            out = np.empty((len(hashes), rows.shape[1]), dtype=np.float32)
        out[asked] = rows
    return out, np.flatnonzero(where[:, 0] < 0)


def _read_shard(path: Path, rows: _Positions) -> FloatMatrix | None:
    """Return (m, d) rows of a shard, or None when it does not hold them as they were written."""
    try:
        shard = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if shard.dtype != np.float32 or shard.ndim != 2 or rows.max() >= len(shard):
        return None
    found: FloatMatrix = np.asarray(shard[rows])
    # Every row was written with length 1; zeros or noise in their place are damage.
    lengths = np.einsum("ij,ij->i", found, found)
    return found if np.all(np.abs(lengths - 1) < 1e-2) else None


def _append(
    store: Store, folder: Path, encoder: str, hashes: Sequence[str], rows: FloatMatrix
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shard = secrets.randbits(63)  # what SQLite's integers hold
    data = io.BytesIO()
    np.save(data, rows.astype(np.float32, copy=False), allow_pickle=False)
    write_whole(_path(folder, encoder, shard), data.getvalue())
    with store.tx():
        table.add(store, encoder, shard, hashes)


def _forget(store: Store, folder: Path, encoder: str, shards: Iterable[int]) -> None:
    for shard in shards:
        with store.tx():
            table.drop(store, encoder, shard)
        with suppress(OSError):  # without rows the file is of no use, but does no harm either
            _path(folder, encoder, shard).unlink()


def _path(folder: Path, encoder: str, shard: int) -> Path:
    return folder / f"{sha256(encoder.encode())[:12]}-{shard:06d}.npy"
