"""Which row of which shard holds the vector of a text."""

from collections.abc import Sequence
from typing import TypeAlias

from al_loop.store.core import Store

Place: TypeAlias = tuple[int, int]

# Above this many hashes one scan of the encoder's rows is faster than looking each one up.
_SCAN_FROM = 2_000
_CHUNK = 500


def places(store: Store, encoder: str, hashes: Sequence[str]) -> dict[str, Place]:
    """Return text hash -> (shard, row); above 2,000 hashes possibly of other texts as well."""
    select = "SELECT text_hash, shard, row FROM vectors WHERE encoder = ?"
    if len(hashes) > _SCAN_FROM:
        rows = store.conn.execute(select, [encoder])
        return {text_hash: (shard, row) for text_hash, shard, row in rows}
    found: dict[str, Place] = {}
    for start in range(0, len(hashes), _CHUNK):
        part = hashes[start : start + _CHUNK]
        marks = ",".join("?" * len(part))
        rows = store.conn.execute(f"{select} AND text_hash IN ({marks})", [encoder, *part])
        found.update((text_hash, (shard, row)) for text_hash, shard, row in rows)
    return found


def shards(store: Store, encoder: str) -> list[int]:
    """Return the numbers of the shards that have rows."""
    sql = "SELECT DISTINCT shard FROM vectors WHERE encoder = ?"
    return [int(row[0]) for row in store.rows(sql, [encoder])]


def add(store: Store, encoder: str, shard: int, hashes: Sequence[str]) -> None:
    """Record the rows of a shard that has been written; call inside `Store.tx`.

    The row of a text that another process recorded meanwhile is replaced: both are right.
    """
    store.execute_many(
        "INSERT OR REPLACE INTO vectors (encoder, text_hash, shard, row) VALUES (?, ?, ?, ?)",
        ((encoder, text_hash, shard, row) for row, text_hash in enumerate(hashes)),
    )


def drop(store: Store, encoder: str, shard: int) -> None:
    """Forget the rows of a shard that is damaged or gone; call inside `Store.tx`."""
    store.execute("DELETE FROM vectors WHERE encoder = ? AND shard = ?", [encoder, shard])
