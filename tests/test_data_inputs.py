"""What happens to faulty input: the file is refused, or the row, never more and never less."""

import gzip
import os
import threading
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from al_loop import workspace
from al_loop.data import source
from al_loop.data.columns import Asked
from al_loop.errors import DataError
from al_loop.imports import ImportReport, Request
from al_loop.store import items, open_store


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def load(path: Path, *, replace: bool = False, **asked) -> tuple[ImportReport, list[str]]:
    """Import a file into a new workspace; return the report and the texts."""
    root = path.parent / "ws"
    report = workspace.init(root, Request(path, asked=Asked(**asked), replace_bad_chars=replace))
    store = open_store(workspace.Workspace(root).db_path)
    texts = [text for _, text, _ in items.texts(store)]
    store.close()
    return report, texts


REFUSED_ROWS = [
    ("nul.csv", b"id,text\n1,a\x00b\n2,ok\n", ":2:", "NUL character at position 2"),
    ("long.csv", b"text\n" + b"x" * 140_000 + b"\nok\n", ":2:", "140,000 bytes, more than 100,000"),
    ("short.csv", b"id,text,label\n1,a\n2,ok,\n", ":2:", "2 cells, the header has 3"),
    ("wide.csv", b"id,text\n1,a,b,c\n2,ok\n", ":2:", "4 cells, the header has 2"),
    ("empty.csv", b"id,text\n1,\n2,ok\n", ":2:", "text is empty"),
    ("blank.csv", b"id,text\n1,  \n2,ok\n", ":2:", "text is empty"),
    ("idnul.csv", b"id,text\na\x00,a\n2,ok\n", ":2:", "id has a NUL"),
    ("idlong.csv", b"id,text\n" + b"i" * 10_000 + b",a\n2,ok\n", ":2:", "id has 10,000 characters"),
    ("idctl.csv", b"id,text\na\x1bb,a\n2,ok\n", ":2:", "id has a control character"),
    ("lablong.csv", b"text,label\na," + b"l" * 201 + b"\nok,\n", ":2:", "label has 201 characters"),
    ("labline.csv", b'text,label\na,"x\ny"\nok,\n', ":2:", "label has a line break"),
    ("twice.csv", b"id,text\n1,ok\n1,other\n", ":3:", "another text at {file}:2"),
    ("lab2.csv", b"id,text,label\n1,ok,a\n1,ok,b\n", ":3:", "label 'a', not 'b' at {file}:2"),
    ("keys.jsonl", b'{"text":"a","text":"b"}\n{"text":"ok"}\n', ":1:", "the key 'text' twice"),
    ("nan.jsonl", b'{"text":"a","x":NaN}\n{"text":"ok"}\n', ":1:", "holds NaN"),
    ("inf.jsonl", b'{"text":"a","x":-Infinity}\n{"text":"ok"}\n', ":1:", "holds -Infinity"),
    ("bad.jsonl", b'{"text":\n{"text":"ok"}\n', ":1:", "is not JSON"),
    ("list.jsonl", b'["a"]\n{"text":"ok"}\n', ":1:", "is not a JSON object"),
    ("number.jsonl", b'{"text":7}\n{"text":"ok"}\n', ":1:", "text is a number, not a string"),
    ("none.jsonl", b'{"text":null}\n{"text":"ok"}\n', ":1:", "has no text"),
    ("bool.jsonl", b'{"text":"a","label":true}\n{"text":"ok"}\n', ":1:", "label is true or false"),
    ("half.jsonl", b'{"text":"\\ud800"}\n{"text":"ok"}\n', ":1:", "text has U+D800 at position 1"),
    ("deep.jsonl", b"[" * 100_000 + b'\n{"text":"ok"}\n', ":1:", "nested too deeply"),
]


@pytest.mark.parametrize(("name", "content", "line", "reason"), REFUSED_ROWS)
def test_a_bad_cell_refuses_its_row_with_the_line_and_keeps_the_rest(
    tmp_path, name, content, line, reason
):
    path = write(tmp_path / name, content)

    report, texts = load(path)

    assert texts == ["ok"]
    assert len(report.bad) == 1
    assert report.bad[0].startswith(f"{path}{line} ")
    assert reason.format(file=path) in report.bad[0]


REFUSED_FILES = [
    ("quote.csv", b'id,text\n1,"a\n2,b\n', ":2:", "never closed"),
    ("after.csv", b'id,text\n1,"a"b\n', ":2:", "follows a closing quote"),
    ("mac.csv", b"id,text\r1,a\r2,b\r", ":1:", "carriage return"),
    ("latin.csv", b"id,text\n1,caf\xe9\n", ":2:", "byte 0xe9 at offset 13 is not UTF-8"),
    ("utf16.csv", "id,text\n1,a\n".encode("utf-16"), ":1:", "looks like UTF-16"),
    ("header.csv", b"text,id,text\na,1,b\n", ":1:", "columns 1 and 3 are both called 'text'"),
    ("nocol.csv", b"id,note\n1,a\n", ":", "no column 'text'; there are 'id', 'note'"),
    ("two.csv", b"body,message\n1,a\n", ":", "no column that is the text for sure"),
    ("only.csv", b"id,text\n", "", "has no rows"),
    ("zero.csv", b"", "", "is empty"),
    ("zero.jsonl.gz", b"", "", "has no rows"),
    ("blank.txt", b"\n\n", "", "has no rows"),
    ("array.jsonl", b'[\n{"text":"a"}\n]'.replace(b'{"text":"a"}', b'"a"'), ":1:", "not JSON"),
    ("x.json", b"[]", "", "kind that is not read"),
    ("x.parquet", b"PAR1 no", "", "not a Parquet file"),
    ("allbad.csv", b"id,text\n1,\n2,\n", "", "none of its 2 rows"),
]


@pytest.mark.parametrize(("name", "content", "line", "reason"), REFUSED_FILES)
def test_a_structural_fault_refuses_the_file_and_says_what_to_type(
    tmp_path, name, content, line, reason
):
    path = write(tmp_path / name, content)

    with pytest.raises(DataError) as e:
        load(path)

    assert e.value.message.startswith(f"{path}{line}")
    assert reason in e.value.message
    assert e.value.hint
    assert e.value.exit_code == 2
    assert "\n" not in e.value.message


@pytest.mark.parametrize("name", ["late.csv", "late.jsonl", "late.txt", "late.csv.gz"])
def test_a_fault_late_in_the_file_leaves_nothing_of_it_in_the_workspace(tmp_path, name):
    good = b'{"text":"a %d"}\n' if "jsonl" in name else b"text %d\n"
    content = b"text\n" * (".csv" in name) + b"".join(good % i for i in range(3000)) + b"\xff\n"

    with pytest.raises(DataError, match="byte 0xff at offset"):
        load(write(tmp_path / name, content))

    with pytest.raises(Exception, match="is no workspace"):
        workspace.find(tmp_path / "ws")


def test_folders_pipes_and_missing_files_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for name, reason in (("", "is a folder"), ("pipe.csv", "a pipe"), ("no.csv", "is not there")):
        with pytest.raises(DataError, match=reason):
            workspace.init(tmp_path / "ws", Request(tmp_path / name))
    assert not (tmp_path / "ws").exists()


def test_the_size_is_checked_before_reading_and_while_unpacking(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_BYTES", 5_000)
    plain = write(tmp_path / "big.csv", b"text\n" + b"a line\n" * 1000)
    bomb = write(tmp_path / "bomb.csv.gz", b"text\n" + b"a line\n" * 1000)

    with pytest.raises(DataError, match=r"big.csv: it is larger than 4.9 kB"):
        load(plain)
    with pytest.raises(DataError, match=r"bomb.csv.gz: unpacked it is larger than 4.9 kB"):
        load(bomb)


def test_a_parquet_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "bomb.parquet"
    parquet.write_table(pa.table({"text": ["a" * 90_000] * 200}), path, compression="zstd")
    monkeypatch.setattr(source, "MAX_BYTES", 1_000_000)

    with pytest.raises(DataError, match="unpacked it is larger"):
        load(path)


@pytest.mark.parametrize("name", ["hole.csv", "hole.jsonl", "hole.txt"])
def test_a_sparse_file_without_line_breaks_is_refused_without_reading_it_whole(
    tmp_path, monkeypatch, name
):
    monkeypatch.setattr(source, "MAX_LINE", 1_000_000)
    path = tmp_path / name
    with path.open("wb") as f:
        f.truncate(1024**3)  # takes no space on the disk

    tracemalloc.start()
    with pytest.raises(DataError, match=r":1: the line is longer than 976.6 kB"):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_a_text_of_ten_megabytes_is_one_bad_row(tmp_path):
    report, texts = load(write(tmp_path / "a.txt", b"x" * 10_000_000 + b"\nok\n"))

    assert texts == ["ok"]
    assert "10,000,000 bytes" in report.bad[0]


def test_a_broken_gzip_file_is_refused(tmp_path):
    packed = gzip.compress(b"text\n" + os.urandom(50_000).hex().encode() + b"\n")
    for name, content in (("cut.csv.gz", packed[:-9]), ("not.csv.gz", b"text\na\n")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match="gzip file is broken"):
            load(tmp_path / name)


def test_replace_bad_chars_mends_rows_and_counts_them(tmp_path):
    content = b"id,text\n1,caf\xe9\n2,a\x00b\n3,\xed\xa0\x80\n4,fine\n"

    report, texts = load(write(tmp_path / "a.csv", content), replace=True)

    assert texts == ["caf\ufffd", "a\ufffdb", "\ufffd\ufffd\ufffd", "fine"]
    assert report.files[0].counts.mended == 3
    assert report.bad == []


def test_replace_bad_chars_mends_lone_surrogates_of_json(tmp_path):
    report, texts = load(write(tmp_path / "a.jsonl", b'{"text":"x\\udc00y"}\n'), replace=True)

    assert texts == ["x\ufffdy"]
    assert report.files[0].counts.mended == 1


def test_reading_never_blocks_on_a_pipe_that_nobody_writes_to(tmp_path):
    os.mkfifo(tmp_path / "p.jsonl.gz")
    seen: list[BaseException] = []

    def attempt() -> None:
        try:
            load(tmp_path / "p.jsonl.gz")
        except DataError as e:
            seen.append(e)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(30)
    assert len(seen) == 1
