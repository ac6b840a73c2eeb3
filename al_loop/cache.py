"""Vectors of texts outside any workspace, from the user's cache folder."""

import os
from collections.abc import Sequence
from pathlib import Path

from al_loop import embed
from al_loop.bars import Bar
from al_loop.files import lock
from al_loop.loop.parts import Vectors
from al_loop.store import open_store

VARIABLE = "AL_LOOP_CACHE"


def folder() -> Path:
    """Return the cache folder: AL_LOOP_CACHE, or ``al-loop`` in the user's cache folder."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "al-loop"


def vectors(encoder: str, hashes: Sequence[str], texts: Sequence[str], bar: Bar) -> Vectors:
    """Return (n, d) vectors, encoding only texts that were never seen on this machine.

    Waits while another process fills the cache.
    """
    where = folder()
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(where / "lock", wait=True):
        store = open_store(where / "vectors.db")
        try:
            embedder = embed.load_embedder(encoder)
            return embed.vectors(store, where / "vectors", embedder, hashes, texts, bar)
        finally:
            store.close()
