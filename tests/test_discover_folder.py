"""The folder that `al-loop discover` writes: whole files, and nobody else's are touched."""

import json
import shutil

import pytest

from tests import story
from tests.discover_files import discover, texts
from tests.test_discover import FILES
from tests.workspace_files import write


@pytest.fixture
def data(tmp_path):
    rows = [(i, t) for i, t, _ in texts(n=8)]
    return write(tmp_path / "texts.csv", rows, ("id", "text"))


def test_what_else_is_in_the_folder_stays_and_a_second_run_replaces_its_own(tmp_path, data):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    discover(tmp_path, data)
    first = (out / "preannotated.json").read_bytes()
    discover(tmp_path, data, "--seed", "1", "--limit", "3")
    assert sorted(p.name for p in out.iterdir()) == sorted([*FILES, "notes.txt"])
    assert (out / "notes.txt").read_text() == "mine"
    assert json.loads((out / "report.json").read_bytes())["seed"] == 1
    assert len(json.loads(first)) == 32


def test_the_default_is_a_folder_beside_the_user(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _ = story.run(tmp_path, "discover", str(data), "--encoder", "hashing")
    assert code == 0
    assert sorted(p.name for p in (tmp_path / "al-loop-discover").iterdir()) == FILES


@pytest.mark.parametrize("name", FILES)
def test_files_of_others_with_our_names_are_not_replaced(tmp_path, data, name):
    (tmp_path / "out").mkdir()
    theirs = tmp_path / "out" / name
    theirs.write_text('{"made_by": "somebody", "total_texts": 3}')
    _, err = discover(tmp_path, data, code=2)
    assert f"{name} is there already, and not from al-loop discover" in err
    assert [p.name for p in (tmp_path / "out").iterdir()] == [name]
    assert theirs.read_text().startswith('{"made_by": "somebody"')


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_a_place_that_is_no_folder_is_refused_before_any_work(tmp_path, data, kind):
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    _, err = discover(tmp_path, data, code=2)
    assert "is no folder" in err
    assert "grouping" not in err
    assert kind != "file" or out.read_text() == "mine"


def test_a_folder_that_cant_be_made_is_one_clear_line(tmp_path, data):
    _, err = discover(tmp_path, data, "--out", data / "below", code=2)
    assert "can't be written" in err
    assert "grouping" not in err
    assert "Traceback" not in err


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder in which a run has ended."""
    root = tmp_path_factory.mktemp("done")
    rows = [(i, t) for i, t, _ in texts(n=8)]
    discover(root, write(root / "texts.csv", rows, ("id", "text")), AL_LOOP_CACHE=str(root / "c"))
    return root


@pytest.mark.parametrize("at", [f"C13 file {at}" for at in ("written#1", "renamed#1", "written#2")])
def test_killed_between_the_files_each_is_whole_and_the_next_run_ends_it(done, tmp_path, at):
    root = tmp_path / "copy"
    shutil.copytree(done, root)
    cache = {"AL_LOOP_CACHE": str(root / "c")}
    whole = {name: (root / "out" / name).read_text() for name in FILES}
    dying = {"AL_LOOP_CRASH_AT": at, **cache}
    discover(root, root / "texts.csv", "--threshold", "0.5", code=-9, **dying)
    json.loads((root / "out" / "report.json").read_text())
    assert all((root / "out" / name).read_text() == whole[name] for name in FILES[:3])
    discover(root, root / "texts.csv", **cache)
    assert {name: (root / "out" / name).read_text() for name in FILES} == whole
