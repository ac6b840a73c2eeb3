"""`al-loop noise scan`: which labels of a file look wrong, row by row, without a workspace."""

import csv
import gzip
import io
import json

import numpy as np
import pytest

from al_loop import config
from al_loop.data.columns import Asked
from al_loop.data.text import text_hash
from al_loop.encoders import HashingEncoder
from al_loop.errors import DataError
from al_loop.evidence import judging
from al_loop.loop import doubt
from al_loop.scan import noise, report, rows
from tests import hostile, story
from tests.discover_files import texts
from tests.workspace_files import write

KEYS = ["id", "label", "suggested", "doubt", "flagged", "confidence", "neighbors"]
ABOUT = {"file", "classes", "left_out_classes", "labeled", "flagged", "wrong", "encoder"}
WRONG = ("refund3", "delay7", "login11", "praise19")
ASIDE = {"refund": "delay", "delay": "login", "login": "praise", "praise": "refund"}


def planted(wrong=WRONG):
    """Return (id, text, label) of 120 texts of four themes, some with the label of another."""
    return [(i, t, ASIDE[theme] if i in wrong else theme) for i, t, theme in texts()]


def preload():
    """Import what the children need, once."""
    story.preload()
    import pyarrow.parquet
    import sklearn.linear_model

    from al_loop import cache, encoder_check  # noqa: F401
    from al_loop.cli import noise_scan  # noqa: F401
    from al_loop.evidence import judging  # noqa: F401

    assert all((pyarrow.parquet, sklearn.linear_model))


def scan(root, *arguments, code=0, **environment):
    """Run it on a file; returns (stdout, stderr)."""
    preload()
    arguments = ["noise", "scan", *(str(a) for a in arguments)]
    arguments += [] if "--encoder" in arguments else ["--encoder", "hashing"]
    environment.setdefault("AL_LOOP_CACHE", str(root.parent / f"cache of {root.name}"))
    ended, printed = story.run(root, *arguments, apart=True, **environment)
    assert ended == code, printed
    return printed


def found(root, *arguments):
    return json.loads(scan(root, *arguments, "--json")[0])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "texts.csv", planted())


@pytest.fixture(scope="module")
def told(file, tmp_path_factory):
    """What is printed as JSON: (values, stderr)."""
    out, err = scan(tmp_path_factory.mktemp("scan"), file, "--json")
    return json.loads(out), err


# Every row of the file


def test_every_row_has_an_entry_with_its_own_id_and_label_the_most_doubtful_first(told):
    listed = told[0]["rows"]
    given = {i: label for i, _, label in planted()}
    assert {r["id"]: r["label"] for r in listed} == given
    assert len(listed) == len(given)
    doubts = [r["doubt"] for r in listed]
    assert doubts == sorted(doubts, reverse=True)
    assert 0 <= doubts[-1] <= doubts[0] <= 1


def test_planted_mistakes_come_first_are_flagged_and_what_they_were_is_suggested(told):
    first = told[0]["rows"][: len(WRONG)]
    assert {r["id"] for r in first} == set(WRONG)
    assert all(r["flagged"] for r in first)
    assert all(r["suggested"] == r["id"].rstrip("0123456789") for r in first)
    assert told[0]["flagged"] == sum(r["flagged"] for r in told[0]["rows"]) <= 2 * len(WRONG)
    assert len(WRONG) / 2 <= told[0]["wrong"] <= 3 * len(WRONG)


def test_the_json_has_the_documented_keys_and_no_text(told):
    assert set(told[0]) >= ABOUT | {"rows", "method", "seed", "notes"}
    assert all(list(r) == KEYS for r in told[0]["rows"])
    assert told[0]["classes"] == ["refund", "delay", "login", "praise"]
    assert (told[0]["labeled"], told[0]["encoder"], told[0]["seed"]) == (120, "hashing", 0)


def test_texts_are_there_if_asked_for(file, tmp_path):
    said = {i: t for i, t, _ in planted()}
    assert all(r["text"] == said[r["id"]] for r in found(tmp_path, file, "--texts")["rows"])


def test_no_workspace_is_needed_and_nothing_is_left_beside_the_file(file, tmp_path):
    scan(tmp_path, file)
    assert {p.name for p in tmp_path.iterdir()} == {"output.txt", "errors.txt"}
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_without_an_id_column_rows_are_numbered_from_one(tmp_path):
    data = write(tmp_path / "a.csv", [r[1:] for r in planted()], ("text", "label"))
    numbers = {str(n): label for n, (_, _, label) in enumerate(planted(), start=1)}
    for arguments in ([data], [write(tmp_path / "b.csv", planted()), "--id", ""]):
        listed = found(tmp_path, *arguments)["rows"]
        assert {r["id"]: r["label"] for r in listed} == numbers


def test_an_empty_id_is_the_number_of_the_row_and_ids_may_stand_twice(tmp_path):
    data = [
        ("same" if n in (3, 9) else "" if n == 5 else i, *r) for n, (i, *r) in enumerate(planted())
    ]
    listed = found(tmp_path, write(tmp_path / "a.csv", data))
    ids = [r["id"] for r in listed["rows"]]
    assert ids.count("same") == 2
    assert "6" in ids
    assert len(ids) == 120
    assert any("1 ids stand in several rows" in n for n in listed["notes"])


def test_rows_without_a_label_come_last_with_what_fits_best_and_no_doubt(tmp_path):
    data = [(i, t, "" if i.endswith("5") else label) for i, t, label in planted()]
    listed = found(tmp_path, write(tmp_path / "a.csv", data))
    n = sum(not label for *_, label in data)
    last = listed["rows"][-n:]
    assert {r["id"] for r in last} == {i for i, _, label in data if not label}
    assert all((r["label"], r["doubt"], r["flagged"]) == (None, None, False) for r in last)
    assert all(r["suggested"] == r["id"].rstrip("0123456789") for r in last)
    assert listed["labeled"] == 120 - n


def test_rows_that_cant_be_used_come_last_with_the_reason(tmp_path):
    data = [*planted(), ("empty", " ", "refund"), ("nul", "a\0b", "delay")]
    path = write(tmp_path / "a.csv", data)
    path.write_text(path.read_text() + "short\n")
    listed = found(tmp_path, path)
    assert len(listed["rows"]) == 123
    last = {r["id"]: (r["label"], r["doubt"], r["problem"]) for r in listed["rows"][-3:]}
    assert last["empty"] == ("refund", None, "text is empty")
    assert last["nul"][2].startswith("text has a NUL character")
    assert last["123"] == (None, None, "has 1 cells, the header has 3")
    assert (listed["labeled"], listed["classes"]) == (120, ["refund", "delay", "login", "praise"])
    (note,) = listed["notes"]
    assert note == f"not judged: {path}:122: text is empty (and 2 more)"


def test_each_kind_of_file_says_the_same(file, told, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    names = ("id", "text", "label")
    lines = "".join(json.dumps(dict(zip(names, r, strict=True))) + "\n" for r in planted())
    (tmp_path / "a.jsonl").write_text(lines)
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as f:
        f.write(lines)
    (tmp_path / "c.tsv").write_text(file.read_text().replace(",", "\t"))
    columns = dict(zip(names, zip(*planted(), strict=True), strict=True))
    parquet.write_table(pa.table({k: list(v) for k, v in columns.items()}), tmp_path / "d.parquet")
    for name in ("a.jsonl", "b.jsonl.gz", "c.tsv", "d.parquet"):
        assert found(tmp_path, tmp_path / name)["rows"] == told[0]["rows"]


def test_columns_are_found_by_name_or_named(file, told, tmp_path):
    data = write(tmp_path / "a.csv", planted(), ("key", "utterance", "Intent"))
    assert found(tmp_path, data, "--id", "key", "--label", "Intent")["rows"] == told[0]["rows"]
    data = write(tmp_path / "b.csv", planted(), ("label", "id", "text"))
    named = ["--id", "label", "--text", "id", "--label", "text"]
    assert found(tmp_path, data, *named)["rows"] == told[0]["rows"]


# What speaks for and against a label


def vectors():
    """Return an encoder of texts that begin with degrees on a circle, and what it was asked."""

    def encode(_encoder, _hashes, said):
        asked.append(list(said))
        angles = np.radians([float(t.split()[0]) for t in said])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    asked = []
    return encode, asked


def source(labeled):
    """Return rows of (text, label)."""
    listed = [rows.Labeled(str(i), y, t, text_hash(t)) for i, (t, y) in enumerate(labeled, 1)]
    return rows.Rows("f", listed, list(dict.fromkeys(y for _, y in labeled if y)))


def judged(labeled, **audit):
    """Judge (text, label); a text is a number of degrees. Returns the scan, and rows by id."""
    encode, _ = vectors()
    told = noise.scan(source(labeled), encode, config.parse({"audit": audit}))
    return told, {r.row.id: r for r in told.rows}


def two_classes(n=20):
    return [(f"{k * 90 + i / n * 30:.2f}", "ab"[k]) for k in range(2) for i in range(n)]


def test_copies_of_a_wrong_row_dont_vouch_for_each_other():
    alone, one = judged([*two_classes(), ("15 wrong", "b")])
    many, copies = judged([*two_classes(), *[("15 wrong", "b")] * 8])
    listed = [copies[str(41 + i)] for i in range(8)]
    assert one["41"].flagged
    assert all(r.flagged and r.suggested == "a" for r in listed)
    assert {r.doubt for r in listed} == {one["41"].doubt}
    assert {r.row.id for r in many.rows[:8]} == {str(41 + i) for i in range(8)}
    assert (len(many.flagged) - 7, many.labeled) == (len(alone.flagged), 48)
    assert len(many.flagged) == 8
    assert many.wrong == pytest.approx(alone.wrong + 7)


def test_copies_of_rows_dont_change_what_is_said_of_others():
    _, one = judged([*two_classes(), ("15 wrong", "b")])
    _, copied = judged([*two_classes(), ("15 wrong", "b"), *two_classes()[:10] * 3])
    assert {i: copied[i].doubt for i in one} == {i: r.doubt for i, r in one.items()}


def test_the_same_text_with_two_labels_speaks_against_both():
    _, plain = judged([*two_classes(), ("45 x", "a")])
    _, both = judged([*two_classes(), ("45 x", "a"), ("45 x", "b")])
    assert both["41"].doubt > plain["41"].doubt
    _, alone = judged([*two_classes(), ("15 x", "a")])
    told, both = judged([*two_classes(), ("15 x", "a"), ("15 x", "b")])
    assert both["41"].doubt > alone["41"].doubt
    assert told.rows[0].row.id == "42"  # its other neighbors say the same


def test_a_text_is_encoded_once_for_all_rows(tmp_path):
    _, err = scan(
        tmp_path, write(tmp_path / "a.csv", planted() * 2), AL_LOOP_CACHE=str(tmp_path / "c")
    )
    assert "encoding: 120 of 120" in err


def test_labels_of_rare_classes_come_after_those_that_look_wrong_and_before_the_others():
    rare = [("20 r", "rare"), ("21 r", "rare")]
    told, by_id = judged([*two_classes(), ("15 wrong", "b"), *rare])
    assert told.left_out == ["rare"]
    order = [r.row.id for r in told.rows]
    n = len(told.flagged)
    assert {"41"} <= set(order[:n])
    assert order[n : n + 2] == ["42", "43"]
    for r in (by_id["42"], by_id["43"]):
        assert (r.suggested, r.flagged, r.confidence) == ("rare", False, None)
        assert told.rows[n - 1].doubt > r.doubt > told.rows[n + 2].doubt


def test_a_rare_class_is_no_reason_for_alarm_where_nothing_looks_wrong():
    told, by_id = judged([*two_classes(), ("20 r", "rare")])
    assert not told.flagged
    assert by_id["41"].doubt == max(r.doubt for r in told.rows)


# Options


def test_the_same_seed_says_the_same_and_another_something_else(file, told, tmp_path):
    assert found(tmp_path, file)["rows"] == told[0]["rows"]
    other = found(tmp_path, file, "--seed", "7")
    assert other["seed"] == 7
    assert other["rows"] != told[0]["rows"]


def test_a_second_run_encodes_nothing(file, tmp_path):
    cache = {"AL_LOOP_CACHE": str(tmp_path / "cache")}
    assert "encoding: 120 of 120" in scan(tmp_path, file, **cache)[1]
    assert "encoding" not in scan(tmp_path, file, **cache)[1]


@pytest.mark.parametrize(
    "audit",
    [
        {},
        {"method": "find_label_issues", "filter_by": "predicted_neq_given"},
        {"method": "clean_learning"},
        {"estimate": "off_diagonal_calibrated"},
        {"folds": 3},
    ],
)
def test_the_options_are_those_of_the_audit_in_config_toml(file, tmp_path, audit):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in audit.items()]
    listed = found(tmp_path, file, *options)
    settings = config.parse({"audit": audit, "model": {"encoder": "hashing"}})
    read = rows.read(file, Asked(), settings)
    direct = noise.scan(read, lambda _e, _h, said: HashingEncoder().encode(said), settings)
    assert listed == report.report(direct, texts=False)
    assert set(WRONG) <= {r["id"] for r in listed["rows"][: 2 * len(WRONG)]}
    assert listed["method"] == audit.get("method", "fused")


def test_labels_are_judged_as_in_a_workspace_with_the_same_settings(monkeypatch):
    audit = {
        "folds": 3,
        "method": "find_label_issues",
        "filter_by": "both",
        "estimate": "off_diagonal",
    }
    settings = config.parse({"audit": audit, "model": {"C": 3.0}, "seed": 8})
    asked, judge = [], judging.judge
    monkeypatch.setattr(
        judging,
        "judge",
        lambda *a, settings, **k: asked.append(settings) or judge(*a, settings=settings, **k),
    )
    noise.scan(source(two_classes()), vectors()[0], settings)
    assert asked == [doubt.settings(settings)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "clean_lerning"], "[audit] method: .* did you mean clean_learning?"),
        (["--filter-by", "bot"], "did you mean both?"),
        (["--estimate", "offdiagonal"], "did you mean off_diagonal?"),
        (["--folds", "1"], "[audit] folds"),
        (["--encoder", "./nowhere"], "./nowhere"),
        (["--text", "txt"], "no column 'txt'; there are 'id', 'text', 'label'\n.*--text text"),
        (["--label", "labl"], "no column 'labl'; there are 'id', 'label'\n.*--label label"),
        (["--id", "key"], "no column 'key'"),
        (["--label", ""], "no column of labels"),
    ],
)
def test_a_wrong_option_is_one_clear_line(file, tmp_path, arguments, words):
    _, err = scan(tmp_path, file, *arguments, code=2)
    assert all(part in err for part in words.split(".*"))
    assert "Traceback" not in err


# Bad input


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gone.csv", None, "is not there"),
        ("a.csv", "", "is empty"),
        ("a.csv", "text,label\n", "has no rows"),
        ("a.csv", "one,two,label\nhello,world,a\n", "there is no column 'text'"),
        ("a.csv", "text\nhello\n", "there is no column 'label'"),
        ("a.txt", "hello\nworld\n", "no column of labels"),
        ("a.jsonl", '{"text": "hello"}\n', "there is no column 'label'"),
        ("a.csv", "text,label\nhello,\nworld,\n", "no row has a label"),
        ("a.csv", "text,label\nhello,a\n", "every label is 'a'"),
        ("a.csv", "text,label\n" + "".join(f"hello {i},a\n" for i in range(50)), "every label is"),
        ("a.csv", "text,label\n" + "hello,a\nhello,b\n" * 50, "have the same text"),
        ("a.csv", "text,label\nhello,a\nworld,b\n", "fewer than two classes have 5 labels"),
        ("a.csv", "text,label\n,a\n ,b\n", "none of its 2 rows can be used"),
        ("a.xlsx", "text", "is of a kind that is not read"),
        ("a.jsonl", '{"text": "hi", "label": ["a", "b"]}\n' * 9, "label is a list"),
        ("a.csv", b"text,label\nh\xe9llo,a\n", "is not UTF-8"),
    ],
)
def test_a_file_that_cant_be_judged_is_one_clear_line(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    out, err = scan(tmp_path, tmp_path / name, "--json", code=2)
    assert out == ""
    assert words in err
    assert "  -> " in err
    assert "Traceback" not in err


def test_fewer_folds_are_what_small_classes_need(tmp_path):
    said = [(i, t, y) for i, t, y in texts(n=4)]
    data = write(tmp_path / "a.csv", said)
    assert "--folds 2" in scan(tmp_path, data, code=2)[1]
    assert len(found(tmp_path, data, "--folds", "2")["rows"]) == 16


def test_texts_with_several_labels_are_refused_with_what_to_do(tmp_path):
    lines = [json.dumps({"text": t, "labels": [y, "x"]}) for _, t, y in planted()]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    _, err = scan(tmp_path, tmp_path / "a.jsonl", "--label", "labels", code=2)
    assert "label is a list" in err
    assert "keep those with one" in err
    assert len(err.splitlines()) == 2


def test_bytes_that_are_no_utf8_can_be_replaced(tmp_path):
    path = write(tmp_path / "a.csv", planted())
    path.write_bytes(path.read_bytes().replace(b"please", b"pl\xe9ase"))
    assert len(found(tmp_path, path, "--replace-bad-chars")["rows"]) == 120


def test_labels_that_differ_in_case_are_judged_as_two_and_said_to_be_one(tmp_path):
    data = [(i, t, y.upper() if i[-1] in "02468" else y) for i, t, y in planted()]
    out, err = scan(tmp_path, write(tmp_path / "a.csv", data), "--json")
    assert len(json.loads(out)["classes"]) == 8
    assert "note: probably the same class, judged as two: 'REFUND' and 'refund', " in err
    assert "and 1 more" in err


def test_it_says_so_when_the_encoder_does_not_know_the_language(tmp_path):
    data = [(i, "退款还没有到账" + t, y) for i, t, y in planted()]
    _, err = scan(tmp_path, write(tmp_path / "a.csv", data), "--encoder", "hashing")
    assert "language" not in err
    path = write(tmp_path / "b.csv", [("1", "退款还没有到账", "a"), ("2", "已经等了", "b")])
    _, err = scan(tmp_path, path, "--encoder", "all-MiniLM-L6-v2", code=2)
    assert "does not know the language" in err


# What is printed


def test_the_table_shows_what_looks_wrong_and_the_last_line_counts(file, told, tmp_path):
    out, _ = scan(tmp_path, file, "--limit", "3")
    lines = out.splitlines()
    assert lines[0].split() == ["id", "label", "suggested", "doubt", "text"]
    n = told[0]["flagged"]
    assert [line.split()[0] for line in lines[2:5]] == [r["id"] for r in told[0]["rows"][:3]]
    assert lines[5] == f"... and {n - 3} more: --limit N"
    wrong = round(told[0]["wrong"])
    assert lines[-1] == f"{n} of 120 labels look wrong (estimated: about {wrong})"


def test_csv_has_every_row_and_markdown_the_table(file, told, tmp_path):
    out, _ = scan(tmp_path, file, "--csv")
    listed = list(csv.DictReader(io.StringIO(out)))
    assert [r["id"] for r in listed] == [r["id"] for r in told[0]["rows"]]
    assert list(listed[0]) == KEYS
    assert [float(r["doubt"]) for r in listed] == [r["doubt"] for r in told[0]["rows"]]
    assert "text" in scan(tmp_path, file, "--csv", "--texts")[0].splitlines()[0]
    out, _ = scan(tmp_path, file, "--md")
    assert out.startswith("| id")
    assert len(out.splitlines()) == 2 + told[0]["flagged"]


def test_where_nothing_looks_wrong_it_says_so(tmp_path):
    out, _ = scan(tmp_path, write(tmp_path / "a.csv", planted(wrong=())))
    assert out.splitlines()[-1] == "0 of 120 labels look wrong"


def test_texts_of_strangers_are_harmless_in_the_table_and_whole_in_the_json(tmp_path):
    said = [(i, f"{t} {n}", "ab"[n % 2]) for n, (i, t, _) in enumerate(hostile.rows(200))]
    said += [("=1+1", "fine text", "a"), ("\x1b[2J", "other text", "b")]
    data = write(tmp_path / "<b>.csv", said)
    out, err = scan(tmp_path, data, "--limit", "300")
    for printed in (out, err):
        assert all(c.isprintable() or c == "\n" for c in printed)
    assert "'=1+1" in scan(tmp_path, data, "--csv")[0]
    listed = found(tmp_path, data, "--texts")["rows"]
    assert any(r["text"].startswith("\x1b[2J") for r in listed)


def test_reading_refuses_a_file_before_anything_is_encoded(tmp_path):
    read = rows.read(write(tmp_path / "a.csv", [("1", "hi", "a")]), Asked(), config.Config())
    encode, asked = vectors()
    with pytest.raises(DataError, match="every label is 'a'"):
        noise.scan(read, encode, config.Config())
    assert asked == []
