"""The demo does the main job: offline, and against a real Label Studio."""

import json
from pathlib import Path

import pytest

from al_loop.demo import MISTAKES
from al_loop.store import open_store
from tests import story

RARE = {"gift_card", "data_privacy", "accessibility", "praise"}


def history(folder):
    code, printed = story.run(folder, "history", "--json")
    assert code == 0
    return json.loads(printed)["rounds"]


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    code, printed = story.run(folder, "demo", str(folder / "demo"), "--offline")
    assert code == 0, printed
    return folder / "demo", printed


def test_three_rounds_are_logged_and_more_classes_are_known_well(offline):
    folder, printed = offline
    rounds = history(folder)
    assert [r["state"] for r in rounds] == ["logged"] * 3
    assert rounds[0]["macro_f1"] < rounds[2]["macro_f1"]
    assert "al-loop.db" in printed
    assert story.run(folder, "check")[0] == 0


def test_the_rare_classes_are_unknown_at_first_and_asked_for(offline):
    folder, _ = offline
    store = open_store(folder / ".al-loop" / "al-loop.db")
    origin = dict(tuple(r) for r in store.rows("SELECT name, origin FROM classes"))
    asked = {r[0] for r in store.rows("SELECT DISTINCT missing FROM answers")} - {""}
    store.close()
    assert RARE.isdisjoint(n for n, o in origin.items() if o == "config")
    assert asked <= RARE
    assert asked


def test_one_annotator_errs_and_both_skip(offline):
    """The answers against the gold labels: ana's are right, some of ben's are not."""
    folder, _ = offline
    assert MISTAKES == {"ana": 0.0, "ben": 0.1}
    gold = {
        line.split(",")[0]: line.rsplit(",", 2)[1]
        for line in (Path(__file__).parent.parent / "examples" / "support.csv")
        .read_text()
        .splitlines()
    }
    store = open_store(folder / ".al-loop" / "al-loop.db")
    wrong = {"ana": 0, "ben": 0}
    for r in store.rows("SELECT * FROM answers WHERE kind = 'label' AND missing = ''"):
        wrong[r["annotator"]] += json.loads(r["labels"]) != [gold[r["item_id"]]]
    skips = store.value("SELECT COUNT(*) FROM answers WHERE kind = 'skip'")
    store.close()
    assert wrong["ana"] == 0
    assert 0 < wrong["ben"] < 20
    assert skips > 0


def test_a_second_run_goes_on_in_the_same_folder(offline):
    folder, _ = offline
    code, printed = story.run(folder, "demo", str(folder), "--offline")
    assert code == 0, printed
    assert len(history(folder)) == 6


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    code, printed = story.run(tmp_path, "demo", str(tmp_path), "--offline")
    assert code == 2
    assert "not empty" in printed
    assert not (tmp_path / ".al-loop").exists()


@pytest.mark.ls
def test_the_real_demo_runs_three_rounds_and_leaves_nothing_running(tmp_path):
    folder = tmp_path / "demo"
    code, printed = story.run(tmp_path, "demo", str(folder))
    assert code == 0, printed
    assert "Label Studio stopped" in printed
    rounds = history(folder)
    assert [r["state"] for r in rounds] == ["logged"] * 3
    assert rounds[2]["labels"] > 100
    assert story.run(folder, "check")[0] == 0
    pid = json.loads((folder / ".al-loop" / "server" / "server.json").read_text())["pid"]
    command = Path(f"/proc/{pid}/cmdline")
    assert not command.exists() or b"label-studio" not in command.read_bytes()
    _check_secrets(folder, printed)


def _check_secrets(folder, printed):
    """The key is in its own file and nowhere else that al-loop writes."""
    server = folder / ".al-loop" / "server"
    token = (server / "token").read_text().strip()
    assert (server / "token").stat().st_mode & 0o077 == 0
    assert token not in printed
    for path in folder.rglob("*"):
        inside_label_studio = server / "data" in path.parents
        if path.is_file() and path != server / "token" and not inside_label_studio:
            assert token.encode() not in path.read_bytes(), path


def test_the_demo_prints_numbers_that_the_database_holds(offline):
    folder, _ = offline
    store = open_store(folder / ".al-loop" / "al-loop.db")
    stored = store.value("SELECT value FROM metrics WHERE round = 3 AND name = 'accuracy'")
    store.close()
    assert history(folder)[2]["accuracy"] == stored
