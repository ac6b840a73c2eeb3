"""`al-loop undo` against a real Label Studio."""

import json

import pytest

from tests import story
from tests.ls_helpers import choice
from tests.ls_people import Server


@pytest.fixture
def real(ls):
    server = Server(ls.url)
    yield server
    server.http.close()


@pytest.mark.ls
def test_what_somebody_worked_on_stays_and_nothing_else_of_the_project_is_touched(
    real, ls, tmp_path
):
    story.preload()
    texts = story.make_files(tmp_path, real.url)

    def do(*words):
        code, printed = story.run(tmp_path, *words, **{story.TOKEN_VARIABLE: ls.token})
        assert code == 0, printed
        return printed

    do("init", str(texts))
    do("round", "--until", "pushed")
    (project,) = [
        p
        for p in real.ask("GET", "/api/projects/")["results"]
        if p["title"] == f"al-loop {tmp_path.name}"[:50]
    ]
    remote = project["id"]
    hand_made = {"data": {"text": "by hand", "context": "", "id": "x"}}
    real.ask("POST", f"/api/projects/{remote}/import", [hand_made])
    tasks = {t["data"].get("al_id"): t["id"] for t in real.tasks(remote)}
    answered, drafted = sorted(key for key in tasks if key)[:2]
    said = real.annotate(tasks[answered], [choice("refund")])
    real.ask("POST", f"/api/tasks/{tasks[drafted]}/drafts", {"result": [choice("delay")]})

    printed = do("undo", "--as", "lead")

    assert "tasks that are removed: 8" in printed
    assert real.counts(remote) == {answered: 1, drafted: 1, None: 1}
    kept = {t["data"].get("al_id"): t for t in real.tasks(remote)}
    assert [a["id"] for a in kept[answered]["annotations"]] == [said["id"]]
    assert len(kept[drafted]["drafts"]) == 1
    after = real.ask("GET", f"/api/projects/{remote}/")
    assert {k: after[k] for k in ("title", "description", "label_config")} == {
        k: project[k] for k in ("title", "description", "label_config")
    }
    rows = [json.loads(line) for line in do("check", "--dump").splitlines()]
    labels = [r for r in rows if r["table"] == "labels"]
    assert [(r["item_id"], r["label"]) for r in labels] == [(answered.split(":")[0], "refund")]

    do("round", "--until", "pushed")
    assert set(real.counts(remote).values()) == {1}, "what stayed is used again, not doubled"
