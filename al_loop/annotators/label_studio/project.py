"""The project of a workspace: found by its marker, created once, only ever added to.

A project's number says little: another server has projects with the same numbers. So one that
we made counts as ours by the marker in its description only; one that the user names in
config.toml gets the marker.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from al_loop import crash
from al_loop.annotators.label_studio import page, suggestions
from al_loop.annotators.label_studio.client import TRIES, Api, Params
from al_loop.annotators.label_studio.faults import Lost, Refused
from al_loop.annotators.label_studio.instructions import instructions, may_replace
from al_loop.errors import InputError, ServerError
from al_loop.types import Offer, ProjectRef

_FIELDS = ("id", "title", "description", "label_config", "expert_instruction", "model_version")
_MARKER = re.compile(r"al-loop:([\w-]+)")
_PAGE = 100
_NOT_FOUND = 404
_TITLE = (3, 50)  # what Label Studio accepts


@dataclass(frozen=True, slots=True)
class Project:
    """What we read of a project."""

    id: int
    title: str
    description: str
    label_config: str
    expert_instruction: str
    model_version: str


class ProjectGone(InputError):
    """The project that we made was deleted: no such number, and no other has our marker."""


def find(api: Api, ref: ProjectRef) -> Project | None:
    """Return the project of `ref`; None when it has none yet.

    Raises:
        ProjectGone: it was deleted, or this is another server.
        InputError: what has its number is not ours, or belongs to another workspace.
    """
    if ref.remote_id is None:
        return _by_marker(api, ref)
    numbered = _numbered(api, ref.remote_id)
    owner = _owner(numbered.description) if numbered is not None else ""
    if ref.pinned:
        if numbered is None:
            raise _not_there(api, ref.remote_id)
        if owner not in ("", ref.marker):
            raise InputError(
                f"project {numbered.id} in Label Studio belongs to another workspace of al-loop",
                hint="set [label_studio] project in config.toml to another project, or to 0",
            )
        return numbered
    if numbered is not None and owner == ref.marker:
        return numbered
    if (moved := _by_marker(api, ref)) is not None:
        return moved
    raise _gone(api, ref) if numbered is None else _stranger(api, ref)


def ensure(api: Api, ref: ProjectRef) -> Project:
    """Return the project of `ref`, created or marked as ours when need be."""
    project = find(api, ref) or _create(api, ref)
    if _owner(project.description) != ref.marker:
        description = f"{project.description}\n\n{_mark(ref)}".strip()
        _patch(api, project.id, {"description": description})
        crash.point("project marked")
    return project


def update_page(
    api: Api, project: Project, offer: Offer, *, context: bool, review: bool = False
) -> Project:
    """Let the labeling page and the instructions say what is offered, and read them back.

    A name that is gone is taken off the page when the server says that no answer has it, else it
    is hidden. Somebody may tick it after the server said so, or submit a page that was open
    before: such an answer keeps the name, on the server and in what a pull returns, and opens
    without an error; only its tick is not seen there.
    """
    gone = sorted(set(offer.gone).intersection(page.class_names(project.label_config)))
    suggestions.withdraw(api, project.id, gone)

    def grown(unused: Collection[str], of: Project) -> str | None:
        said = of.expert_instruction
        return page.grown(of.label_config, offer, context=context, unused=unused, said=said)

    unused = [name for name in gone if _accepts(api, project.id, grown([name], project))]
    changes: dict[str, Any] = {}
    if (wanted := grown(unused, project)) is not None:
        changes["label_config"] = wanted
    told = instructions(offer, review=review)
    if may_replace(project.expert_instruction, told):
        changes |= {"expert_instruction": told, "show_instruction": True}
    if not changes:
        return project
    try:
        _patch(api, project.id, changes)
    except Refused as refused:
        raise _page_refused(project.id, refused) from None
    after = read(api, project.id)
    if grown(unused, after) is not None:
        raise ServerError(
            "the labeling page was changed by somebody else at the same moment",
            hint="run the same command again",
        )
    crash.point("C4 label config patched")
    return after


def _accepts(api: Api, project: int, label_config: str | None) -> bool:
    """Ask whether a page has all names that answers and drafts have; changes nothing.

    Predictions do not count. A skip does: its page sends the suggestion along.
    """
    try:
        api.put("POST", f"api/projects/{project}/validate/", {"label_config": label_config})
    except Refused:
        return False
    return True


def set_model_version(api: Api, project: int, model_version: str) -> bool:
    """Show annotators the predictions of `model_version`. False when no task has any."""
    if read(api, project).model_version == model_version:
        return True
    try:
        _patch(api, project, {"model_version": model_version})
    except Refused:
        return False
    crash.point("C7 model_version set")
    return True


def _numbered(api: Api, project: int) -> Project | None:
    try:
        return read(api, project)
    except Refused as refused:
        if refused.status != _NOT_FOUND:
            raise
        return None


def read(api: Api, project: int) -> Project:
    """Return a project; Refused (404) when there is none."""
    raw = api.get(f"api/projects/{project}/", {"include": ",".join(_FIELDS)}, _check)
    return Project(raw["id"], *(raw.get(name) or "" for name in _FIELDS[1:]))


def _check(raw: Any) -> None:
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), int):
        raise ValueError("no project")
    if any(not isinstance(raw.get(name) or "", str) for name in _FIELDS[1:]):
        raise ValueError("a field of the project is not a text")


def _patch(api: Api, project: int, changes: dict[str, Any]) -> None:
    api.put("PATCH", f"api/projects/{project}/", changes, {"include": "id"})


def _mark(ref: ProjectRef) -> str:
    return f"al-loop:{ref.marker}"


def _by_marker(api: Api, ref: ProjectRef) -> Project | None:
    """Return the oldest project with our marker. Projects have no unique field of their own."""
    ours: list[int] = []
    seen: set[int] = set()
    number, total = 1, 1
    while len(seen) < total:
        params: Params = {"page": number, "page_size": _PAGE, "include": "id,description"}
        try:
            answer = api.get("api/projects/", params, _check_projects)
        except Refused:
            raise api.unreachable("a list of the projects that stops in the middle") from None
        ours += [p["id"] for p in answer["results"] if _owner(p.get("description")) == ref.marker]
        before, shrunk = len(seen), number > 1 and answer["count"] < total
        seen |= {p["id"] for p in answer["results"]}
        number, total = number + 1, answer["count"]
        if shrunk or (len(seen) == before and total > before):
            # One that is deleted meanwhile moves another to a page that was read already.
            raise api.unreachable("a list of the projects that stops in the middle")
    return read(api, min(ours)) if ours else None


def _owner(description: str | None) -> str:
    """Return the marker in a project's description, '' when there is none."""
    found = _MARKER.search(description or "")
    return found[1] if found else ""


def _check_projects(raw: Any) -> None:
    if not isinstance(raw, dict) or not isinstance(raw.get("count"), int):
        raise ValueError("no list of projects")
    results = raw.get("results")
    if not isinstance(results, list) or not all(isinstance(p, dict) and "id" in p for p in results):
        raise ValueError("no list of projects")


def _create(api: Api, ref: ProjectRef) -> Project:
    title = ref.title.strip()[: _TITLE[1]]
    body = {
        "title": title if len(title) >= _TITLE[0] else f"al-loop {title}".strip(),
        "description": f"Texts chosen by al-loop, which finds its project by: {_mark(ref)}",
    }
    for attempt in range(TRIES):
        try:
            api.post("api/projects/", body)
        except Lost as lost:
            reason = lost.reason
            api.pause(attempt, lost.wait)
        except Refused as refused:
            raise InputError(f"Label Studio refused a new project: {refused.detail}") from None
        else:
            reason = "the new project can't be found"
            crash.point("C3 project created")
        if (project := _by_marker(api, ref)) is not None:
            return project
    raise api.unreachable(f"creating the project failed: {reason}")


def _not_there(api: Api, project: int) -> InputError:
    return InputError(
        f"project {project}, which [label_studio] project in config.toml names, is not on "
        f"{api.shown_url}",
        hint="name another one there, or 0 for the one made by this workspace",
    )


def called(ref: ProjectRef, number: int | None = None) -> str:
    """Return what a project is called in messages; `number` is the one it was found under."""
    name = "review project" if ref.role == "review" else "project"
    return f"{name} {number or ref.remote_id or ''}".strip()


def _gone(api: Api, ref: ProjectRef) -> ProjectGone:
    return ProjectGone(
        f"this workspace's {called(ref)} is not on {api.shown_url} (any more)",
        hint="check [label_studio] url in config.toml; if the project was deleted, "
        "`al-loop round --allow-shrink` starts a new project: answers already fetched stay in "
        "the history, their labels are taken back",
    )


def _stranger(api: Api, ref: ProjectRef) -> InputError:
    marker = f"put {_mark(ref)} into its description"
    named = f"name the project to use there, as in `project = {ref.remote_id}`"
    return InputError(
        f"{called(ref)} on {api.shown_url} is not this workspace's: its description lacks "
        "our marker, and no other project there has it",
        hint="check [label_studio] url in config.toml; if it is the right server, "
        + (marker if ref.role == "review" else named),
    )


def _page_refused(project: int, refused: Refused) -> InputError:
    return InputError(
        f"Label Studio refused the labeling page of project {project}: {refused.detail}",
        hint="one annotation made by another program with an unknown from_name blocks every "
        "change: delete it in the data manager",
    )
