"""Take tasks back: remove those that nobody worked on, and say which stay.

An annotation, a skip or a draft is work. Whether there is any is looked up right before a few
tasks are deleted, and the server looks once more (`tasks.UNTOUCHED`): an answer that arrives in
between saves its task. What is left of the race are the milliseconds in which the server deletes.
"""

from collections.abc import Callable, Sequence

from al_loop import crash
from al_loop.annotators.label_studio import project, tasks
from al_loop.annotators.label_studio.client import TRIES, Api
from al_loop.annotators.label_studio.parse import key_of
from al_loop.errors import ServerError
from al_loop.types import ProjectRef, TakenBack

#: So few that little time lies between the look at a task and its deletion.
_CHUNK = 50


def take_back(
    api: Api,
    ref: ProjectRef,
    keys: Sequence[str],
    *,
    delete: bool,
    progress: Callable[[int], None],
) -> TakenBack:
    """Remove the untouched tasks of `keys`; without `delete` only look; see `LabelStudio`."""
    try:
        ours = project.find(api, ref)
    except project.ProjectGone as missing:
        return TakenBack(note=missing.message)
    if ours is None:
        return TakenBack()
    found: dict[str, None] = {}
    kept: dict[str, int] = {}
    done = 0
    for chunk in tasks.chunks(keys, _CHUNK if delete else tasks.KEYS_A_CALL):
        for attempt in range(TRIES):
            idle, busy = _look(api, ours.id, chunk)
            found.update(dict.fromkeys([*idle.values(), *busy]))
            if not idle or not delete:
                break
            gone = tasks.remove(api, ours.id, list(idle), attempt)
            crash.point("tasks taken back")
            if gone == 0:  # the server knows of work that its listing does not show
                busy |= {key: task_id for task_id, key in idle.items()}
                break
        else:
            raise ServerError(
                f"{len(idle)} tasks could not be removed from Label Studio",
                hint="run the same command again",
            )
        kept |= busy
        done += len(chunk)
        progress(done)
    return TakenBack(tuple(found), kept)


def _look(api: Api, remote: int, keys: Sequence[str]) -> tuple[dict[int, str], dict[str, int]]:
    """Return the untouched tasks (id -> key), and the one with most work of each other key."""
    include = "id,data,drafts,total_annotations,cancelled_annotations"
    idle: dict[int, str] = {}
    busy: dict[str, tuple[int, int]] = {}
    for task in tasks.listing(api, remote, [tasks.with_keys(keys)], include, fields="all"):
        key, work = str(key_of(task)), tasks.work_on(task)
        if work:
            busy[key] = max(busy.get(key, (0, 0)), (work, -task["id"]))
        else:
            idle[task["id"]] = key
    return idle, {key: -task_id for key, (_, task_id) in busy.items()}
