"""Pull: every answer there is now, or an error and nothing.

Besides a broken snapshot it refuses one that is whole but too small: a wrong project, tasks
deleted by an administrator and a restored backup all look like "everything is gone".
"""

from collections import Counter
from collections.abc import Mapping, Sequence
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
    try:
        ours = project.find(api, request.project)
    except project.ProjectGone as gone_project:
        if not request.allow_shrink:
            raise
        return _nothing_left(request, gone_project)
    if ours is None:
        raise InputError(
            f"the {project.called(request.project)} is not in Label Studio: nothing was pushed yet,"
            " or it was deleted",
            hint="`al-loop round` makes it; `al-loop doctor` shows what is there",
        )
    swept = _sweep(api, request, ours.id)
    rows, digest = snapshot.take(api, ours.id)
    gone = _gone(api, request, ours.id, swept, rows)
    answers, task_ids, foreign = _answers(api, rows, page.control_names(ours.label_config))
    annotated = len({answer.key for answer in answers})
    if annotated < KEPT_SHARE * request.annotated_before and not request.allow_shrink:
        raise StateError(
            f"only {annotated} tasks have answers, {request.annotated_before} had at the last pull"
            f" of {project.called(request.project, ours.id)}",
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


def _nothing_left(request: PullRequest, gone: project.ProjectGone) -> Pulled:
    """Return what a deleted project holds: the next push makes a new one."""
    note = f"{gone.message}: its {len(request.keys)} tasks count as gone"
    return Pulled(answers=(), annotated=0, gone=tuple(request.keys), notes=(note,))


def _gone(
    api: Api,
    request: PullRequest,
    remote: int,
    swept: tasks.Swept,
    rows: Sequence[Mapping[str, Any]],
) -> tuple[str, ...]:
    """Return the keys that lost their task.

    All are looked up (6 s for 10,000) only when a key of the sweep has none, or when the
    number of tasks is not the one that the keys and the duplicates we know of add up to.

    Raises:
        StateError: there are some, and `allow_shrink` is not set.
    """
    expected = len(request.keys) + _surplus(request, swept, rows)
    swept_whole = all(key in swept.ids for key in request.sweep if key in request.keys)
    if swept_whole and tasks.count(api, remote, [tasks.OURS]) == expected:
        return ()
    total = tasks.count(api, remote)
    found = tasks.lookup(api, remote, request.keys, total) if total else {}
    gone = tuple(key for key in request.keys if key not in found)
    if gone and not request.allow_shrink:
        raise StateError(
            f"{len(gone)} of {len(request.keys)} tasks are gone from"
            f" {project.called(request.project, remote)}",
            hint=_SHRUNK,
        )
    return gone


def _surplus(request: PullRequest, swept: tasks.Swept, rows: Sequence[Mapping[str, Any]]) -> int:
    """Return how many tasks there are beyond one for each key, as far as we have seen them.

    A duplicate that somebody worked on stays, and would make up for a task that is gone.
    """
    seen = Counter(key for row in rows if (key := parse.key_of(row)) is not None)
    others = {key: number for key, number in seen.items() if key not in swept.ids}
    unknown = sum(key not in request.keys for key in (*swept.ids, *others))
    return swept.kept + sum(number - 1 for number in others.values()) + unknown


def _answers(
    api: Api, rows: list[dict[str, Any]], controls: set[str]
) -> tuple[list[Answer], dict[str, int], int]:
    """Return the answers, the oldest answered task of each key, and how many tasks are not ours."""
    names = user_names(api) if any(map(parse.lacks_address, rows)) else {}
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


def user_names(api: Api) -> Mapping[int, str]:
    """Return users' e-mail addresses by number; empty where the key may not list them.

    Only for a server that leaves the addresses out of its snapshots. A user who is not in the
    list has left: that one stays a number.
    """
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
    if not users:  # the key's own account is always in it
        raise ValueError("an empty list of users")
