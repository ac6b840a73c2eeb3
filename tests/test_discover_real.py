"""What `al-loop discover` writes, in a real Label Studio; what it finds with the real encoder."""

import csv
import json
from pathlib import Path

import pytest

from al_loop.annotators.label_studio import page
from tests import hostile
from tests.discover_files import discover, texts
from tests.ls_people import Server
from tests.workspace_files import write

EXAMPLES = Path(__file__).parent.parent / "examples"
KNOWN = 20  # labels of each known class


@pytest.mark.ls
def test_a_real_server_imports_the_tasks_and_shows_the_predictions(ls, tmp_path):
    rows = [
        (i, text, theme if i[-1] == "0" and theme != "login" else "") for i, text, theme in texts()
    ]
    rows += [
        (f"<b>{i}</b>", text, "") for i, text in enumerate([*hostile.ATTACKS, *hostile.HONEST])
    ]
    rows += [(f"k{i}", f"shown by {name}", name) for i, name in enumerate(hostile.CLASSES)]
    discover(tmp_path, write(tmp_path / "texts.csv", rows))
    config = (tmp_path / "out" / "label_config.xml").read_text()
    made = json.loads((tmp_path / "out" / "preannotated.json").read_bytes())
    server = Server(ls.url)
    body = {"title": "discovered", "label_config": config}
    project = server.ask("POST", "/api/projects/", body)["id"]
    server.ask("POST", f"/api/projects/{project}/validate/", {"label_config": config})
    done = server.ask("POST", f"/api/projects/{project}/import", made)
    assert (done["task_count"], done["prediction_count"]) == (len(made), len(made))
    shown = {t["data"]["id"]: t for t in server.tasks(project)}
    assert {i: t["data"] for i, t in shown.items()} == {t["data"]["id"]: t["data"] for t in made}
    offered = set(page.class_names(config))
    for task in made:
        (told,) = shown[task["data"]["id"]]["predictions"]
        (wanted,) = task["predictions"]
        assert told["result"][0]["value"] == wanted["result"][0]["value"]
        assert set(told["result"][0]["value"]["choices"]) <= offered
        assert told["score"] == pytest.approx(wanted["score"])
        assert told["model_version"] == wanted["model_version"]
    server.http.close()


@pytest.mark.parametrize("hidden", ["login_problem", "payment_failed"])
def test_a_class_of_the_examples_that_nobody_named_is_among_the_novel_groups(tmp_path, hidden):
    with (EXAMPLES / "support.csv").open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    truth = {r["text"]: r["label"] for r in rows}
    seen: dict[str, int] = {}
    table = []
    for r in rows:
        seen[r["label"]] = seen.get(r["label"], 0) + 1
        shown = r["label"] != hidden and seen[r["label"]] <= KNOWN
        table.append((r["id"], r["text"], r["label"] if shown else ""))
    data = write(tmp_path / "support.csv", table)
    discover(tmp_path, data, "--encoder", "all-MiniLM-L6-v2")
    found = json.loads((tmp_path / "out" / "report.json").read_bytes())
    made = {
        t["data"]["text"]: t
        for t in json.loads((tmp_path / "out" / "preannotated.json").read_bytes())
    }
    pure = []
    for group in found["novel_clusters"]:
        members = [
            truth.get(text)
            for text, t in made.items()
            if t["predictions"][0]["result"][0]["value"]["choices"] == [group["name"]]
        ]
        assert len(members) == group["size"]
        pure.append(members.count(hidden) / len(members))
    assert max(pure, default=0) > 0.6
