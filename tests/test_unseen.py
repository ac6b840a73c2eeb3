"""The estimate of how many classes are unseen, and what a round stores of it."""

import numpy as np
import pytest

from al_loop.classes import deciding
from al_loop.loop import machine
from al_loop.loop import unseen as measuring
from al_loop.store import first_seen, results
from strategies.unseen import Unseen, unseen
from tests import offline, worlds
from tests.answering import World


def discoveries(hazards, rounds, size, rng):
    """New classes of each round, where each label hits class i with probability hazards[i]."""
    drawn = [set(rng.choice(len(hazards), size, p=hazards)) for _ in range(rounds)]
    seen = [len(set().union(*drawn[: i + 1])) for i in range(rounds)]
    return np.diff([0, *seen]).tolist()


@pytest.mark.parametrize("spread", [0.0, 0.8])
@pytest.mark.parametrize("classes", [8, 40, 120])
def test_the_interval_holds_the_truth_in_most_rounds_after_the_second(classes, spread):
    """Classes of one size and of sizes that differ by far, labels drawn at random."""
    rng = np.random.default_rng(classes)
    holds = []
    for _ in range(8):
        sizes = rng.lognormal(0, spread, classes)
        new = discoveries(sizes / sizes.sum(), 7, max(classes // 2, 10), rng)
        for t in range(3, 8):
            seen = sum(new[:t])
            found = unseen(new[:t], [max(classes // 2, 10)] * t, seen, left=10_000)
            holds.append(found.low <= classes - seen <= found.high)
    assert np.mean(holds) >= 0.8


def test_the_interval_says_something_once_discoveries_have_dried_up():
    found = unseen([49, 7, 2, 0, 0], [76] * 5, 77, left=8_000)
    assert (found.low, found.estimate) == (0, 0)
    assert found.high <= 3


def test_many_new_classes_in_the_last_round_leave_many_unseen():
    climbing = unseen([20, 19, 18], [50] * 3, 57, left=8_000)
    dried = unseen([50, 7, 0], [50] * 3, 57, left=8_000)
    assert climbing.estimate > 10 * max(dried.estimate, 1)
    assert climbing.low > dried.high


def test_the_longer_nothing_is_found_the_fewer_are_unseen():
    highs = [unseen([0] * t, [50] * t, 20, left=1_000).high for t in (1, 2, 4, 8)]
    assert highs == sorted(highs, reverse=True)
    assert highs[-1] == 0


def test_a_wider_level_holds_the_narrower_one():
    narrow, wide = (unseen([30, 9], [50, 50], 39, left=999, level=p) for p in (0.5, 0.95))
    assert wide.low <= narrow.low <= narrow.estimate <= narrow.high < wide.high


def test_no_more_classes_are_unseen_than_texts_are_left():
    assert unseen([20], [20], 20, left=3).high <= 3
    assert unseen([20], [20], 20, left=0) == Unseen(0, 0, 0)


def test_rounds_without_a_label_change_nothing_and_nothing_is_said_before_the_first():
    assert unseen([5, 0, 2], [9, 0, 9], 7, left=99) == unseen([5, 2], [9, 9], 7, left=99)
    assert unseen([], [], 3, left=99) is None
    assert unseen([0], [0], 3, left=99) is None


@pytest.mark.parametrize(
    ("new", "labels", "seen"), [([1], [1, 1], 1), ([3], [2], 3), ([2, 2], [5, 5], 3)]
)
def test_impossible_numbers_are_refused(new, labels, seen):
    with pytest.raises(ValueError, match="classes"):
        unseen(new, labels, seen, left=99)


def test_thousands_of_classes_cost_little():
    found = unseen([3_000, 900], [5_000, 5_000], 3_900, left=10**6)
    assert found.low > 0


# What a round stores


def played(rounds, classes=worlds.CLASSES):
    """A workspace whose oracle names the classes that are not known."""
    store = worlds.make_store(classes=classes)
    parts = worlds.make_parts(store)
    for _ in range(rounds):
        machine.run(parts, worlds.config(), machine.Options(wait=True))
    return store


def test_a_logged_round_stores_the_estimate_with_its_interval_and_the_rate_of_discovery():
    store = played(2, classes=())
    first, second = (results.metrics(store, n) for n in (1, 2))
    assert first["discovery_rate"].value == 1.0
    assert second["discovery_rate"].value == 0.0
    assert first["unseen"].low <= first["unseen"].value <= first["unseen"].high
    assert second["unseen"].high <= first["unseen"].high
    assert second["unseen"].value == 0
    store.close()


def test_classes_that_were_known_before_the_first_round_are_no_discoveries():
    store = played(1)
    found = first_seen.seen(store)
    assert found.known == set(worlds.CLASSES)
    assert set(found.first) == set(worlds.CLASSES)
    assert found.labels == {1: 10}
    known = results.metrics(store, 1)["unseen"]
    named = played(1, classes=())
    assert known.high < results.metrics(named, 1)["unseen"].high
    assert first_seen.seen(named).known == set()
    store.close()
    named.close()


def test_labels_that_came_with_the_data_are_seen_before_the_first_round():
    store = played(1, classes=())
    with store.tx():
        store.execute("UPDATE labels SET status = 'given' WHERE label = 'delay'")
    found = first_seen.seen(store)
    assert found.first["delay"] == 0
    assert found.first["refund"] == 1
    assert sum(found.labels.values()) == 10 - len(
        store.rows("SELECT 1 FROM labels WHERE status = 'given'")
    )
    store.close()


def test_without_any_label_there_is_no_estimate():
    store = worlds.make_store(classes=())
    assert {m.name: m.value for m in measuring.measure(store, 1, 60)} == {
        "discovery_rate": None,
        "unseen": None,
    }
    store.close()


def test_a_class_that_people_asked_for_is_seen_until_it_is_rejected(tmp_path):
    with World(tmp_path, config=offline.CONFIG.replace("[classes.damage]\n", "")) as world:
        tasks = world.push()
        world.answer([t for t in tasks if world.table[t.item_id][1] != "damage"])
        broken = [t for t in tasks if world.table[t.item_id][1] == "damage"]
        world.answer(broken, missing="broken")
        world.run()
        found = first_seen.seen(world.store)
        assert broken
        assert found.first["broken"] == 1
        assert (found.asked, found.labels) == ({"broken"}, {1: len(tasks)})
        asked = measuring.measure(world.store, 1, 48)
        assert asked[1].high > 1
        deciding.accept(world.app, "broken", "lead", world.say)
        assert measuring.measure(world.store, 1, 48) == asked
        assert first_seen.seen(world.store).asked == set()


def test_what_was_rejected_is_no_class_that_was_seen(tmp_path):
    with World(tmp_path) as world:
        tasks = world.push()
        world.answer(tasks[:2], missing="odd")
        world.answer(tasks[2:])
        world.run()
        deciding.reject(world.app, "odd", "lead", world.say)
        found = first_seen.seen(world.store)
        assert "odd" not in found.first
        assert found.labels == {1: len(tasks) - 2}
