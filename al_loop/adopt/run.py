"""Adopt a project: everything in one transaction, and again whenever it is run again."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from al_loop import config as configs
from al_loop import imports
from al_loop.adopt import source
from al_loop.adopt.place import Placed, place
from al_loop.adopt.report import Report, make
from al_loop.adopt.source import Request
from al_loop.bars import Bar, no_bar
from al_loop.config import Config
from al_loop.crash import point
from al_loop.data.columns import Asked, Columns
from al_loop.errors import DataError, InputError, ServerError, StateError
from al_loop.files import write_whole
from al_loop.ingest import Reading
from al_loop.store import Store, adopted, answers, items, rounds, tasks
from al_loop.types import Answer, Pulled
from al_loop.workspace import Workspace, filled, set_option, writing

if TYPE_CHECKING:
    from al_loop.annotators.label_studio.controls import Control
    from al_loop.annotators.label_studio.existing import Existing

_LONG = 10_000  # tasks from which on a bar is drawn


def adopt(workspace: Workspace, request: Request, bar: Bar = no_bar) -> Report:
    """Start a workspace from a project, or take over what changed there since.

    The project is read first and never changed; then all is stored in one transaction: killed
    at any moment, it can be run again.

    Raises:
        InputError: the project can't be adopted; it is this workspace's own, or another one
            than before.
        DataError: none of its tasks can be used, or the test file is refused.
        StateError: much fewer tasks have answers than last time.
        ServerError, AuthError: the server can't be reached, or refuses the key.
        Locked: another process works here.
    """
    new = not workspace.config_path.exists()
    text = configs.default_text()
    config = configs.parse(tomllib.loads(text)) if new else configs.load(workspace.config_path)
    found = source.load(workspace, config, request)
    control = source.control(found, request)
    columns = source.columns(found, control.field, request.asked, config)
    if new:
        text = _config_text(text, request, found, columns)
        config = configs.parse(tomllib.loads(text))
    with writing(workspace, dry_run=request.dry_run) as store:
        report = _store(store, request, config, (found, control, columns), bar)
        point("adopt written")
        if new and not request.dry_run:
            write_whole(workspace.config_path, text.encode("utf-8"), mode=0o644)
            point("adopt config written")
    point("adopted")
    return replace(report, config_written=new and not request.dry_run)


def _config_text(text: str, request: Request, found: "Existing", columns: Columns) -> str:
    text = filled(text, Asked(id=request.asked.id), columns)
    return set_option(text, "label_studio", "url", found.url) if found.url else text


def _store(
    store: Store,
    request: Request,
    config: Config,
    read: "tuple[Existing, Control, Columns]",
    bar: Bar,
) -> Report:
    found, control, columns = read
    first = _refuse_others(store, found)
    items.add_classes(store, configs.class_specs(config), "config")
    before = items.classes(store)
    items.add_classes(store, control.classes, "data")
    project = adopted.put_project(store, found.number, found.title or found.where)
    drawn = bar if len(found.tasks) >= _LONG else no_bar
    reading = Reading(request.asked, config, replace_bad_chars=request.replace_bad_chars)
    with drawn(len(found.tasks), "adopting") as tick:
        placed = place(store, project, found, columns, reading, tick)
    pulled = _pulled(found, control, placed)
    if not request.allow_shrink:
        _refuse_shrunk(pulled, tasks.annotated(store, project))
    changes = answers.save_pull(store, project, pulled)
    tasks.release_taken_back(store)
    _remember_columns(store, columns)
    test_rule, bad = _test_set(store, request, config, first=first)
    placed.bad += bad
    report = make(store, project, found, control, placed, pulled.answers)
    return replace(
        report,
        changes=changes,
        text=columns.text,
        kept=columns.keep,
        new_classes=tuple(c.name for c in items.classes(store)[len(before) :]),
        test_rule=test_rule,
        first=first,
        dry_run=request.dry_run,
    )


def _refuse_others(store: Store, found: "Existing") -> bool:
    """Tell whether nothing was adopted yet; refuse another project, and our own."""
    from al_loop.annotators.label_studio.parse import key_of

    ours = tasks.find_project(store, "label_studio")
    if found.description is not None:
        own = f"al-loop:{store.meta('uuid')}" in found.description
    else:
        own = ours is not None and ours.remote_id == found.number
        own = own and any(
            key in tasks.task_overlaps(store, ours.id if ours else 0)
            for key in {key_of(task) for task in found.tasks}
        )
    if own:
        raise InputError(
            f"{found.where} is this workspace's own project",
            hint="al-loop round fetches its answers",
        )
    known = adopted.project(store)
    if known is not None and known.remote_id not in (None, found.number):
        raise InputError(
            f"this workspace was started from project {known.remote_id}; {found.where} is project"
            f" {found.number}",
            hint=f"al-loop adopt {known.remote_id}, or adopt the other one in a folder of its own",
        )
    return known is None


def _pulled(found: "Existing", control: "Control", placed: Placed) -> Pulled:
    """Return the answers as a pull of our own project would."""
    from al_loop.annotators.label_studio import existing

    said: list[Answer] = []
    for task in found.tasks:
        if key := placed.keys.get(task["id"]):
            try:
                said += existing.answers(task, key, control, found.names)
            except ServerError as e:
                if found.description is not None:
                    raise
                problem = f"{found.where}: task {task['id']}: {e.message}"
                raise DataError(problem, hint="export it again in Label Studio as JSON") from None
    return Pulled(
        answers=said,
        annotated=len({answer.key for answer in said}),
        gone=tuple(placed.gone),
        digest=found.digest,
    )


def _refuse_shrunk(pulled: Pulled, before: int) -> None:
    from al_loop.annotators.label_studio.pull import KEPT_SHARE

    if pulled.annotated < KEPT_SHARE * before:
        raise StateError(
            f"only {pulled.annotated} tasks have answers, {before} had when it was adopted last",
            hint="look into the project first; if that was on purpose, add --allow-shrink",
        )


def _remember_columns(store: Store, columns: Columns) -> None:
    """Add the kept columns to those there are."""
    before: Mapping[str, object] = json.loads(store.meta("columns") or "{}")
    keep = before.get("keep", [])
    assert isinstance(keep, list)
    facts = {"text": columns.text, "label": None, "id": columns.id, **before}
    kept = list(dict.fromkeys([*keep, *columns.keep]))
    store.set_meta("columns", json.dumps(facts | {"keep": kept}, ensure_ascii=False))


def _test_set(
    store: Store, request: Request, config: Config, *, first: bool
) -> tuple[str, list[str]]:
    """Return where the test set is from, as in an import, and the bad rows of its file.

    Without a file it is drawn from the adopted labels, as `init` does, the first time only.
    """
    if request.test is not None:
        asked = imports.Request(test=request.test, replace_bad_chars=request.replace_bad_chars)
        return "file", imports.run(store, asked, config, lambda *_: None).bad
    if items.count(store, "test"):
        return "kept", []
    if not first or rounds.last_number(store):
        return "none", []
    labeled = [item_id for item_id, *_ in answers.labeled(store, "pool")]
    return "drawn" if imports.draw_test(store, config.seed, labeled) else "too few labels", []
