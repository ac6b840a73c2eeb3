"""Old names of classes: answers keep them, and count as what they are called today."""

import dataclasses
from functools import partial

import pytest

from al_loop import fix, models, workspace
from al_loop.classes import changing
from al_loop.classes.changing import Described
from al_loop.errors import DataError, InputError
from al_loop.export.rows import Wanted, opened
from al_loop.imports import Request
from al_loop.labels import Names, Verdict, by_folded_name, judge
from al_loop.loop import knowledge
from al_loop.report import explain, people, quality
from al_loop.store import (
    answers,
    checks,
    class_changes,
    evidence,
    fixes,
    items,
    offers,
    reporting,
    results,
    stories,
)
from al_loop.types import Answer, ClassSpec, Doubt
from tests import offline
from tests.answering import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path) as made:
        yield made


def rename(world, old, new):
    return changing.rename(world.app, old, new, "lead", world.say).line


def merge(world, one, into):
    return changing.merge(world.app, one, into, "lead", world.say).line


def names_of(world):
    return [c.name for c in items.classes(world.store)]


def sound(world):
    return list(checks.failures(world.store, world.app.workspace.models_dir)) == []


def labels(world):
    return {r[0]: r[3] for r in answers.labeled(world.store, "pool")}


def test_renaming_and_merging_lose_no_label(world):
    world.round()
    before = labels(world)
    assert {*before.values()} == {"refund", "delay", "damage"}
    rename(world, "refund", "money")
    merge(world, "delay", "damage")
    rename(world, "damage", "parcel")

    renamed = {"refund": "money", "delay": "parcel", "damage": "parcel"}
    assert labels(world) == {i: renamed[name] for i, name in before.items()}
    assert names_of(world) == ["money", "parcel"]
    assert world.store.rows("SELECT 1 FROM answers WHERE labels LIKE '%parcel%'") == []
    assert offers.offer(world.store).gone == ["damage", "delay", "refund"]
    assert sound(world)


def test_a_name_that_is_renamed_back_is_as_before(world):
    world.round()
    before = labels(world)
    rename(world, "refund", "money")
    assert rename(world, "refund", "money") == "'refund' is called 'money' already"
    rename(world, "money", "refund")
    assert labels(world) == before
    assert names_of(world) == ["refund", "delay", "damage"]
    assert [c.version for c in class_changes.history(world.store)] == [1, 2, 3]
    rename(world, "refund", "Refund")
    assert set(labels(world).values()) == {"Refund", "delay", "damage"}
    assert sound(world)


def test_a_chain_of_names_is_followed_through_a_name_that_is_used_again(world):
    world.round()
    before = labels(world)
    rename(world, "refund", "money")
    merge(world, "delay", "money")
    rename(world, "money", "refund")  # its own first name again
    assert {i: n for i, n in labels(world).items() if before[i] != "damage"} == {
        i: "refund" for i, n in before.items() if n != "damage"
    }
    assert class_changes.names(world.store) == {
        "refund": "refund",
        "money": "refund",
        "delay": "refund",
        "damage": "damage",
    }


def test_an_old_name_makes_no_new_class_wherever_it_comes_from(world):
    """config.toml names the three at the start of each round."""
    rename(world, "refund", "Money")
    merge(world, "delay", "damage")
    done = changing.add(world.app, ClassSpec("DELAY"), "lead", world.say)
    assert (done.line, done.changed) == ("'DELAY' counts as 'damage' already", False)
    world.round()
    table = [("n1", "a new text about something", "refund"), ("n2", "and another one", "delay")]
    new = offline.write(world.root / "new.csv", table)
    report = workspace.add(world.app.workspace, Request(new))
    assert (report.new_classes, report.classes) == ((), 2)
    assert names_of(world) == ["Money", "damage"]
    assert stories.verdict(world.store, "n1") == Verdict("given", "Money")
    assert stories.verdict(world.store, "n2") == Verdict("given", "damage")
    assert sound(world)


def test_decisions_by_hand_and_test_labels_follow(world):
    fix.apply(world.store, [fix.Wanted("m01", "delay")], "lead")
    with world.store.tx():
        items.set_role(world.store, ["m01"], "test")
    merge(world, "delay", "damage")
    assert stories.verdict(world.store, "m01") == Verdict("fixed", "damage")
    fix.apply(world.store, [fix.Wanted("m02", "Delay")], "lead")
    assert fixes.standing(world.store)["m02"] == "damage"
    assert sound(world)


def test_labels_of_the_data_that_are_one_class_by_now_contradict_no_more(world):
    table = [("d1", "one text, two rows", "delay"), ("d2", "one text, two rows", "damage")]
    workspace.add(world.app.workspace, Request(offline.write(world.root / "two.csv", table)))
    assert stories.verdict(world.store, "d1") == Verdict("conflict")
    merge(world, "delay", "damage")
    assert stories.verdict(world.store, "d1") == Verdict("given", "damage")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("rename", "refnd", "money"), "'refnd' is no class of this workspace, did you mean ref"),
        (("rename", "refund", "Delay"), "'Delay' is a class already"),
        (("rename", "refund", "a\nb"), "has a line break"),
        (("merge", "refund", "Refund"), "'refund' can't be merged with itself"),
        (("merge", "nothing", "refund"), "'nothing' is no class"),
        (("merge", "refund", "nothing"), "'nothing' is no class"),
    ],
)
def test_what_can_not_be_is_one_clear_line_and_changes_nothing(world, command, message):
    version = class_changes.version(world.store)
    action, *names = command
    with pytest.raises(DataError, match=message) as told:
        {"rename": rename, "merge": merge}[action](world, *names)
    assert "\n" not in str(told.value)
    assert told.value.hint
    assert class_changes.version(world.store) == version
    assert names_of(world) == ["refund", "delay", "damage"]


def test_a_merge_can_not_go_in_a_circle(world):
    merge(world, "refund", "delay")
    assert merge(world, "refund", "delay") == "'refund' counts as 'delay' already"
    with pytest.raises(DataError, match="'refund' counts as 'delay' already: nothing is left"):
        merge(world, "delay", "refund")
    with pytest.raises(DataError, match="'refund' is 'delay' by now"):
        merge(world, "refund", "damage")
    with pytest.raises(DataError, match="'refund' counts as 'delay' already") as told:
        rename(world, "damage", "refund")
    assert "merge damage delay" in told.value.hint


def test_a_description_is_a_version_too_and_who_decides_has_a_name(world):
    told = Described("Wants money back, soon", ("my money, please",))
    changing.describe(world.app, "Refund", told, "lead", world.say)
    assert items.classes(world.store)[0] == ClassSpec("refund", *dataclasses.astuple(told))
    again = changing.describe(world.app, "refund", told, "boss", world.say)
    assert not again.changed
    changing.describe(world.app, "refund", Described(examples=("x",)), "boss", world.say)
    assert items.classes(world.store)[0].description == "Wants money back, soon"
    who = [(c.action, c.author) for c in class_changes.history(world.store)]
    assert who == [("add", "config.toml"), ("describe", "lead"), ("describe", "boss")]
    with pytest.raises(InputError, match="the name of who decides is empty"):
        changing.merge(world.app, "refund", "delay", " ", world.say)


def test_changes_are_kept_for_ever(world):
    for change in ("UPDATE class_changes SET author = 'me'", "DELETE FROM class_changes"):
        with pytest.raises(Exception, match="changes of classes are kept"):
            world.store.execute(change)


def test_a_saved_model_is_not_used_again_under_other_names(world, monkeypatch):
    world.round()
    with world.store.tx():
        items.add_class(world.store, ClassSpec("unlabeled yet"), "command", "lead")
    parts, config = world.app.parts(world.people), world.app.config
    world.round()
    saved = results.current_model(world.store)
    assert "unlabeled yet" in saved.classes
    loaded = []
    monkeypatch.setattr(knowledge.models, "load", lambda *a: loaded.append(a))

    def use():
        knowledge.classifier(parts, config, knowledge.gather(parts, config, 2))
        return len(loaded)

    assert use() == 1
    rename(world, "unlabeled yet", "still unlabeled")
    assert use() == 1


def test_rounds_are_compared_in_the_classes_of_today(tmp_path):
    table = [(i, t, name) for i, t, name in offline.rows(90)]
    with World(tmp_path, table=table) as world:
        test = [(f"t{i}", f"{text} again", label) for i, text, label in offline.rows(45)]
        workspace.add(
            world.app.workspace, Request(None, offline.write(world.root / "test.csv", test))
        )
        world.round()
        before = results.history(world.store)[0]["accuracy"]
        world.round()
        assert results.history(world.store)[1]["accuracy_before"] is None
        merge(world, "delay", "damage")
        world.round()
        third = results.history(world.store)[2]
        assert third["accuracy_before"] >= results.history(world.store)[1]["accuracy"]
        change = third["accuracy"] - third["accuracy_before"]
        assert third["accuracy_change"] == pytest.approx(change)
        versions = [r["class_version"] for r in results.history(world.store)]
        assert versions == [1, 1, 2]
        assert before is not None
        assert sound(world)


def test_what_a_model_of_before_says_is_told_in_the_names_of_today(tmp_path):
    with World(tmp_path, table=offline.rows(90)) as world:
        test = [(f"t{i}", f"{text} again", label) for i, text, label in offline.rows(45)]
        workspace.add(
            world.app.workspace, Request(None, offline.write(world.root / "test.csv", test))
        )
        asked = [*world.round(), *world.round()]

        def looks():
            saved = results.current_model(world.store)
            config, folder = world.app.config, world.app.workspace.models_dir
            found = quality.predictions(world.store, config, world.app.vectors, folder)
            right = [t == p for t, p in zip(found.truth, found.predicted, strict=True)]
            model = models.load(folder / saved.path, saved.sha256)
            vectors = partial(world.app.vectors, saved.encoder)
            guess = explain.guesses(world.store, asked[0].item_id, vectors, model, saved.classes)
            return right, {g["class"]: g["probability"] for g in guess}, people.suggestions(store)

        store = world.store
        right, guess, suggested = looks()
        assert suggested["shown"]["n"] > 0
        assert suggested["shown"]["hits"] > 0
        rename(world, "refund", "money")
        merge(world, "delay", "damage")
        right_now, guess_now, suggested_now = looks()
        assert sum(right_now) >= sum(right)
        assert guess_now["money"] == guess["refund"]
        assert guess_now["damage"] == pytest.approx(guess["delay"] + guess["damage"], abs=1e-3)
        world.round()
        assert suggested_now["shown"]["hits"] >= suggested["shown"]["hits"]


def test_an_export_has_one_name_a_class_and_nobody_disagrees_with_a_newer_one(world):
    world.round()
    world.round()
    rename(world, "refund", "money")
    merge(world, "delay", "damage")
    with opened(world.store, Wanted(distinct=True)) as found:
        entries = list(found.entries)
    said = {label for e in entries for a in e.answers for label in a.labels}
    suggested = {e.fields["suggestion"] for e in entries} - {None}
    assert said == {e.fields["label"] for e in entries} == {"money", "damage"}
    assert suggested
    assert suggested <= said
    assert {e.suggestion.label for e in entries if e.suggestion} == suggested
    assert {e.fields["consensus"] for e in entries} == {1.0}


def test_doubts_are_told_in_the_names_of_today_and_go_where_both_are_one_class(world):
    world.round()
    ids = {label: i for i, label in labels(world).items()}
    doubts = [("refund", "delay"), ("delay", "damage"), ("damage", "refund")]
    found = [Doubt(ids[a], a, b, 0.9, True) for a, b in doubts]
    with world.store.tx():
        evidence.save(world.store, 1, found)
    rename(world, "refund", "money")
    merge(world, "delay", "damage")
    told = {("money", "damage"), ("damage", "money")}
    assert {(r["given"], r["suggested"]) for r in evidence.doubtful(world.store, 1)} == told
    total, worst = reporting.doubtful(world.store, 1)
    assert (total, len(worst)) == (2, 1)
    assert (worst[0]["label"], worst[0]["suggested"]) in told
    doubtful = reporting.doubtful_ids(world.store)
    assert doubtful == {ids["refund"], ids["damage"]}
    with opened(world.store, Wanted(distinct=True)) as export:
        flagged = {e.item_id for e in export.entries if e.fields["doubtful"]}
    assert flagged == doubtful


def test_a_suggestion_that_is_said_under_a_newer_name_is_the_same(world):
    world.round()
    world.run("selected")
    rename(world, "refund", "money")
    tasks = world.push()
    for task in tasks:
        said = task.suggestion.label if task.suggestion else "delay"
        world.answer([task], labels=(said,), origin="prediction")
    world.run()
    said = people.suggestions(world.store)["shown"]
    assert said["hits"] == said["n"] > 0
    assert "money" in {t.suggestion.label for t in tasks if t.suggestion}


PARTS = Names(by_folded_name(["A", "A1", "A2", "B"]), parents={"a1": "a", "a2": "a1"})


def said(person, label, number=1):
    return Answer(number, "x:0", person, "label", (label,), updated_at="2026")


@pytest.mark.parametrize(
    ("votes", "verdict"),
    [
        (["A", "A", "A1"], Verdict("agreed", "A1", 3)),
        (["A", "A", "A2"], Verdict("agreed", "A2", 3)),
        (["A1", "A2"], Verdict("agreed", "A2", 2)),
        (["A", "B"], Verdict("conflict", votes=2)),
        (["A", "A1", "B"], Verdict("conflict", votes=3)),
        (["A", "A"], Verdict("agreed", "A", 2)),
    ],
)
def test_a_vote_for_a_part_says_more_than_one_for_the_whole(votes, verdict):
    given = [said(f"person {i}", name, i) for i, name in enumerate(votes)]
    assert judge(given, (), PARTS) == verdict


@pytest.mark.parametrize(
    ("votes", "label"), [(["A"], "A2"), (["A1"], "A1"), (["A", "A2"], "A2"), (["A2", "B"], None)]
)
def test_a_class_merged_into_a_part_of_its_own_is_above_nothing(votes, label):
    given = [said(f"person {i}", name, i) for i, name in enumerate(votes)]
    merged = Names(PARTS.known | {"a": "A2"}, parents=PARTS.parents)
    assert judge(given, (), merged).label == label


def test_two_classes_that_merges_put_above_each_other_are_a_conflict():
    both = Names(PARTS.known, parents={"a1": "a", "a": "a1"})
    given = [said("ana", "A", 1), said("ben", "A1", 2)]
    assert judge(given, (), both) == Verdict("conflict", votes=2)


@pytest.mark.parametrize("part_is", ["B", "A"])
def test_who_named_a_part_said_more_whatever_it_counts_as_by_now(part_is):
    names = Names(PARTS.known | {"a1": part_is}, parents={"a1": "a"})
    given = [said("ana", "A", 1), said("ben", "A1", 2)]
    assert judge(given, (), names) == Verdict("agreed", part_is, 2)
    assert judge([*given, said("cem", "A", 3)], (), names).label == part_is
    direct = [said("ana", "A", 1), said("ben", "B", 2)]
    assert judge(direct, (), names) == Verdict("conflict", votes=2)
