"""docs/schema.md: the comments of the DDL beside what SQLite itself says of a new database."""

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from al_loop import migrations

_NAMED = re.compile(r"CREATE (?:TABLE|VIEW) (\w+)")
_RENAMED = re.compile(r"ALTER TABLE (\w+) RENAME TO (\w+)")
_COLUMN = re.compile(r"--   (\w+): (.+)")


@dataclass(frozen=True, slots=True)
class Comment:
    """What stands before a CREATE: sentences, and what its columns mean, by name."""

    text: str
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; of a view only the name is known."""

    name: str
    type: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view."""

    name: str
    kind: str
    comment: Comment
    columns: tuple[Column, ...]
    triggers: tuple[str, ...] = ()


def comments() -> dict[str, Comment]:
    """Return the comment before the newest definition of each table and view."""
    found: dict[str, Comment] = {}
    for ddl in migrations.STEPS.values():
        for statement in migrations.statements(ddl):
            head = [line for line in statement.splitlines() if line.startswith("--")]
            sql = statement.splitlines()[len(head)]
            if named := _NAMED.match(sql):
                found[named[1]] = _parsed(head)
            elif renamed := _RENAMED.match(sql):
                found[renamed[2]] = found.pop(renamed[1])
    return found


def relations() -> list[Relation]:
    """Return views, then tables, in the order of their definitions in a new database."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrations.apply(conn)
        known = comments()
        rows = conn.execute(
            "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
            " AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            " ORDER BY type DESC, rowid"
        ).fetchall()
        return [
            Relation(
                name,
                kind,
                known.get(name, Comment("")),
                tuple(_columns(conn, name, kind)),
                tuple(_triggers(conn, name)),
            )
            for name, kind in rows
        ]
    finally:
        conn.close()


def document() -> str:
    """Return the page's lists of views and tables as Markdown."""
    lines: list[str] = []
    previous = ""
    for relation in relations():
        if relation.kind != previous:
            lines += ["", f"## {relation.kind.capitalize()}s"]
            previous = relation.kind
        lines += _section(relation)
    return "\n".join(lines)


def _section(relation: Relation) -> Iterator[str]:
    yield from ("", f"### {relation.name}", "", relation.comment.text, "")
    meanings = relation.comment.columns
    if relation.kind == "view":
        yield from ("| column | meaning |", "|---|---|")
        yield from (f"| `{c.name}` | {meanings.get(c.name, '')} |" for c in relation.columns)
    else:
        yield from ("| column | type | meaning |", "|---|---|---|")
        for c in relation.columns:
            kind = ", ".join((c.type.lower(), *c.notes))
            yield f"| `{c.name}` | {kind} | {meanings.get(c.name, '')} |"
    if relation.triggers:
        yield from ("", " ".join(relation.triggers))


def _parsed(head: list[str]) -> Comment:
    text: list[str] = []
    columns: dict[str, str] = {}
    for line in head:
        if column := _COLUMN.match(line):
            columns[column[1]] = column[2]
        elif line.startswith("--    "):  # the meaning of the last column goes on
            columns[next(reversed(columns))] += f" {line.removeprefix('--').strip()}"
        else:
            text.append(line.removeprefix("--").strip())
    return Comment(" ".join(text), columns)


def _columns(conn: sqlite3.Connection, name: str, kind: str) -> Iterator[Column]:
    targets = {r[3]: r[2] for r in conn.execute(f"PRAGMA foreign_key_list({name})")}
    unique = _unique(conn, name)
    for _, column, type_, not_null, _, key, _ in conn.execute(f"PRAGMA table_xinfo({name})"):
        notes = ["key"] if key else []
        notes += ["unique"] if column in unique else []
        notes += [f"of `{targets[column]}`"] if column in targets else []
        notes += ["may be empty"] if kind == "table" and not (not_null or key) else []
        yield Column(column, type_, tuple(notes))


def _unique(conn: sqlite3.Connection, name: str) -> set[str]:
    """Return the columns that are unique by themselves, without being the key."""
    found = set()
    for _, index, is_unique, origin, _ in conn.execute(f"PRAGMA index_list({name})").fetchall():
        columns = [r[2] for r in conn.execute(f"PRAGMA index_info({index})")]
        if is_unique and origin == "u" and len(columns) == 1:
            found.add(columns[0])
    return found


def _triggers(conn: sqlite3.Connection, name: str) -> Iterator[str]:
    """Yield a sentence for each trigger of a table."""
    rows = conn.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [name]
    )
    for (sql,) in rows.fetchall():
        when = re.findall(r"(?:BEFORE|AFTER) (\w+) ON", sql)[0].lower()
        refused = re.findall(r"RAISE\(ABORT, '(.+?)'\)", sql)
        written = re.findall(r"INSERT INTO (\w+)", sql)
        yield from (f"Every {when} is refused: {reason}." for reason in refused)
        yield from (f"Every {when} adds a row to `{table}`." for table in written)


def datasette() -> dict[str, Any]:
    """Return what Datasette shows beside tables, views and columns; see docs/datasette.json."""
    tables = {
        r.name: {"description": r.comment.text, "columns": r.comment.columns} for r in relations()
    }
    return {"databases": {"al-loop": {"tables": tables}}}


if __name__ == "__main__":
    print(json.dumps(datasette(), indent=1))  # noqa: T201 - into docs/datasette.json
