"""A project that others made, read whole, from the server or from a file it wrote.

Nothing of it is changed: the snapshot that is made for reading is deleted again.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from al_loop.annotators.label_studio import page, parse, project, pull, snapshot
from al_loop.annotators.label_studio.client import Api
from al_loop.annotators.label_studio.controls import Control
from al_loop.annotators.label_studio.faults import Refused
from al_loop.data.source import check_file, unreadable
from al_loop.data.text import mend
from al_loop.errors import DataError, InputError, ServerError
from al_loop.files import sha256
from al_loop.types import Answer

_NOT_FOUND = 404
_AS_JSON = "export it again in Label Studio as JSON (not JSON-MIN, CSV or TSV)"


@dataclass(frozen=True, slots=True)
class Existing:
    """A project with all its tasks, as exported, in the order of their numbers.

    where: what it is called in messages.
    label_config: XML of its page, empty where only a file is known.
    names: e-mail addresses by user number, for answers that tell the number alone.
    description: what stands there on the server, a workspace's marker among it.
    """

    number: int
    where: str
    tasks: Sequence[Mapping[str, Any]]
    digest: str
    label_config: str = ""
    title: str = ""
    url: str = ""
    names: Mapping[int, str] = field(default_factory=dict)
    description: str | None = None


def read(api: Api, number: int) -> Existing:
    """Return a project of a server.

    Raises:
        InputError: there is no such project.
        ServerError: it could not be read to its end.
    """
    try:
        found = project.read(api, number)
    except Refused as refused:
        if refused.status != _NOT_FOUND:
            raise
        raise InputError(
            f"there is no project {number} on {api.shown_url}",
            hint="its number is in the address of its page: /projects/NUMBER/",
        ) from None
    rows, digest = snapshot.take_all(api, number)
    if not rows:
        raise InputError(f"project {number} has no tasks", hint="name another one")
    if not all(map(_is_task, rows)):
        raise ServerError(
            f"Label Studio sent no usable tasks of project {number}: another version?",
            hint="`al-loop doctor` prints the server's version",
        )
    lacking = any(map(parse.lacks_address, rows))
    return Existing(
        number=number,
        where=f"project {number}",
        tasks=_in_order(rows),
        digest=digest,
        label_config=found.label_config,
        title=found.title,
        url=api.shown_url,
        names=pull.user_names(api) if lacking else {},
        description=found.description,
    )


def read_file(path: Path) -> Existing:
    """Return the project that an export in Label Studio's JSON is of.

    Raises:
        DataError: it can't be read, or is something else.
    """
    check_file(path)
    try:
        content = path.read_bytes()
        rows = json.loads(content, parse_int=_number)
    except OSError as e:
        raise unreadable(str(path), e) from e
    except (ValueError, RecursionError) as e:
        raise DataError(f"{path} is not JSON: {_first_line(e)}", hint=_AS_JSON) from None
    if not isinstance(rows, list) or not all(map(_is_task, rows)):
        raise DataError(f"{path} is not an export of Label Studio in its JSON", hint=_AS_JSON)
    if not rows:
        raise DataError(f"{path} has no tasks", hint=_AS_JSON)
    numbers = {row.get("project") for row in rows}
    if len(numbers) != 1 or not isinstance(number := numbers.pop(), int):
        raise DataError(
            f"{path} is not the export of one project", hint="export each project by itself"
        )
    _refuse_repeated(path, rows)
    return Existing(number, str(path), _in_order(rows), sha256(content))


def answers(
    task: Mapping[str, Any], key: str, control: Control, names: Mapping[int, str]
) -> list[Answer]:
    """Return the answers of a task, as if it were ours: with our key, and our name of the class.

    Raises:
        ServerError: a needed field is missing or has another type.
    """
    annotations = [_renamed(a, control.name) for a in task["annotations"]]
    ours = {**task, "data": {parse.KEY: key}, "annotations": annotations}
    return [_storable(a) for a in parse.answers_of(ours, names, control.names | {page.LABEL})]


def _renamed(annotation: Any, name: str) -> Any:
    """Call the control that is the class by our name; another one of that name goes."""
    result = annotation.get("result") if isinstance(annotation, Mapping) else None
    if not isinstance(result, list) or name == page.LABEL:
        return annotation
    parts = []
    for region in result:
        said = region.get("from_name") if isinstance(region, Mapping) else None
        if said == name:
            parts.append({**region, "from_name": page.LABEL})
        elif said != page.LABEL:
            parts.append(region)
    return {**annotation, "result": parts}


def _storable(answer: Answer) -> Answer:
    """Return an answer without what no database takes: NUL, halves of characters."""
    said = ((each.name, getattr(answer, each.name)) for each in fields(answer))
    mended: dict[str, Any] = {name: mend(words) for name, words in said if isinstance(words, str)}
    return replace(answer, **mended, labels=tuple(map(mend, answer.labels)))


def _number(digits: str) -> int | float:
    """Return a number of a file; what SQLite has no integer for is none."""
    return int(digits) if len(digits) < len(str(2**63)) else float(digits)


def _is_task(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and type(row.get("id")) is int
        and row["id"] > 0  # `place` makes keys of it
        and isinstance(row.get("data"), dict)
        and isinstance(row.get("annotations"), list)
    )


def _refuse_repeated(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse numbers that come twice: answers would go to the wrong text."""
    answers = (a for row in rows for a in row["annotations"] if isinstance(a, dict))
    said = [a["id"] for a in answers if isinstance(a.get("id"), int)]
    for what, numbers in (("task", [row["id"] for row in rows]), ("annotation", said)):
        number, times = Counter(map(str, numbers)).most_common(1)[0] if numbers else ("", 0)
        if times > 1:
            raise DataError(f"{path} has the {what} {number[:20]} twice", hint=_AS_JSON)


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: int(row["id"]))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
