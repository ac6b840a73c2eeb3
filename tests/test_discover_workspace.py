"""`al-loop discover` on a workspace, which stays as it is."""

import json
from contextlib import closing

import pytest

from al_loop import workspace
from al_loop.data.columns import Asked
from al_loop.imports import Request
from al_loop.openworld.group import Group
from al_loop.store import checks, clusters, open_store
from al_loop.store.clusters import Seen
from tests.discover_files import discover, report, texts, with_labels
from tests.workspace_files import write

CONFIG = """\
[model]
encoder = "hashing"
[classes.praise]
examples = ["thanks lovely great friendly service", "wonderful staff kind thanks please"]
"""


@pytest.fixture
def root(tmp_path):
    """A workspace: two classes have labels, one has examples, nobody named the fourth."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "config.toml").write_text(CONFIG)
    data = with_labels(root, hidden=("login", "praise"))
    workspace.init(root, Request(data, None, Asked(None, None, None, None)))
    return root


def store_of(root):
    return closing(open_store(workspace.find(root).db_path))


def remember(root, name, theme, status="open"):
    """Store the texts of a theme as a group that a round found; return its number."""
    ids = [i for i, _, t in texts() if t == theme]
    group = Group(0, None, name, len(ids), 0.8, True, ("x",), (0,), "refund", 0.3, True)
    with store_of(root) as store, store.tx():
        clusters.save(store, 1, [Seen(group, ids[:1], ids[2:], False)])
        number = clusters.known(store)[-1].id
        store.execute("UPDATE clusters SET status = ? WHERE id = ?", [status, number])
    return number


def test_labels_and_examples_of_the_workspace_are_known(root):
    found = report(root)
    assert found["known_classes"] == ["praise", "refund", "delay"]
    assert found["total_texts"] == 4 * 30 - 2 * 6
    (group,) = found["novel_clusters"]
    assert group["size"] == 30
    assert found["source"] == "project"


def test_known_phrases_come_on_top(root):
    (root / "known.txt").write_text("login\tpassword account login reset email locked\n")
    found = report(root, "--known", root / "known.txt")
    assert found["novel_cluster_count"] == 0
    assert found["known_classes"] == ["praise", "refund", "delay", "login"]


def test_nothing_but_vectors_is_written_into_the_workspace(root):
    def told():
        with store_of(root) as store:
            rows = list(checks.dump(store))
            versions = store.rows("SELECT * FROM class_changes"), store.rows("SELECT * FROM meta")
        kept = {p for p in root.rglob("*") if not {"vectors", "out"} & set(p.parts)}
        return rows, [[tuple(r) for r in part] for part in versions], kept

    remember(root, "cannot log in", "login")
    (root / "output.txt").touch()
    (root / "errors.txt").touch()
    before = told()
    discover(root)
    assert told() == before
    assert list(workspace.find(root).vectors_dir.iterdir())


def test_a_group_that_a_round_found_keeps_its_number_and_name(root):
    number = remember(root, "cannot log in", "login")
    (group,) = report(root)["novel_clusters"]
    assert (group["id"], group["name"]) == (number, "cannot log in")
    tasks = json.loads((root / "out" / "preannotated.json").read_bytes())
    named = {t["predictions"][0]["result"][0]["value"]["choices"][0] for t in tasks}
    assert named == {"praise", "refund", "delay", "cannot log in"}


def test_a_new_group_gets_neither_the_number_nor_the_name_of_another(root):
    name = report(root)["novel_clusters"][0]["name"]
    number = remember(root, name, "delay")
    (group,) = report(root)["novel_clusters"]
    assert group["id"] != number
    assert group["name"] != name


def test_a_group_that_was_rejected_is_not_novel_any_more(root):
    remember(root, "cannot log in", "login", "rejected")
    assert report(root)["novel_cluster_count"] == 0


def test_settings_are_those_of_the_workspace_unless_others_are_given(root):
    config = root / "config.toml"
    config.write_text(f"seed = 5\n{CONFIG}[discovery]\nsimilarity_threshold = 0.01\n")
    found = report(root)
    assert (found["novel_cluster_count"], found["seed"], found["threshold"]) == (0, 5, 0.01)
    found = report(root, "--threshold", "1", "--seed", "2")
    assert (found["seed"], found["threshold"]) == (2, 1.0)
    assert found["novel_cluster_count"] >= 4


def test_a_file_beside_the_workspace_has_nothing_to_do_with_it(root, tmp_path):
    data = write(tmp_path / "other.csv", [(i, t) for i, t, _ in texts()], ("id", "text"))
    assert report(root, data)["known_classes"] == []


@pytest.mark.parametrize("option", ["--text", "--label", "--id"])
def test_an_option_about_columns_needs_a_file(root, option):
    _, err = discover(root, option, "x", code=2)
    assert f"{option} is about a FILE" in err


def test_a_folder_that_is_no_workspace_says_so(tmp_path):
    _, err = discover(tmp_path, code=2)
    assert "is no workspace of al-loop" in err


def test_a_pool_that_is_all_labeled_says_so(tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG)
    data = write(tmp_path / "texts.csv", texts(n=5))
    workspace.init(tmp_path, Request(data, None, Asked(None, None, None, None)))
    _, err = discover(tmp_path, code=2)
    assert "no unlabeled text is left" in err
