"""Each format says the same, exactly, and can be read by those it is for."""

import csv
import io
import json
import os
import subprocess
import sys
from functools import partial

import pytest
from pyarrow import parquet

from al_loop.errors import InputError
from al_loop.export import folder, hugging_face, text
from tests import offline
from tests.export_world import HOSTILE, make

LISTS = ("annotators", "adjudicated_by")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make(tmp_path_factory.mktemp("workspace"))


@pytest.fixture
def al_loop(monkeypatch, capsys):
    with offline.settings_kept():
        yield partial(offline.call, monkeypatch, capsys)


@pytest.fixture
def export(al_loop, root):
    """Run `export`; returns what it printed."""

    def run(*arguments, root=root):
        code, out, err = al_loop("-C", root, "export", *arguments)
        assert code == 0, err
        return out

    return run


@pytest.fixture
def exact(export):
    """The rows as they should be, of --json."""
    return json.loads(export("--json", "--all"))["rows"]


def test_json_lines_are_the_rows_of_json(export, exact):
    lines = export("--format", "jsonl", "--all").splitlines()
    assert [json.loads(line) for line in lines] == exact


def test_csv_has_the_rows_with_lists_joined_and_no_formula_in_any_cell(export, exact):
    header, *lines = csv.reader(io.StringIO(export("--all")))
    names = list(exact[0])
    assert header == [f"'{n}" if n.startswith("=") else n for n in names]
    for line, row in zip(lines, exact, strict=True):
        assert not [cell for cell in line if cell[:1] in "=+-@\t\r" and cell]
        for name, cell in zip(names, line, strict=True):
            assert cell == _in_csv(row[name]), name
    assert "ann@example.com;bob@example.com;eve@example.com" in lines[3]


def _in_csv(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ";".join(value)
    return f"'{value}" if str(value)[:1] in "=+" else str(value)


def test_markdown_is_one_line_a_row(export, exact):
    header, rule, *lines = export("--md", "--all").splitlines()
    assert header.count("|") - header.count("\\|") == len(exact[0]) + 1
    assert rule.count("---") == len(exact[0])
    assert len(lines) == len(exact)
    assert all(line.isprintable() for line in lines)


def test_parquet_keeps_types_and_values(export, exact, tmp_path):
    export("--all", "--out", tmp_path / "labels.parquet")
    table = parquet.read_table(tmp_path / "labels.parquet")
    assert table.to_pylist() == exact
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert (types["consensus"], types["round"], types["doubtful"]) == ("double", "int64", "bool")
    assert types["annotators"].startswith("list")
    assert set(HOSTILE) - {"status"} < set(table.column_names)


def test_more_rows_than_a_batch_are_all_there(export, exact, tmp_path, monkeypatch):
    monkeypatch.setattr("al_loop.export.parquet.ROWS", 2)
    monkeypatch.setattr("al_loop.export.hugging_face.ROWS", 2)
    export("--all", "--out", tmp_path / "labels.parquet")
    assert parquet.read_table(tmp_path / "labels.parquet").to_pylist() == exact
    export("--all", "--format", "hf", "--out", tmp_path / "set")
    splits = [parquet.read_table(tmp_path / "set" / f"{s}.parquet") for s in ("train", "test")]
    assert [r["id"] for t in splits for r in t.to_pylist()] == [r["id"] for r in exact]


LOAD = """\
import datasets, json, sys
datasets.disable_progress_bars()
data = datasets.load_dataset(sys.argv[1], cache_dir=sys.argv[2])
names = data["train"].features["label"].names
rows = {split: list(data[split]) for split in data}
print(json.dumps([names, rows]))
"""


def test_hugging_face_datasets_loads_the_folder_with_splits_and_classes(export, exact, tmp_path):
    export("--all", "--format", "hf", "--out", tmp_path / "set")
    command = [sys.executable, "-c", LOAD, str(tmp_path / "set"), str(tmp_path / "cache")]
    offline_ = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **offline_}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    names, rows = json.loads(done.stdout.splitlines()[-1])
    for row in [*rows["train"], *rows["test"]]:
        row["label"] = None if row["label"] is None else names[row["label"]]
    assert rows["test"] == [r for r in exact if r["role"] == "test"]
    assert rows["train"] == [r for r in exact if r["role"] == "pool"]


def test_a_split_without_rows_has_no_file(export, tmp_path):
    export("--format", "hf", "--role", "pool", "--out", tmp_path / "set")
    assert sorted(p.name for p in (tmp_path / "set").iterdir()) == ["README.md", "train.parquet"]


# The command


@pytest.mark.parametrize("name", ["a.csv", "a.CSV", "a.jsonl", "a.ndjson", "a.json", "a.md"])
def test_the_suffix_tells_the_format_and_the_file_is_what_would_be_printed(export, tmp_path, name):
    form = {"ndjson": "jsonl"}.get(name.lower().split(".")[1], name.lower().split(".")[1])
    assert export("--out", tmp_path / name) == ""
    assert (tmp_path / name).read_text() == export("--format", form)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "parquet"], "--format parquet needs --out"),
        (["--format", "hf"], "--format hf needs --out"),
        (["--json", "--format", "csv"], "contradict"),
        (["--out", "labels"], "the format of labels can't be told"),
        (["--out", "labels.xlsx"], "known are .csv, .jsonl"),
        (["--out", "nowhere/labels.csv"], "there is no folder nowhere"),
        (["--out", ".", "--format", "csv"], ". is a folder"),
        (["--out", "/proc", "--format", "hf"], "is not a folder that al-loop exported"),
        (["--out", "/", "--format", "hf"], "is not a folder that al-loop exported"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(al_loop, root, tmp_path, monkeypatch, arguments,
                                                  message):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code, out, err = al_loop("-C", root, "export", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


def test_without_a_label_there_is_a_header_and_a_word_about_it(al_loop, tmp_path):
    offline.make(tmp_path)
    code, out, err = al_loop("-C", tmp_path, "export")
    assert (code, out.count("\n")) == (0, 1)
    assert "--all exports" in err
    assert json.loads(al_loop("-C", tmp_path, "export", "--json")[1]) == {"rows": []}
    assert al_loop("-C", tmp_path, "export", "--format", "jsonl")[1] == ""
    assert json.loads(al_loop("-C", tmp_path, "export", "--format", "label-studio")[1]) == []
    made = tmp_path / "labels.parquet"
    assert al_loop("-C", tmp_path, "export", "--out", made)[0] == 0
    assert parquet.read_table(made).num_rows == 0
    code, _, err = al_loop("-C", tmp_path, "export", "--format", "hf", "--out", tmp_path / "set")
    assert (code, (tmp_path / "set").exists()) == (2, False)
    assert "needs texts and classes" in err


def test_a_long_export_says_how_far_it_is(al_loop, root, tmp_path, monkeypatch):
    monkeypatch.setattr("al_loop.cli.export._LONG", 4)
    monkeypatch.setattr("al_loop.cli.export._STEP", 1)
    code, _, err = al_loop("-C", root, "export", "--out", tmp_path / "labels.csv")
    assert code == 0
    assert "exporting: 2 of 7" in err
    assert "7 rows written to" in err


# Whole or not at all


def test_a_file_stays_as_it_was_when_writing_fails(al_loop, root, tmp_path, monkeypatch):
    path = tmp_path / "labels.csv"
    path.write_text("old")

    def broken(export):
        yield "half"
        raise OSError("the disk is full")

    monkeypatch.setattr(text, "csv_lines", broken)
    code, _, err = al_loop("-C", root, "export", "--out", path)
    assert (code, path.read_text()) == (1, "old")
    assert "the disk is full" in err
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(al_loop, root, tmp_path):
    path = tmp_path / "labels.csv"
    os.mkfifo(path)
    code, _, err = al_loop("-C", root, "export", "--out", path)
    assert (code, path.is_fifo()) == (2, True)
    assert "is a directory, a pipe or a device" in err


def test_a_folder_of_ours_is_replaced_and_any_other_is_refused(al_loop, export, root, tmp_path):
    path = tmp_path / "set"
    path.mkdir()
    export("--format", "hf", "--out", path)  # an empty one is nobody's loss
    export("--format", "hf", "--role", "test", "--out", path)
    assert not (path / "train.parquet").exists()
    (path / "notes.txt").write_text("mine")
    code, _, err = al_loop("-C", root, "export", "--format", "hf", "--out", path)
    assert code == 2
    assert "not a folder that al-loop exported" in err
    assert (path / "notes.txt").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("kind", ["al-loop.db", "models", "a/../models"])
def test_the_workspace_is_not_written_over(al_loop, root, kind):
    inside = root / ".al-loop" / kind
    code, _, err = al_loop("-C", root, "export", "--format", "hf", "--out", inside)
    assert (code, "al-loop's own files" in err) == (2, True)
    assert al_loop("-C", root, "export", "--format", "csv", "--out", inside)[0] == 2
    assert al_loop("-C", root, "export")[0] == 0


def test_a_folder_of_somebody_else_that_has_the_name_of_a_left_one_stays(tmp_path):
    file = tmp_path / ".set.old" / "notes.txt"
    file.parent.mkdir()
    file.write_text("mine")
    writing = folder.writing_whole(tmp_path / "set", hugging_face.MARK, hugging_face.FILES)
    with pytest.raises(InputError, match=r"\.set\.old is there already"), writing:
        pass
    assert file.read_text() == "mine"


def test_two_at_once_do_not_write_into_each_others_folder(tmp_path, monkeypatch):
    path = tmp_path / "set"
    ours = (path, hugging_face.MARK, hugging_face.FILES)
    with folder.writing_whole(*ours) as first:
        (first / "README.md").write_text(f"first {hugging_face.MARK}")
        monkeypatch.setattr(os, "getpid", lambda: 1)
        with folder.writing_whole(*ours) as second:
            (second / "README.md").write_text(f"second {hugging_face.MARK}")
            assert (first / "README.md").read_text().startswith("first")
    assert (path / "README.md").read_text().startswith("first")  # which ended last
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_the_folder_where_one_stands_can_be_named_by_a_dot(export, root, tmp_path, monkeypatch):
    path = tmp_path / "set"
    path.mkdir()
    monkeypatch.chdir(path)
    export("--format", "hf", "--out", ".")
    assert (path / "README.md").is_file()


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "md", "label-studio"])
def test_no_text_moves_the_cursor_of_a_terminal(export, tmp_path, monkeypatch, form):
    offline.make(tmp_path, table=[("a", "first\x1b[2J \x9b31m \u05e9\nsecond", "")])
    arguments = ("--all", "--format", form)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    seen = export(*arguments, root=tmp_path)
    assert not {"\x1b", "\x9b"} & set(seen)
    assert "\u05e9" in seen
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    assert ("\x1b[2J" in export(*arguments, root=tmp_path)) == (form == "csv")


@pytest.mark.parametrize("kind", ["link", "file", "foreign card"])
def test_what_is_no_folder_of_ours_is_not_replaced(tmp_path, kind):
    path = tmp_path / "set"
    (tmp_path / "other").mkdir()
    if kind == "link":
        path.symlink_to(tmp_path / "other")
    elif kind == "file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "README.md").write_text("# mine")
    writing = folder.writing_whole(path, hugging_face.MARK, hugging_face.FILES)
    with pytest.raises(InputError), writing:
        pass
    assert path.exists()


def test_a_folder_stays_as_it_was_when_writing_fails_or_dies(export, tmp_path):
    path = tmp_path / "set"
    export("--format", "hf", "--out", path)
    before = (path / "README.md").read_text()
    ours = (path, hugging_face.MARK, hugging_face.FILES)

    def fail():
        with folder.writing_whole(*ours) as new:
            (new / "README.md").write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert (path / "README.md").read_text() == before
    path.rename(tmp_path / ".set.old")  # as a kill between the two renames leaves it
    with pytest.raises(OSError, match="full"):
        fail()
    assert (path / "README.md").read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["set"]
