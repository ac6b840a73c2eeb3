"""`al-loop classes`: what it prints, and the labeling page that follows every change."""

import csv
import io
import json

import pytest

from al_loop.annotators.label_studio import LabelStudio
from al_loop.errors import ServerError
from al_loop.store import class_changes, items, open_store, overview
from tests import offline
from tests.answering import World
from tests.test_class_decisions import CONFIG, group

SECRET = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def world(tmp_path):
    config = CONFIG + '[label_studio]\nurl = "http://127.0.0.1:9"\n'
    with World(tmp_path, config=config) as made:
        tasks = made.push()
        mine = [t for t in tasks if made.table[t.item_id][1] == "damage"]
        made.answer([t for t in tasks if t not in mine])
        group(made, "broken glass\x1b[2J", [t.item_id for t in mine])
        made.answer(mine[:1], labels=("broken glass\x1b[2J",))
        made.answer(mine[1:], missing="=broken")
        made.run()
        made.damaged = len(mine)
        yield made


@pytest.fixture
def al_loop(world, monkeypatch, capsys):
    def call(*arguments):
        return offline.call(monkeypatch, capsys, "-C", world.root, "classes", *arguments)

    with offline.settings_kept():
        yield call


def test_the_list_has_known_proposed_and_candidate_classes_with_their_evidence(world, al_loop):
    labels = overview.labels_by_class(world.store)
    code, out, _ = al_loop()
    assert code == 0
    assert "\x1b" not in out
    heading, _, *rows = out.splitlines()
    assert heading.split() == [
        *("class", "id", "status", "labels", "texts", "nearest", "class", "similarity"),
        *("stability", "offered", "description"),
    ]
    assert rows[0].split()[:4] == ["refund", "-", "known", str(labels["refund"])]
    assert any("=broken" in r and "proposed" in r for r in rows)
    assert any("candidate" in r and "0.300" in r and "0.900" in r and "yes" in r for r in rows)
    assert any("broken glass" in r and "please" in r for r in rows)  # a central text
    assert rows[-3:] == [
        "accept one: al-loop classes accept =broken",
        "  --as NAME: under another name, or as a class that is there already",
        "or it is none: al-loop classes reject =broken",
    ]

    found = json.loads(al_loop("--json")[1])
    assert [c["name"] for c in found["classes"]] == ["refund", "delay"]
    (candidate,) = found["candidates"]
    assert candidate["name"] == "broken glass\x1b[2J"
    assert (candidate["answers"], candidate["size"], candidate["offered"]) == (
        1,
        world.damaged,
        True,
    )
    assert (candidate["nearest_class"], candidate["similarity"]) == ("refund", 0.3)
    assert candidate["examples"][0].startswith("broken glass")
    (proposal,) = found["proposals"]
    assert (proposal["name"], proposal["answers"]) == ("=broken", world.damaged - 1)
    table = list(csv.DictReader(io.StringIO(al_loop("--csv")[1])))
    assert [r["name"] for r in table][2] == "'=broken"
    assert len(al_loop("--md")[1].splitlines()) == 6


def test_of_many_groups_the_table_has_those_that_matter_and_says_how_to_see_the_others(
    world, al_loop
):
    for number in range(12):
        group(world, f"loose {number}", (), offered=False)
    group(world, "on the page", ())
    al_loop("reject", "loose 0")

    _, out, _ = al_loop()

    rows = [line for line in out.splitlines() if line.startswith("loose")]
    assert len(rows) == 10
    assert not any(line.startswith("loose 0 ") for line in rows)  # rejected: others come first
    assert "broken glass" in out
    assert "on the page" in out
    assert "... and 2 more groups: al-loop classes --all" in out
    assert "rejected" in al_loop("--all")[1]
    assert len(json.loads(al_loop("--json")[1])["candidates"]) == 14


def test_every_command_says_what_it_did_and_again_that_it_is_so_already(world, al_loop):
    again = f"texts that are asked about once more: {world.damaged - 1}"
    told = [
        (("accept", "1", "--as", "damage"), "class 'damage' accepted; labels gained by it: 1"),
        (("accept", "1"), "'1' counts as 'damage' already"),
        (("reject", "=broken"), f"'=broken' is rejected; {again}"),
        (("reject", "=broken"), "'=broken' is rejected already"),
        (("rename", "refund", "money"), "'refund' is called 'money' now"),
        (("rename", "refund", "money"), "'refund' is called 'money' already"),
        (("merge", "damage", "delay"), "'damage' counts as 'delay' now"),
        (("merge", "damage", "delay"), "'damage' counts as 'delay' already"),
        (("describe", "money", "--description", "Pay back"), "'money' is described anew"),
        (("describe", "money", "--description", "Pay back"), "'money' is described so already"),
        (("add", "money"), "'money' is a class already"),
    ]
    for arguments, line in told:
        assert al_loop(*arguments, "--by", "lead")[:2] == (0, line + "\n")
    code, out, _ = al_loop("split", "money", "--by", "lead")
    assert (code, out.startswith("'money' is split: 'money: ")) == (0, True)
    assert al_loop("split", "money")[0] == 2
    assert al_loop("describe", "money")[0] == 2
    versions = json.loads(al_loop("history", "--json")[1])["versions"]
    assert [v["action"] for v in versions] == [
        *("add", "accept", "reject", "rename", "merge", "describe", "split")
    ]
    assert [v["version"] for v in versions] == list(range(1, 8))
    assert {v["author"] for v in versions[1:]} == {"lead"}
    assert versions[3]["names"] == {"refund": "money"}
    assert versions[0]["rounds"] == [1]
    shown = al_loop("history")[1].splitlines()
    assert shown[5].split()[-4:] == ["refund", "is", "called", "money"]
    assert al_loop("history", "--csv")[1].count("\n") == 8


def test_the_history_tells_a_new_class_from_a_name_that_counts_as_a_known_one(world, al_loop):
    al_loop("accept", "1", "--as", "damage")
    al_loop("accept", "=broken", "--as", "damage")
    shown = [line.split("accept")[1].strip() for line in al_loop("history")[1].splitlines()[3:]]
    assert shown == ["damage is a class, also for broken glass [2J", "=broken counts as damage"]


def test_an_unknown_name_is_one_line_with_the_nearest(world, al_loop):
    code, out, err = al_loop("merge", "refnd", "delay")
    assert (code, out) == (2, "")
    assert "'refnd' is no class of this workspace, did you mean refund?" in err
    assert "Traceback" not in err


def test_the_code_book_has_what_each_class_means_and_its_version(world, al_loop, tmp_path):
    al_loop("describe", "delay", "--description", "Waits <b>long</b>", "--example", "when?\n\nwhen")
    al_loop("rename", "refund", "money")
    _, text, _ = al_loop("book")
    assert "# " in text
    assert "Version 3 of the classes" in text
    assert "## money\n\nWants money back\n\nCalled before: refund." in text
    assert "Waits &lt;b&gt;long&lt;/b&gt;" in text
    assert "money back" in text  # labeled so
    assert "To be confirmed" in text
    out = tmp_path / "book.html"
    assert al_loop("book", "--format", "html", "--out", out)[1] == f"{out}\n"
    page = out.read_text()
    assert "Waits &lt;b&gt;long&lt;/b&gt;" in page
    assert "Content-Security-Policy" in page
    assert al_loop("book", "--out", tmp_path / "none" / "x.md")[0] == 2


class Page:
    """The labeling page of a live project: what it was told to offer."""

    def __init__(self, monkeypatch, world):
        self.offers, self.away = [], False
        with world.store.tx():
            world.store.execute("UPDATE projects SET remote_id = 7 WHERE annotator <> 'told'")
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", SECRET)
        monkeypatch.setattr(LabelStudio, "update_page", self._update)

    def _update(self, ref, offer):
        if self.away:
            raise ServerError("Label Studio can't be reached", hint="al-loop up starts one")
        assert ref.remote_id == 7
        self.offers.append(offer)


@pytest.fixture
def page(monkeypatch, world):
    assert world.app.project.remote_id is None  # makes its row
    return Page(monkeypatch, world)


def test_the_live_page_follows_every_change(al_loop, page):
    al_loop("accept", "1", "--as", "damage")
    assert [c.name for c in page.offers[-1].classes] == ["refund", "delay", "damage"]
    assert page.offers[-1].candidates == []
    _, _, err = al_loop("rename", "damage", "broken")
    assert [c.name for c in page.offers[-1].classes] == ["refund", "delay", "broken"]
    assert page.offers[-1].gone == ["broken glass\x1b[2J", "damage"]
    assert page.offers[-1].version == 3
    assert err == "the labeling page is up to date\n"


def test_with_the_server_away_the_change_stands_and_the_same_command_brings_the_page_up(
    al_loop, page, world
):
    page.away = True
    code, out, err = al_loop("accept", "1", "--as", "damage")
    assert (code, out) == (5, "")
    assert "class 'damage' accepted here, but not on the labeling page yet" in err
    assert "the next round's push adds it, or run the same command again" in err
    assert SECRET not in err
    store = open_store(world.root / ".al-loop" / "al-loop.db")
    assert [c.name for c in items.classes(store)][-1] == "damage"
    assert class_changes.version(store) == 2
    store.close()
    page.away = False
    assert al_loop("accept", "1", "--as", "damage")[1] == "'1' counts as 'damage' already\n"
    assert [c.name for c in page.offers[-1].classes][-1] == "damage"


def test_a_split_that_the_page_did_not_get_is_shown_there_by_the_same_command(al_loop, page):
    page.away = True
    code, _, err = al_loop("split", "refund")
    assert code != 0
    assert "not on the labeling page yet" in err
    page.away = False
    code, _, err = al_loop("split", "refund")
    assert (code, "'refund' is split already" in err) == (2, True)
    names = [c.name for c in page.offers[-1].candidates]
    assert any(name.startswith("refund: ") for name in names)
