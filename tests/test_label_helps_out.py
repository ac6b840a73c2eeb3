"""A round that is with Label Studio, answered at the terminal as well."""

import contextlib
import multiprocessing

import httpx
import pytest

from al_loop import app
from al_loop.annotators.base import number_of
from al_loop.annotators.terminal import Terminal
from al_loop.errors import StateError, Waiting
from al_loop.labeling import claims
from al_loop.store import checks, rounds, terminal
from al_loop.types import Answer
from tests import offline, story
from tests.label_screen import label


@pytest.fixture
def root(tmp_path, fake_server):
    """A round of ten texts that is with the fake Label Studio; two of them need two people."""
    texts = story.make_files(tmp_path, fake_server.url)
    assert story.run(tmp_path, "init", str(texts))[0] == 0
    code, printed = carry(tmp_path, fake_server, "--until", "pushed")
    assert code == 0, printed
    return tmp_path


def carry(root, server, *options):
    return story.run(root, "round", *options, **{story.TOKEN_VARIABLE: server.token})


def batch(root):
    with app.opened(root) as opened:
        return rounds.batch(opened.store, 1)


def answered(root):
    with app.opened(root) as opened:
        query = (
            "SELECT a.*, p.annotator AS through FROM answers a JOIN projects p"
            " ON p.id = a.project_id ORDER BY through, annotation_id"
        )
        return [dict(r) for r in opened.store.rows(query)]


def sound(root):
    with app.opened(root) as opened:
        return list(checks.failures(opened.store, opened.workspace.models_dir)) == []


def test_answers_given_here_count_at_once_and_nothing_changes_on_the_server(
    monkeypatch, root, fake_server
):
    before = fake_server.control("dump")
    with pytest.raises(Waiting, match=r"3 of 10 texts|2 of 10 texts|4 of 10 texts") as left:
        label(monkeypatch, root, *"1231", name="lead")
    assert "al-loop round goes on" in left.value.hint
    assert fake_server.control("dump") == before
    assert len(answered(root)) == 4
    assert sound(root)


def test_a_later_pull_neither_loses_nor_doubles_what_was_answered_here(
    monkeypatch, root, fake_server
):
    with contextlib.suppress(Waiting):
        label(monkeypatch, root, *"1-31", name="lead")
    mine = answered(root)
    story.People(fake_server.url, fake_server.token).answer()
    code, printed = carry(root, fake_server, "--until", "logged")
    assert code == 0, printed
    found = answered(root)
    assert [a for a in found if a["through"] == "terminal"] == mine
    theirs = [a["key"] for a in found if a["through"] == "label_studio"]
    assert sorted(set(theirs)) == sorted(b.key for b in batch(root))
    assert all(a["gone"] == 0 for a in found)
    assert sound(root)
    code, printed = carry(root, fake_server, "--until", "pushed")
    assert code == 0, printed
    assert sound(root)


def test_a_round_that_was_answered_here_alone_goes_on_without_anybody_else(
    monkeypatch, root, fake_server
):
    said = []
    for name in ("lead", "ben"):
        with contextlib.suppress(Waiting):
            label(monkeypatch, root, *"1231231231", name=name, said=said)
    assert said[-1] == "round 1: all 10 texts are settled; al-loop round goes on"
    code, printed = carry(root, fake_server, "--until", "logged")
    assert code == 0, printed
    assert "10 texts settled" in printed
    assert sound(root)


def test_a_person_who_answers_in_both_places_has_one_vote(monkeypatch, root, fake_server):
    dump = fake_server.control("dump")
    text = batch(root)[0]
    task = dump["keys"][text.key][0]
    choice = {"from_name": "label", "to_name": "text", "type": "choices", "origin": "manual"}
    body = {
        "result": [{**choice, "value": {"choices": ["damage"]}}],
        "completed_by": 1,
        "lead_time": 1.0,
    }
    headers = {"Authorization": f"Token {fake_server.token}"}
    url = f"{fake_server.url}/api/tasks/{task}/annotations/"
    httpx.post(url, json=body, headers=headers, trust_env=False).raise_for_status()
    code, _ = carry(root, fake_server)
    assert code == 3
    (theirs,) = answered(root)

    with app.opened(root) as opened:
        # It is not asked again of the same person, but may have been on the screen already.
        waiting = terminal.waiting(opened.store, 1, theirs["annotator"])
        assert theirs["key"] not in [b.key for b in waiting]
        project = opened.parts(Terminal(list)).project
        mine = Answer(0, theirs["key"], theirs["annotator"], "label", ("refund",))
        terminal.record(opened.store, project.id, mine, overlap=1, number=number_of(mine.key))
        (row,) = opened.store.rows("SELECT * FROM labels")
    assert (row["label"], row["votes"]) == ("refund", 1)
    assert sound(root)


def test_a_round_that_is_only_selected_is_sent_first(monkeypatch, tmp_path, fake_server):
    texts = story.make_files(tmp_path, fake_server.url)
    story.run(tmp_path, "init", str(texts))
    carry(tmp_path, fake_server, "--until", "selected")
    with pytest.raises(StateError, match="round 1 is selected") as refused:
        label(monkeypatch, tmp_path, "1")
    assert "al-loop round" in refused.value.hint


def test_a_round_of_label_studio_is_not_closed_from_here(monkeypatch, root):
    with pytest.raises(StateError, match="with Label Studio") as refused:
        label(monkeypatch, root, partial=True)
    assert refused.value.hint == "al-loop round --accept-partial"


def _claim(path, texts, pipe):
    with claims.opened(path) as mine:
        mine.take(texts)
        pipe.send("claimed")
        pipe.recv()


def test_two_people_at_once_get_different_texts_until_only_claimed_ones_are_left(tmp_path):
    offline.make(tmp_path)
    with pytest.MonkeyPatch.context() as patched, contextlib.suppress(Waiting):
        label(patched, tmp_path)
    texts = batch(tmp_path)
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    other = fork.Process(target=_claim, args=(tmp_path / "claims", texts, there))
    other.start()
    with here, claims.opened(tmp_path / "claims") as mine:
        assert here.recv() == "claimed"
        assert mine.take(texts) == texts[1]
        assert mine.take(texts[:1]) == texts[0]
        other.kill()
        other.join()
        assert mine.take(texts) == texts[0], "the claim died with its process"
        assert mine.take([]) is None


def test_the_numbers_of_tasks_fit_into_a_file_offset():
    assert number_of("x" * 100) < 2**62
