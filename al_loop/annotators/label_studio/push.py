"""Push: every key has exactly one task afterwards, whatever happened before or in between.

Look up what is there, create only what is missing, and read back. The cheap way to read back
is arithmetic: each chunk was answered with one id for each task, and the project grew by just
that many. Anything else (a lost answer, a server that repeated an import by itself, an import
in the background that answers without ids) is looked up key by key, and duplicates go.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from al_loop import crash
from al_loop.annotators.base import Progress
from al_loop.annotators.label_studio import page, project, tasks
from al_loop.annotators.label_studio.client import LONGEST_STEP, TRIES, Api
from al_loop.annotators.label_studio.faults import Lost, Refused
from al_loop.annotators.label_studio.parse import KEY, key_of
from al_loop.errors import InputError, ServerError
from al_loop.types import Pushed, PushRequest, Task

#: The outcome of a chunk is unknown for as long as it takes: 0.3 to 0.5 s for so many tasks.
CHUNK = 400
#: Above so many tasks one call for all is quicker, though it recounts the whole project.
_SINGLE_PREDICTIONS = 30


class Push:
    """One push on its way."""

    def __init__(self, api: Api, request: PushRequest, progress: Progress | None) -> None:
        self._api = api
        self._request = request
        self._progress = progress or (lambda done: None)
        gone = set(request.offer.gone)  # since the texts were chosen
        self._tasks = {task.key: _without(task, gone) for task in request.tasks}
        self._remote = 0
        self._created: set[str] = set()
        self._deleted = 0
        self._notes: dict[str, None] = {}

    def run(self) -> Pushed:
        """Do it all; see `LabelStudio.push`."""
        request = self._request
        suggestions = [t.suggestion for t in self._tasks.values() if t.suggestion is not None]
        context = any(t.context for t in self._tasks.values())
        ours = project.ensure(self._api, request.project)
        review = request.project.role == "review"
        ours = project.update_page(self._api, ours, request.offer, context=context, review=review)
        page.check_suggestions(ours.label_config, suggestions)
        self._remote = ours.id
        ids = self._settle()
        self._predict(ids)
        self._overlap(ids)
        version = request.model_version
        if suggestions and version and not project.set_model_version(self._api, ours.id, version):
            self._notes[f"the suggestions of {version} are not shown: the server has none"] = None
        return Pushed(
            remote_id=ours.id,
            url=self._api.labeling_url(ours.id),
            task_ids=ids,
            created=len(self._created),
            duplicates_deleted=self._deleted,
            notes=tuple(self._notes),
        )

    def _settle(self) -> dict[str, int]:
        """Return one task id for each key, created where there was none.

        Raises:
            ServerError: it could not be confirmed within the tries.
        """
        for attempt in range(TRIES):
            ids, total = self._sweep()
            crash.point("tasks looked up")
            missing = [key for key in self._tasks if key not in ids]
            self._progress(len(self._tasks) - len(missing))
            if not missing:
                return {key: ids[key] for key in self._tasks}
            created, sure = self._create(missing, len(self._tasks) - len(missing))
            self._created |= created.keys()
            if sure and tasks.count(self._api, self._remote) == total + len(missing):
                return {key: created[key] if key in created else ids[key] for key in self._tasks}
            self._api.pause(attempt)
        raise self._unknown(len(missing), "the number of tasks on the server does not settle")

    def _sweep(self) -> tuple[dict[str, int], int]:
        """Return the tasks of all keys that are there, and the project's number of tasks."""
        total = tasks.count(self._api, self._remote)
        if total == 0:
            return {}, 0
        keys = (*self._tasks, *self._request.sweep)
        found = tasks.lookup(self._api, self._remote, keys, total)
        delete = self._request.delete_duplicates
        swept = tasks.sweep(self._api, self._remote, found, delete=delete)
        self._deleted += swept.deleted
        self._notes |= dict.fromkeys(swept.notes)
        if swept.deleted:
            total = tasks.count(self._api, self._remote)
        return swept.ids, total

    def _create(self, keys: Sequence[str], done: int) -> tuple[dict[str, int], bool]:
        """Import tasks for `keys`; returns their ids and whether every answer was clean."""
        ids: dict[str, int] = {}
        sure = True
        for start in range(0, len(keys), CHUNK):
            chunk, clean = self._import(keys[start : start + CHUNK])
            ids |= chunk
            sure = sure and clean
            self._progress(done + len(ids))
        return ids, sure

    def _import(self, keys: Sequence[str]) -> tuple[dict[str, int], bool]:
        """Import one chunk; whatever the answer says, know which tasks are there."""
        ids: dict[str, int] = {}
        pending = list(keys)
        reason = ""
        for attempt in range(TRIES):
            try:
                answer = self._send(pending)
            except Lost as lost:
                reason = lost.reason
                self._api.pause(attempt, lost.wait)
            except Refused as refused:
                return self._halve(pending, refused)
            else:
                crash.point("C5 chunk imported")
                if (new := _ids_in(answer, len(pending))) is not None:
                    return ids | dict(zip(pending, new, strict=True)), not ids and attempt == 0
                reason = "the import goes on in the background"
                self._await(pending)
            ids |= self._look(pending)
            crash.point("chunk read back")
            pending = [key for key in pending if key not in ids]
            if not pending:
                return ids, False
        raise self._unknown(len(pending), reason)

    def _send(self, keys: Iterable[str]) -> Any:
        body = [self._payload(self._tasks[key]) for key in keys]
        path = f"api/projects/{self._remote}/import"
        return self._api.post(path, body, {"return_task_ids": True})

    def _look(self, keys: Sequence[str]) -> dict[str, int]:
        """Return the oldest task of each key that has one."""
        total = tasks.count(self._api, self._remote)
        found = tasks.lookup(self._api, self._remote, keys, total)
        return {key: ids[0] for key, ids in found.items()}

    def _await(self, keys: Sequence[str]) -> None:
        """Wait for an import in the background (Cloud): sending again would double it."""
        for attempt in range(TRIES + int(self._api.timeout / LONGEST_STEP)):
            self._api.pause(attempt)
            if len(self._look(keys)) == len(keys):
                return

    def _halve(self, keys: Sequence[str], refused: Refused) -> tuple[dict[str, int], bool]:
        """Send a chunk that is too large for the server (413) in two parts."""
        if refused.status != 413 or len(keys) < 2:
            raise self._refused(keys, refused)
        middle = len(keys) // 2
        first, sure = self._import(keys[:middle])
        second, also = self._import(keys[middle:])
        return first | second, sure and also

    def _payload(self, task: Task) -> dict[str, Any]:
        data = {"text": task.text, "context": task.context, "id": task.item_id, KEY: task.key}
        payload: dict[str, Any] = {"data": data}
        if task.suggestion is not None and self._request.model_version:
            payload["predictions"] = [page.prediction(task.suggestion, self._request.model_version)]
        return payload

    def _predict(self, ids: Mapping[str, int]) -> None:
        """Give tasks of an earlier selection a prediction of the current model."""
        version = self._request.model_version
        wanted = [
            key
            for key, task in self._tasks.items()
            if task.suggestion is not None and version and key not in self._created
        ]
        for _ in range(TRIES):
            missing = self._unpredicted(wanted)
            if not missing:
                return
            self._add_predictions({key: ids[key] for key in missing})
        raise self._unknown(len(missing), "the server drops their suggestions")

    def _unpredicted(self, keys: Sequence[str]) -> list[str]:
        there: set[str] = set()
        by_model = tasks.predicted_by(self._request.model_version)
        for chunk in tasks.chunks(keys):
            filters = [tasks.with_keys(chunk), by_model]
            for task in tasks.listing(self._api, self._remote, filters):
                there.add(str(key_of(task)))
        return [key for key in keys if key not in there]

    def _add_predictions(self, ids: Mapping[str, int]) -> None:
        rows = [
            {"task": task_id, **page.prediction(suggestion, self._request.model_version)}
            for key, task_id in ids.items()
            if (suggestion := self._tasks[key].suggestion) is not None
        ]
        try:
            if len(rows) > _SINGLE_PREDICTIONS:
                self._api.post(f"api/projects/{self._remote}/import/predictions", rows)
            else:
                for row in rows:
                    self._api.post("api/predictions/", row)
        except Lost as lost:
            self._api.pause(0, lost.wait)
        crash.point("predictions added")

    def _overlap(self, ids: Mapping[str, int]) -> None:
        """Ask for several answers; an import can't say so."""
        wanted = {ids[key]: task for key, task in self._tasks.items() if task.overlap > 1}
        current: dict[int, int] = {}
        for chunk in tasks.chunks(task.key for task in wanted.values()):
            filters = [tasks.with_keys(chunk)]
            for raw in tasks.listing(self._api, self._remote, filters, "id,overlap"):
                current[raw["id"]] = raw.get("overlap", 1)
        for task_id, task in wanted.items():
            if current.get(task_id) != task.overlap:
                self._api.put("PATCH", f"api/tasks/{task_id}/", {"overlap": task.overlap})
                crash.point("overlap set")

    def _refused(self, keys: Sequence[str], refused: Refused) -> InputError:
        what = f"the text of task {keys[0]}" if len(keys) == 1 else f"{len(keys)} texts"
        return InputError(
            f"Label Studio refused {what}: {refused}",
            hint="does the project's labeling page ask for data that al-loop does not send?",
        )

    def _unknown(self, number: int, reason: str) -> ServerError:
        return ServerError(
            f"whether {number} texts are in Label Studio is unknown: {reason}",
            hint="run the same command again: it looks first, nothing is sent twice",
        )


def _without(task: Task, gone: Collection[str]) -> Task:
    """Return a task without a suggestion that nobody could see."""
    suggestion = task.suggestion
    if suggestion is None or suggestion.label not in gone:
        return task
    return replace(task, suggestion=None)


def _ids_in(answer: Any, asked: int) -> list[int] | None:
    """Return the ids of a clean answer to an import, in the order of the request."""
    ids = answer.get("task_ids") if isinstance(answer, dict) else None
    if not isinstance(ids, list) or len(set(ids)) != asked:
        return None
    return ids if all(isinstance(i, int) for i in ids) else None
