"""Every format gives the texts as they were written, and nothing in them is interpreted."""

import csv
import gzip
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from al_loop import workspace
from al_loop.config import Config
from al_loop.data.columns import Asked
from al_loop.data.text import fault, normalize, text_hash
from al_loop.data.vocabulary import Labels
from al_loop.errors import DataError
from al_loop.imports import ImportReport, Request
from al_loop.ingest import Reading, ingest
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


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    for name, content in (
        ("a.csv", b"\xef\xbb\xbfid,text\n1,a\n"),
        ("a.jsonl", b'\xef\xbb\xbf{"id":"1","text":"a"}\n'),
        ("a.txt", b"\xef\xbb\xbfa\n"),
    ):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        report, texts = load(write(folder / name, content))
        assert texts == ["a"]
        assert report.files[0].columns.id == (None if name == "a.txt" else "id")


def test_unicode_line_separators_do_not_split_a_line(tmp_path):
    text = "one\u2028two\u0085three\x0bfour"
    for name, content in (
        ("a.jsonl", json.dumps({"text": text}, ensure_ascii=False) + "\n"),
        ("a.txt", text + "\n"),
        ("a.csv", f"id,text\n1,{text}\n"),
    ):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        assert load(write(folder / name, content.encode()))[1] == [text]


def test_lines_are_counted_through_line_breaks_in_cells(tmp_path):
    content = b'id,text\n1,"a\nb\nc"\n\n2,\n3,"d\n'

    with pytest.raises(DataError, match=r":7: a quote of the row"):
        load(write(tmp_path / "open.csv", content))
    report, _ = load(write(tmp_path / "closed.csv", content.replace(b'"d', b"d,e")))
    assert [problem.split(":")[1] for problem in report.bad] == ["6", "7"]


def test_nothing_of_a_cell_is_interpreted(tmp_path):
    content = b"id,text,label\n007,NA,null\n1e3,None,nan\n"

    _, texts = load(write(tmp_path / "a.csv", content))

    store = open_store(tmp_path / "ws/.al-loop/al-loop.db")
    found = {alias: items.find_alias(store, alias) for alias in ("007", "1e3")}
    store.close()
    assert texts == ["NA", "None"]
    assert [a and a.label for a in found.values()] == ["null", "nan"]


def test_numbers_of_json_are_taken_as_they_are_written(tmp_path):
    lines = b'{"id":7,"text":"a","label":1.0,"n":1e3,"d":{"k":[1.50,true,"\\u00e9"]}}\n'
    lines += b'{"id":12345678901234567890123,"text":"b","label":null,"n":null}\n'

    load(write(tmp_path / "a.jsonl", lines), keep=("n", "d"))

    store = open_store(tmp_path / "ws/.al-loop/al-loop.db")
    one = items.find_alias(store, "7")
    two = items.find_alias(store, "12345678901234567890123")
    store.close()
    assert one is not None
    assert one.label == "1.0"
    assert one.extra == {"n": "1e3", "d": '{"k": [1.50, true, "é"]}'}
    assert two is not None
    assert (two.label, two.extra) == (None, {})


def test_ids_with_slashes_and_dots_are_only_ids(tmp_path):
    content = b"id,text\n../../etc,a\n..,b\n/x/y,c\n\xe2\x98\x83 d,d\n"

    _, texts = load(write(tmp_path / "a.csv", content))

    assert texts == ["a", "b", "c", "d"]


def test_unusual_scripts_and_markup_stay_as_they_are(tmp_path):
    odd = ["👩‍👩‍👧‍👦", "שלום עליכם", "Z̵͚̈a̷l̶g̸o̴", "<script>alert(1)</script> & co", "\u202eabc", "=1+1"]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in odd)

    _, texts = load(write(tmp_path / "a.jsonl", lines.encode()))

    assert texts == [items.normalize(text) for text in odd]


def test_every_kind_of_file_gives_the_same_texts(tmp_path):
    rows = [("1", "Où est-il ?", "a b"), ("2", 'say "hi"', ""), ("3", "x; y", "c&<d>'\"")]
    csv_ = "id,text,label\n" + "".join(
        ",".join('"' + c.replace('"', '""') + '"' for c in r) + "\n" for r in rows
    )
    table = pa.table(
        {
            "id": pa.array([1, 2, 3]),
            "text": pa.array([r[1] for r in rows]).dictionary_encode(),
            "label": [r[2] or None for r in rows],
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    lines = "".join(
        json.dumps(dict(zip(("id", "text", "label"), r, strict=True))) + "\n" for r in rows
    )
    for name, content in (
        ("a.csv", csv_),
        ("b.csv", csv_.replace(",", ";")),
        ("a.csv.gz", csv_),
        ("a.tsv", csv_.replace(",", "\t")),
        ("a.tsv.gz", csv_.replace(",", "\t")),
        ("a.jsonl", lines),
        ("a.jsonl.gz", lines),
    ):
        write(tmp_path / name, content.encode())
    for path in sorted(tmp_path.glob("*.*")):
        folder = tmp_path / path.name.replace(".", "-")
        folder.mkdir()
        report, texts = load(path.rename(folder / path.name))
        assert texts == [r[1] for r in rows], path.name
        assert report.new_classes == ("a b", "c&<d>'\""), path.name
        assert report.files[0].columns.id == "id"


def test_a_bad_string_in_parquet_is_one_bad_row(tmp_path):
    raw = pa.array([b"ok", b"\xff", b"fine"]).view(pa.string())
    parquet.write_table(pa.table({"text": raw}), tmp_path / "a.parquet")

    report, texts = load(tmp_path / "a.parquet")

    assert texts == ["ok", "fine"]
    assert report.bad[0].startswith(f"{tmp_path / 'a.parquet'}:2: text has U+DCFF")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5), st.sampled_from(["csv", "jsonl"]))
def test_every_text_that_is_accepted_comes_back_as_it_was(texts, kind):
    """File, database and JSON keep each character; only the normal form is changed."""
    usable = [t for t in texts if not fault(t) and normalize(t)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{kind}"
        if kind == "csv":
            with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as f:
                csv.writer(f, quoting=csv.QUOTE_ALL).writerows([["text"], *([t] for t in usable)])
        else:
            path.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
        store = open_store(None)
        reading = Reading(Asked(), Config())
        if usable:
            with store.tx():
                ingest(store, path, reading, Labels(), lambda *_: None)
        else:
            with pytest.raises(DataError), store.tx():
                ingest(store, path, reading, Labels(), lambda *_: None)
        stored = items.texts(store)
        store.close()
    assert [text for _, text, _ in stored] == list(dict.fromkeys(map(normalize, usable)))
    assert json.loads(json.dumps([text for _, text, _ in stored])) == [t for _, t, _ in stored]
    assert all(id_ == hash_[:16] == text_hash(t)[:16] for id_, t, hash_ in stored)
