"""What `export` writes for Label Studio shows the same answers there."""

import json
from contextlib import closing

import pytest

from al_loop import workspace
from al_loop.annotators.label_studio import page
from al_loop.export import label_studio
from al_loop.export.rows import Wanted, opened
from al_loop.store import offers, open_store
from tests.export_world import HOSTILE, make
from tests.ls_people import Server


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = make(tmp_path_factory.mktemp("workspace"))
    with closing(open_store(workspace.find(root).db_path)) as opened_:
        yield opened_


@pytest.fixture(scope="module")
def tasks(store):
    with opened(store, Wanted(everything=True, distinct=True)) as found:
        return {t["data"]["id"]: t for t in json.loads("".join(label_studio.tasks(found)))}


def labels(task):
    return [
        (a.get("completed_by"), r["value"]["choices"][0])
        for a in task["annotations"]
        for r in a["result"]
        if r["from_name"] == "label"
    ]


def test_a_task_has_our_key_the_id_and_the_kept_columns(tasks):
    data = tasks["given"]["data"]
    assert (data["al_id"], data["text"]) == ("given:0", "text of given")
    assert {k: data[k] for k in HOSTILE} == HOSTILE
    assert list(tasks) == [
        "plain", "given", "voted", "fixed", "skipped", "asked", "broken", "judged",
        "settled", "test",
    ]  # fmt: skip


def test_every_answer_is_there_with_who_gave_it_and_none_has_a_star(tasks):
    ann, bob, eve = ({"email": f"{name}@example.com"} for name in ("ann", "bob", "eve"))
    assert labels(tasks["voted"]) == [(ann, "refund"), (bob, "delay"), (eve, "refund")]
    skip = tasks["voted"]["annotations"][3]
    assert (skip["was_cancelled"], skip["result"], skip["completed_by"]) == (True, [], 7)
    assert not any(a["ground_truth"] for a in tasks["voted"]["annotations"])
    assert tasks["broken"]["annotations"] == tasks["plain"]["annotations"] == []
    (asked,) = tasks["asked"]["annotations"][0]["result"]
    assert (asked["from_name"], asked["value"]) == ("missing", {"text": ["praise"]})


def test_a_label_that_nobodys_answer_says_is_an_answer_of_who_imports(tasks):
    assert labels(tasks["given"]) == [(None, "refund")]
    said, decided = tasks["fixed"]["annotations"]
    assert (said["lead_time"], said["ground_truth"], len(said["result"])) == (2.5, False, 2)
    assert (decided["ground_truth"], decided["result"][0]["value"]) == (
        True,
        {"choices": ["refund"]},
    )


def test_the_answers_that_decided_in_review_have_a_star(tasks):
    found = tasks["judged"]["annotations"]
    assert [(a["completed_by"]["email"][:3], a["ground_truth"]) for a in found] == [
        ("ann", False),
        ("bob", False),
        ("lea", True),
        ("max", False),
        ("tim", True),
    ]


def test_a_suggestion_is_a_prediction_of_its_model(tasks):
    (prediction,) = tasks["voted"]["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("model-2", 0.7)
    assert "predictions" not in tasks["given"]


@pytest.mark.ls
def test_a_real_server_shows_the_answers_after_the_import(ls, store, tasks):
    server = Server(ls.url)
    accounts = {u["email"]: u["id"] for u in server.ask("GET", "/api/users/")}
    for name in ("ann", "bob", "eve", "lea", "max", "tim"):
        email = f"{name}@example.com"
        if email not in accounts:
            body = {"email": email, "username": name, "password": "x"}
            accounts[email] = server.ask("POST", "/api/users/", body)["id"]
    config = page.grown("", offers.offer(store), context=False)
    project = server.ask("POST", "/api/projects/", {"title": "again", "label_config": config})["id"]
    file = json.loads(json.dumps(list(tasks.values())))
    file[2]["annotations"][3]["completed_by"] = accounts["ann@example.com"]  # 7 is nobody here
    server.ask("POST", f"/api/projects/{project}/import", file)
    shown = {t["data"]["id"]: t for t in server.tasks(project)}
    assert list(shown) == list(tasks)
    ann, bob, eve = (accounts[f"{name}@example.com"] for name in ("ann", "bob", "eve"))
    answers = sorted(shown["voted"]["annotations"], key=lambda a: a["id"])
    assert labels({"annotations": answers}) == [(ann, "refund"), (bob, "delay"), (eve, "refund")]
    assert shown["voted"]["cancelled_annotations"] == 1
    assert shown["voted"]["predictions"][0]["model_version"] == "model-2"
    assert {a["ground_truth"] for a in shown["fixed"]["annotations"]} == {True, False}
    assert shown["given"]["data"] == tasks["given"]["data"]
    server.http.close()
