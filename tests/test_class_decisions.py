"""Candidates and proposals: ticked, accepted, rejected, split, and asked about once more."""

import json

import numpy as np
import pytest

from al_loop import workspace
from al_loop.classes import changing, deciding, splitting
from al_loop.classes.proposals import grouped
from al_loop.errors import DataError, NothingToSelect
from al_loop.imports import Request
from al_loop.labels import Verdict
from al_loop.store import (
    answers,
    candidates,
    checks,
    class_changes,
    items,
    offers,
    overview,
    results,
    rounds,
    second_looks,
    stories,
    undo,
)
from al_loop.types import ClassSpec, TakenBack
from tests import offline
from tests.answering import World

CONFIG = offline.CONFIG.replace("[classes.damage]\n", "") + "[discovery]\nmin_cluster_size = 50\n"


@pytest.fixture
def world(tmp_path):
    with World(tmp_path, config=CONFIG) as made:
        yield made


def group(world, name="broken glass", ids=("m02", "m05", "m08"), *, offered=True):
    """Store a group of texts as a round would have found it."""
    store = world.store
    with store.tx():
        store.execute(
            "INSERT INTO clusters (name, origin, offered, first_round, added_at)"
            " VALUES (?, 'pool', ?, 1, '')",
            [name, int(offered)],
        )
        number = store.value("SELECT last_insert_rowid()")
        store.execute(
            "INSERT INTO cluster_rounds VALUES (1, ?, ?, 0.5, 1, ?, ?, 'refund', 0.3, 1, 0.9)",
            [number, len(ids), json.dumps([name]), json.dumps(list(ids))],
        )
        store.execute_many("INSERT INTO cluster_texts VALUES (?, ?)", [(i, number) for i in ids])
    return number


def accept(world, typed, **spec):
    wanted = ClassSpec(spec.pop("name", ""), **spec)
    return deciding.accept(world.app, str(typed), "lead", world.say, spec=wanted)


def reject(world, name):
    return deciding.reject(world.app, str(name), "lead", world.say)


def label(world, item_id):
    found = stories.verdict(world.store, item_id)
    return None if found is None else (found.status, found.label)


def sound(world):
    return list(checks.failures(world.store, world.app.workspace.models_dir))


def ticked(world, name="broken glass", origin="manual"):
    """Play a round in which all texts about damage are ticked so; returns their ids."""
    tasks = world.push()
    mine = [t for t in tasks if world.table[t.item_id][1] == "damage"]
    world.answer([t for t in tasks if t not in mine])
    world.answer(mine, labels=(name,), origin=origin)
    world.run()
    assert mine
    return [t.item_id for t in mine]


@pytest.mark.parametrize("origin", ["manual", "prediction", "prediction-changed"])
def test_a_ticked_candidate_is_a_proposal_until_it_is_accepted(world, origin):
    number = group(world)
    texts = ticked(world, origin=origin)
    assert {label(world, i) for i in texts} == {("proposed", None)}
    assert answers.proposals(world.store) == {"broken glass": texts}
    assert overview.proposed_names(world.store) == ["broken glass"]
    assert sound(world) == []

    done = accept(world, number)
    assert (done.line, done.gained) == ("class 'broken glass' accepted", len(texts))
    assert {label(world, i) for i in texts} == {("agreed", "broken glass")}
    assert items.classes(world.store)[-1].examples == tuple(
        world.table[i][0].strip() for i in ("m02", "m05", "m08")
    )
    assert world.store.value("SELECT origin FROM classes WHERE name = 'broken glass'") == "cluster"
    offer = offers.offer(world.store)
    assert (offer.candidates, offer.gone) == ([], [])
    assert overview.proposed_names(world.store) == []
    assert accept(world, number).line == f"'{number}' counts as 'broken glass' already"
    assert accept(world, "Broken Glass").line == "'broken glass' is a class already"
    assert sound(world) == []


def test_accepted_under_another_name_the_ticks_follow(world):
    group(world)
    texts = ticked(world)
    accept(world, "broken glass", name="damage", description="It broke")
    assert {label(world, i) for i in texts} == {("agreed", "damage")}
    assert items.classes(world.store)[-1].description == "It broke"
    assert offers.offer(world.store).gone == ["broken glass"]
    assert accept(world, "broken glass").line == "'broken glass' counts as 'damage' already"
    assert class_changes.history(world.store)[-1].names == {"broken glass": "damage"}


def test_a_candidate_can_count_as_a_class_that_is_known(world):
    group(world)
    texts = ticked(world)
    done = accept(world, "broken glass", name="Refund")
    assert done.line == "'broken glass' counts as 'refund' now"
    assert {label(world, i) for i in texts} == {("agreed", "refund")}
    assert len(items.classes(world.store)) == 2


def test_accepting_never_changes_a_known_class_by_the_way(world):
    group(world)
    texts = ticked(world)
    before = [label(world, i) for i in texts]
    for typed, spec, hint in (
        ("refund", {"name": "delay"}, "al-loop classes merge refund delay"),
        ("refund", {"name": "money"}, "al-loop classes rename refund money"),
        ("broken glass", {"name": "refund", "description": "d"}, "al-loop classes describe refund"),
    ):
        with pytest.raises(DataError, match="'refund' is a class already") as refused:
            accept(world, typed, **spec)
        assert refused.value.hint.endswith(hint)
    assert [label(world, i) for i in texts] == before
    assert accept(world, "refund", name="Refund").line == "'refund' is a class already"


def test_a_class_that_is_added_under_a_candidates_name_is_that_candidate(world):
    group(world)
    texts = ticked(world)
    changing.add(world.app, ClassSpec("Broken glass", "d", ("an example",)), "lead", world.say)
    assert items.classes(world.store)[-1] == ClassSpec("Broken glass", "d", ("an example",))
    assert {label(world, i) for i in texts} == {("agreed", "Broken glass")}
    assert sound(world) == []


def test_config_toml_can_accept_a_candidate_too(world):
    group(world)
    path = world.root / "config.toml"
    path.write_text(path.read_text() + '[classes."broken glass"]\n')
    world.__exit__(None, None, None)
    world.__enter__()
    world.round()
    assert candidates.all_(world.store) == []
    assert sound(world) == []


def test_what_people_wrote_is_accepted_and_rejected_alike(world):
    tasks = world.push()
    world.answer(tasks[:4], missing="broken")
    world.answer(tasks[4:6], missing="odd")
    world.answer(tasks[6:], labels=("refund",))
    world.run()
    assert accept(world, "BROKEN", name="damage").gained == 4
    assert label(world, tasks[0].item_id) == ("agreed", "damage")
    reject(world, "odd")
    assert overview.proposed_names(world.store) == []
    assert accept(world, "odd").gained == 2
    assert reject_message(world, "odd") == "'odd' is a class already: it can't be rejected"
    assert sound(world) == []


def reject_message(world, name):
    with pytest.raises(DataError) as told:
        reject(world, name)
    return told.value.message


def test_an_unknown_name_gets_the_nearest_one(world):
    group(world)
    with pytest.raises(DataError, match="did you mean broken glass") as told:
        accept(world, "broken glas")
    assert told.value.hint == "`al-loop classes` lists them"


def test_a_rejected_candidate_stays_a_proposal_and_its_texts_go_back_to_people_first(world):
    group(world)
    texts = ticked(world)
    done = reject(world, "broken glass")
    assert done.line.endswith(f"texts that are asked about once more: {len(texts)}")
    assert {label(world, i) for i in texts} == {("proposed", None)}
    assert overview.proposed_names(world.store) == []
    assert reject(world, "broken glass").line == "'broken glass' is rejected already"

    tasks = world.push()
    again = tasks[: len(texts)]
    assert sorted(t.key for t in again) == sorted(f"{i}:1" for i in texts)
    assert {t.suggestion for t in again} == {None}
    batch = rounds.batch(world.store, 2)
    assert [b.rank for b in batch] == list(range(1, len(batch) + 1))
    assert {b.strategy for b in batch[: len(texts)]} == {second_looks.STRATEGY}
    assert batch[0].why == "asked again: 'broken glass' was rejected"
    assert world.people.offer.gone == ["broken glass"]
    assert sound(world) == []
    world.answer(tasks, labels=("delay",))
    world.run()
    assert {label(world, i) for i in texts} == {("agreed", "delay")}
    assert second_looks.waiting(world.store) == []
    assert sound(world) == []


def test_second_looks_take_half_of_a_batch_at_most(world):
    group(world)
    first = world.push()
    world.answer(first, labels=("broken glass",))
    world.run()
    reject(world, "broken glass")
    tasks = world.push()
    assert [t.look for t in tasks] == [1] * 6 + [0] * 6
    assert len({t.item_id for t in tasks}) == 12


def test_with_no_other_text_left_they_are_a_batch_of_their_own(tmp_path):
    with World(tmp_path, config=CONFIG, table=offline.rows(12)) as world:
        group(world)
        world.answer(world.push(), labels=("broken glass",))
        world.run()
        with pytest.raises(NothingToSelect):
            world.push()
        reject(world, "broken glass")
        tasks = world.push()
        assert [t.look for t in tasks] == [1] * 12
        world.answer(tasks)
        world.run()
        with pytest.raises(NothingToSelect):
            world.push()
        assert sound(world) == []


def waiting_after_reject(world):
    group(world)
    texts = ticked(world)
    reject(world, "broken glass")
    return texts


def test_unanswered_they_wait_again_and_a_late_answer_settles_them(world):
    texts = waiting_after_reject(world)
    tasks = world.push()
    world.answer(tasks[len(texts) :])
    world.run(partial=True)
    waiting = [w.item_id for w in second_looks.waiting(world.store)]
    assert sorted(waiting) == sorted(texts)
    assert sound(world) == []
    world.answer(tasks[:1], labels=("refund",))  # late
    again = world.push()
    keys = sorted(t.key for t in again if t.look)
    assert keys == sorted(f"{i}:1" for i in texts if i != tasks[0].item_id)
    assert label(world, tasks[0].item_id) == ("agreed", "refund")
    assert sound(world) == []


def test_ticks_that_came_after_it_was_rejected_send_their_texts_back_to_people(world):
    group(world)
    tasks = world.push()
    world.answer(tasks[:3], labels=("broken glass",))
    assert "asked about" not in reject(world, "broken glass").line  # no answer was fetched yet
    world.answer(tasks[3:])
    world.run()
    late = {t.item_id for t in tasks[:3]}
    assert {w.item_id for w in second_looks.waiting(world.store)} == late
    again = world.push()
    world.answer(again, labels=("delay",))
    world.answer([t for t in again if t.look][:1], missing="Broken glass")  # insists
    world.run()
    assert second_looks.waiting(world.store) == []
    assert sound(world) == []


def test_a_round_that_is_taken_back_lets_them_wait_again(world):
    texts = waiting_after_reject(world)
    world.push()
    with world.store.tx():
        own = undo.own_keys(world.store, 2)
        undo.finish(world.store, 2, own, TakenBack(own), "lead")
    assert len(second_looks.waiting(world.store)) == len(texts)
    assert world.store.rows("SELECT 1 FROM round_classes WHERE round = 2") == []
    assert sound(world) == []


def test_an_answer_that_is_deleted_afterwards_lets_its_text_wait_again(world):
    texts = waiting_after_reject(world)
    tasks = world.push()
    world.answer(tasks)
    world.run()
    del world.people.said[f"{texts[0]}:1"]
    world.round()
    assert [w.item_id for w in second_looks.waiting(world.store)] == texts[:1]
    assert f"{texts[0]}:1" in {t.key for t in world.push()}
    assert sound(world) == []


def test_a_text_that_got_a_label_meanwhile_is_not_asked_about_again(world):
    texts = waiting_after_reject(world)
    done = accept(world, "broken glass")
    assert done.gained == len(texts)
    assert second_looks.waiting(world.store) == []
    assert all(t.look == 0 for t in world.push())


def part_names(world):
    return [c.name for c in candidates.all_(world.store) if c.origin == "split"]


@pytest.fixture
def split(world, monkeypatch):
    """All texts of the first round are a refund; then that is split by what they are about."""
    tasks = world.push()
    world.answer(tasks, labels=("refund",))
    world.run()
    ids = sorted(t.item_id for t in tasks)
    kinds = [world.table[i][1] == "delay" for i in ids]

    def subgroups(X, rng, parts=None):
        return np.array(kinds, dtype=np.int64)

    monkeypatch.setattr("strategies.discovery.subgroups", subgroups, raising=False)
    done = splitting.split(world.app, "refund", "lead", world.say)
    assert done.line.startswith("'refund' is split: 'refund: ")
    return dict(zip(ids, kinds, strict=True))


def test_the_parts_of_a_class_are_candidates_and_its_texts_are_asked_about_again(world, split):
    offer = offers.offer(world.store)
    assert [c.name for c in offer.candidates] == part_names(world)
    assert len(set(part_names(world))) == 2
    assert {label(world, i) for i in split} == {("agreed", "refund")}
    with pytest.raises(DataError, match="'refund' is split already"):
        splitting.split(world.app, "refund", "lead", world.say)

    again = [t for t in world.push() if t.look]
    assert len(again) == 6
    for task in again:
        suggested = task.suggestion.label
        same = [i for i in split if split[i] == split[task.item_id]]
        row = world.store.row(
            "SELECT COUNT(*) AS n FROM cluster_texts t JOIN clusters c ON c.id = t.cluster"
            " WHERE c.name = ? AND t.item_id IN (SELECT value FROM json_each(?))",
            [suggested, json.dumps(same)],
        )
        assert row["n"] == len(same)
    assert sound(world) == []


def test_a_part_that_is_accepted_beats_the_whole_whoever_said_it(world, split):
    tasks = world.push()
    again = [t for t in tasks if t.look]
    world.answer([t for t in tasks if not t.look])
    for task in again:
        world.answer([task], labels=(task.suggestion.label,), person="ben", origin="prediction")
    world.run()
    assert {label(world, t.item_id) for t in again} == {("agreed", "refund")}
    part = again[0].suggestion.label
    mine = [t for t in again if t.suggestion.label == part]
    assert accept(world, part, name="late money").gained == len(mine)
    assert {label(world, t.item_id) for t in mine} == {("agreed", "late money")}
    assert {label(world, t.item_id) for t in again if t not in mine} <= {("agreed", "refund")}
    changing.rename(world.app, "late money", "slow money", "lead", world.say)
    changing.rename(world.app, "refund", "money", "lead", world.say)
    assert {label(world, t.item_id) for t in mine} == {("agreed", "slow money")}
    assert world.store.value("SELECT origin FROM classes WHERE name = 'slow money'") == "split"
    assert sound(world) == []


def second_opinions(world):
    """Let ben tick the suggested part of each text that ana called a refund; returns one part."""
    tasks = world.push()
    again = [t for t in tasks if t.look]
    world.answer([t for t in tasks if not t.look])
    for task in again:
        world.answer([task], labels=(task.suggestion.label,), person="ben")
    world.run()
    part = again[0].suggestion.label
    return part, [t.item_id for t in again if t.suggestion.label == part]


def by_the_command(world, part):
    accept(world, part)


def in_config_toml(world, part):
    path = world.root / "config.toml"
    path.write_text(path.read_text() + f"[classes.{json.dumps(part)}]\n")
    world.__exit__(None, None, None)
    world.__enter__()
    world.run("selected")


def as_another_proposal(world, part):
    group(world, ids=())
    accept(world, "broken glass", name=part)


@pytest.mark.parametrize("accepted", [by_the_command, in_config_toml, as_another_proposal])
def test_a_part_beats_the_whole_however_it_became_a_class(world, split, accepted):
    part, mine = second_opinions(world)
    accepted(world, part)
    assert {label(world, i) for i in mine} == {("agreed", part)}
    assert sound(world) == []


def test_a_part_that_is_merged_elsewhere_takes_its_labels_along(world, split):
    part, mine = second_opinions(world)
    accept(world, part, name="late")
    changing.rename(world.app, "late", "slow", "lead", world.say)
    changing.merge(world.app, "slow", "delay", "lead", world.say)
    assert {label(world, i) for i in mine} == {("agreed", "delay")}
    assert sound(world) == []


def test_a_part_that_counts_as_a_known_class_takes_its_labels_along(world, split):
    part, mine = second_opinions(world)
    accept(world, part, name="delay")
    assert {label(world, i) for i in mine} == {("agreed", "delay")}


def test_nobody_is_asked_whether_a_text_is_what_it_is_already(world, split):
    one, two = part_names(world)
    accept(world, one)
    accept(world, two)
    changing.merge(world.app, one, "refund", "lead", world.say)
    assert {w.suggestion for w in second_looks.waiting(world.store)} == {two}
    changing.merge(world.app, "refund", two, "lead", world.say)
    assert second_looks.waiting(world.store) == []
    assert {label(world, i) for i in split} == {("agreed", two)}
    assert sound(world) == []


def test_texts_of_a_rejected_part_are_left_alone(world, split):
    one, two = part_names(world)
    reject(world, one)
    assert {w.suggestion for w in second_looks.waiting(world.store)} == {two}
    assert {label(world, i) for i in split} == {("agreed", "refund")}


def test_a_class_with_too_few_labels_is_not_split(world):
    world.round()
    fix = [i for i, name in labels_of(world).items() if name == "refund"]
    assert fix
    with pytest.raises(DataError, match=r"'refund' has .* labels: too few to split it, 40 are"):
        splitting.split(world.app, "refund", "lead", world.say, parts=20)
    with pytest.raises(DataError, match="'refnd' is no class"):
        splitting.split(world.app, "refnd", "lead", world.say)


def labels_of(world):
    return {r[0]: r[3] for r in answers.labeled(world.store, "pool")}


def test_texts_that_came_with_their_label_are_asked_about_as_a_look_of_their_own(world, split):
    """Look 0 is what the data said."""
    table = [("d1", "a text that came with its label", "refund")]
    workspace.add(world.app.workspace, Request(offline.write(world.root / "d.csv", table)))
    with world.store.tx():
        version = class_changes.version(world.store)
        second_looks.ask(world.store, {"d1": part_names(world)[0]}, "split", version)
    looks = {w.item_id: w.look for w in second_looks.waiting(world.store)}
    assert looks["d1"] == 1
    assert label(world, "d1") == ("given", "refund")


def test_names_are_suggested_as_they_are_called_today(world):
    group(world)
    world.round()
    world.run("selected")
    rows = rounds.batch(world.store, 2)
    suggested = {b.item_id: b.suggestion for b in rows if b.suggestion and not b.blind}
    assert "refund" in suggested.values()
    changing.rename(world.app, "refund", "money", "lead", world.say)
    world.push()
    sent = {t.item_id: t.suggestion.label for t in world.people.tasks.values() if t.suggestion}
    for item_id, name in suggested.items():
        assert sent[item_id] == {"refund": "money"}.get(name, name)


def test_the_story_of_a_text_tells_both_looks(world):
    from al_loop.cli.explain import _choice
    from al_loop.report import explain

    texts = waiting_after_reject(world)
    tasks = world.push()
    world.answer(tasks, labels=("delay",))
    world.run()
    story = explain.facts(world.store, texts[0])
    assert [c["strategy"] for c in story["chosen"]][-1] == "second look"
    assert " no suggestion: people look at it afresh" in _choice(story["chosen"][-1])
    assert [a["label"] for a in story["answers"]] == ["broken glass", "delay"]
    assert story["label"] == "delay"
    assert results.counts(world.store)["labels"] == len(labels_of(world))


def test_people_have_as_many_open_texts_as_there_are_looks_left(world):
    texts = waiting_after_reject(world)
    tasks = world.push()
    (ana,) = overview.annotators(world.store, 2)
    assert ana["open"] == len(tasks)
    assert len(texts) <= len(tasks)


def test_a_change_that_fails_half_way_leaves_nothing(world, monkeypatch):
    group(world)
    texts = ticked(world)
    before = list(checks.dump(world.store))

    def fail(store):
        raise DataError("no", hint="no")

    monkeypatch.setattr("al_loop.classes.live.answers.refresh_labels", fail)
    with pytest.raises(DataError, match="no"):
        accept(world, "broken glass")
    assert list(checks.dump(world.store)) == before
    assert label(world, texts[0]) == ("proposed", None)
    assert Verdict("proposed") == stories.verdict(world.store, texts[0])


def test_proposals_are_one_where_their_names_are_spelled_alike(world):
    tasks = world.push()
    for task, name in zip(tasks, ["refunds", "refunds", "REFUNDS"], strict=False):
        world.answer([task], missing=name)
    world.answer(tasks[3:])
    world.run()
    (only,) = grouped(world.app, world.say)
    assert (only.name, len(only.item_ids)) == ("refunds", 3)


def test_a_replay_knows_who_chose_a_text_not_who_asked_about_it_again(world):
    from al_loop.compare import live

    waiting_after_reject(world)
    world.answer(world.push(), labels=("delay",))
    world.run()
    chosen = live._chosen_by(world.store, answers.labeled(world.store, "pool"))
    assert chosen.keys() <= {"auto", "random"}
