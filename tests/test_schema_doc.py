"""docs/schema.md says what the database is: every table, view and column, from the DDL."""

import json
import sqlite3
from pathlib import Path

import pytest

from al_loop import migrations
from al_loop.migrations import document
from al_loop.store import open_store

ROOT = Path(__file__).parent.parent
RELATIONS = document.relations()


def named(kind=None):
    return {r.name: r for r in RELATIONS if kind in (None, r.kind)}


def test_every_table_and_view_of_a_new_database_is_on_the_page():
    store = open_store(None)
    rows = store.rows("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')")
    store.close()
    page = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")

    ours = {r["name"]: r["type"] for r in rows if not r["name"].startswith(("_", "sqlite_"))}
    assert {r.name: r.kind for r in RELATIONS} == ours
    for name in ours:
        assert f"\n### {name}\n" in page


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda r: r.name)
def test_a_table_or_view_has_a_comment_and_its_comments_name_columns_that_exist(relation):
    columns = {c.name for c in relation.columns}

    assert relation.comment.text.endswith(".")
    assert len(relation.comment.text) > 10
    assert set(relation.comment.columns) <= columns


@pytest.mark.parametrize("name", sorted(named("view")))
def test_every_column_of_a_view_can_be_read(name):
    store = open_store(None)
    for column in named()[name].columns:
        assert store.rows(f'SELECT "{column.name}" FROM {name}') == []
    store.close()


def test_the_newest_definition_and_its_comment_count():
    found = document.comments()

    assert "labels_2" not in found
    assert "fixed (by hand)" in found["labels"].columns["status"]
    assert "start here" in found["labeled_texts"].text


def test_keys_types_and_triggers_are_shown_as_sqlite_tells_them():
    batch = {c.name: c for c in named()["batch"].columns}

    assert batch["round"].notes == ("key", "of `rounds`")
    assert batch["score"].type == "REAL"
    assert batch["score"].notes == ("may be empty",)
    assert {c.name: c.notes for c in named()["items"].columns}["text_hash"] == ("unique",)
    assert named()["answers"].triggers == (
        "Every update adds a row to `answer_history`.",
        "Every delete is refused: answers are never deleted.",
    )


def test_a_view_that_nobody_described_would_be_noticed(monkeypatch):
    steps = dict(migrations.STEPS) | {"new": "CREATE VIEW bare AS SELECT id FROM items;\n"}
    monkeypatch.setattr(migrations, "STEPS", steps)

    bare = next(r for r in document.relations() if r.name == "bare")

    assert bare.comment.text == ""
    assert "### bare" in document.document()


def test_datasette_is_told_the_same():
    path = ROOT / "docs" / "datasette.json"

    again = "python -m al_loop.migrations.document > docs/datasette.json"
    assert json.loads(path.read_text(encoding="utf-8")) == document.datasette(), again


@pytest.mark.parametrize("version", range(1, migrations.SCHEMA_VERSION + 1))
def test_what_a_released_step_makes_never_changes(version):
    """Comments may be mended: SQLite doesn't store those before a statement."""
    query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%sqlite%' AND sql NOTNULL"
    released = sqlite3.connect(ROOT / "tests" / "data" / f"schema-{version}.db")
    made = sqlite3.connect(":memory:", isolation_level=None)
    for ddl in list(migrations.STEPS.values())[:version]:
        for statement in migrations.statements(ddl):
            made.execute(statement)

    assert set(released.execute(query)) == set(made.execute(query))
    released.close()
    made.close()
