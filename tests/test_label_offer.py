"""`al-loop label` offers groups of texts that may be classes, as the labeling page does."""

import json

import pytest

from al_loop import app
from al_loop.errors import Waiting
from al_loop.labeling import keys
from al_loop.store import answers, offers, rounds
from al_loop.types import HEADING
from tests import offline
from tests.label_screen import label
from tests.test_openworld_real import CONFIG, kind_of, texts


@pytest.fixture
def root(tmp_path):
    table = [(item_id, text, "") for item_id, text in texts()]
    return offline.make(tmp_path, config=CONFIG.format(url="http://ls.test"), table=table)


def test_a_tick_is_stored_under_the_candidate_s_name_and_proposes_it(monkeypatch, root):
    with pytest.raises(Waiting):
        label(monkeypatch, root, keys.LEAVE)
    with app.opened(root) as opened:
        names = [c.name for c in offers.offer(opened.store).candidates]
        batch = rounds.batch(opened.store, 1)
    assert len(names) == 3
    steps = []
    for row in batch:  # Enter where a group is suggested, else the known class's number
        known = {"refund": "1", "delay": "2"}
        steps.append(known.get(kind_of(row.item_id), keys.ENTER))
    script = label(monkeypatch, root, *steps)
    assert script.steps == []
    first = [line.strip() for line in script.frames[0].splitlines()]
    place = first.index(HEADING)
    assert first[place - 2 : place] == ["1 refund", "2 delay"]
    assert first[place + 1 : place + 4] == [f"{i} {name}" for i, name in enumerate(names, start=3)]
    with app.opened(root) as opened:
        said = {
            r["item_id"]: (json.loads(r["labels"]), r["missing"], r["origin"])
            for r in opened.store.rows("SELECT * FROM answers")
        }
        asked = answers.proposals(opened.store)
    ticked = {i: s for i, s in said.items() if s[0] and s[0][0] in names}
    assert {kind_of(i) for i in ticked} == {"worry", "praise", "spam"}
    assert {s[1:] for s in ticked.values()} == {("", "prediction")}
    assert {name: set(ids) for name, ids in asked.items()} == {
        name: {i for i, s in ticked.items() if s[0] == [name]} for name in names
    }


def test_what_is_gone_is_neither_offered_nor_suggested(monkeypatch, root):
    with pytest.raises(Waiting):
        label(monkeypatch, root, keys.LEAVE)
    with app.opened(root) as opened:
        gone = offers.offer(opened.store).candidates[0].name
        with opened.store.tx():
            opened.store.execute(
                "UPDATE clusters SET offered = 0, status = 'rejected' WHERE name = ?", [gone]
            )
        batch = rounds.batch(opened.store, 1)
    assert any(row.suggestion == gone for row in batch)
    script = label(monkeypatch, root, *["12"[i % 2] for i in range(len(batch))])
    asked = [frame for frame in script.frames if "> number" in frame]
    assert len(asked) == len(batch)
    for frame in asked:
        assert f"suggestion: {gone}" not in frame
        assert gone not in frame.split("> number")[1], "the text itself may have the word"
