"""Finding our tasks on the server by key, and removing duplicates that nobody worked on.

Label Studio knows no unique field: a lost answer, a locked database or a late request makes a
second task with the same key. So every push looks up what is there, and this sweep keeps one
task for each key. Listings are walked by id (`id > last`), since page numbers shift while
tasks come and go, and the SDK's pager takes any 404 for the end.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from al_loop import crash
from al_loop.annotators.label_studio.client import TRIES, Api, Params
from al_loop.annotators.label_studio.faults import Lost
from al_loop.annotators.label_studio.parse import KEY, key_of
from al_loop.errors import ServerError

#: More keys in one look-up take longer than two look-ups, and the address gets too long.
KEYS_A_CALL = 400
_URL_BYTES = 6000
_PAGE = 1000
#: So few that little time lies between the last look at a task and its deletion.
_SWEEP = 50

Filter = Mapping[str, object]
#: key -> the ids of its tasks, ascending.
Found = dict[str, list[int]]

ANNOTATED: tuple[Filter, ...] = tuple(
    {"filter": f"filter:tasks:{name}", "operator": "greater", "type": "Number", "value": 0}
    for name in ("total_annotations", "cancelled_annotations")
)
OURS: Filter = {
    "filter": f"filter:tasks:data.{KEY}",
    "operator": "empty",
    "type": "String",
    "value": False,
}
#: The server looks itself, so that an answer between our look and the deletion saves its task.
#: At the annotations themselves: their counters on the task follow a moment later.
UNTOUCHED: tuple[Filter, ...] = (
    {
        "filter": "filter:tasks:annotations_ids",
        "operator": "empty",
        "type": "String",
        "value": True,
    },
    {
        "filter": "filter:tasks:draft_exists",
        "operator": "equal",
        "type": "Boolean",
        "value": False,
    },
)


def with_keys(keys: Sequence[str]) -> Filter:
    """Return the filter for tasks with one of `keys`."""
    return {
        "filter": f"filter:tasks:data.{KEY}",
        "operator": "in_list",
        "type": "List",
        "value": list(keys),
    }


def predicted_by(model_version: str) -> Filter:
    """Return the filter for tasks that have a prediction of `model_version`."""
    return {
        "filter": "filter:tasks:predictions_model_versions",
        "operator": "contains",
        "type": "List",
        "value": [model_version],
    }


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep left: the one task that counts for each key, and `kept` others."""

    ids: dict[str, int]
    deleted: int = 0
    kept: int = 0
    notes: tuple[str, ...] = ()


def count(api: Api, project: int, filters: Sequence[Filter] = (), conjunction: str = "and") -> int:
    """Return the number of a project's tasks, all or those that pass the filters."""
    params = _params(project, filters, "id", size=1, conjunction=conjunction)
    total: int = api.get("api/tasks/", params, partial(_check_page, last=0, size=1))["total"]
    return total


def listing(
    api: Api,
    project: int,
    filters: Sequence[Filter] = (),
    include: str = "id,data",
    *,
    fields: str = "task_only",
) -> Iterator[dict[str, Any]]:
    """Yield the tasks that pass all filters, in the order of their ids, none left out.

    Drafts are only listed with ``fields="all"``.
    """
    last = 0
    while True:
        after = {
            "filter": "filter:tasks:id",
            "operator": "greater",
            "type": "Number",
            "value": last,
        }
        params = _params(project, [*filters, after], include, fields=fields)
        page = api.get("api/tasks/", params, partial(_check_page, last=last, size=_PAGE))
        yield from page["tasks"]
        if page["total"] <= len(page["tasks"]):
            return
        last = page["tasks"][-1]["id"]


def _params(
    project: int,
    filters: Sequence[Filter],
    include: str,
    *,
    fields: str = "task_only",
    size: int = _PAGE,
    conjunction: str = "and",
) -> Params:
    query = {
        "filters": {"conjunction": conjunction, "items": list(filters)},
        "ordering": ["tasks:id"],
    }
    return {
        "project": project,
        "query": json.dumps(query, ensure_ascii=False, separators=(",", ":")),
        "fields": fields,
        "include": include,
        "page": 1,
        "page_size": size,
    }


def _check_page(page: Any, *, last: int, size: int) -> None:
    """Refuse a page that is not what was asked for; raises ValueError."""
    if not isinstance(page, dict) or not isinstance(page.get("tasks"), list):
        raise ValueError("no list of tasks")
    total = page.get("total")
    if not isinstance(total, int) or len(page["tasks"]) != min(total, size):
        raise ValueError("fewer or more tasks than it says")
    for task in page["tasks"]:
        task_id = task.get("id") if isinstance(task, dict) else None
        if not isinstance(task_id, int) or task_id <= last:
            raise ValueError("tasks without order")
        last = task_id


def chunks(keys: Iterable[str], limit: int = KEYS_A_CALL) -> Iterator[list[str]]:
    """Split keys into lists that fit into the address of one look-up."""
    chunk: list[str] = []
    room = _URL_BYTES
    for key in keys:
        cost = len(quote(json.dumps(key, ensure_ascii=False), safe="")) + len("%2C")
        if chunk and (len(chunk) == limit or cost > room):
            yield chunk
            chunk, room = [], _URL_BYTES
        chunk.append(key)
        room -= cost
    if chunk:
        yield chunk


def lookup(api: Api, project: int, keys: Iterable[str], total: int) -> Found:
    """Return the tasks of each key that has any. `total` is the project's number of tasks.

    For many keys one walk over the whole project is cheaper than a look-up for each chunk.
    """
    wanted = dict.fromkeys(keys)
    if 3 * len(wanted) > 2 * total:
        return _scan(api, project, wanted, total)
    found: Found = {}
    for chunk in chunks(wanted):
        for task in listing(api, project, [with_keys(chunk)]):
            _note(found, task, wanted)
    return found


def _scan(api: Api, project: int, wanted: Mapping[str, None], total: int) -> Found:
    found: Found = {}
    seen = 0
    for task in listing(api, project):
        _note(found, task, wanted)
        seen += 1
    if seen < total and seen < count(api, project):
        raise api.unreachable("a listing of the tasks that stops in the middle")
    return found


def _note(found: Found, task: Mapping[str, Any], wanted: Mapping[str, None]) -> None:
    key = key_of(task)
    if key in wanted and key is not None:
        found.setdefault(key, []).append(task["id"])


def sweep(api: Api, project: int, found: Found, *, delete: bool) -> Swept:
    """Leave one task for each key, as far as nobody worked on the others.

    The task with most annotations and drafts stays, then the oldest. Skips and drafts are
    work, too. Without `delete` all stay.
    """
    ids = {key: tasks[0] for key, tasks in found.items()}
    double = [key for key, tasks in found.items() if len(tasks) > 1]
    deleted = kept = 0
    for chunk in chunks(double, _SWEEP):
        for attempt in range(TRIES):
            best, idle, busy = _weigh(api, project, chunk)
            if not idle or not delete:
                break
            gone = remove(api, project, idle, attempt)
            crash.point("C6 duplicate deleted")
            if gone == 0:  # the server knows of work that its listing does not show
                break
            deleted += gone or 0
        else:
            raise ServerError(
                f"{len(idle)} duplicate tasks could not be deleted in Label Studio",
                hint="run the same command again, or with --no-delete-duplicates",
            )
        ids |= best
        kept += len(busy) + len(idle)
    return Swept(ids, deleted, kept, _notes(kept, delete=delete))


def _notes(kept: int, *, delete: bool) -> tuple[str, ...]:
    if not kept:
        return ()
    why = "somebody worked on them" if delete else "--no-delete-duplicates is set"
    return (f"{kept} duplicate tasks stay, since {why}; each text still counts once",)


def _weigh(
    api: Api, project: int, keys: Sequence[str]
) -> tuple[dict[str, int], list[int], list[int]]:
    """Return (the task to keep for each key, idle duplicates, duplicates with work on them)."""
    include = "id,data,drafts,total_annotations,cancelled_annotations"
    groups: dict[str, list[tuple[int, int]]] = {}
    for task in listing(api, project, [with_keys(keys)], include, fields="all"):
        groups.setdefault(str(key_of(task)), []).append((-work_on(task), task["id"]))
    best: dict[str, int] = {}
    idle: list[int] = []
    busy: list[int] = []
    for key, tasks in groups.items():
        (_, best[key]), *rest = sorted(tasks)
        for work, task_id in rest:
            (busy if work else idle).append(task_id)
    return best, idle, busy


def work_on(task: Mapping[str, Any]) -> int:
    """Return how much people did on a task; what is not told counts as work."""
    parts = (task.get("total_annotations"), task.get("cancelled_annotations"))
    drafts = task.get("drafts")
    done = sum(n if isinstance(n, int) else 1 for n in parts)
    return done + (len(drafts) if isinstance(drafts, list) else 1)


def remove(api: Api, project: int, ids: Sequence[int], attempt: int) -> int | None:
    """Delete tasks unless they were touched by now; returns how many went, None if it is unknown.

    The caller looks again whether it worked. `ids` is never empty: the server would take that
    for all tasks.
    """
    body = {
        "project": project,
        "selectedItems": {"all": False, "included": list(ids)},
        "filters": {"conjunction": "and", "items": list(UNTOUCHED)},
    }
    try:
        answer = api.post("api/dm/actions", body, {"id": "delete_tasks", "project": project})
    except Lost as lost:
        api.pause(attempt, lost.wait)
        return None
    gone = answer.get("processed_items") if isinstance(answer, dict) else None
    return gone if isinstance(gone, int) else None
