"""Where people disagree somebody decides: in a review project of its own, each text once."""

import json
from contextlib import closing

import pytest

from al_loop.labels import Consensus
from al_loop.store import answers, consensus, open_store
from tests import story
from tests.ls_helpers import choice
from tests.review_space import ANA, CLEO, OTHERWISE, Space

ROUND = ("round", "--until", "logged")
#: The crash points of its own, beside those of every push and pull.
POINTS = ("reviews written", "reviews noted", "reviews recorded", "reviews pushed")


@pytest.fixture(scope="module")
def made(module_fake_server, tmp_path_factory):
    """A workspace whose people have answered the first batch, which nobody has fetched yet."""
    folder = tmp_path_factory.mktemp("review")
    space = Space(folder / "workspace", module_fake_server)
    space.do("round", "--until", "pushed")
    space.answer_all()
    space.save(folder / "answered")
    space.adjudicate()
    space.save(folder / "sent")
    return space


@pytest.fixture
def space(made):
    """People disagree; nobody was asked to decide."""
    made.load(made.root.with_name("answered"))
    return made


@pytest.fixture
def sent(made):
    """The disagreements are in the review project."""
    made.load(made.root.with_name("sent"))
    return made


def key(item_id, look=1):
    return f"{item_id}:{look}"


def test_what_people_disagree_on_goes_to_a_project_of_its_own(space):
    disputed = space.disputed()
    assert len(disputed) > 1
    printed = space.adjudicate()
    labeling, review = space.projects()
    assert review["title"] == f"{labeling['title']} review"
    assert len(review["title"]) <= 50
    tasks = space.review()
    assert set(tasks) == {key(i) for i in disputed}
    assert f"people adjudicate here: {space.server.url}/projects/{review['id']}" in printed
    assert "everybody in the organization" in printed
    assert f"were sent for adjudication: {len(disputed)}" in printed


def test_adjudicators_see_the_votes_and_nobodys_name_and_no_suggestion(sent):
    told = {t["data"]["id"]: t["data"]["context"] for t in sent.review().values()}
    for item_id, words in told.items():
        assert words.startswith("labeled: ")
        assert f"{OTHERWISE[item_id]} (1)" in words
        assert "@" not in words
    assert sent.there()["predictions"] == 0
    labeling, review = sent.projects()
    assert '$context"' in review["label_config"]
    for name in ("refund", "delay", "damage"):
        assert f'value="{name}"' in review["label_config"]
    assert "labeled these texts differently" in review["expert_instruction"]
    assert "differently" not in labeling["expert_instruction"]


def test_each_disagreement_is_sent_once(sent):
    before = sent.there()
    printed = sent.adjudicate()
    assert "nothing that has to be sent" in printed
    assert f"wait for adjudicators: {len(sent.disputed())}" in printed
    after = sent.there()
    assert (after["keys"], after["projects"]) == (before["keys"], before["projects"])
    sent.do("check")


def test_what_the_consensus_is_sure_of_is_left_out_unless_it_is_asked_for(space):
    space.adjudicate("--limit", "1")
    left = sorted(space.disputed() - {i.partition(":")[0] for i in space.review()})
    sure, *others = left
    with closing(open_store(space.root / ".al-loop" / "al-loop.db")) as store, store.tx():
        votes = consensus.votes(store)[sure]
        found = Consensus(min(votes.values()), 0.8, votes, "fused")
        consensus.save(store, 0, {sure: found})
        answers.refresh_labels(store)
    told = space.adjudicate("--dry-run")
    assert f"would be sent for adjudication: {len(others)}" in told
    assert "settles surely enough: 1" in told
    told = space.adjudicate("--dry-run", "--below", "0.9")
    assert f"would be sent for adjudication: {len(left)}" in told
    assert "surely enough" not in told


def test_what_the_adjudicator_chooses_becomes_the_label_with_the_next_pull(sent):
    first, *rest = sorted(sent.disputed())
    sent.answer(key(first), "damage", CLEO)
    assert "adjudications that came in: 1" in sent.do(*ROUND)
    labels = sent.labels()
    assert labels[first] == ("agreed", "damage")
    assert all(labels[i][0] == "conflict" for i in rest)
    for item_id in rest:
        sent.answer(key(item_id), "refund", CLEO)
    sent.adjudicate()
    assert not json.loads(sent.do("annotators", "disagreements", "--json"))["rows"]
    assert "wait for adjudicators" not in sent.adjudicate()


def test_no_round_waits_for_an_adjudicator(sent):
    sent.do(*ROUND)
    sent.do("round", "--until", "pushed")
    assert set(sent.batch()).isdisjoint(OTHERWISE)
    assert not {r["look"] for r in sent.rows("batch")} - {0}
    sent.do("check")


def test_an_adjudication_that_is_changed_or_deleted_later_changes_the_label(sent):
    item_id = min(sent.disputed())
    number = sent.answer(key(item_id), "damage", CLEO)
    sent.adjudicate()
    assert sent.labels()[item_id] == ("agreed", "damage")
    result = sent.ask("GET", f"tasks/{sent.review()[key(item_id)]['id']}/")
    assert result["data"]["id"] == item_id
    changed = [{**a, "result": _other(a["result"])} for a in result["annotations"]]
    sent.ask("PATCH", f"annotations/{number}/", {"result": changed[0]["result"]})
    sent.adjudicate()
    assert sent.labels()[item_id] == ("agreed", "refund")
    sent.answer(key(min(sent.disputed() - {item_id})), "delay", CLEO)
    sent.ask("DELETE", f"annotations/{number}/")
    assert "deleted: 1" in sent.adjudicate("--allow-shrink")
    assert sent.labels()[item_id] == ("conflict", None)
    assert len(sent.review()) == len(sent.disputed())


def _other(result):
    return [{**r, "value": {"choices": ["refund"]}} for r in result]


def test_a_label_set_by_hand_settles_it_as_well(sent):
    first, second, *_ = sorted(sent.disputed())
    sent.do("fix", first, "refund", "--as", "lead")
    printed = sent.adjudicate()
    assert "settled by now and need no answer: 1" in printed
    assert set(sent.review()) == {key(i) for i in sent.disputed()}, "its task stays on the server"
    sent.answer(key(first), "damage", CLEO)
    sent.answer(key(second), "damage", CLEO)
    sent.adjudicate()
    assert sent.labels()[first] == ("fixed", "refund")
    assert sent.labels()[second] == ("agreed", "damage")


def test_what_was_decided_before_is_not_sent(space):
    first, *rest = sorted(space.disputed())
    space.do(*ROUND)
    space.do("fix", first, "refund", "--as", "lead")
    space.adjudicate()
    assert set(space.review()) == {key(i) for i in rest}


def test_what_an_adjudicator_leaves_open_is_told_and_not_sent_again(sent):
    item_id = min(sent.disputed())
    sent.answer(key(item_id), "refund", CLEO, was_cancelled=True)
    printed = sent.adjudicate()
    assert "adjudicators left open: 1; al-loop fix ID LABEL" in printed
    assert set(sent.review()) == {key(i) for i in sent.disputed()}
    assert sent.labels()[item_id] == ("conflict", None)


def test_a_preview_asks_no_server_and_changes_nothing(space):
    space.do(*ROUND)
    before = space.do("check", "--dump"), space.there()
    log = len(space.server.control("log"))
    found = json.loads(space.adjudicate("--dry-run", "--json"))
    assert {r["item_id"] for r in found["asked"]} == space.disputed()
    assert found["asked"][0]["votes"].count("(1)") == 2
    assert (space.do("check", "--dump"), space.there()) == before
    assert len(space.server.control("log")) == log + 2, "the two dumps of this test"


def test_a_few_can_be_sent_at_a_time(space):
    space.adjudicate("--limit", 1)
    assert len(space.review()) == 1
    space.adjudicate("--limit", 1)
    assert len(space.review()) == 2


def test_a_task_that_was_deleted_opens_the_disagreement_again(sent):
    item_id = min(sent.disputed())
    sent.ask("DELETE", f"tasks/{sent.review()[key(item_id)]['id']}/")
    refused = sent.adjudicate(code=1)
    assert "1 of" in refused
    assert "gone from review project" in refused
    assert "--allow-shrink" in refused
    printed = sent.adjudicate("--allow-shrink")
    assert "1 text gone from the review project" in printed
    wanted = {key(i) for i in sent.disputed() - {item_id}} | {key(item_id, 2)}
    assert set(sent.review()) == wanted
    sent.answer(key(item_id, 2), "damage", CLEO)
    sent.do(*ROUND)
    assert sent.labels()[item_id] == ("agreed", "damage")
    sent.do("check")


def test_a_review_project_that_was_deleted_is_made_anew(sent):
    first = min(sent.disputed())
    sent.answer(key(first), "damage", CLEO)
    sent.adjudicate()
    sent.ask("DELETE", f"projects/{sent.projects()[1]['id']}/")
    refused = sent.do("round", "--until", "logged", code=2)
    assert "this workspace's review project" in refused
    assert "--allow-shrink" in refused
    sent.do("round", "--until", "logged", "--allow-shrink")
    assert sent.labels()[first] == ("conflict", None)
    sent.adjudicate()
    assert set(sent.review()) == {key(i, 2) for i in sent.disputed()}
    sent.do("check")


def test_another_workspace_on_the_same_server_sees_nothing_of_it(sent, tmp_path):
    other = Space(tmp_path / "other", sent.server)
    other.do("round", "--until", "pushed")
    assert "nothing that has to be sent" in other.adjudicate()
    assert len(other.projects()) == 1
    assert not other.rows("answers")
    found = {p["id"] for p in other.projects()} & {p["id"] for p in sent.projects()}
    assert not found
    sent.do("check")


def test_doctor_has_a_line_for_it(sent):
    printed = sent.do("doctor")
    assert f" review' (number {sent.projects()[1]['id']}), {len(sent.review())} tasks" in printed


def test_doctor_has_no_line_without_one(space):
    assert "review" not in space.do("doctor")


def test_a_new_class_can_be_chosen_by_adjudicators_at_once(sent):
    sent.do("classes", "add", "praise")
    assert all('value="praise"' in p["label_config"] for p in sent.projects())


def test_an_undo_leaves_the_review_alone(sent):
    sent.do(*ROUND)
    sent.do("round", "--until", "pushed")
    sent.do("undo", "--as", "lead")
    tasks = sent.review()
    assert tasks
    sent.answer(next(iter(tasks)), "damage", CLEO)
    assert "came in: 1" in sent.do("round", "--until", "pushed")
    sent.do("check")


def test_status_names_the_page_where_people_label(sent):
    labeling = sent.projects()[0]
    sent.do(*ROUND)
    url = json.loads(sent.do("status", "--json"))["url"]
    assert f"/projects/{labeling['id']}/" in url


def test_with_nobody_disagreeing_there_is_no_project(made, tmp_path):
    other = Space(tmp_path / "alone", made.server)
    assert "people disagree on nothing" in other.adjudicate(), "nobody was asked anything yet"
    other.do("round", "--until", "pushed")
    item_id = other.batch()[0]
    ids = [t["id"] for t in other.tasks(other.projects()[0]["id"]).values()]
    for task in ids:
        body = {"result": [choice("refund")], "completed_by": ANA}
        other.ask("POST", f"tasks/{task}/annotations/", body)
    assert "people disagree on nothing" in other.adjudicate()
    assert other.labels()[item_id] == ("agreed", "refund")
    assert len(other.projects()) == 1


@pytest.mark.parametrize("knob", ["duplicate_on_lock", "drop_ids", "background", "late_commit"])
def test_a_server_that_fails_makes_no_second_task(space, knob):
    space.server.control("knobs", **{knob: 1})
    config = space.root / "config.toml"
    config.write_text(config.read_text().replace("[batch]", "timeout = 2\n[batch]", 1))
    space.run("annotators", "adjudicate")
    space.server.control("land")
    space.adjudicate()
    assert set(space.review()) == {key(i) for i in space.disputed()}
    space.do("check")


def passed(space, log, *command):
    """Return the points that a command passes, and how all is then."""
    space.do(*command, AL_LOOP_CRASH_LOG=str(log))
    return story.passed_points(log), state(space)


def state(space):
    there = space.there()
    dump = space.do("check", "--dump").splitlines()
    return dump, {k: len(v) for k, v in there["keys"].items()}, len(there["projects"])


def test_killed_anywhere_the_same_command_or_the_next_round_finishes_it(made, tmp_path):
    made.load(made.root.with_name("answered"))
    points, wanted = passed(made, tmp_path / "points", "annotators", "adjudicate")
    assert set(POINTS) <= {p.partition("#")[0] for p in points}
    assert any(p.startswith("C3 project created") for p in points)
    for point in points[points.index("reviews written#1") :]:
        made.load(made.root.with_name("answered"))
        code, printed = made.run("annotators", "adjudicate", AL_LOOP_CRASH_AT=point)
        assert code == -9, printed
        if points.index(point) % 2 and point != "reviews written#1":
            made.do("round", "--until", "pulled")
            assert state(made)[1:] == wanted[1:], point
        else:
            made.adjudicate()
            assert state(made) == wanted, point


def test_killed_while_both_projects_are_fetched_nothing_is_lost(made, tmp_path):
    fetch = ("round", "--until", "pulled")
    made.load(made.root.with_name("sent"))
    for item_id in made.disputed():
        made.answer(key(item_id), "damage", CLEO)
    made.save(tmp_path / "decided")
    points, wanted = passed(made, tmp_path / "points", *fetch)
    assert points.count("C9 snapshot created#2") == 1
    for point in points[points.index("C9 snapshot created#2") :]:
        made.load(tmp_path / "decided")
        code, printed = made.run(*fetch, AL_LOOP_CRASH_AT=point)
        assert code == -9, printed
        made.do(*fetch)
        assert state(made) == wanted, point
