"""`al-loop explain`: everything that is known about one text, in one place."""

import dataclasses
import json

import numpy as np
import pytest

from al_loop import app, fix
from al_loop.labels import Consensus
from al_loop.loop import machine
from al_loop.loop.machine import Options
from al_loop.report import explain
from al_loop.store import answers, consensus, rounds, tasks
from al_loop.types import Answer, Pulled
from tests import offline, worlds
from tests.offline import call

HOSTILE = "\x1b[2J\x1b]0;owned\x07 \u202egnp"


@pytest.fixture
def store():
    store = worlds.make_store(test=6)
    yield store
    store.close()


def logged(store, n=1, **batch):
    for _ in range(n):
        machine.run(worlds.make_parts(store), worlds.config(**batch), Options(wait=True))


def vectors(hashes, texts):
    return worlds.vectors("any", hashes, texts)


def test_a_text_that_was_never_chosen_has_a_story_too(store):
    found = explain.facts(store, "m5")
    assert found["text"] == "text 5 about damage"
    assert (found["role"], found["status"], found["label"]) == ("pool", None, None)
    assert found["ids"] == [{"id": "m5", "file": "made up", "line": 5, "label": None, "kept": {}}]
    for name in ("chosen", "answers", "doubts", "fixes"):
        assert found[name] == []
    assert found["url"] is None
    assert explain.neighbors(store, "m5", vectors) == []


def test_it_tells_why_a_text_was_chosen_and_what_the_model_said_then(store):
    logged(store, 2, blind_share=0.5)
    batch = rounds.batch(store, 2)
    for row in batch:
        (choice,) = explain.facts(store, row.item_id)["chosen"]
        for name in ("rank", "strategy", "score", "inclusion", "why", "suggestion", "blind"):
            assert choice[name] == getattr(row, name)
        assert choice["suggestion_score"] == row.suggestion_score
        assert (choice["round"], choice["texts"], choice["pool_size"]) == (2, 10, 50)
        assert choice["model_version"] == rounds.get_round(store, 2).model_version
    assert {b.blind for b in batch} == {True, False}


def test_it_tells_who_said_what_and_what_they_said_before(store):
    logged(store)
    item_id = rounds.batch(store, 1)[0].item_id
    (old,) = answers.all_answers(store)[item_id]
    rest = [a for v in answers.all_answers(store).values() for a in v if a != old]
    told = {"comment": "not sure", "lead_time": 7.5, "updated_at": "2030-01-01T00:00:00Z"}
    edited = dataclasses.replace(old, labels=(), missing="praise", **told)
    skipped = Answer(1, old.key, "ben", "skip", created_at="2030", updated_at="2030")
    with store.tx():
        answers.save_pull(store, 1, Pulled([edited, skipped, *rest], annotated=10))
    with store.tx():
        answers.save_pull(store, 1, Pulled([edited, *rest], annotated=10))

    first, second = explain.facts(store, item_id)["answers"]

    assert (first["annotator"], first["through"], first["kind"]) == ("oracle", "oracle", "label")
    assert (first["label"], first["missing_class"], first["comment"]) == (
        None,
        "praise",
        "not sure",
    )
    assert (first["seconds"], first["answered_at"]) == (7.5, "2030-01-01T00:00:00Z")
    (before,) = first["earlier"]
    assert (before["label"], before["answered_at"]) == (old.labels[0], old.updated_at)
    assert (second["annotator"], second["kind"], second["deleted"]) == ("ben", "skip", True)
    assert second["earlier"] == [], "deleting it did not change what it said"


def test_it_tells_doubts_and_decisions_by_hand(store):
    logged(store)
    item_id = rounds.batch(store, 1)[0].item_id
    (label,) = {row[3] for row in answers.labeled(store, "pool") if row[0] == item_id}
    store.execute("DELETE FROM evidence")
    store.execute(
        "INSERT INTO evidence VALUES (1, ?, ?, 'delay', 0.8, 0.1, NULL, 1)", [item_id, label]
    )
    fix.apply(store, [fix.Wanted(item_id, "damage", "seen it")], "lead")
    found = explain.facts(store, item_id)
    (doubt,) = found["doubts"]
    assert doubt == {
        **{"round": 1, "doubt": 0.8, "suggested": "delay", "label": label, "flagged": True},
        **{"confidence": 0.1, "neighbors": None},
    }
    (decision,) = found["fixes"]
    assert {k: decision[k] for k in ("author", "label", "was", "reason")} == {
        "author": "lead",
        "label": "damage",
        "was": label,
        "reason": "seen it",
    }
    assert (found["status"], found["label"]) == ("fixed", "damage")


def test_it_leads_to_the_task_while_there_is_one(store):
    ref = tasks.make_project(store, "label_studio", "test")
    store.execute("UPDATE projects SET url = 'http://ls/projects/3/data?labeling=1'")
    new = "INSERT INTO tasks VALUES (?, 'm1:0', 'm1', 0, 1, 77, 0)"
    store.execute(new, [ref.id])
    assert explain.facts(store, "m1")["url"] == "http://ls/projects/3/data?task=77"
    store.execute("UPDATE tasks SET gone = 1, remote_id = NULL")
    assert explain.facts(store, "m1")["url"] is None


def test_the_nearest_labeled_texts_are_told_and_only_their_vectors_asked_for(store):
    logged(store, size=20)
    labeled = {row[0]: row for row in answers.labeled(store, "pool")}
    item_id = next(iter(labeled))
    asked = []

    def spy(hashes, texts):
        asked.extend(hashes)
        return vectors(hashes, texts)

    near = explain.neighbors(store, item_id, spy)

    assert sorted(asked) == sorted(row[2] for row in labeled.values())
    X = vectors([], [row[1] for row in labeled.values()])
    similarity = dict(zip(labeled, X @ X[0], strict=True))
    del similarity[item_id]
    nearest = sorted(similarity, key=lambda i: -similarity[i])[:5]
    assert [n["id"] for n in near] == nearest
    assert [n["label"] for n in near] == [labeled[i][3] for i in nearest]
    assert np.allclose([n["similarity"] for n in near], [similarity[i] for i in nearest], atol=1e-3)


def test_a_text_without_a_label_is_compared_with_all_labeled_ones(store):
    logged(store, size=3)
    free = rounds.pool(store)[0][0]
    assert len(explain.neighbors(store, free, vectors)) == 3
    assert len(explain.neighbors(store, "m60", vectors)) == 3, "a test text too"
    assert explain.has_learned(store, explain.facts(store, "m60")) is False


# The command


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return offline.make(tmp_path_factory.mktemp("explain"), rounds=2)


TABLE = [("a", "money back please", ""), ("b", "parcel is late", "")]
VOTES = {"ana": "refund", "ben": "delay"}


def disputed(root, *, decided=False):
    """A workspace whose text a was labeled differently, b by nobody."""
    offline.make(root, table=TABLE)
    with app.opened(root) as opened, opened.store.tx():
        store = opened.store
        store.execute(
            "INSERT INTO projects (role, annotator, marker, title, url) VALUES"
            " ('labeling', 'label_studio', 'm', 't', 'http://ls/projects/1/data'),"
            " ('review', 'label_studio', 'm-review', 't review', 'http://ls/projects/2/data')"
        )
        store.execute(
            "INSERT INTO tasks VALUES (1, 'a:0', 'a', 0, 2, 7, 0), (2, 'a:1', 'a', 1, 1, 8, 0)"
        )
        said = [
            Answer(n, "a:0", person, "label", (label,), updated_at="2026-01-01T00:00:00Z")
            for n, (person, label) in enumerate(VOTES.items())
        ]
        answers.save_pull(store, 1, Pulled(said, 1))
        if decided:
            one = Answer(1, "a:1", "eve", "label", ("delay",), updated_at="2026-01-02T00:00:00Z")
            answers.save_pull(store, 2, Pulled([one], 1))
        consensus.save(store, 1, {"a": Consensus("refund", 0.75, VOTES, "dawid_skene")})
        store.execute(
            "INSERT INTO evidence VALUES (1, 'a', 'refund', 'refund', 0.125, 0.9, 0.66, 0)"
        )
    return root


def test_it_tells_what_differing_answers_add_up_to_and_how_sure_that_is(ask, tmp_path):
    root = disputed(tmp_path)
    found = json.loads(ask("a", "--json", root=root))
    assert found["consensus"] == {
        **{"round": 1, "method": "dawid_skene", "quality": 0.75, "label": "refund"},
        **{"votes": VOTES, "counts": True},
    }
    assert found["adjudicated_by"] == []
    out = ask("a", root=root)
    assert "counts as refund, agreed by people (votes: 2)" in out
    assert "round 1: labeled differently (ana: refund, ben: delay)" in out
    assert "together that is refund (dawid skene, sure by 0.750)" in out
    assert "no longer counts" not in out
    assert "too unsure" not in out
    assert "round 1: refund fits (doubt 0.125)" in out
    assert "a model that did not see the text gives that label 0.900" in out
    assert "66 % of the labeled texts that are most like it have it" in out
    with app.opened(root) as opened, opened.store.tx():
        opened.store.execute("UPDATE consensus SET quality = 0.5")
        answers.refresh_labels(opened.store)
    out = ask("a", root=root)
    assert "no label: it is labeled differently, and nobody has settled it" in out
    assert "that is too unsure to decide" in out
    with app.opened(root) as opened, opened.store.tx():
        opened.store.execute("UPDATE answers SET annotator = 'cem' WHERE annotator = 'ana'")
        answers.refresh_labels(opened.store)
    assert "people have said something else since: it no longer counts" in ask("a", root=root)


def test_it_tells_who_decided_in_review_and_which_answer_that_was(ask, tmp_path):
    root = disputed(tmp_path, decided=True)
    found = json.loads(ask("a", "--json", root=root))
    assert (found["label"], found["votes"]) == ("delay", 2)
    assert found["adjudicated_by"] == ["eve"]
    assert [(a["annotator"], a["review"]) for a in found["answers"]] == [
        ("ana", False),
        ("ben", False),
        ("eve", True),
    ]
    assert found["url"] == "http://ls/projects/1/data?task=7"
    assert found["review_url"] == "http://ls/projects/2/data?task=8"
    out = ask("a", root=root)
    assert "counts as delay, decided in review by eve" in out
    assert "2026-01-02 00:00 UTC eve said delay (label_studio, in review)" in out
    assert "in review: http://ls/projects/2/data?task=8" in out


def test_a_model_has_not_learned_what_was_decided_in_review_since(ask, tmp_path):
    with app.opened(disputed(tmp_path, decided=True)) as opened:
        found = explain.facts(opened.store, "a")
        trained = "INSERT INTO models VALUES (1, 1, '', '', '', '', '', '[]', 2, ?)"
        opened.store.execute("PRAGMA foreign_keys = OFF")
        opened.store.execute(trained, ["2026-01-01T12:00:00Z"])
        assert explain.has_learned(opened.store, found) is False
        opened.store.execute("UPDATE models SET created_at = '2026-01-03T00:00:00Z'")
        assert explain.has_learned(opened.store, found) is True


@pytest.fixture
def ask(made, monkeypatch, capsys):
    def ask(*words, root=made, code=0):
        ended, out, err = call(monkeypatch, capsys, "-C", root, "explain", *words)
        assert ended == code, err
        return out if code == 0 else err

    return ask


def chosen(made, number=2):
    with app.opened(made) as opened:
        return rounds.batch(opened.store, number)


def test_the_command_tells_it_in_words(made, ask):
    row = next(b for b in chosen(made) if not b.blind and b.overlap == 1)
    out = ask(row.item_id)
    assert out.startswith(f"{row.item_id}: {' '.join(row.text.split())}\n  in the pool\n")
    assert f"came as {row.item_id} from {made / 'texts.csv'}:" in out
    assert "round 2 (logged, 20" in out
    assert f"chosen as {row.rank} of 12 out of 48 by {row.strategy}" in out
    assert f"why: {row.why}" in out
    assert f"the model then said {row.suggestion} ({row.suggestion_score:.3f}), shown" in out
    assert "the model now says" in out
    assert "it has learned from this text" in out
    assert "most like it among the labeled texts:" in out


def test_as_json_it_has_the_model_of_now_and_the_neighbors(made, ask):
    row = chosen(made)[0]
    found = json.loads(ask(row.item_id, "--json"))
    assert found["id"] == row.item_id
    best = found["model"]["classes"]
    assert [c["class"] for c in best if c["class"] in worlds.CLASSES] != []
    assert best[0]["probability"] >= best[1]["probability"] >= best[2]["probability"]
    assert sum(c["probability"] for c in best) == pytest.approx(1, abs=0.001), "three classes"
    assert found["model"]["has_learned"] is True
    assert found["model"]["labels"] == 24
    assert len(found["neighbors"]) == 5
    assert row.item_id not in {n["id"] for n in found["neighbors"]}


def test_a_model_has_not_learned_what_was_decided_since(made, ask, tmp_path, monkeypatch, capsys):
    with app.opened(made) as opened:
        free = rounds.pool(opened.store)[0][0]
    assert json.loads(ask(free, "--json"))["model"]["has_learned"] is False
    with app.opened(made) as opened:
        opened.store.execute("UPDATE models SET created_at = '2020-01-01T00:00:00Z'")
    call(monkeypatch, capsys, "-C", made, "fix", free, "refund")
    assert json.loads(ask(free, "--json"))["model"]["has_learned"] is False
    call(monkeypatch, capsys, "-C", made, "fix", free, "--remove")


def test_every_id_of_a_text_leads_to_it(ask, tmp_path):
    table = [("a", "same text", "refund"), ("b", "same text", ""), ("c", "another", "")]
    root = offline.make(tmp_path, table=table)
    found = json.loads(ask("b", "--json", root=root))
    assert found["id"] == "a"
    assert [(r["id"], r["line"]) for r in found["ids"]] == [("a", 2), ("b", 3)]
    assert found["model"] is None
    assert found["neighbors"] == []
    assert "nothing is known about it yet" in ask("b", root=root)


def test_an_unknown_id_names_those_that_look_alike(ask):
    err = ask("m1", code=2)
    assert "no text came under the id 'm1'" in err
    assert "did you mean 'm1" in err or "or 'm" in err


def test_a_damaged_model_leaves_the_rest_of_the_story(made, ask, monkeypatch, capsys):
    (model, *_) = sorted((made / ".al-loop" / "models").iterdir(), reverse=True)
    whole = model.read_bytes()
    model.write_bytes(whole[:50])
    ended, out, err = call(monkeypatch, capsys, "-C", made, "explain", chosen(made)[0].item_id)
    model.write_bytes(whole)
    assert ended == 0
    assert "left out, the model" in err
    assert "round 2" in out
    assert "the model now says" not in out


def test_nothing_that_people_wrote_moves_the_cursor(ask, tmp_path):
    table = [("a", f"hello {HOSTILE} there", ""), ("b", "an other text", "")]
    root = offline.make(tmp_path, table=table)
    with app.opened(root) as opened:
        ref = tasks.make_project(opened.store, "oracle", "test")
        opened.store.execute("INSERT INTO tasks VALUES (?, 'a:0', 'a', 0, 1, 7, 0)", [ref.id])
        said = {"missing": HOSTILE, "comment": HOSTILE, "problem": HOSTILE}
        with opened.store.tx():
            one = Answer(1, "a:0", HOSTILE, "label", (HOSTILE,), **said)
            answers.save_pull(opened.store, ref.id, Pulled([one], annotated=1))
            other = dataclasses.replace(one, labels=("refund",), missing="", problem="")
            answers.save_pull(opened.store, ref.id, Pulled([other], annotated=1))
        fix.apply(opened.store, [fix.Wanted("b", "refund", HOSTILE)], "lead")
    for item_id in ("a", "b"):
        out = ask(item_id, root=root)
        assert all(c.isprintable() or c == "\n" for c in out)
    assert json.loads(ask("a", "--json", root=root))["answers"][0]["comment"] == HOSTILE
