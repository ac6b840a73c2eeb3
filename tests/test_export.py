"""The labels come out again, with every id and every column that went in."""

import csv
import io
import json

import pytest

from al_loop.cli import COMMANDS
from tests import story

ROWS = [
    ["id", "text", "label", "channel", "status"],
    ["a", "money back please", "refund", "mail", "=cmd()"],
    ["b", "money back please", "", "chat", "old"],
    ["c", "where is my parcel", "", "app", "new"],
]


@pytest.fixture
def workspace(tmp_path):
    with (tmp_path / "texts.csv").open("w", newline="") as f:
        csv.writer(f).writerows(ROWS)
    (tmp_path / "config.toml").write_text('[model]\nencoder = "hashing"\n')
    keep = ["--keep", "channel,status"]
    code, printed = story.run(tmp_path, "init", str(tmp_path / "texts.csv"), *keep)
    assert code == 0, printed
    return tmp_path


def export(root, *arguments):
    code, (out, err) = story.run(root, "export", *arguments, apart=True)
    assert code == 0, err
    return out


def test_each_id_has_its_own_row_with_its_kept_columns(workspace):
    rows = list(csv.DictReader(io.StringIO(export(workspace))))
    assert [(r["id"], r["label"], r["channel"]) for r in rows] == [
        ("a", "refund", "mail"),
        ("b", "refund", "chat"),
    ]
    assert rows[0]["status"] == "given"


def test_a_kept_column_does_not_hide_ours_and_no_cell_is_a_formula(workspace):
    rows = list(csv.DictReader(io.StringIO(export(workspace))))
    assert rows[0]["kept_status"] == "'=cmd()"
    assert json.loads(export(workspace, "--json"))["rows"][0]["kept_status"] == "=cmd()"


def test_texts_without_a_label_come_when_asked_for(workspace):
    rows = json.loads(export(workspace, "--json", "--all"))["rows"]
    assert [r["id"] for r in rows] == ["a", "b", "c"]
    assert rows[2]["label"] is None


def test_it_is_among_the_commands():
    assert "export" in COMMANDS
