"""The fake answers like the real server: one script, one golden file, two servers.

The golden file was recorded from Label Studio 1.23.2 (AL_LOOP_RECORD=1 records it again).
"""

import json
import os
from pathlib import Path

import httpx
import pytest

from tests.fakes.label_studio import TOKEN

GOLDEN = Path(__file__).with_name("data") / "label-studio-1.23.2.json"
CONFIG = (
    '<View><Text name="text" value="$text"/><Text name="context" value="$context"/>'
    '<Choices name="label" toName="text" choice="single"><Choice value="a"/><Choice value="b"/>'
    '</Choices><TextArea name="missing" toName="text"/></View>'
)


class Script:
    """Asks, and writes down status, kind and the chosen part of each answer."""

    def __init__(self, client):
        self.client = client
        self.record = {}

    def ask(self, name, method, path, choose=None, *, json=None, **params):
        answer = self.client.request(method, path, params=params, json=json)
        kind = answer.headers.get("content-type", "").split(";")[0]
        body = answer.json() if kind == "application/json" and answer.content else None
        chosen = choose(body) if choose and body is not None else None
        self.record[name] = [answer.status_code, kind, chosen]
        return body

    def rank(self, ids):
        """Ids differ between servers; their order does not."""
        return [sorted(ids).index(i) for i in ids]


def choice(label, **more):
    value = {"choices": [label]}
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": value}
    return {**region, **more}


def fields(*names):
    return lambda body: {name: body.get(name, "(absent)") for name in names}


def refusal(body):
    return {"detail": body["detail"], "errors": sorted(body.get("validation_errors", {}))}


def run(client):
    s = Script(client)
    s.ask("version", "GET", "/api/version", fields("release", "edition"))
    s.ask("who am I", "GET", "/api/current-user/whoami", fields("email"))
    s.ask("title too short", "POST", "/api/projects/", refusal, json={"title": "ab"})
    project = {"title": "contract", "description": "al-loop:contract"}
    new = fields("title", "description", "model_version", "maximum_annotations", "label_config")
    pid = s.ask("create project", "POST", "/api/projects/", new, json=project)["id"]
    here = f"/api/projects/{pid}"
    page(s, here)
    tasks = imports(s, here, pid)
    look_ups(s, pid, tasks)
    predictions(s, here, pid, tasks)
    people(s, tasks)
    snapshots(s, here, pid)
    deletions(s, pid, tasks)
    removals(s, here, pid, tasks)
    s.ask("gone project", "GET", "/api/projects/987654/", refusal)
    s.ask("import into a gone project", "POST", "/api/projects/987654/import", json=[{"data": {}}])
    s.ask("gone project's tasks", "GET", "/api/tasks/", refusal, project=987654)
    s.ask("gone project's export", "POST", "/api/projects/987654/exports/", refusal, json={})
    s.client.delete(f"{here}/")
    return s.record


def page(s, here):
    s.ask("bad XML", "PATCH", f"{here}/", lambda b: None, json={"label_config": "<View>"})
    empty = CONFIG.replace('<Choice value="a"/><Choice value="b"/>', "")
    s.ask("no choice", "PATCH", f"{here}/", lambda b: None, json={"label_config": empty})
    s.ask("page", "PATCH", f"{here}/", fields("label_config"), json={"label_config": CONFIG})
    html = '<!-- x --><div class="al-loop-1"><p><b>a &amp; "b"</b></p></div>'
    said = fields("expert_instruction")
    s.ask("instructions", "PATCH", f"{here}/", said, json={"expert_instruction": html})
    some = {"include": "title,model_version"}
    s.ask("some fields", "GET", f"{here}/", lambda b: b, **some)


def imports(s, here, pid):
    s.ask("nothing to import", "POST", f"{here}/import", refusal, json=[])
    s.ask(
        "a variable is missing", "POST", f"{here}/import", refusal, json=[{"data": {"text": "t"}}]
    )
    rows = [
        {
            "data": {"text": f"t{i}", "context": "", "al_id": f"k{i}:0", "id": f"k{i}"},
            "predictions": [{"model_version": "m1", "score": 0.4, "result": [choice("a")]}],
        }
        for i in range(4)
    ]
    del rows[3]["predictions"]
    counted = lambda b: [b["task_count"], b["prediction_count"], s.rank(b["task_ids"])]  # noqa: E731
    tasks = s.ask("import", "POST", f"{here}/import", counted, json=rows, return_task_ids=True)
    by_hand = [{"data": {"text": "by hand", "context": ""}}]
    s.ask("import by hand", "POST", f"{here}/import", json=by_hand)
    s.ask("first model_version", "GET", f"{here}/", fields("model_version"))
    return tasks["task_ids"]


def listed(s, name, pid, items, conjunction="and", include="id,data,overlap", **more):
    query = {"filters": {"conjunction": conjunction, "items": items}, "ordering": ["tasks:id"]}
    shown = lambda b: [b["total"], [{k: v for k, v in t.items() if k != "id"} for t in b["tasks"]]]  # noqa: E731
    options = {"page": 1, "page_size": 100, "fields": "task_only", "include": include, **more}
    s.ask(name, "GET", "/api/tasks/", shown, project=pid, query=json.dumps(query), **options)


def keyed(*keys):
    name = "filter:tasks:data.al_id"
    return {"filter": name, "operator": "in_list", "type": "List", "value": list(keys)}


def greater(name, value):
    return {
        "filter": f"filter:tasks:{name}",
        "operator": "greater",
        "type": "Number",
        "value": value,
    }


OURS = {"filter": "filter:tasks:data.al_id", "operator": "empty", "type": "String", "value": False}


def look_ups(s, pid, tasks):
    listed(s, "by key", pid, [keyed("k0:0", "k2:0", "k9:0")])
    listed(s, "after an id", pid, [greater("id", tasks[1])])
    listed(s, "by key after an id", pid, [keyed("k0:0", "k2:0"), greater("id", tasks[0])])
    listed(s, "with a key", pid, [OURS], include="id")
    listed(s, "one of many", pid, [], page_size=1)
    s.ask("page after the last", "GET", "/api/tasks/", refusal, project=pid, page=9)


def by_model(version):
    name = "filter:tasks:predictions_model_versions"
    return {"filter": name, "operator": "contains", "type": "List", "value": [version]}


def predictions(s, here, pid, tasks):
    prediction = {"model_version": "m2", "score": 0.5, "result": [choice("b")]}
    made = fields("model_version", "score", "result")
    s.ask(
        "one prediction", "POST", "/api/predictions/", made, json={"task": tasks[0], **prediction}
    )
    more = [{"task": tasks[1], **prediction}]
    s.ask("predictions", "POST", f"{here}/import/predictions", lambda b: b, json=more)
    listed(s, "by model", pid, [by_model("m2")])
    listed(s, "by key and model", pid, [keyed("k1:0", "k2:0"), by_model("m2")])
    s.ask("versions", "GET", f"{here}/model-versions/", lambda b: b)
    s.ask("unknown version", "PATCH", f"{here}/", refusal, json={"model_version": "m9"})
    moved = fields("model_version")
    s.ask("known version", "PATCH", f"{here}/", moved, json={"model_version": "m2"})
    s.ask("overlap", "PATCH", f"/api/tasks/{tasks[0]}/", fields("overlap"), json={"overlap": 2})


def people(s, tasks):
    told = fields("completed_by", "result", "was_cancelled", "ground_truth", "lead_time")
    answers = {
        "answer": (0, {"result": [choice("a", id="r1", origin="manual")], "lead_time": 2.5}),
        "skip": (1, {"result": [choice("a", id="r2", origin="prediction")], "was_cancelled": True}),
        "empty": (2, {"result": []}),
    }
    for name, (task, body) in answers.items():
        s.ask(name, "POST", f"/api/tasks/{tasks[task]}/annotations/", told, json=body)
    wrong = {"result": {"not": "a list"}}
    s.ask("no list", "POST", f"/api/tasks/{tasks[3]}/annotations/", lambda b: None, json=wrong)
    draft = {"result": [choice("a", id="r3")], "lead_time": 1}
    s.ask("draft", "POST", f"/api/tasks/{tasks[3]}/drafts", json=draft)
    pid = s.client.get(f"/api/tasks/{tasks[0]}/").json()["project"]
    counts = "id,total_annotations,cancelled_annotations,drafts"
    listed(s, "drafts are not listed", pid, [keyed("k3:0")], include=counts)
    number = lambda b: [len(t["drafts"]) for t in b["tasks"]]  # noqa: E731
    query = json.dumps({"filters": {"conjunction": "and", "items": [keyed("k3:0")]}})
    all_fields = {"project": pid, "query": query, "fields": "all", "include": counts}
    s.ask("drafts are in all fields", "GET", "/api/tasks/", number, **all_fields)
    done = [greater("total_annotations", 0), greater("cancelled_annotations", 0)]
    listed(s, "annotated or skipped", pid, done, "or", include="id")


def snapshots(s, here, pid):
    done = [greater("total_annotations", 0), greater("cancelled_annotations", 0)]
    view = {"title": "v", "filters": {"conjunction": "or", "items": done}}
    made = s.ask(
        "view", "POST", "/api/dm/views/", fields("data"), json={"project": pid, "data": view}
    )
    s.ask("views", "GET", "/api/dm/views/", lambda b: [v["data"] for v in b], project=pid)
    body = {
        "title": "al-loop x",
        "task_filter_options": {"view": made["id"]},
        "annotation_filter_options": {"usual": True, "skipped": True, "ground_truth": True},
        "serialization_options": {"annotations__completed_by": {"only_id": False}},
    }
    state = lambda b: [b["title"], b["status"], b["counters"], len(b["md5"])]  # noqa: E731
    eid = s.ask("snapshot", "POST", f"{here}/exports/", state, json=body)["id"]
    s.ask("one snapshot", "GET", f"{here}/exports/{eid}", state)
    s.ask("all snapshots", "GET", f"{here}/exports/", lambda b: [state(e) for e in b])
    s.ask("download", "GET", f"{here}/exports/{eid}/download", rows, exportType="JSON")
    s.ask("delete snapshot", "DELETE", f"{here}/exports/{eid}")
    s.ask("delete it again", "DELETE", f"{here}/exports/{eid}")


def removals(s, here, pid, tasks):
    """Which choices may go, and how a suggestion is taken back."""
    with_c = CONFIG.replace('<Choice value="b"/>', '<Header value="h"/><Choice value="c"/>')
    hidden = '<View style="display:none"><Choice value="c"/></View>'
    pages = {
        "all choices": with_c.replace('value="c"', 'value="b"'),
        "without an unused choice": with_c.replace('<Choice value="c"/>', ""),
        "without a used choice": with_c.replace('<Choice value="a"/>', ""),
        "with an unseen choice": with_c.replace('<Choice value="c"/>', hidden),
    }
    here_too = {"label_config": with_c.replace("</Choices>", '<Choice value="b"/></Choices>')}
    s.ask("a page with a heading", "PATCH", f"{here}/", lambda b: None, json=here_too)
    draft = {"result": [choice("b", id="r4")], "lead_time": 1}

    def validate(name, page):
        s.ask(name, "POST", f"{here}/validate/", refused, json={"label_config": page})

    for name, page in pages.items():
        validate(name, page)
    s.ask("another draft", "POST", f"/api/tasks/{tasks[1]}/drafts", json=draft)
    validate("without a choice of a draft", pages["without an unused choice"])
    validate("no page", "")
    s.ask("page of no project", "POST", "/api/projects/987654/validate/", refusal, json=pages)
    named = {"operator": "contains", "type": "String", "value": '"a"'}
    listed(s, "by suggestion", pid, [{"filter": "filter:tasks:predictions_results", **named}])
    waits = {"operator": "empty", "type": "Datetime", "value": True}
    listed(s, "not completed", pid, [{"filter": "filter:tasks:completed_at", **waits}])
    number = s.client.get(f"/api/tasks/{tasks[1]}/").json()["predictions"][0]["id"]
    s.ask("delete suggestion", "DELETE", f"/api/predictions/{number}/")
    s.ask("delete it twice", "DELETE", f"/api/predictions/{number}/", refusal)


def refused(body):
    errors = body.get("validation_errors", {}).get("non_field_errors", [""])
    return [body.get("detail", "")[:16], errors[0].partition("\n")[0]]


def rows(body):
    told = ("completed_by", "result", "was_cancelled", "ground_truth", "lead_time")
    return [
        {
            "data": row["data"],
            "annotations": [
                {**{k: a[k] for k in told}, "by model": a["prediction"].get("model_version")}
                for a in row["annotations"]
            ],
        }
        for row in body
    ]


def deletions(s, pid, tasks):
    chosen = {"all": False, "included": [tasks[3], 987654]}
    body = {"project": pid, "selectedItems": chosen}
    count = fields("processed_items")
    action = {"id": "delete_tasks", "project": pid}
    s.ask("delete tasks", "POST", "/api/dm/actions", count, json=body, **action)
    s.ask("delete them again", "POST", "/api/dm/actions", count, json=body, **action)
    s.ask("gone task", "GET", f"/api/tasks/{tasks[3]}/", refusal)


def compare(record):
    told = json.loads(json.dumps(record))
    if os.environ.get("AL_LOOP_RECORD"):
        GOLDEN.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    golden = json.loads(GOLDEN.read_text())
    assert list(told) == list(golden)
    different = {n: (told[n], answer) for n, answer in golden.items() if told[n] != answer}
    assert not different


def client_for(url, **more):
    headers = {"Authorization": f"Token {TOKEN}"}
    return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False, **more)


@pytest.mark.ls
def test_the_real_server_answers_as_recorded(ls):
    with client_for(ls.url) as client:
        compare(run(client))


def test_the_fake_answers_as_the_real_server_was_recorded(transport):
    with client_for("http://ls.test", transport=transport) as client:
        compare(run(client))
