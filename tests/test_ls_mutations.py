"""The harness proves itself: with a safeguard taken out, its scenario must fail.

Each case breaks the adapter in one way and shows that the invariant which the other tests
check does not hold any more. A case that still passes means that a test proves nothing.
"""

import time
from dataclasses import replace

import pytest

from al_loop.annotators.label_studio import client as client_module
from al_loop.annotators.label_studio import parse, project, pull, snapshot, tasks
from al_loop.annotators.label_studio import push as push_module
from al_loop.annotators.label_studio.client import Api
from al_loop.annotators.label_studio.faults import Lost
from al_loop.errors import AlLoopError
from tests.ls_helpers import (
    PROJECT,
    adapter,
    annotate,
    choice,
    keys,
    once_each,
    pull_request,
    push_request,
)
from tests.test_ls_network import client, hits

# Mutations: each takes a safeguard out.


def retries_of_the_sdk(monkeypatch):
    monkeypatch.setattr(client_module, "SDK_RETRIES", 2)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def no_read_back(monkeypatch):
    def trust(self, keys):
        for _ in range(5):
            try:
                return dict(zip(keys, self._send(keys)["task_ids"], strict=True)), True
            except Lost:
                continue
        raise AssertionError

    monkeypatch.setattr(push_module.Push, "_import", trust)
    monkeypatch.setattr(push_module.tasks, "count", lambda *args: next(counts))
    counts = iter([0, 5, 0, 5])


def no_count_after_the_import(monkeypatch):
    grown = iter([0, 5])
    monkeypatch.setattr(push_module.tasks, "count", lambda *args: next(grown))


def no_filter_for_skips(monkeypatch):
    judge = parse._judge
    monkeypatch.setattr(
        parse, "_judge", lambda raw, controls: judge({**raw, "was_cancelled": False}, controls)
    )


def no_sweep_before_a_pull(monkeypatch):
    monkeypatch.setattr(pull, "_sweep", lambda api, request, remote: tasks.Swept({}))


def drafts_are_no_work(monkeypatch):
    work = tasks.work_on
    monkeypatch.setattr(tasks, "work_on", lambda task: work({**task, "drafts": []}))
    monkeypatch.setattr(tasks, "UNTOUCHED", tasks.UNTOUCHED[:1])


def no_md5(monkeypatch):
    def download(api, project, snapshot):
        path = f"api/projects/{project}/exports/{snapshot['id']}/download"
        return api.get(path, {"exportType": "JSON"}, raw=True)

    monkeypatch.setattr(snapshot, "_download", download)


def no_count_of_the_answered(monkeypatch):
    monkeypatch.setattr(snapshot, "_answered", lambda api, project: 0)


def no_deadline(monkeypatch):
    monkeypatch.setattr(client_module, "_within", lambda seconds, call: call())
    ask = Api._ask
    monkeypatch.setattr(
        Api,
        "_ask",
        lambda self, method, path, params, body, seconds: ask(self, method, path, params, body, 9),
    )


def a_number_is_proof(monkeypatch):
    monkeypatch.setattr(project, "_owner", lambda description: PROJECT.marker)


def no_count_of_duplicates(monkeypatch):
    monkeypatch.setattr(pull, "_surplus", lambda request, swept, rows: 0)


def names_from_the_list_of_users(monkeypatch):
    def named(raw, names):
        number = raw["completed_by"]["id"]
        return names.get(number, str(number))

    monkeypatch.setattr(parse, "lacks_address", lambda task: True)
    monkeypatch.setattr(parse, "_annotator", named)


# Scenarios: each holds as long as the adapter is whole.


def lost_answer(fake, transport, proxied):
    """Without the sweep: it would repair what a second request did."""
    proxied.plan.add(hits("import"), "close_after")
    client(proxied.url).push(push_request(5, delete_duplicates=False))
    assert once_each(fake, 5)


def locked_database(fake, transport, proxied):
    fake.knobs.duplicate_on_lock = 1
    adapter(transport).push(push_request(5))
    assert once_each(fake, 5)


def skip_with_a_label(fake, transport, proxied):
    adapter(transport).push(push_request(2))
    annotate(fake, "i0:0", result=[choice("bug", origin="prediction")], was_cancelled=True)
    (answer,) = adapter(transport).pull(pull_request(2)).answers
    assert (answer.kind, answer.labels) == ("skip", ())


def late_request(fake, transport, proxied):
    fake.knobs.late_commit = 1
    adapter(transport).push(push_request(4))
    fake.land()
    adapter(transport).pull(pull_request(4, sweep=keys(4)))
    assert once_each(fake, 4)


def draft_on_a_duplicate(fake, transport, proxied):
    pushed = adapter(transport).push(push_request(2))
    copy = fake.store.import_tasks(pushed.remote_id, [{"data": fake.store.tasks[1]["data"]}])
    (newer,) = copy["task_ids"]
    fake.store.draft(newer, {"result": [choice("bug")]})
    adapter(transport).push(push_request(2))
    assert newer in fake.store.tasks


def refused(call):
    """Whether a call ends with one of our errors."""
    try:
        call()
    except AlLoopError:
        return True
    return False


def broken_download(fake, transport, proxied):
    adapter(transport).push(push_request(2))
    annotate(fake, "i0:0", "bug")
    fake.knobs.wrong_md5 = 99
    assert refused(lambda: adapter(transport).pull(pull_request(2)))


def short_snapshot(fake, transport, proxied):
    adapter(transport).push(push_request(2))
    annotate(fake, "i0:0", "bug")
    fake.knobs.short_snapshot = 99
    assert refused(lambda: adapter(transport).pull(pull_request(2)))


def drip_feed(fake, transport, proxied):
    client(proxied.url).push(push_request(2))
    proxied.plan.add(hits("look up"), "drip", times=99, pieces=20, secs=0.05)
    assert refused(lambda: client(proxied.url, timeout=0.3).pull(pull_request(2)))


def strange_server(fake, transport, proxied):
    fake.store.create_project({"title": "theirs"})
    ours = replace(PROJECT, remote_id=1)
    assert refused(lambda: adapter(transport).push(push_request(2, project=ours)))


def masked_loss(fake, transport, proxied):
    pushed = adapter(transport).push(push_request(2))
    rows = [{"data": dict(fake.store.tasks[1]["data"])}]
    for task_id in (1, *fake.store.import_tasks(pushed.remote_id, rows)["task_ids"]):
        fake.store.annotate(task_id, {"result": []})
    fake.store.delete_tasks([2])
    assert refused(lambda: adapter(transport).pull(pull_request(2)))


def person_who_left(fake, transport, proxied):
    adapter(transport).push(push_request(2))
    annotate(fake, "i0:0", "bug")
    fake.store.left[2] = fake.store.users.pop(2)
    (answer,) = adapter(transport).pull(pull_request(2)).answers
    assert answer.annotator == "ann@example.com"


CASES = [
    (retries_of_the_sdk, lost_answer),
    (no_read_back, lost_answer),
    (no_count_after_the_import, locked_database),
    (no_filter_for_skips, skip_with_a_label),
    (no_sweep_before_a_pull, late_request),
    (drafts_are_no_work, draft_on_a_duplicate),
    (no_md5, broken_download),
    (no_count_of_the_answered, short_snapshot),
    (no_deadline, drip_feed),
    (a_number_is_proof, strange_server),
    (no_count_of_duplicates, masked_loss),
    (names_from_the_list_of_users, person_who_left),
]
IDS = [f"{mutation.__name__}-{scenario.__name__}" for mutation, scenario in CASES]


@pytest.mark.parametrize(("mutation", "scenario"), CASES, ids=IDS)
def test_a_scenario_holds_and_fails_without_its_safeguard(
    fake, transport, proxied, monkeypatch, mutation, scenario
):
    mutation(monkeypatch)
    with pytest.raises(AssertionError):
        scenario(fake, transport, proxied)


@pytest.mark.parametrize("scenario", dict.fromkeys(s for _, s in CASES), ids=lambda s: s.__name__)
def test_every_scenario_holds_with_all_safeguards(fake, transport, proxied, scenario):
    scenario(fake, transport, proxied)
