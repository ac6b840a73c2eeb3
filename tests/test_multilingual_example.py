"""The Chinese example: what the files hold, and that its hidden classes are found."""

import csv
import json
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from al_loop import app, cli, config, demo
from al_loop.annotators.oracle import Oracle
from al_loop.loop import machine
from al_loop.store import offers
from tests.offline import call, settings_kept

EXAMPLES = Path(__file__).parent.parent / "examples"
KNOWN = ("正面", "负面", "中性")
HIDDEN = ("焦虑", "期待", "困惑", "讽刺")


def rows(name):
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


POOL, TEST, PHRASES = rows("posts_zh.csv"), rows("posts_zh_test.csv"), rows("posts_zh_known.csv")
GOLD = {row["id"]: row["label"] for row in POOL}


def test_the_files_hold_what_their_page_says():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    assert (len(POOL), len(TEST)) == (301, 70)
    assert "301 posts, ids `p001` to `p301`" in page
    assert "70 posts, ids `t001` to `t070`" in page
    assert Counter(GOLD.values()) == dict.fromkeys((*KNOWN, *HIDDEN), 43)
    assert Counter(row["label"] for row in TEST) == dict.fromkeys((*KNOWN, *HIDDEN), 10)
    assert Counter(row["label"] for row in PHRASES) == dict.fromkeys(KNOWN, 5)
    texts = [row["text"] for row in (*POOL, *TEST, *PHRASES)]
    assert len(set(texts)) == len(texts) == 386


def test_posts_are_written_one_by_one_and_share_no_frame():
    """Two posts that begin alike for six characters, or end so, would smell of a template."""
    texts = [row["text"].rstrip("。！？") for row in (*POOL, *TEST)]
    for part in (lambda t: t[:6], lambda t: t[-6:]):
        _, most = Counter(map(part, texts)).most_common(1)[0]
        assert most <= 2


def test_the_settings_name_the_known_classes_by_the_same_phrases_as_the_table():
    text = (EXAMPLES / "posts_zh.toml").read_text(encoding="utf-8")
    settings = config.parse(tomllib.loads(text))

    assert settings.model.encoder == "multilingual"
    assert list(settings.classes) == list(KNOWN)
    assert [(n, e) for n, c in settings.classes.items() for e in c.examples] == [
        (row["label"], row["text"]) for row in PHRASES
    ]


def discover(folder, *options):
    """Run `al-loop discover`; returns (report, novel group's name -> classes of its texts)."""
    known = EXAMPLES / "posts_zh_known.csv"
    arguments = ("discover", EXAMPLES / "posts_zh.csv", "--known", known, *options)
    with pytest.MonkeyPatch.context() as patch, settings_kept():
        patch.setattr("sys.argv", ["al-loop", *map(str, arguments), "--out", str(folder / "out")])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 0
    report = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    groups = {c["name"]: Counter() for c in report["novel_clusters"]}
    for task in json.loads((folder / "out" / "preannotated.json").read_text(encoding="utf-8")):
        for guess in task.get("predictions", []):
            name = guess["result"][0]["value"]["choices"][0]
            if name in groups:
                groups[name][GOLD[task["data"]["id"]]] += 1
    return report, groups


def best(groups, name):
    """Return the largest (texts of a class, all texts) of groups of which it is three fifths."""
    return max(
        ((g[name], g.total()) for g in groups.values() if g[name] >= 0.6 * g.total()),
        default=(0, 0),
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    threshold = config.load(EXAMPLES / "posts_zh.toml").discovery.similarity_threshold
    options = ("--encoder", "multilingual", "--threshold", threshold)
    return discover(tmp_path_factory.mktemp("discover"), *options)


@pytest.mark.parametrize(("name", "least"), [("焦虑", 8), ("困惑", 8), ("期待", 5)])
def test_a_hidden_class_is_among_the_novel_groups(found, name, least):
    _, groups = found
    mine, all_ = best(groups, name)

    assert mine >= least, groups
    assert mine > 0.7 * all_


def test_without_a_threshold_confusion_is_found_and_no_group_of_a_known_class(tmp_path):
    _, groups = discover(tmp_path, "--encoder", "multilingual")

    assert best(groups, "困惑")[0] >= 8
    assert [best(groups, name)[0] for name in KNOWN] == [0, 0, 0]


def test_groups_have_key_phrases_in_chinese_that_stand_in_their_texts(found):
    report, _ = found
    for group in report["novel_clusters"][:5]:
        mine = "".join(row["text"] for row in POOL)
        assert group["phrases"]
        assert all(phrase in mine for phrase in group["phrases"])
        assert any("\u4e00" <= c <= "\u9fff" for c in group["name"])


def test_hidden_classes_are_seen_within_few_labels_and_told_apart(tmp_path, monkeypatch, capsys):
    first = [next(i for i, c in GOLD.items() if c == name) for name in KNOWN]
    (tmp_path / "known.txt").write_text("\n".join(KNOWN), encoding="utf-8")
    (tmp_path / "first.txt").write_text("\n".join(first), encoding="utf-8")
    code, out, _ = call(
        monkeypatch,
        capsys,
        *(
            "simulate",
            "--data",
            EXAMPLES / "posts_zh.csv",
            "--test",
            EXAMPLES / "posts_zh_test.csv",
        ),
        *("--known-classes", tmp_path / "known.txt", "--labeled-ids", tmp_path / "first.txt"),
        *("--config", EXAMPLES / "posts_zh.toml", "--budget", 90, "--rounds", 3, "--json"),
    )
    run = json.loads(out)["runs"][0]

    assert code == 0
    assert run["classes_seen"][1] == 7
    assert run["novel_accuracy"][-1] > 0.5  # chance is a seventh
    assert run["h_score"][-1] > 0.5


@pytest.fixture
def workspace(tmp_path, monkeypatch, capsys):
    """A workspace with the three known classes and no label."""
    (tmp_path / "config.toml").write_bytes((EXAMPLES / "posts_zh.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    files = (EXAMPLES / "posts_zh.csv", "--test", EXAMPLES / "posts_zh_test.csv")
    assert call(monkeypatch, capsys, "init", *files, "--label", "")[0] == 0
    return tmp_path


def play(folder, rounds=1):
    """Let people who name what is missing answer some rounds; returns what could be ticked."""
    oracle = Oracle(GOLD, names_classes=False, people=("ana", "ben"))
    with app.opened(folder) as opened:
        oracle.said.update(demo._said(opened))
        for _ in range(rounds):
            parts = opened.parts(oracle)
            machine.run(parts, opened.config, machine.Options(until="pushed"))
            offered = offers.offer(opened.store).candidates
            machine.run(parts, opened.config, machine.Options(until="logged"))
    return offered


def test_the_whole_way_from_three_classes_to_seven(workspace, monkeypatch, capsys):
    offered = play(workspace)
    assert offered
    assert all(c.examples and set(c.examples) <= {row["text"] for row in POOL} for c in offered)

    _, out, _ = call(monkeypatch, capsys, "classes", "--json")
    found = json.loads(out)
    # A group may have got the very name that people write, from its key phrases.
    asked = {p["name"] for p in found["proposals"]}
    assert asked | {c["name"] for c in found["candidates"] if c["answers"]} == set(HIDDEN)
    for name in HIDDEN:
        code, out, _ = call(monkeypatch, capsys, "classes", "accept", name)
        assert (code, "labels gained" in out) == (0, True)
    play(workspace)

    _, out, _ = call(monkeypatch, capsys, "history", "--json")
    first, second = (r["accuracy"] for r in json.loads(out)["rounds"])
    assert first < 3 / 7 < second
    _, out, _ = call(monkeypatch, capsys, "round", "--dry-run", "--json")
    assert "焦虑" in {look["suggestion"] for look in json.loads(out)["texts"]}


def test_the_page_in_chinese_shows_the_commands_and_outputs_that_the_english_one_runs():
    docs = EXAMPLES.parent / "docs"
    english, chinese = (
        re.findall(r"^```\w+\n.*?^```$", (docs / name).read_text(encoding="utf-8"), re.M | re.S)
        for name in ("openworld.md", "openworld.zh.md")
    )

    assert chinese == english
