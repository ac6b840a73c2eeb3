"""What people asked for is grouped by meaning, by the vectors of the encoder that comes along."""

import pytest

from al_loop.classes import deciding
from al_loop.classes.proposals import grouped
from al_loop.labels import Verdict
from al_loop.report.classes import facts
from al_loop.store import answers, class_changes, stories
from tests import offline
from tests.answering import World
from tests.test_class_decisions import group

#: So few that no round looks for groups among them.
SAID = (
    ("anxious", "I am so anxious about the exam tomorrow"),
    ("anxious", "feeling anxious again, my heart is racing before the interview"),
    ("anxiety", "my anxiety is through the roof before the results"),
    ("anxiety", "can't sleep, so much anxiety about the exam"),
    ("anxiety", "the results come tomorrow and I am full of anxiety"),
    ("worry", "I worry all the time about tomorrow's exam"),
    ("worry", "worried sick about the interview results"),
    ("positive", "what a great phone, I love it"),
    ("positive", "love this phone, the camera is great"),
    ("negative", "what a terrible phone, I hate it"),
    ("negative", "hate this phone, the camera is terrible"),
    ("refund!", "I want my money back for the broken mug"),
    ("refund!", "please refund the shoes I bought"),
    ("return", "how do I send the shoes back"),
    ("return", "where do I return a broken mug"),
    ("焦虑", "明天考试好紧张"),
    ("投诉", "你们的服务太差了"),
    ("", "some weather again, and a lot of it"),
    ("", "the football game of yesterday"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    config = offline.CONFIG.replace('"hashing"', '"all-MiniLM-L6-v2"').replace("= 12", "= 40")
    table = [(f"t{i:02}", text, "refund") for i, (_, text) in enumerate(SAID)]
    with World(tmp_path_factory.mktemp("said"), config=config, table=table) as made:
        for task in made.push():
            name = SAID[int(task.item_id[1:])][0]
            made.answer([task], **({"missing": name} if name else {"labels": ("refund",)}))
        made.run()
        yield made


def test_names_that_mean_the_same_are_one_proposal_and_opposites_are_not(world):
    found = grouped(world.app, world.say)
    assert [p.spellings for p in found] == [
        ("anxiety", "anxious", "worry"),
        *(("negative",), ("positive",), ("refund!",), ("return",)),
        *(("投诉",), ("焦虑",)),  # the encoder does not know Chinese: all of it looks the same
    ]
    assert sorted(found[0].item_ids) == [f"t{i:02}" for i in range(7)]
    shown = facts(world.store, found)["proposals"][0]
    assert (shown["name"], shown["answers"]) == ("anxiety", 7)
    assert shown["spellings"] == ["anxiety", "anxious", "worry"]


def test_a_candidate_takes_names_that_mean_the_same_along_but_no_other_candidate(world):
    groups = [group(world, n, [i]) for n, i in (("anxious", "t00"), ("worry", "t05"))]
    found = grouped(world.app, world.say)
    assert [p.spellings for p in found if len(p.spellings) > 1] == [("anxiety", "anxious")]
    shown = {c["name"]: c for c in facts(world.store, found)["candidates"]}
    assert shown["anxious"]["spellings"] == ["anxiety", "anxious"]
    assert (shown["anxious"]["answers"], shown["worry"]["answers"]) == (5, 2)
    assert "anxiety" not in [p["name"] for p in facts(world.store, found)["proposals"]]
    with world.store.tx():
        for number in groups:
            for table, key in (("cluster_texts", "cluster"), ("cluster_rounds", "cluster")):
                world.store.execute(f"DELETE FROM {table} WHERE {key} = ?", [number])
            world.store.execute("DELETE FROM clusters WHERE id = ?", [number])


def test_accepting_one_accepts_all_its_spellings(world):
    done = deciding.accept(world.app, "worry", "lead", world.say)
    assert done.line == "class 'anxiety' accepted"
    assert done.gained == 7
    assert stories.verdict(world.store, "t00") == Verdict("agreed", "anxiety", 1)
    change = class_changes.history(world.store)[-1]
    assert change.names == {"anxious": "anxiety", "worry": "anxiety"}
    assert "anxious" not in answers.proposals(world.store)


def test_names_are_encoded_once(world, monkeypatch):
    grouped(world.app, world.say)
    monkeypatch.setattr(type(world.app.embedder), "encode", None)
    grouped(world.app, world.say)
