"""Scripted annotators: what they decide, what the page sends, and a real server's view of it."""

import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest

from al_loop import people, server
from al_loop.errors import AuthError, ServerError
from al_loop.people import Choice, Missing, Offered, Person, Scripted, Skip, answer_all, each
from al_loop.people.page import build_result
from al_loop.people.person import Person as PersonClass

CLASSES = ("bug", "refund", "a & b")
REGION = {
    "id": "abc123",
    "from_name": "label",
    "to_name": "text",
    "type": "choices",
    "value": {"choices": ["bug"]},
}
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    + "".join(f'<Choice value="{name.replace("&", "&amp;")}"/>' for name in CLASSES)
    + '</Choices><TextArea name="missing" toName="text"/>'
    '<TextArea name="comment" toName="text"/></View>'
)


def offered(text="broken", suggestion="", task=7, **data):
    suggested = ({**REGION, "value": {"choices": [suggestion]}},) if suggestion else ()
    prediction = 99 if suggestion else None
    return Offered(task, f"{text}:0", text, data, CLASSES, suggestion, suggested, prediction)


def anyone(name="anna"):
    return SimpleNamespace(name=name, email=f"{name}@al-loop.local")


def test_a_scripted_annotator_gives_the_gold_label_by_text_item_or_id():
    script = Scripted({"broken": "bug", "item": "refund", "r17": "a & b"}, mistakes=0, skips=0)
    assert script(anyone(), offered("broken")).label == "bug"
    assert script(anyone(), offered("item")).label == "refund"
    assert script(anyone(), offered("other", id="r17")).label == "a & b"


def test_a_text_without_gold_label_is_skipped():
    assert isinstance(Scripted({}, mistakes=0, skips=0)(anyone(), offered()), Skip)


def test_mistakes_and_skips_come_in_about_the_shares_asked_for():
    gold = {f"text {i}": CLASSES[i % 3] for i in range(2000)}
    script = Scripted(gold, mistakes=0.1, skips=0.03)
    given = {text: script(anyone(), offered(text)) for text in gold}
    skipped = sum(isinstance(d, Skip) for d in given.values())
    wrong = [d.label for t, d in given.items() if isinstance(d, Choice) and d.label != gold[t]]
    assert 30 <= skipped <= 95
    assert 150 <= len(wrong) <= 250
    assert set(wrong) == set(CLASSES)


def test_a_decision_depends_on_seed_person_and_text_and_on_nothing_else():
    gold = {f"text {i}": "bug" for i in range(300)}
    script = Scripted(gold, mistakes=0.3, skips=0.2)

    def decisions(who, script, texts):
        return {text: script(anyone(who), offered(text, task=len(texts))) for text in texts}

    forwards = decisions("anna", script, list(gold))
    backwards = decisions("anna", script, list(gold)[::-1][:150])
    assert all(forwards[text] == backwards[text] for text in backwards)
    assert decisions("ben", script, list(gold)) != forwards
    assert decisions("anna", Scripted(gold, 0.3, 0.2, seed=1), list(gold)) != forwards


def test_a_candidate_is_ticked_by_those_only_who_mean_just_that():
    gold = {f"text {i}": ("bug", "outage", "group")[i % 3] for i in range(300)}
    script = Scripted(gold, mistakes=0.3, skips=0)
    said = {
        text: script(anyone(), replace(offered(text, "group"), candidates=("group",)))
        for text in gold
    }
    for text, label in gold.items():
        wrong = isinstance(said[text], Choice) and said[text].label in CLASSES
        if label == "outage":
            assert isinstance(said[text], Missing) or wrong
        elif label == "bug":
            assert wrong
        else:
            assert wrong or said[text].label == "group"


def test_a_class_that_the_page_does_not_offer_is_written_down():
    gold = {f"text {i}": "outage" for i in range(100)}
    script = Scripted(gold, mistakes=0, skips=0)
    given = [script(anyone(), offered(text, "bug")) for text in gold]
    assert {d.name for d in given} == {"outage"}
    assert {d.keep_suggestion for d in given} == {True, False}


def test_everybody_can_have_a_script_of_their_own():
    decide = each({"anna": Scripted({"broken": "bug"}, 0, 0), "ben": Scripted({}, 0, 0)})
    assert decide(anyone("anna"), offered()).label == "bug"
    assert isinstance(decide(anyone("ben"), offered()), Skip)


def test_an_accepted_suggestion_is_sent_unchanged_as_a_prediction():
    assert build_result("a@x", offered(suggestion="bug"), Choice("bug")) == [
        {**REGION, "origin": "prediction"}
    ]


def test_a_changed_suggestion_keeps_its_region_and_is_marked_as_changed():
    (region,) = build_result("a@x", offered(suggestion="bug"), Choice("refund"))
    assert (region["id"], region["origin"]) == ("abc123", "prediction-changed")
    assert region["value"] == {"choices": ["refund"]}


def test_an_answer_without_suggestion_is_manual():
    (region,) = build_result("a@x", offered(), Choice("refund"))
    assert region["origin"] == "manual"
    assert {**region, "id": ""} == {
        **REGION,
        "id": "",
        "value": {"choices": ["refund"]},
        "origin": "manual",
    }


def test_a_skip_carries_the_suggestion_as_the_page_does():
    assert build_result("a@x", offered(suggestion="bug"), Skip()) == [
        {**REGION, "origin": "prediction"}
    ]
    assert build_result("a@x", offered(), Skip()) == []


def test_a_missing_class_is_a_text_beside_the_untouched_suggestion_or_alone():
    kept = build_result("a@x", offered(suggestion="bug"), Missing("outage", keep_suggestion=True))
    assert [r["from_name"] for r in kept] == ["label", "missing"]
    assert kept[0]["origin"] == "prediction"
    alone = build_result("a@x", offered(suggestion="bug"), Missing("outage", comment="new?"))
    assert [(r["from_name"], r["value"]) for r in alone] == [
        ("missing", {"text": ["outage"]}),
        ("comment", {"text": ["new?"]}),
    ]


def person(handler, name="anna"):
    client = httpx.Client(base_url="http://ls", transport=httpx.MockTransport(handler))
    return PersonClass(name, f"{name}@al-loop.local", client)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("al_loop.people.person.time.sleep", lambda _: None)


def test_an_answer_whose_reply_was_lost_is_sent_again_under_the_same_id(impatient):
    sent = []

    def handler(request):
        sent.append(json.loads(request.content)["unique_id"])
        if len(sent) == 1:
            raise httpx.RemoteProtocolError("server disconnected")
        return httpx.Response(500 if len(sent) == 2 else 409)

    person(handler).submit(3, offered(), Choice("bug"))
    assert len(sent) == 3
    assert len(set(sent)) == 1


@pytest.mark.parametrize(("status", "calls"), [(500, 4), (400, 1), (401, 1)])
def test_an_answer_that_is_refused_is_an_error_without_the_servers_text(impatient, status, calls):
    seen = []

    def handler(request):
        seen.append(request)
        return httpx.Response(status, text="private text of a task")

    with pytest.raises(ServerError, match=f"status {status}") as caught:
        person(handler).submit(3, offered(), Choice("bug"))
    assert len(seen) == calls
    assert "private" not in caught.value.message


def test_no_task_left_and_no_project_are_told_apart():
    def says(detail):
        return person(lambda _: httpx.Response(404, json={"detail": detail}))

    assert says("There are no tasks for anna@al-loop.local").next_task(3, CLASSES) is None
    with pytest.raises(ServerError, match="project 3 is not there"):
        says("No Project matches the given query.").next_task(3, CLASSES)


def test_when_one_call_fails_for_good_the_others_stop_too(impatient):
    asked = Counter()

    def handler_of(name):
        def handler(request):
            asked[name] += 1
            if request.url.path.endswith("/next"):
                data = {"text": "t", "al_id": "t:0"}
                return httpx.Response(200, json={"id": 1, "data": data, "predictions": []})
            if request.method == "POST":
                return httpx.Response(201 if name == "anna" else 400)
            return httpx.Response(200, json={"label_config": "<View/>"})

        return handler

    crowd = [person(handler_of(name), name) for name in ("anna", "ben")]
    with pytest.raises(ServerError, match=r"ben@al-loop\.local"):
        answer_all(crowd, 3, lambda *_: Choice("bug"))  # anna alone would never come to an end
    assert asked["ben"] == 3


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The server of test_server_real: whoever comes second starts on the same data."""
    folder = tmp_path_factory.getbasetemp() / "real" / ".al-loop" / "server"
    yield server.start(folder, timeout=600)
    server.stop(folder)


@pytest.fixture
def api(real):
    headers = {"Authorization": f"Token {real.key().value}"}
    with httpx.Client(base_url=real.url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def make_project(api, texts):
    """Push texts, every second one with "bug" as the suggestion of a model."""
    values = {"title": "people", "label_config": CONFIG}
    project = api.post("/api/projects", json=values).json()["id"]
    guess = [{"model_version": "r1", "score": 0.5, "result": [REGION]}]
    tasks = [
        {
            "data": {"text": text, "al_id": f"i{n}:0", "id": f"r{n}", "context": ""},
            "predictions": guess if n % 2 else [],
        }
        for n, text in enumerate(texts)
    ]
    assert api.post(f"/api/projects/{project}/import", json=tasks).status_code == 201
    return project


def exported(api, project):
    return api.get(f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true").json()


@pytest.mark.ls
def test_two_people_answer_every_task_of_a_real_project_as_their_scripts_say(real, api):
    gold = {f"text {n}": ("bug", "refund", "a & b", "outage")[n % 8 // 2] for n in range(24)}
    project = make_project(api, gold)
    script = Scripted(gold, mistakes=0.2, skips=0.1, seed=3)
    crowd, counted = people.join_local(real, ["anna", "ben"]), []
    answers = answer_all(crowd, project, script, progress=counted.append)
    assert counted == list(range(1, answers + 1))
    names = {p.client.get("/api/current-user/whoami").json()["id"]: p for p in crowd}
    origins, kinds = Counter(), Counter()
    for task in exported(api, project):
        votes = [a for a in task["annotations"] if not a["was_cancelled"]]
        assert task["annotations"]
        assert len(votes) <= 1
        for annotation in task["annotations"]:
            who = names[annotation["completed_by"]]
            shown = offered(task["data"]["text"], "bug" if annotation["parent_prediction"] else "")
            decision = script(who, shown)
            kinds[type(decision).__name__] += 1
            assert annotation["was_cancelled"] == isinstance(decision, Skip)
            assert annotation["lead_time"] == decision.seconds
            found = [(r["from_name"], r["value"]) for r in annotation["result"]]
            wanted = build_result(who.email, shown, decision)
            assert found == [(r["from_name"], r["value"]) for r in wanted]
            origins.update(r["origin"] for r in annotation["result"])
    assert set(origins) == {"prediction", "prediction-changed", "manual"}
    assert set(kinds) == {"Choice", "Missing", "Skip"}
    for one in crowd:
        one.close()


@pytest.mark.ls
def test_submitting_twice_makes_one_annotation(real, api):
    project = make_project(api, ["only one"])
    (anna,) = people.join_local(real, ["anna"])
    task = anna.next_task(project, anna.classes(project))
    assert (task.item_id, task.text, task.data["id"]) == ("i0", "only one", "r0")
    anna.submit(project, task, Choice("bug"))
    anna.submit(project, task, Choice("refund"))
    (kept,) = exported(api, project)
    assert len(kept["annotations"]) == 1
    assert anna.next_task(project, CLASSES) is None
    anna.close()


@pytest.mark.ls
def test_the_classes_are_those_of_the_live_page(real, api):
    project = make_project(api, ["x"])
    (anna,) = people.join_local(real, ["anna"])
    assert anna.classes(project) == CLASSES
    more = CONFIG.replace(
        "</Choices>",
        '<Choice value="new"/><Header value="new? to be confirmed"/><Choice value="group"/>'
        '<View style="display:none"><Choice value="old"/></View></Choices>',
    )
    assert api.patch(f"/api/projects/{project}", json={"label_config": more}).status_code == 200
    assert anna.page(project) == ((*CLASSES, "new"), ("group",))
    assert anna.classes(project) == (*CLASSES, "new")
    anna.close()


@pytest.mark.ls
def test_somebody_else_does_not_get_into_a_persons_account(real):
    for one in people.join_local(real, ["anna"]):
        one.close()
    with pytest.raises(AuthError, match=r"anna@al-loop\.local"):
        Person.join(server.invite_link(real), "anna", "not-her-password")
