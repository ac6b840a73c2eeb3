"""Pull: every answer there is now, or an error and nothing.

Besides a broken snapshot it refuses one that is whole but too small: a wrong project, tasks
deleted by an administrator and a restored backup all look like "everything is gone".
"""

from collections.abc import Mapping
from typing import Any

from al_loop.annotators.label_studio import page, parse, project, snapshot, tasks
from al_loop.annotators.label_studio.client import Api
from al_loop.annotators.label_studio.faults import Refused
from al_loop.errors import AuthError, InputError, StateError
from al_loop.types import Answer, Pulled, PullRequest

#: Fewer annotated tasks than this share of the last pull are not believed.
KEPT_SHARE = 0.8
_SHRUNK = "look into the project first; if that was on purpose, add --allow-shrink"


def pull(api: Api, request: PullRequest) -> Pulled:
    """Do it all; see `LabelStudio.pull`."""
    ours = project.find(api, request.project)
    if ours is None:
        raise InputError(
            "the project is not in Label Studio: nothing was pushed yet, or it was deleted",
            hint="`al-loop round` makes it; `al-loop doctor` shows what is there",
        )
    swept = _sweep(api, request, ours.id)
    gone = _gone(api, request, ours.id)
    rows, digest = snapshot.take(api, ours.id)
    answers, task_ids, foreign = _answers(api, rows, page.control_names(ours.label_config))
    annotated = len({answer.key for answer in answers})
    if annotated < KEPT_SHARE * request.annotated_before and not request.allow_shrink:
        raise StateError(
            f"only {annotated} tasks have answers, {request.annotated_before} had at the last pull",
            hint=_SHRUNK,
        )
    notes = swept.notes
    if foreign:
        notes += (f"{foreign} answered tasks were not made by al-loop and are left out",)
    return Pulled(
        answers=tuple(answers),
        annotated=annotated,
        task_ids=task_ids | swept.ids,
        gone=gone,
        digest=digest,
        duplicates_deleted=swept.deleted,
        notes=notes,
    )


def _sweep(api: Api, request: PullRequest, remote: int) -> tasks.Swept:
    """Remove duplicates that a late request made since the last look."""
    if not request.sweep:
        return tasks.Swept({})
    total = tasks.count(api, remote)
    found = tasks.lookup(api, remote, request.sweep, total) if total else {}
    return tasks.sweep(api, remote, found, delete=request.delete_duplicates)


def _gone(api: Api, request: PullRequest, remote: int) -> tuple[str, ...]:
    """Return the keys that lost their task; looked up only when there are too few tasks.

    Raises:
        StateError: there are some, and `allow_shrink` is not set.
    """
    if tasks.count(api, remote, [tasks.OURS]) >= len(request.keys):
        return ()
    total = tasks.count(api, remote)
    found = tasks.lookup(api, remote, request.keys, total) if total else {}
    gone = tuple(key for key in request.keys if key not in found)
    if gone and not request.allow_shrink:
        raise StateError(
            f"{len(gone)} of {len(request.keys)} tasks are gone from project {remote}", hint=_SHRUNK
        )
    return gone


def _answers(
    api: Api, rows: list[dict[str, Any]], controls: set[str]
) -> tuple[list[Answer], dict[str, int], int]:
    """Return the answers, the oldest answered task of each key, and how many tasks are not ours."""
    names = _names(api) if rows else {}
    answers: list[Answer] = []
    ids: dict[str, int] = {}
    foreign = 0
    for row in sorted(rows, key=lambda row: int(row.get("id") or 0)):
        key = parse.key_of(row)
        if key is None:
            foreign += 1
            continue
        answers += parse.answers_of(row, names, controls)
        ids.setdefault(key, int(row["id"]))
    return answers, ids, foreign


def _names(api: Api) -> Mapping[int, str]:
    """Return users' e-mail addresses by number; empty where the key may not list them."""
    try:
        users = api.get("api/users/", None, _check_users)
    except (AuthError, Refused):
        return {}
    users = users["results"] if isinstance(users, dict) else users
    return {u["id"]: u["email"] for u in users if u.get("email")}


def _check_users(answer: Any) -> None:
    users = answer.get("results") if isinstance(answer, dict) else answer
    if not isinstance(users, list) or not all(isinstance(u, dict) and "id" in u for u in users):
        raise ValueError("no list of users")
