"""The marked blocks of the documents run, one after the other, and end as they say."""

import re
import tomllib

import pytest

from docs.pictures import PICTURES
from tests.docs_run import ROOT, Reader, Step, missing_words, set_options, steps

DOCUMENTS = [p for p in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))) if steps(p)]


@pytest.mark.ls
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_a_document_can_be_typed_as_it_stands(path, tmp_path):
    reader = Reader.begin(tmp_path)
    try:
        for step in steps(path):
            reader.do(step)
    finally:
        reader.close()


def test_the_tutorial_is_short_and_its_pictures_are_few_and_small():
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    shown = re.findall(r"\(images/([\w-]+)\.png\)", page)

    assert page.count("\n") < 300
    assert sum(map(int, re.findall(r"^## .*: (\d+) minutes$", page, re.MULTILINE))) == 60
    assert sorted(shown) == sorted(PICTURES)
    assert len(shown) <= 6
    files = sorted((ROOT / "docs" / "images").iterdir())
    assert [f.name for f in files] == sorted(f"{name}.png" for name in shown)
    assert all(f.stat().st_size < 200_000 for f in files)


# The harness itself


def written(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text)
    return steps(path)


def test_only_marked_blocks_are_steps(tmp_path):
    found = written(
        tmp_path,
        "```sh\nrm -rf x\n```\n<!-- runs, ends with 3 -->\n```sh\nfalse\n```\n<!-- a note -->\n"
        "```sh\nls\n```\n\n<!-- people answer -->\n\n```text\nx\n```\n<!-- prints -->\n"
        "```text\nhello\n```\n",
    )

    assert [(s.mark, s.block) for s in found] == [
        ("runs", "false\n"),
        ("people answer", ""),
        ("prints", "hello\n"),
    ]
    assert found[0].code == 3


def test_a_mark_without_its_block_is_refused(tmp_path):
    with pytest.raises(AssertionError):
        written(tmp_path, "<!-- runs -->\n\nSome words, then\n\n```sh\nls\n```\n")


def test_a_block_that_ends_otherwise_is_told_with_what_it_printed(tmp_path):
    reader = Reader(tmp_path, tmp_path)

    with pytest.raises(AssertionError, match="no strategy is called"):
        reader.do(Step("runs", "", "al-loop strategies nosuch\n", 1))
    with pytest.raises(AssertionError):
        reader.do(Step("runs", ", ends with 3", "true\n", 1))
    with pytest.raises(AssertionError):
        reader.do(Step("runs", "", "false\ntrue\n", 1))
    reader.do(Step("runs", ", ends with 2", "al-loop strategies nosuch\n", 1))


def test_a_folder_that_was_entered_is_the_next_blocks_folder(tmp_path):
    reader = Reader(tmp_path, tmp_path)

    reader.do(Step("runs", "", "mkdir one && cd one\n", 1))
    reader.do(Step("runs", "", "touch two\n", 2))

    assert (tmp_path / "one" / "two").exists()


def test_words_that_are_printed_no_more_are_found():
    data = [{"text": "the parcel never came"}]

    assert (
        missing_words("round 3: parcel, 17 tasks settled", "round 1: 2 tasks settled", data)
        == set()
    )
    assert missing_words("4 texts doubtful", "4 texts dubious", data) == {"doubtful"}


def test_options_are_set_as_with_an_editor(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        'seed = 0\n[batch]\nsize = 50   # texts\nstrategy = "margin"\n[model]\nC = 1.0\n'
    )

    set_options(
        path, '[batch]\nsize = 8\nclose_at = 0.9\n[classes.refund]\ndescription = "x [y]"\n'
    )

    assert tomllib.loads(path.read_text()) == {
        "seed": 0,
        "batch": {"size": 8, "strategy": "margin", "close_at": 0.9},
        "model": {"C": 1.0},
        "classes": {"refund": {"description": "x [y]"}},
    }
