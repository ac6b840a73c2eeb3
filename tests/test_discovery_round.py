"""What a round finds in the pool, what it stores of it, and what people get to see."""

import json
from dataclasses import replace

import numpy as np
import pytest

from al_loop import crash
from al_loop.config import parse
from al_loop.loop import discover, machine, select
from al_loop.loop.machine import Options
from al_loop.openworld.naming import NamerError
from al_loop.store import clusters, items, offers, results, rounds, undo
from al_loop.types import Answer, ClassSpec, Pulled, Pushed, TakenBack
from tests import worlds

KINDS = ("refund", "delay", "damage", "praise")
AWAY = 0.15  # spread of the texts of a kind around its center


def vectors(encoder, hashes, texts):
    """Vectors in tight groups, by the first kind that a text names."""
    out = []
    for text in texts:
        kind = next(i for i, k in enumerate([*KINDS, ""]) if k in text)
        rng = np.random.default_rng([*map(ord, text)])
        out.append(np.eye(16)[kind] + rng.normal(0, AWAY / 4, 16))
    rows = np.array(out, dtype=np.float32).reshape(len(out), 16)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)


def make(n=120, known=KINDS[:2]):
    """A workspace whose texts are of four kinds, of which some are known by examples."""
    store = worlds.make_store(n=0, classes=())
    with store.tx():
        number = items.begin_import(store, "made up", "pool")
        for i in range(n):
            text = f"message {i} about {KINDS[i % 4]}"
            items.add_item(store, f"m{i}", i, text, items.text_hash(text), "pool")
            items.put_alias(store, items.Alias(f"m{i}", f"m{i}", number, i, None, {}))
        for name in known:
            examples = tuple(f"example {i} about {name}" for i in range(3))
            items.add_class(store, ClassSpec(name, "", examples), "config")
    return store


class People:
    """They answer with what is known, and otherwise tick the suggestion, or nothing at all."""

    def __init__(self, ticks=True):
        self.ticks, self.pushed, self.offer = ticks, {}, None

    def push(self, request, progress=None):
        self.offer = request.offer
        self.pushed |= {t.key: t for t in request.tasks}
        return Pushed(1, "", {key: n for n, key in enumerate(self.pushed, start=1)})

    def pull(self, request):
        known = {c.name for c in request.classes}
        found = []
        for n, (key, task) in enumerate(sorted(self.pushed.items()), start=1):
            truth = KINDS[int(task.item_id[1:]) % 4]
            suggested = task.suggestion.label if task.suggestion else ""
            ticked = truth if truth in known else suggested if self.ticks else ""
            labels = (ticked,) if ticked else ()
            found.append(
                Answer(n, key, "ana", "label" if labels else "skip", labels, updated_at="2026")
            )
        return Pulled(found, len(found))


def parts_of(store, people=None, said=None, **more):
    parts = worlds.make_parts(store, people or People(), said, **more)
    return replace(parts, vectors=vectors)


def config(size=40, **discovery):
    batch = {"size": size, "strategy": "random", "blind_share": 0.25}
    return parse({"batch": batch, "discovery": discovery})


def play(parts, chosen, *states):
    for state in states:
        machine.run(parts, chosen, Options(until=state))


@pytest.fixture
def store():
    made = make()
    yield made
    made.close()


def by_name(store):
    return {k.name: k for k in clusters.known(store)}


def test_groups_of_hidden_classes_are_found_named_stored_and_offered(store):
    said = []
    play(parts_of(store, said=said), config(), "selected")
    groups = by_name(store)
    assert {n for n, k in groups.items() if k.offered} == {"damage", "praise"}
    seen = {
        r["name"]: r
        for r in store.rows(
            "SELECT c.name, r.* FROM cluster_rounds r JOIN clusters c ON c.id = r.cluster"
        )
    }
    damage = seen["damage"]
    assert (damage["round"], damage["size"], damage["novel"]) == (1, 30, 1)
    assert json.loads(damage["phrases"]) == ["damage"]
    assert set(json.loads(damage["central"])) <= {f"m{i}" for i in range(2, 120, 4)}
    assert damage["nearest"] in KINDS[:2]
    assert damage["stability"] > 0.6
    assert [seen[n]["stability"] for n in seen if not groups[n].offered] == [None, None]
    assert groups["damage"].texts == {f"m{i}" for i in range(2, 120, 4)}
    found = results.metrics(store, 1)
    assert found["novel_clusters"].value == 2
    assert found["clusters"].value == 4
    assert 0 <= found["hdbscan_noise_share"].value <= 0.1
    assert any("2 groups look like no known class (noise" in line for line in said)
    assert any("al-loop classes" in line for line in said)


def test_members_of_an_offered_group_get_its_name_but_not_the_blind_ones(store):
    people = People()
    play(parts_of(store, people), config(), "pushed")
    assert {c.name for c in people.offer.candidates} == {"damage", "praise"}
    assert all(c.examples for c in people.offer.candidates)
    rows = rounds.batch(store, 1)
    for row in rows:
        assert row.suggestion == KINDS[int(row.item_id[1:]) % 4]
    told = {t.item_id: t.suggestion for t in people.pushed.values()}
    assert all((told[r.item_id] is None) == r.blind for r in rows)
    assert any(r.blind for r in rows)
    assert rounds.get_round(store, 1).model_version


def test_nothing_is_offered_before_a_class_is_known():
    store, said = make(known=()), []
    play(parts_of(store, said=said), config(), "selected")
    groups = clusters.known(store)
    assert len(groups) == 4
    assert not any(k.offered for k in groups)
    assert all(r.suggestion is None for r in rounds.batch(store, 1))
    assert clusters.waiting(store) == []
    assert any("no class is known yet" in line for line in said)
    store.close()


def test_no_more_are_offered_than_config_toml_says(store):
    play(parts_of(store), config(offer=1), "selected")
    assert sum(k.offered for k in clusters.known(store)) == 1
    assert len(clusters.waiting(store)) == 2


def test_a_group_keeps_its_number_and_name_while_its_texts_are_labeled(store):
    parts = parts_of(store)
    play(parts, config(), "logged", "selected")
    assert rounds.last_number(store) == 2
    rows = store.rows(
        "SELECT cluster, COUNT(*) AS n, MAX(size) - MIN(size) AS fewer FROM"
        " cluster_rounds GROUP BY cluster"
    )
    assert [r["n"] for r in rows] == [2, 2, 2, 2]
    assert all(r["fewer"] > 0 for r in rows)
    assert set(by_name(store)) >= {"damage", "praise"}


def test_what_somebody_ticked_is_offered_until_it_is_decided(store):
    parts = parts_of(store)
    play(parts, config(), "logged")
    assert {k.name for k in clusters.known(store) if k.ticked} == {"damage", "praise"}
    play(parts, config(offer=0), "selected")
    assert {k.name for k in clusters.known(store) if k.offered} == {"damage", "praise"}


def test_what_nobody_ticked_goes_when_it_is_no_longer_new(store):
    parts = parts_of(store, People(ticks=False))
    play(parts, config(), "logged")
    assert not any(k.ticked for k in clusters.known(store))
    with store.tx():
        items.add_class(store, ClassSpec("broken", "", ("an example about damage",)), "config")
    play(parts, config(), "selected")
    groups = by_name(store)
    assert groups["praise"].offered
    assert not groups["damage"].offered
    assert "damage" in offers.offer(store).gone


def test_a_rejected_group_is_not_proposed_again_nor_is_a_part_of_it(store):
    play(parts_of(store, People(ticks=False)), config(), "logged")
    with store.tx():
        store.execute("UPDATE clusters SET status = 'rejected', offered = 0 WHERE name = 'damage'")
    before = len(clusters.known(store))
    play(parts_of(store, People(ticks=False)), config(), "selected")
    assert [k.name for k in clusters.known(store) if k.offered] == ["praise"]
    assert len(clusters.known(store)) == before
    assert [w["name"] for w in clusters.waiting(store)] == ["praise"]


def test_a_preview_stores_nothing_and_asks_nobody(store):
    asked = []
    parts = parts_of(store, namer=Namer(asked))
    before = list(store.conn.iterdump())
    choice = select.choose(parts, config())
    assert list(store.conn.iterdump()) == before
    assert asked == []
    assert {r.suggestion for r in choice.rows} >= {"damage", "praise"}


def test_a_small_pool_is_not_looked_at():
    store = make(n=discover.FEWEST - 1)
    play(parts_of(store), config(size=5), "selected")
    assert clusters.known(store) == []
    assert "clusters" not in results.metrics(store, 1)
    store.close()


def test_where_nobody_would_look_nothing_is_looked_for(store):
    play(parts_of(store, discovers=False), config(), "selected")
    assert clusters.known(store) == []


def test_a_round_that_is_taken_back_takes_its_groups_along(store):
    play(parts_of(store), config(), "selected")
    with store.tx():
        undo.finish(store, 1, [], TakenBack(), "lead")
    for table in ("cluster_rounds", "metrics"):
        assert not store.value(f"SELECT COUNT(*) FROM {table}")
    left = clusters.known(store)
    assert {k.name for k in left} == {"damage", "praise"}, "people may have seen these"
    assert not any(k.offered for k in left)
    play(parts_of(store), config(), "selected")
    assert {k.id for k in left} == {k.id for k in clusters.known(store) if k.offered}


def test_groups_that_nobody_saw_are_forgotten_after_a_while(store):
    play(parts_of(store), config(offer=0), "selected")
    assert len(clusters.known(store)) == 4
    with store.tx():
        clusters.save(store, 3, ())
        assert len(clusters.known(store)) == 4
        clusters.save(store, 4, ())
        assert clusters.known(store) == []
        assert not store.value("SELECT COUNT(*) FROM cluster_texts")


def test_a_crash_before_the_batch_is_stored_stores_no_group(store, monkeypatch):
    def die(name):
        if name.startswith("C1"):
            raise KeyboardInterrupt

    monkeypatch.setattr(select, "point", die)
    with pytest.raises(KeyboardInterrupt):
        play(parts_of(store), config(), "selected")
    assert clusters.known(store) == []
    monkeypatch.setattr(select, "point", crash.point)
    play(parts_of(store), config(), "selected")
    assert len(clusters.known(store)) == 4


class Namer:
    host = "names.example.com"

    def __init__(self, asked, fails=False):
        self.asked, self.fails = asked, fails

    def __call__(self, texts):
        self.asked.append(list(texts))
        if self.fails:
            raise NamerError("no answer in time", over=True)
        return f"Named {texts[0].split()[-1]}"


def test_only_groups_that_people_are_about_to_see_are_named_and_once_for_all(store):
    asked, said = [], []
    parts = parts_of(store, said=said, namer=Namer(asked))
    play(parts, config(), "logged", "selected")
    assert len(asked) == 2
    assert all(len({t.split()[-1] for t in texts}) == 1 for texts in asked)
    assert {t.split()[-1] for texts in asked for t in texts} == {"damage", "praise"}
    assert {k.name for k in clusters.known(store) if k.offered} == {"Named damage", "Named praise"}
    assert sum("sending 10 texts of 2 groups to names.example.com" in s for s in said) == 1


def test_a_group_that_is_offered_later_is_named_then(store):
    asked = []
    parts = parts_of(store, People(ticks=False), namer=Namer(asked))
    play(parts, config(offer=0), "logged")
    assert asked == []
    play(parts, config(), "selected")
    assert {k.name for k in clusters.known(store) if k.offered} == {"Named damage", "Named praise"}


def test_a_namer_that_fails_leaves_key_phrases_and_the_round_goes_on(store):
    said = []
    play(parts_of(store, said=said, namer=Namer([], fails=True)), config(), "pushed")
    assert {k.name for k in clusters.known(store) if k.offered} == {"damage", "praise"}
    assert sum("no answer in time" in s for s in said) == 1
