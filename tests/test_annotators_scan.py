"""`al-loop annotators scan`: what a file of answers tells, without a workspace."""

import csv
import io
import json
from typing import get_args

import numpy as np
import pytest

from al_loop import config
from al_loop.errors import DataError
from al_loop.scan import answers
from al_loop.scan.answers import Columns
from tests import hostile, story
from tests.discover_files import THEMES, texts
from tests.workspace_files import write

HEADER = ("item", "text", "who", "said")
NAMED = ("--item", "item", "--annotator", "who", "--label", "said")
MISTAKES = {"ana": 0.02, "ben": 0.1, "cem": 0.4}
METHODS = get_args(config.AnnotatorsSection.model_fields["consensus"].annotation)
KEYS = {"file", "answers", "texts", "classes", "annotators", "agreement", "targets", "consensus"}


def given(n=20, seed=0, people=MISTAKES):
    """Return (item, text, person, label): each text is labeled by two people of three."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, text, theme in texts(n=n):
        for person in sorted(rng.choice(list(people), 2, replace=False)):
            wrong = rng.random() < people[person]
            others = [t for t in THEMES if t != theme]
            rows.append((i, text, person, others[rng.integers(3)] if wrong else theme))
    return rows


def theme_of(item):
    return item.rstrip("0123456789")


def preload():
    """Import what the children need, once."""
    story.preload()
    import crowdkit.aggregation
    import krippendorff
    import pyarrow.parquet
    import sklearn.metrics
    import statsmodels.stats.inter_rater

    from al_loop.cli import annotators  # noqa: F401
    from al_loop.scan import crowd  # noqa: F401

    assert all((crowdkit, krippendorff, pyarrow.parquet, sklearn.metrics, statsmodels))


def scan(root, *arguments, code=0):
    """Run it on a file; returns (stdout, stderr)."""
    preload()
    arguments = ["annotators", "scan", *(str(a) for a in arguments)]
    arguments += [] if "--encoder" in arguments else ["--encoder", "hashing"]
    cache = str(root.parent / f"cache of {root.name}")
    ended, printed = story.run(root, *arguments, apart=True, AL_LOOP_CACHE=cache)
    assert ended == code, printed
    return printed


def found(root, *arguments):
    return json.loads(scan(root, *arguments, "--json")[0])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "answers.csv", given(), HEADER)


@pytest.fixture(scope="module")
def told(file, tmp_path_factory):
    """What is printed as JSON, with texts."""
    return found(tmp_path_factory.mktemp("scan"), file, *NAMED, "--text", "text")


@pytest.fixture(scope="module")
def plain(file, tmp_path_factory):
    """What is printed as JSON, without texts."""
    return found(tmp_path_factory.mktemp("scan"), file, *NAMED)


# What it says


def test_the_json_counts_the_file_and_has_the_documented_keys(told):
    assert set(told) >= KEYS | {"method", "encoder", "seed", "notes"}
    assert (told["answers"], told["texts"]) == (160, 80)
    assert told["classes"] == sorted(THEMES)
    assert told["encoder"] == "hashing"


def test_every_text_has_a_label_its_quality_and_votes_in_the_order_of_the_file(told):
    listed = told["consensus"]
    assert [t["id"] for t in listed] == [i for i, *_ in texts(n=20)]
    votes = {}
    for item, _, person, label in given():
        votes.setdefault(item, {})[person] = label
    assert {t["id"]: t["votes"] for t in listed} == votes
    assert all(set(t) == {"id", "label", "quality", "votes"} for t in listed)
    assert all(0 <= t["quality"] <= 1 for t in listed)
    assert all(t["label"] in THEMES for t in listed)


def test_texts_help_where_two_people_differ(told, plain):
    right = {
        name: np.mean([t["label"] == theme_of(t["id"]) for t in facts["consensus"]])
        for name, facts in (("told", told), ("plain", plain))
    }
    assert right["told"] >= 0.95
    assert right["told"] >= right["plain"]
    assert told["method"] == config.Config().annotators.consensus


def test_agreement_is_lower_quality_where_people_differ(told):
    sure = [t["quality"] for t in told["consensus"] if len(set(t["votes"].values())) == 1]
    open_ = [t["quality"] for t in told["consensus"] if len(set(t["votes"].values())) > 1]
    assert np.mean(sure) > np.mean(open_)


def test_people_are_ranked_by_how_good_they_are_with_intervals(told):
    people = {p["annotator"]: p for p in told["annotators"]}
    assert list(people) == ["ana", "ben", "cem"]
    for measure in ("agreement", "others", "gold"):
        shares = [people[name][measure]["share"] for name in MISTAKES]
        assert shares[2] < min(shares[:2])
        for p in people.values():
            assert 0 <= p[measure]["low"] < p[measure]["share"] < p[measure]["high"] <= 1
    quality = [people[name]["quality"] for name in MISTAKES]
    assert quality[0] > quality[1] > quality[2]
    assert sum(p["votes"] for p in people.values()) == 160
    assert people["cem"]["confusions"]


def test_agreement_has_every_measure_with_its_interval_overall_by_class_and_by_pair(plain):
    of = plain["agreement"]
    for name in ("alpha", "fleiss"):
        assert of[name]["low"] < of[name]["value"] < of[name]["high"]
    assert of["all"]["n"] == 80
    assert {c["class"] for c in of["classes"]} == set(THEMES)
    assert {(p["a"], p["b"]) for p in of["pairs"]} == {
        ("ana", "ben"),
        ("ana", "cem"),
        ("ben", "cem"),
    }
    assert all(p["kappa_low"] <= p["kappa"] <= p["kappa_high"] for p in of["pairs"])
    assert plain["targets"]["agreement"]["standing"] == "missed"


def test_without_texts_nothing_is_encoded_and_no_model_is_asked(file, plain, tmp_path):
    assert plain["encoder"] is None
    _, err = scan(tmp_path, file, *NAMED)
    assert "encoding" not in err


@pytest.mark.parametrize("method", METHODS)
def test_the_consensus_is_found_by_the_method_that_is_asked_for(file, tmp_path, method):
    listed = found(tmp_path, file, *NAMED, "--text", "text", "--consensus", method)
    assert listed["method"] == method
    assert np.mean([t["label"] == theme_of(t["id"]) for t in listed["consensus"]]) > 0.8


def test_it_says_so_when_another_method_had_to_do(tmp_path):
    data = write(tmp_path / "few.csv", given(n=2), HEADER)
    asked = ["--text", "text", "--consensus", "crowdlab"]
    out, err = scan(tmp_path, data, *NAMED, *asked, "--json")
    assert json.loads(out)["method"] != "crowdlab"
    assert "crowdlab has too little to go on" in err


def test_the_same_file_says_the_same_again(file, told, tmp_path):
    assert found(tmp_path, file, *NAMED, "--text", "text") == told


def test_no_workspace_is_needed_and_nothing_is_left_beside_the_file(file, tmp_path):
    scan(tmp_path, file, *NAMED)
    assert {p.name for p in tmp_path.iterdir()} == {"output.txt", "errors.txt"}
    assert [p.name for p in file.parent.iterdir()] == [file.name]


# What is read


def read(path, rows, header=HEADER, text="text", **more):
    return answers.read(write(path / "a.csv", rows, header), Columns(*_three(), text), **more)


def _three():
    return NAMED[1], NAMED[3], NAMED[5]


def test_a_person_has_one_vote_a_text_their_last(tmp_path):
    rows = [("1", "hi", "ana", "a"), ("1", "hi", "ben", "b"), ("1", "hi", "ana", "b")]
    got = read(tmp_path, rows)
    assert got.votes == {"1": {"ana": "b", "ben": "b"}}
    assert got.answers == 3
    assert any("the last counts: 1" in note for note in got.notes)


def test_rows_without_a_label_are_no_answers_and_bad_ones_are_named(tmp_path):
    rows = [
        ("1", "hi", "ana", "a"),
        ("1", "", "ben", "b"),
        ("2", "ho", "ana", ""),
        ("", "ho", "ana", "a"),
        ("3", "ho", " ", "a"),
        ("4", "ho", "ana", "x" * 201),
        ("5", "h\0", "ana", "a"),
    ]
    got = read(tmp_path, rows)
    assert (got.votes, got.texts) == ({"1": {"ana": "a", "ben": "b"}}, {"1": "hi"})
    bad, unanswered = got.notes
    assert "a.csv:5: item is empty (and 3 more)" in bad
    assert unanswered == "rows without a label, which are no answers: 1"


def test_labels_that_differ_in_case_are_two_and_said_to_be_one(tmp_path):
    got = read(tmp_path, [("1", "hi", "ana", "Refund"), ("1", "hi", "ben", "refund")])
    assert got.notes == ["probably the same class, judged as two: 'Refund' and 'refund'"]


def test_the_item_may_be_the_text_itself_and_numbers_are_names(tmp_path):
    lines = [{"t": f"text\n{i}", "who": 7 + j, "said": j} for i in range(3) for j in range(2)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    got = answers.read(tmp_path / "a.jsonl", Columns("t", "who", "said", "t"))
    assert got.votes["text\n0"] == {"7": "0", "8": "1"}
    assert got.texts["text\n0"] == "text\n0"


def test_each_kind_of_file_says_the_same(file, plain, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    lines = [json.dumps(dict(zip(HEADER, r, strict=True))) for r in given()]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    columns = dict(zip(HEADER, map(list, zip(*given(), strict=True)), strict=True))
    parquet.write_table(pa.table(columns), tmp_path / "b.parquet")
    for name in ("a.jsonl", "b.parquet"):
        listed = found(tmp_path, tmp_path / name, *NAMED)
        assert {**listed, "file": ""} == {**plain, "file": ""}


def test_bytes_that_are_no_utf8_can_be_replaced(tmp_path):
    path = write(tmp_path / "a.csv", [("1", "hi", "ana", "caf"), ("1", "hi", "ben", "b")], HEADER)
    path.write_bytes(path.read_bytes().replace(b"caf", b"caf\xe9"))
    with pytest.raises(DataError, match="not UTF-8"):
        answers.read(path, Columns(*_three()))
    got = answers.read(path, Columns(*_three()), replace_bad_chars=True)
    assert got.votes["1"]["ana"] == "caf\ufffd"


# Bad input


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--item", "itm", *NAMED[2:]], "no column 'itm'"),
        ([*NAMED[:2], "--annotator", "whom", *NAMED[4:]], "--annotator who"),
        ([*NAMED, "--text", "txt"], "--text text"),
        (NAMED[:4], "--label"),
        ([*NAMED, "--consensus", "crowlab"], "did you mean crowdlab?"),
        ([*NAMED, "--text", "text", "--encoder", "./nowhere"], "./nowhere"),
    ],
)
def test_a_wrong_option_is_one_clear_line(file, tmp_path, arguments, words):
    out, err = scan(tmp_path, file, *arguments, code=2)
    assert out == ""
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gone.csv", None, "is not there"),
        ("a.csv", "", "is empty"),
        ("a.csv", "item,who,said\n", "no row holds an answer"),
        ("a.csv", "item,who,said\n1,ana,\n", "no row holds an answer"),
        ("a.csv", "item,who,said\n1,ana,x\n2,ana,y\n2,ana,x\n", "no item has answers of two"),
        ("a.csv", "item,who,said\n1,ana,x\n2,ben,y\n", "no item has answers of two people"),
        ("a.jsonl", '{"item": "1", "who": "ana", "said": ["x"]}\n', "label is not a string"),
        ("a.txt", "hello\n", "no column 'item'"),
    ],
)
def test_a_file_that_tells_nothing_is_one_clear_line(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_text(text)
    out, err = scan(tmp_path, tmp_path / name, *NAMED, "--json", code=2)
    assert out == ""
    assert words in err
    assert "  -> " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "rows",
    [
        [("1", "hi", "ana", "a"), ("1", "hi", "ben", "a")],
        [("1", "hi", "ana", "a"), ("1", "hi", "ben", "b")],
        [(str(i), "hi", who, "a") for i in range(9) for who in ("ana", "ben")],
    ],
)
def test_one_text_and_one_class_are_no_reason_to_fail(tmp_path, rows):
    data = write(tmp_path / "a.csv", rows, HEADER)
    listed = found(tmp_path, data, *NAMED, "--text", "text")
    assert len(listed["consensus"]) == len({i for i, *_ in rows})
    scan(tmp_path, data, *NAMED)


# What is printed


def test_the_tables_show_people_agreement_and_the_least_sure_texts(file, plain, tmp_path):
    out, _ = scan(tmp_path, file, *NAMED, "--limit", "3")
    lines = out.splitlines()
    assert lines[0].startswith("annotator")
    assert [line.split()[0] for line in lines[2:5]] == ["ana", "ben", "cem"]
    assert "below the target of 85 %" in lines[5]
    assert lines[6].startswith("accuracy ")
    assert "Krippendorff's alpha" in out
    open_ = [t for t in plain["consensus"] if len(set(t["votes"].values())) > 1]
    open_.sort(key=lambda t: t["quality"])
    first = lines.index(next(line for line in lines if line.startswith("id "))) + 2
    assert [line.split()[0] for line in lines[first : first + 3]] == [t["id"] for t in open_[:3]]
    assert lines[-2] == f"... and {len(open_) - 3} more: --limit N"
    assert lines[-1].startswith(f"160 answers of 3 people to 80 texts, {len(open_)} of them")


def test_csv_has_the_consensus_of_every_text(file, plain, tmp_path):
    out, _ = scan(tmp_path, file, *NAMED, "--csv")
    listed = list(csv.DictReader(io.StringIO(out)))
    assert [(r["id"], r["label"]) for r in listed] == [
        (t["id"], t["label"]) for t in plain["consensus"]
    ]
    assert listed[0]["votes"].startswith(listed[0]["label"])


def test_names_of_strangers_are_harmless_in_the_tables(tmp_path):
    names = ["=1+1", *(p.replace("\x1b", "") for p in hostile.PEOPLE)]
    rows = [(i, t, names[n % 4], "ab"[n % 3 % 2]) for n in range(8) for i, t, _ in texts(n=3)]
    data = write(tmp_path / "<b>.csv", rows, HEADER)
    for printed in scan(tmp_path, data, *NAMED):
        assert all(c.isprintable() or c == "\n" for c in printed)
    assert "\x1b" not in scan(tmp_path, data, *NAMED, "--md")[0]
