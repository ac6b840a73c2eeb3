"""The schema of the workspace database, as commented DDL, one module a released step.

Applied by ``sqlite_utils.Migrations``, each step in a transaction with the row that says it ran.
`SCHEMA_VERSION` is also in ``PRAGMA user_version``, so that an up-to-date file is recognized
without importing sqlite_utils.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from al_loop.crash import point
from al_loop.migrations import m001_initial, m002_steering, m003_open_world, m004_evidence

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

SCHEMA_VERSION = 4

#: The commented DDL of each released step; released ones never change.
STEPS: Mapping[str, str] = {
    "m001_initial": m001_initial.DDL,
    "m002_steering": m002_steering.DDL,
    "m003_open_world": m003_open_world.DDL,
    "m004_evidence": m004_evidence.DDL,
}


def statements(script: str) -> list[str]:
    """Split a script; sqlite3's own executescript would commit the open transaction."""
    found, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current.strip())
            current = ""
    return found


def _make() -> Migrations:
    from sqlite_utils import Migrations

    steps = Migrations("al_loop")

    for version, (name, ddl) in enumerate(STEPS.items(), start=1):

        @steps(name=name)
        def step(db: Database, ddl: str = ddl, version: int = version) -> None:
            for statement in statements(ddl):
                db.conn.execute(statement)
                point("C17 migration statement")
            db.conn.execute(f"PRAGMA user_version = {version}")

    return steps


def apply(conn: sqlite3.Connection) -> None:
    """Bring an open database to `SCHEMA_VERSION`; each step commits as a whole."""
    from sqlite_utils import Database

    _make().apply(Database(conn))
