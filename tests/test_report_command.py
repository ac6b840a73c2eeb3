"""`al-loop report`: where the page goes, and what is printed."""

import json
import webbrowser

import pytest

from tests import offline


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return offline.make(tmp_path_factory.mktemp("support"), rounds=2)


@pytest.fixture
def al_loop(monkeypatch, capsys):
    with offline.settings_kept():
        yield lambda *arguments: offline.call(monkeypatch, capsys, *arguments)


def test_the_page_goes_into_the_workspace_for_its_owner_only(al_loop, root):
    code, out, _ = al_loop("-C", root, "report")

    path = root / ".al-loop" / "report.html"
    assert (code, out) == (0, f"{path}\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_page_goes_where_it_is_wanted_and_replaces_what_is_there(al_loop, root, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("an older one")

    code, out, _ = al_loop("-C", root, "report", "--out", path)

    assert (code, out) == (0, f"{path}\n")
    assert "<title>support0</title>" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("where", [".al-loop/report.html", ".al-loop/map.json"])
def test_nothing_is_written_through_a_symbolic_link(al_loop, root, tmp_path, where):
    target = tmp_path / "target"
    target.write_text("precious")
    (root / where).unlink(missing_ok=True)
    (root / where).symlink_to(target)
    try:
        code, _, err = al_loop("-C", root, "report")
    finally:
        (root / where).unlink()

    assert code == 2
    assert "is a symbolic link" in err
    assert target.read_text() == "precious"


def test_a_folder_is_no_file_and_a_missing_one_no_place(al_loop, root, tmp_path):
    code, _, err = al_loop("-C", root, "report", "--out", tmp_path)
    assert code == 2
    assert "is a directory" in err

    code, _, err = al_loop("-C", root, "report", "--out", tmp_path / "no" / "page.html")
    assert code == 2
    assert "can't be written: No such file or directory" in err
    assert "--out FILE" in err


def test_json_has_the_facts_and_writes_no_page(al_loop, root):
    page = root / ".al-loop" / "report.html"
    page.unlink(missing_ok=True)

    code, out, _ = al_loop("-C", root, "report", "--json")

    found = json.loads(out)
    assert code == 0
    assert not page.exists()
    assert found["name"] == "support0"
    assert [r["number"] for r in found["rounds"]] == [1, 2]
    assert {"budget", "classes", "confusion", "annotators", "agreement"} < set(found)
    assert {"suspicious", "suggestions", "map", "settings", "curve"} < set(found)
    history = json.loads(al_loop("-C", root, "history", "--json")[1])["rounds"]
    assert found["rounds"] == history


@pytest.mark.parametrize("form", ["--md", "--json"])
def test_what_is_of_the_page_alone_is_refused_beside_another_form(al_loop, root, tmp_path, form):
    code, out, err = al_loop("-C", root, "report", form, "--out", tmp_path / "page")
    assert (code, out) == (2, "")
    assert f"which {form} does not write" in err


def test_markdown_says_the_same_in_the_same_order(al_loop, root):
    code, out, _ = al_loop("-C", root, "report", "--md")

    assert code == 0
    assert out.startswith("# support0\n\n")
    assert [line[3:] for line in out.splitlines() if line.startswith("## ")] == [
        "Learning curve",
        "Budget",
        "Classes: known, proposed, candidates",
        "Classes",
        "Classes that are confused",
        "Suspicious labels",
        "Annotators",
        "Map of the texts",
        "Rounds",
        "Settings",
    ]
    page = out.partition("\n## Rounds\n")[2].partition("\n## ")[0]
    history = al_loop("-C", root, "history", "--md")[1].splitlines()
    for number in (1, 2):
        mine = next(line for line in page.splitlines() if line.startswith(f"| {number} |"))
        theirs = next(line for line in history if line.split()[1:2] == [str(number)])
        assert mine.split()[3:9:2] == theirs.split()[3:9:2]


def test_another_workspace_is_shown_beside_this_one(al_loop, root, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    offline.make(other, rounds=1)

    code, out, _ = al_loop("-C", root, "report", "--compare", other, "--md")

    assert code == 0
    assert "## Beside other\n" in out
    assert "|  | support0 | other |" in out
    assert "| rounds | 2 | 1 |" in out


def test_what_is_compared_with_must_be_a_workspace(al_loop, root, tmp_path):
    code, _, err = al_loop("-C", root, "report", "--compare", tmp_path)
    assert code == 2
    assert "is no workspace of al-loop" in err


def test_the_browser_is_opened_on_the_file(al_loop, root, monkeypatch):
    shown = []
    monkeypatch.setattr(webbrowser, "open", lambda url: shown.append(url) or True)

    assert al_loop("-C", root, "report", "--open")[0] == 0
    assert shown == [(root / ".al-loop" / "report.html").as_uri()]


def test_without_a_browser_a_line_says_so(al_loop, root, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda _: False)

    code, _, err = al_loop("-C", root, "report", "--open")

    assert code == 0
    assert "no browser was found; open the file yourself" in err


def test_a_folder_without_a_workspace_is_named(al_loop, tmp_path):
    code, _, err = al_loop("-C", tmp_path, "report")
    assert code == 2
    assert "is no workspace of al-loop" in err
