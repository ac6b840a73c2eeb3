"""The export snapshot: the only complete and cheap way to read all answers.

The server writes a file with every annotated task, with its md5 and the number of tasks. It
is checked, read and deleted again. Listings of tasks are slower by far and can end early
without an error.
"""

import datetime as dt
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from al_loop import crash
from al_loop.annotators.label_studio import tasks
from al_loop.annotators.label_studio.client import TRIES, Api
from al_loop.annotators.label_studio.faults import Lost, Refused
from al_loop.errors import ServerError

_TITLE = "al-loop"
_VIEW = "al-loop: answered"
_ORPHAN_AGE = dt.timedelta(hours=1)
#: A snapshot may take so many times the time-out of one call: 100,000 answers take 2 minutes.
_PATIENCE = 10
_VIEW_CALLS = 3  # remove ours, make a plain one, make ours


def take(api: Api, project: int) -> tuple[list[dict[str, Any]], str]:
    """Return every task with an answer or a skip, and the md5 of the server's file.

    Raises:
        ServerError: it could not be made, or it is not complete.
    """
    _remove_orphans(api, project)
    filters = {"view": _view(api, project)}
    before = _answered(api, project)
    rows, digest = _fetch(api, project, filters)
    found = sum(1 for row in rows if row.get("annotations"))
    if found < before and found < _answered(api, project):
        raise _incomplete(f"{found} answered tasks where the project has {before}")
    return rows, digest


def take_all(api: Api, project: int) -> tuple[list[dict[str, Any]], str]:
    """Return every task, answered or not, and the md5; leaves nothing in the project.

    Raises:
        ServerError: it could not be made, or it is not complete.
    """
    _remove_orphans(api, project)
    before = tasks.count(api, project)
    rows, digest = _fetch(api, project, {})
    if len(rows) < before and len(rows) < tasks.count(api, project):
        raise _incomplete(f"{len(rows)} tasks where the project has {before}")
    return rows, digest


def _fetch(
    api: Api, project: int, filters: Mapping[str, object]
) -> tuple[list[dict[str, Any]], str]:
    snapshot = _create(api, project, filters)
    content = _download(api, project, snapshot)
    crash.point("C10 snapshot downloaded")
    _delete(api, project, snapshot["id"])
    return _rows(content, snapshot), str(snapshot["md5"])


def _answered(api: Api, project: int) -> int:
    return tasks.count(api, project, tasks.ANNOTATED, "or")


def _view(api: Api, project: int) -> int:
    """Return the saved filter that snapshots go through, made when there is none like it.

    The server's own option leaves out tasks that were only skipped. People land in the first
    view of a project, and in ours they would find nothing left to do: so a plain one comes
    before it, and ours is made anew when it has become the first.
    """
    wanted = {"conjunction": "or", "items": list(tasks.ANNOTATED)}
    everything = {"conjunction": "and", "items": []}
    for attempt in range(TRIES + _VIEW_CALLS):
        views = api.get("api/dm/views/", {"project": project}, _check_list)
        data = [view.get("data") or {} for view in views]
        ours = [v for v, d in zip(views, data, strict=True) if d.get("title") == _VIEW]
        fitting = [v for v in ours if v["data"].get("filters") == wanted]
        try:
            if ours and views[0] is ours[0]:
                api.put("DELETE", f"api/dm/views/{ours[0]['id']}/", None)
                crash.point("view removed")
            elif not views:
                _add_view(api, project, "Default", everything)
            elif not fitting:
                _add_view(api, project, _VIEW, wanted)
            else:
                return int(fitting[0]["id"])
        except Lost as lost:
            api.pause(attempt, lost.wait)
    raise api.unreachable("the view for the snapshot could not be made")


def _add_view(api: Api, project: int, title: str, filters: dict[str, Any]) -> None:
    body = {"project": project, "data": {"title": title, "filters": filters}}
    api.post("api/dm/views/", body)
    crash.point("view created")


def _create(api: Api, project: int, filters: Mapping[str, object]) -> dict[str, Any]:
    """Return a finished snapshot. Its title is unique, so that a lost answer is no loss."""
    title = f"{_TITLE} {uuid.uuid4().hex[:12]}"
    body = {
        "title": title,
        "task_filter_options": dict(filters),
        # Without ground_truth, starred answers come back without their annotations.
        "annotation_filter_options": {"usual": True, "skipped": True, "ground_truth": True},
        # The list of users leaves out those who left, and may be closed to our key.
        "serialization_options": {"annotations__completed_by": {"only_id": False}},
    }
    end = time.monotonic() + _PATIENCE * api.timeout
    for attempt in range(TRIES):
        try:
            made = api.post(f"api/projects/{project}/exports/", body)
            crash.point("C9 snapshot created")
        except Lost as lost:
            api.pause(attempt, lost.wait)
            made = _by_title(api, project, title)
        if isinstance(made, dict) and isinstance(made.get("id"), int):
            made = _finished(api, project, made, end)
            if made["status"] == "completed":
                return made
            _delete(api, project, made["id"])
    raise api.unreachable("the snapshot of the answers could not be made")


def _by_title(api: Api, project: int, title: str) -> dict[str, Any] | None:
    exports = api.get(f"api/projects/{project}/exports/", None, _check_list)
    return next((e for e in exports if e.get("title") == title), None)


def _finished(api: Api, project: int, made: dict[str, Any], end: float) -> dict[str, Any]:
    """Wait until a snapshot is done, one way or the other."""
    attempt = 0
    while made.get("status") not in ("completed", "failed"):
        if time.monotonic() > end:
            raise api.unreachable("the snapshot of the answers takes too long")
        api.pause(attempt)
        attempt += 1
        made = api.get(f"api/projects/{project}/exports/{made['id']}", None, _check_export)
    _check_export(made)
    return made


def _download(api: Api, project: int, snapshot: dict[str, Any]) -> bytes:
    path = f"api/projects/{project}/exports/{snapshot['id']}/download"

    def check(content: bytes) -> None:
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != snapshot["md5"]:
            raise ValueError("its md5 does not match")

    content: bytes = api.get(path, {"exportType": "JSON"}, check, raw=True)
    return content


def _rows(content: bytes, snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        rows = json.loads(content)
    except ValueError:
        raise _incomplete("it is not JSON") from None
    number = (snapshot.get("counters") or {}).get("task_number")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _incomplete("it is not a list of tasks")
    if len(rows) != number:
        raise _incomplete(f"{len(rows)} tasks where the server counted {number}")
    return rows


def _delete(api: Api, project: int, export: int) -> None:
    """Remove a snapshot; when that fails, the next pull finds it as an orphan."""
    try:
        api.put("DELETE", f"api/projects/{project}/exports/{export}", None)
        crash.point("snapshot deleted")
    except (Refused, ServerError):
        return


def _remove_orphans(api: Api, project: int) -> None:
    """Remove snapshots that a killed pull left behind; younger ones may be in use."""
    exports = api.get(f"api/projects/{project}/exports/", None, _check_list)
    ours = [e for e in exports if str(e.get("title", "")).startswith(f"{_TITLE} ")]
    limit = dt.datetime.now(dt.UTC) - _ORPHAN_AGE
    for export in ours:
        try:
            made = dt.datetime.fromisoformat(str(export.get("created_at")))
        except ValueError:
            continue
        if made.tzinfo is not None and made < limit:
            _delete(api, project, int(export["id"]))


def _check_list(answer: Any) -> None:
    if not isinstance(answer, list) or not all(isinstance(e, dict) and "id" in e for e in answer):
        raise ValueError("no list")


def _check_export(answer: Any) -> None:
    if not isinstance(answer, dict) or not isinstance(answer.get("status"), str):
        raise ValueError("no snapshot")
    if answer["status"] == "completed" and not isinstance(answer.get("md5"), str):
        raise ValueError("a snapshot without md5")


def _incomplete(why: str) -> ServerError:
    return ServerError(
        f"the snapshot of the answers is not complete: {why}",
        hint="nothing was stored; run the same command again",
    )
