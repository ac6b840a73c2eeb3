"""Read the project to adopt, find its class control, and choose the columns of its data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from al_loop.config import Config
from al_loop.data.columns import Asked, Columns, choose
from al_loop.data.rows import Row
from al_loop.data.source import check_file, unreadable
from al_loop.data.text import name_fault
from al_loop.errors import ConfigError
from al_loop.workspace import Workspace

if TYPE_CHECKING:
    from al_loop.annotators.label_studio.controls import Control
    from al_loop.annotators.label_studio.existing import Existing


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for; `project` is a number on the server, or a file."""

    project: int | Path
    url: str = ""
    control: str = ""
    label_config: Path | None = None
    asked: Asked = field(default_factory=Asked)
    test: Path | None = None
    replace_bad_chars: bool = False
    allow_shrink: bool = False
    dry_run: bool = False


def load(workspace: Workspace, config: Config, request: Request) -> "Existing":
    """Return the project with all its tasks.

    Raises:
        InputError: there is no such project or file, or it can't be adopted.
        ServerError, AuthError: the server can't be reached, or refuses the key.
    """
    if isinstance(request.project, Path):
        from al_loop.annotators.label_studio.existing import read_file

        return read_file(request.project)
    if request.project == config.label_studio.project != 0:
        raise ConfigError(
            f"[label_studio] project in config.toml names project {request.project}, which is "
            "to be adopted; rounds need one of their own",
            hint="set it to 0 in config.toml",
        )
    return _from_server(workspace, config, request.url, request.project)


def _from_server(workspace: Workspace, config: Config, url: str, number: int) -> "Existing":
    from al_loop.annotators.label_studio import LabelStudio
    from al_loop.secrets import find_key, guard_logging
    from al_loop.server import resolve

    guard_logging()
    settings = config.label_studio
    try:
        address, local = resolve(workspace.server_dir, url or settings.url)
    except ConfigError as e:
        raise ConfigError(e.message, hint="name the server: --url https://...") from None
    key = find_key(settings.token_file, root=workspace.root, local=local)
    found = LabelStudio(address, key.value, timeout=settings.timeout).existing(number)
    return found if local is None else replace(found, url="")  # its port changes


def control(found: "Existing", request: Request) -> "Control":
    """Return the control of the project's page that is the class.

    Raises:
        InputError: there is none that al-loop can use, or several.
    """
    from al_loop.annotators.label_studio import controls

    page, where = found.label_config, found.where
    if request.label_config is not None:
        page, where = _read_page(request.label_config), str(request.label_config)
    asked = {"named": request.control, "text": request.asked.text or ""}
    if page:
        return controls.of_page(page, where, **asked)
    return controls.of_answers(found.tasks, where, **asked)


def _read_page(path: Path) -> str:
    check_file(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise unreadable(str(path), e) from e


@dataclass(slots=True)
class _Fields:
    """The fields of the tasks' data, as the columns of a table."""

    columns: tuple[str, ...]
    complete: bool = True
    note: str = ""

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield nothing: tasks are read one by one, see `place`."""
        return iter(())


def columns(found: "Existing", field_: str, asked: Asked, config: Config) -> Columns:
    """Choose which fields are text and id, and which are kept: all others, unless asked.

    field_: the text, where the page tells.

    Raises:
        DataError: a field that was named is not there, or the text can't be told.
    """
    from al_loop.annotators.label_studio.parse import KEY

    data: list[Mapping[str, Any]] = [task["data"] for task in found.tasks]
    names = dict.fromkeys(name for each in data for name in each if name != KEY)
    usable = [name for name in names if name and not name_fault(name)]
    text = asked.text or field_
    if text and text not in usable and any(value(each, text) is not None for each in data):
        usable.append(text)  # a path into a field
    keep = tuple(usable) if asked.keep is None else asked.keep
    wanted = Asked(text or None, "", asked.id, keep)
    needed = ("text", "id", "keep")
    return choose(_Fields(tuple(usable)), found.where, wanted, config.data, needed=needed)


def value(data: Mapping[str, Any], path: str) -> Any:
    """Return a field of a task's data, or what lies at a path like ``mail.body``.

    >>> value({"mail": {"body": ["a", "b"]}}, "mail.body[1]")
    'b'
    """
    if path in data:
        return data[path]
    found: Any = data
    for part in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found
