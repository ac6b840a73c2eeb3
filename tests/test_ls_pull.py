"""Pull: all answers there are, or an error and nothing."""

import datetime as dt

import httpx
import pytest

from al_loop.errors import InputError, ServerError, StateError
from al_loop.types import ProjectRef
from tests.ls_helpers import (
    PROJECT,
    adapter,
    annotate,
    choice,
    keys,
    pull_request,
    push_request,
    typed,
)


@pytest.fixture
def labeled(fake, transport):
    """Five tasks: an answer, a skip that carries the model's label, an empty answer, a draft."""
    adapter(transport).push(push_request(5))
    annotate(fake, "i0:0", "refund")
    skipped = [choice("bug", origin="prediction")]
    annotate(fake, "i1:0", was_cancelled=True, result=skipped, user=3)
    annotate(fake, "i2:0")
    fake.store.draft(4, {"result": [choice("bug")]})
    return fake


def by_key(pulled):
    return {answer.key: answer for answer in pulled.answers}


def test_answers_skips_and_empty_ones_come_and_drafts_do_not(labeled, transport):
    pulled = adapter(transport).pull(pull_request(5))
    kinds = {key: answer.kind for key, answer in by_key(pulled).items()}
    assert kinds == {"i0:0": "label", "i1:0": "skip", "i2:0": "empty"}
    assert by_key(pulled)["i0:0"].labels == ("refund",)
    assert pulled.annotated == 3
    assert pulled.task_ids == {"i0:0": 1, "i1:0": 2, "i2:0": 3}


def test_a_skip_never_carries_the_label_that_the_page_sent_along(labeled, transport):
    skip = by_key(adapter(transport).pull(pull_request(5)))["i1:0"]
    assert (skip.kind, skip.labels) == ("skip", ())


def users_are(status, body):
    """A fault: the list of users is answered so."""

    def fault(request, send):
        if request.url.path == "/api/users/":
            return httpx.Response(status, json=body, request=request)
        return None

    return fault


def annotators(transport):
    answers = by_key(adapter(transport).pull(pull_request(5)))
    return [answers[key].annotator for key in keys(3)]


@pytest.mark.parametrize("numbers_only", [0, 9])
def test_annotators_have_the_names_of_their_accounts(labeled, transport, numbers_only):
    labeled.knobs.numbers_only = numbers_only
    assert annotators(transport) == ["ann@example.com", "bob@example.com", "ann@example.com"]


@pytest.mark.parametrize(
    ("status", "body"), [(403, {"detail": "no"}), (404, {}), (200, []), (200, {"results": []})]
)
def test_annotators_keep_their_names_whatever_the_list_of_users_says(
    labeled, transport, status, body
):
    """Another name than at the last pull would count as an edit of every answer."""
    transport.faults.append(users_are(status, body))
    assert annotators(transport) == ["ann@example.com", "bob@example.com", "ann@example.com"]


def test_somebody_who_left_keeps_the_name(labeled, transport):
    labeled.store.left[2] = labeled.store.users.pop(2)
    assert annotators(transport)[0] == "ann@example.com"


def test_a_deleted_account_is_nobody(labeled, transport):
    del labeled.store.users[2]
    assert annotators(transport)[0] == "unknown"


def test_without_names_in_the_snapshot_the_list_of_users_has_them_or_numbers_do(labeled, transport):
    labeled.knobs.numbers_only = 9
    labeled.store.left[2] = labeled.store.users.pop(2)
    assert annotators(transport) == ["2", "bob@example.com", "2"]
    transport.faults.append(users_are(403, {"detail": "no"}))
    assert annotators(transport) == ["2", "3", "2"]


@pytest.mark.parametrize("body", [[], {"results": []}, {}, "users"])
def test_an_empty_list_of_users_is_asked_for_again_and_then_an_error(labeled, transport, body):
    labeled.knobs.numbers_only = 9
    asked = []
    transport.faults += [lambda r, send: asked.append(r.url.path), users_are(200, body)]
    with pytest.raises(ServerError, match="list of users"):
        adapter(transport).pull(pull_request(5))
    assert asked.count("/api/users/") == 5


def test_times_origin_and_model_are_kept(labeled, transport):
    answer = by_key(adapter(transport).pull(pull_request(5)))["i0:0"]
    assert (answer.lead_time, answer.origin, answer.model_version) == (2.0, "manual", "m1")
    assert answer.created_at <= answer.updated_at


def test_an_edit_and_a_deletion_show_at_the_next_pull(labeled, transport):
    ls = adapter(transport)
    before = by_key(ls.pull(pull_request(5)))
    number = before["i0:0"].annotation_id
    labeled.handle(
        "PATCH",
        f"/api/annotations/{number}/",
        {},
        {"authorization": "Token 0123456789abcdef0123456789abcdef01234567"},
        b'{"result": [{"from_name": "label", "to_name": "text", "type": "choices",'
        b' "value": {"choices": ["bug"]}}]}',
    )
    del labeled.store.annotations[before["i2:0"].annotation_id]
    after = by_key(ls.pull(pull_request(5)))
    assert after["i0:0"].labels == ("bug",)
    assert after["i0:0"].updated_at > before["i0:0"].updated_at
    assert "i2:0" not in after


def test_what_was_typed_comes_along(labeled, transport):
    words = [typed("missing", "shipping"), typed("comment", "hm")]
    annotate(labeled, "i4:0", result=words)
    answer = by_key(adapter(transport).pull(pull_request(5)))["i4:0"]
    assert (answer.kind, answer.labels, answer.missing, answer.comment) == (
        "label",
        (),
        "shipping",
        "hm",
    )


def test_starred_answers_come_too(labeled, transport):
    annotate(labeled, "i4:0", "bug", ground_truth=True)
    assert "i4:0" in by_key(adapter(transport).pull(pull_request(5)))


def test_tasks_made_by_hand_are_ignored_and_mentioned(labeled, transport):
    answer = labeled.store.import_tasks(1, [{"data": {"text": "x", "context": ""}}])
    labeled.store.annotate(answer["task_ids"][0], {"result": [choice("bug")]})
    pulled = adapter(transport).pull(pull_request(5))
    assert len(pulled.answers) == 3
    assert "1 answered tasks were not made by al-loop" in " ".join(pulled.notes)


def test_the_snapshot_is_deleted_and_the_view_is_kept(labeled, transport):
    for _ in range(3):
        adapter(transport).pull(pull_request(5))
    assert not labeled.store.exports
    assert titles(labeled) == ["Default", "al-loop: answered"]


def titles(fake):
    return [view["data"]["title"] for view in fake.store.views.values()]


def test_people_never_land_in_our_view_where_nothing_is_left_to_do(labeled, transport):
    """The labeling page serves the tasks of the first view; ours holds answered ones only."""
    adapter(transport).pull(pull_request(5))
    first = next(iter(labeled.store.views))
    del labeled.store.views[first]  # somebody closed the other tab
    assert titles(labeled) == ["al-loop: answered"]
    adapter(transport).pull(pull_request(5))
    assert titles(labeled) == ["Default", "al-loop: answered"]


def test_views_that_people_made_stay_first(labeled, transport):
    labeled.store.views[77] = {"id": 77, "project": 1, "data": {"title": "mine"}}
    adapter(transport).pull(pull_request(5))
    assert titles(labeled) == ["mine", "al-loop: answered"]


def test_a_view_that_somebody_changed_is_not_used(labeled, transport):
    adapter(transport).pull(pull_request(5))
    labeled.store.views[2]["data"]["filters"] = {
        "conjunction": "and",
        "items": [
            {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": 99}
        ],
    }
    assert len(adapter(transport).pull(pull_request(5)).answers) == 3


def test_our_old_snapshots_go_and_others_stay(labeled, transport):
    old = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)).isoformat()
    titles = {"al-loop 1234": old, "al-loop young": None, "al-loopy": old, "mine": old}
    for title, created in titles.items():
        made = labeled.store.snapshot(1, {"title": title})
        made["created_at"] = created or made["created_at"]
    adapter(transport).pull(pull_request(5))
    left = {e["title"] for e in labeled.store.exports.values()}
    assert left == {"al-loop young", "al-loopy", "mine"}


# too little


def test_a_deleted_task_stops_the_pull(labeled, transport):
    labeled.store.delete_tasks([4, 5])
    with pytest.raises(StateError, match="2 of 5 tasks are gone") as caught:
        adapter(transport).pull(pull_request(5))
    assert "--allow-shrink" in caught.value.hint


def test_allow_shrink_reports_the_keys_that_are_gone(labeled, transport):
    labeled.store.delete_tasks([4, 5])
    pulled = adapter(transport).pull(pull_request(5, allow_shrink=True))
    assert pulled.gone == ("i3:0", "i4:0")
    assert len(pulled.answers) == 3


def test_tasks_made_by_hand_do_not_hide_that_others_are_gone(labeled, transport):
    labeled.store.delete_tasks([4])
    labeled.store.import_tasks(1, [{"data": {"text": "x", "context": ""}}] * 3)
    with pytest.raises(StateError, match="1 of 5"):
        adapter(transport).pull(pull_request(5))


def test_far_fewer_annotated_tasks_than_before_stop_the_pull(labeled, transport):
    with pytest.raises(StateError, match="only 3 tasks have answers, 4 had"):
        adapter(transport).pull(pull_request(5, annotated_before=4))
    assert adapter(transport).pull(pull_request(5, annotated_before=3)).annotated == 3
    request = pull_request(5, annotated_before=400, allow_shrink=True)
    assert adapter(transport).pull(request).annotated == 3


def test_a_pull_before_any_push_says_what_to_type(transport):
    with pytest.raises(InputError, match="nothing was pushed") as caught:
        adapter(transport).pull(pull_request(5))
    assert "al-loop round" in caught.value.hint


def test_a_deleted_project_is_named(labeled, transport):
    labeled.store.delete_project(1)
    ref = ProjectRef(1, PROJECT.marker, "t", remote_id=1)
    with pytest.raises(InputError, match="project 1"):
        adapter(transport).pull(pull_request(5, project=ref))


# broken


@pytest.mark.parametrize("knob", ["empty_snapshot", "short_snapshot", "wrong_md5"])
def test_a_snapshot_that_is_not_whole_is_refused(labeled, transport, knob):
    setattr(labeled.knobs, knob, 99)
    with pytest.raises(ServerError):
        adapter(transport).pull(pull_request(5))


def test_a_snapshot_that_fails_is_made_again(labeled, transport):
    labeled.knobs.fail_snapshot = 2
    assert len(adapter(transport).pull(pull_request(5)).answers) == 3
    assert not labeled.store.exports


def test_a_download_that_breaks_once_is_repeated(labeled, transport):
    labeled.knobs.empty_snapshot = 1
    assert len(adapter(transport).pull(pull_request(5)).answers) == 3


@pytest.mark.parametrize("knob", ["lying_total", "empty_page", "repeat_page"])
def test_a_listing_that_contradicts_itself_is_refused(labeled, transport, knob):
    setattr(labeled.knobs, knob, 999)
    labeled.store.delete_tasks([5])
    with pytest.raises((ServerError, StateError)):
        adapter(transport).pull(pull_request(5, sweep=keys(5)))


def test_an_annotation_without_a_needed_field_is_an_error_that_names_it(labeled, transport):
    del labeled.store.annotations[1]["updated_at"]
    with pytest.raises(ServerError, match="updated_at"):
        adapter(transport).pull(pull_request(5))
