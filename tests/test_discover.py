"""`al-loop discover` on files: what it finds, says and writes."""

import csv
import gzip
import io
import json

import pytest

from al_loop.annotators.label_studio import page
from tests import hostile
from tests.discover_files import THEMES, discover, report, texts, with_labels
from tests.workspace_files import write

KEYS = {
    "total_texts",
    "total_clusters",
    "noise_count",
    "noise_share",
    "novel_cluster_count",
    "novel_clusters",
}
CLUSTER = {"id", "size", "name", "phrases", "nearest_class", "similarity", "examples"}
FILES = ["label_config.xml", "map.html", "preannotated.json", "report.json"]


def theme_of(text):
    """Return the theme that a made-up text is about."""
    return next(t for t, words in THEMES.items() if text.split()[0] in words.split())


def tasks(root):
    return json.loads((root / "out" / "preannotated.json").read_bytes())


def choice(task):
    (prediction,) = task["predictions"]
    return prediction["result"][0]["value"]["choices"][0]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A folder in which a class that nobody named was found; (folder, stdout, stderr)."""
    root = tmp_path_factory.mktemp("discover")
    return root, *discover(root, with_labels(root))


@pytest.fixture(scope="module")
def found(told):
    return json.loads((told[0] / "out" / "report.json").read_bytes())


# What is found


def test_a_class_that_nobody_named_is_the_novel_group(found):
    (group,) = found["novel_clusters"]
    assert {theme_of(text) for text in group["examples"]} == {"login"}
    assert group["size"] == 30
    assert set(group["phrases"]) & set(THEMES["login"].split())
    assert group["nearest_class"] in THEMES.keys() - {"login"}
    assert -1 <= group["similarity"] < found["threshold"]


def test_the_report_has_the_documented_keys_and_adds_up(found):
    assert set(found) >= KEYS
    assert all(set(group) >= CLUSTER for group in found["novel_clusters"])
    assert found["total_texts"] == 4 * 30 - 3 * 6
    assert found["novel_cluster_count"] == len(found["novel_clusters"])
    assert found["total_clusters"] >= 4
    assert found["noise_count"] == round(found["noise_share"] * found["total_texts"])
    assert found["known_classes"] == ["refund", "delay", "praise"]


def test_the_same_seed_writes_the_same_files(told, tmp_path):
    discover(tmp_path, told[0] / "texts.csv")
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (told[0] / "out" / name).read_bytes()


def test_without_a_known_class_every_dense_group_is_listed_and_it_says_so(tmp_path):
    out, _ = discover(tmp_path, with_labels(tmp_path), "--label", "")
    found = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert found["novel_cluster_count"] >= 4
    assert {g["nearest_class"] for g in found["novel_clusters"]} == {None}
    assert {g["similarity"] for g in found["novel_clusters"]} == {None}
    assert all(g["dense"] for g in found["novel_clusters"])
    assert "no class is known" in out.splitlines()[-1]
    named = {choice(t) for t in tasks(tmp_path) if "predictions" in t}
    assert named == {g["name"] for g in found["novel_clusters"]}


def test_the_threshold_decides_what_is_novel(told, tmp_path):
    file = told[0] / "texts.csv"
    out, _ = discover(tmp_path, file, "--threshold", "0.01")
    assert out.splitlines()[-1] == "a higher threshold shows more: --threshold 0.11"
    assert report(tmp_path, file, "--threshold", "1.0")["novel_cluster_count"] >= 4


def test_groups_are_no_smaller_than_asked(told, tmp_path):
    found = report(tmp_path, told[0] / "texts.csv", "--label", "", "--min-size", "25")
    assert all(g["size"] >= 25 for g in found["novel_clusters"])


def test_rows_with_one_text_count_once(tmp_path):
    rows = [(f"{i}-{k}", text) for i, text, _ in texts() for k in range(2)]
    _, err = discover(tmp_path, write(tmp_path / "twice.csv", rows, ("id", "text")))
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())["total_texts"] == 120
    assert "240 rows, 120 different texts" in err


# What is known


def known_files(root):
    """Write the same examples in each form that is read."""
    rows = [(theme, text) for i, text, theme in texts(n=6) if theme != "login"]
    lines = [json.dumps({"text": text, "label": theme}) for theme, text in rows]
    (root / "known.jsonl").write_text("\n".join(lines))
    with gzip.open(root / "known.jsonl.gz", "wt") as f:
        f.write("\n".join(lines))
    (root / "known.txt").write_text("".join(f"{theme}\t{text}\n" for theme, text in rows))
    write(root / "known.csv", [(text, theme) for theme, text in rows], ("phrase", "Class"))
    return [root / f"known.{kind}" for kind in ("jsonl", "jsonl.gz", "txt", "csv")]


def test_known_classes_can_come_from_a_file_in_each_form(tmp_path):
    data = write(tmp_path / "texts.csv", [(i, t) for i, t, _ in texts()], ("id", "text"))
    found = [report(tmp_path, data, "--known", file) for file in known_files(tmp_path)]
    assert all(one == found[0] for one in found)
    (group,) = found[0]["novel_clusters"]
    assert {theme_of(text) for text in group["examples"]} == {"login"}


def test_labels_and_examples_are_known_together(tmp_path):
    data = with_labels(tmp_path, hidden=("login", "praise"))
    assert report(tmp_path, data)["novel_cluster_count"] == 2
    (tmp_path / "known.txt").write_text("praise\tthanks lovely great friendly service staff\n")
    found = report(tmp_path, data, "--known", tmp_path / "known.txt")
    assert [theme_of(g["examples"][0]) for g in found["novel_clusters"]] == ["login"]
    assert found["known_classes"] == ["refund", "delay", "praise"]


def test_labels_of_a_file_without_any_other_text_give_way_to_known(tmp_path):
    data = write(tmp_path / "texts.csv", texts())
    (known, *_) = known_files(tmp_path)
    _, err = discover(tmp_path, data, "--known", known)
    found = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert (found["total_texts"], found["novel_cluster_count"]) == (120, 1)
    assert "they are not used" in err


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("k.csv", "text,label\nhi there,a\n,b\n", "k.csv:3: text is empty"),
        ("k.csv", "text,label\nhi there,\n", "k.csv:2: has no label"),
        ("k.jsonl", '{"text": "hi", "label": "a"}\nnope\n', "k.jsonl:2: is not JSON"),
        ("k.txt", "a\thi\nrefund\n", "k.txt:2: has no tab"),
        ("k.csv", "text,kind\nhi,a\n", "no column 'label'"),
        ("k.csv", "label,one,two\na,b,c\n", "no column 'text'"),
        ("k.csv", "text,label\n", "has no rows"),
        ("k.csv", "text,label\nhi,Refund\n", "only in case"),
        ("k.docx", "x", "is of a kind that is not read"),
        ("gone.csv", None, "is not there"),
    ],
)
def test_a_faulty_file_of_known_classes_is_refused_by_name_and_line(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_text(text)
    _, err = discover(tmp_path, with_labels(tmp_path), "--known", tmp_path / name, code=2)
    assert words in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


# What is printed


def test_the_table_has_a_row_a_group_with_the_novel_ones_first(told):
    lines = told[1].splitlines()
    heads = ("size", "name", "phrases", "nearest known class", "similarity", "novel", "stability")
    assert all(head in lines[0] for head in heads)
    assert ["  yes  " in line for line in lines[2:6]] == [True, False, False, False]
    assert "1 of 4 groups is novel: less similar than" in lines[6]
    assert lines[7].startswith("a higher threshold shows more: --threshold 0.")


def test_progress_is_plain_lines_in_a_log(told):
    lines = told[2].splitlines()
    assert "grouping 102 texts: 1 of 3" in lines
    assert any(line.startswith("drawing a map of 102 texts") for line in lines)
    assert "\r" not in told[2]


def test_json_owns_stdout_and_is_the_report(told, tmp_path, found):
    out, err = discover(tmp_path, told[0] / "texts.csv", "--json")
    assert json.loads(out) == found
    assert "written to" in err


def test_csv_and_markdown_have_all_groups(told, tmp_path, found):
    out, _ = discover(tmp_path, told[0] / "texts.csv", "--csv", "--limit", "1")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == found["total_clusters"]
    assert [r["novel"] for r in rows].count("yes") == 1
    out, _ = discover(tmp_path, told[0] / "texts.csv", "--md", "--limit", "1")
    assert len(out.splitlines()) == 2 + found["total_clusters"]


def test_a_long_table_is_cut_and_says_how_to_see_more(told, tmp_path, found):
    out, _ = discover(tmp_path, told[0] / "texts.csv", "--limit", "1")
    assert f"... and {found['total_clusters'] - 1} more groups: --limit N" in out


# Tasks


def test_each_text_is_a_task_with_what_it_may_be(told, found):
    (group,) = found["novel_clusters"]
    made = tasks(told[0])
    assert len(made) == found["total_texts"]
    for task in made:
        expected = theme_of(task["data"]["text"])
        assert choice(task) == (group["name"] if expected == "login" else expected)
        assert 0 <= task["predictions"][0]["score"] <= 1


def test_the_page_offers_whatever_a_task_suggests(told, found):
    config = (told[0] / "out" / "label_config.xml").read_text()
    names = page.class_names(config)
    assert names == ["refund", "delay", "praise", found["novel_clusters"][0]["name"]]
    assert {choice(task) for task in tasks(told[0])} == set(names)
    assert "new? to be confirmed" in config


# Bad input


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gone.csv", None, "is not there"),
        ("a.csv", "", "is empty"),
        ("a.csv", "text\n", "has no rows"),
        ("a.csv", "one,two\nhello,world\n", "there is no column 'text'"),
        ("a.csv", "text\nhello\n", "nothing to group"),
        ("a.csv", "text\n" + "hello\n" * 50, "nothing to group"),
        ("a.csv", "text,label\nhello,a\nworld,b\n", "every text has a label"),
        ("a.xlsx", "text", "is of a kind that is not read"),
    ],
)
def test_a_file_that_cant_be_grouped_is_one_clear_line(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_text(text)
    out, err = discover(tmp_path, tmp_path / name, "--json", code=2)
    assert out == ""
    assert words in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("n", [2, 5, 20])
def test_few_texts_give_a_report_without_or_with_few_groups(tmp_path, n):
    rows = [(i, text) for i, text, _ in texts(n=5)][:n]
    found = report(tmp_path, write(tmp_path / "few.csv", rows, ("id", "text")))
    assert found["total_texts"] == n
    assert found["noise_share"] <= 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == FILES
    assert len(tasks(tmp_path)) == n


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--threshold", "2"], "similarity_threshold"),
        (["--threshold", "nan"], "similarity_threshold"),
        (["--min-size", "1"], "--min-size"),
        (["--encoder", "./nowhere"], "./nowhere"),
        (["--text", "body"], "'body'"),
    ],
)
def test_a_wrong_option_is_one_clear_line(tmp_path, arguments, words):
    _, err = discover(tmp_path, with_labels(tmp_path), *arguments, code=2)
    assert words in err
    assert "Traceback" not in err


def test_texts_of_strangers_are_harmless_in_the_table_and_whole_in_the_files(tmp_path):
    rows = [*hostile.rows(200), ("long", "W " * 49_000, ""), ("nul", "a\0b", "")]
    data = write(tmp_path / "<b>.csv", [(i, text, "") for i, text, _ in rows])
    out, err = discover(tmp_path, data)
    assert "left out: " in err
    assert "NUL" in err
    for printed in (out, err):
        assert all(c.isprintable() or c == "\n" for c in printed)
    said = {t["data"]["id"]: t["data"]["text"] for t in tasks(tmp_path)}
    assert said["<b>13</b>"].startswith("\x1b[2J")
    assert len(said["long"]) > 90_000
    page.parsed((tmp_path / "out" / "label_config.xml").read_text())  # well-formed
