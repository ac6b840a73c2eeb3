"""The folder of a workspace: made once by `init`, then filled by `add`."""

import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from al_loop import config as configs
from al_loop.config import DataSection
from al_loop.crash import point
from al_loop.data.columns import Asked, Columns
from al_loop.errors import ConfigError, InputError
from al_loop.files import lock, write_whole
from al_loop.imports import ImportReport, Request, readings, run
from al_loop.ingest import Progress, open_chosen
from al_loop.store import Store, open_store


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where everything of a workspace lies."""

    root: Path

    @property
    def state_dir(self) -> Path:
        """Everything that al-loop writes, except the configuration."""
        return self.root / ".al-loop"

    @property
    def db_path(self) -> Path:
        """The database."""
        return self.state_dir / "al-loop.db"

    @property
    def lock_path(self) -> Path:
        """Held while a command writes."""
        return self.state_dir / "lock"

    @property
    def vectors_dir(self) -> Path:
        """The embedding cache."""
        return self.state_dir / "vectors"

    @property
    def models_dir(self) -> Path:
        """The trained classifiers."""
        return self.state_dir / "models"

    @property
    def server_dir(self) -> Path:
        """The data of the local Label Studio."""
        return self.state_dir / "server"

    @property
    def config_path(self) -> Path:
        """The user's configuration."""
        return self.root / configs.FILE_NAME


def find(root: Path) -> Workspace:
    """Return the workspace in a folder.

    Raises:
        ConfigError: there is none, or its `init` was never finished.

    """
    workspace = Workspace(root)
    if not is_made(workspace):
        raise ConfigError(
            f"{root.absolute()} is no workspace of al-loop", hint="al-loop init DATA makes one"
        )
    return workspace


def init(root: Path, request: Request, progress: Progress = lambda *_: None) -> ImportReport:
    """Make a workspace in a folder and import its first file.

    The rows and the workspace's uuid commit together: killed at any moment, it can be repeated.

    Raises:
        InputError: there is a workspace already.
        DataError: a file is refused.
        ConfigError: a config.toml is there and wrong.
        Locked: another process works here.

    """
    workspace = Workspace(root)
    _refuse_made(workspace)
    written = not workspace.config_path.exists()
    config = (
        configs.parse(tomllib.loads(configs.default_text()))
        if written
        else configs.load(workspace.config_path)
    )
    for path, reading in readings(request, config):
        open_chosen(path, reading)  # most faults are found before a folder is made
    if request.dry_run:
        with _opened(None) as store, store.tx():
            return run(store, request, config, progress, draw=True, config_written=written)
    _make_folders(workspace)
    with lock(workspace.lock_path), _opened(workspace.db_path) as store:
        _refuse_made(workspace)
        with store.tx():
            report = run(store, request, config, progress, draw=True, config_written=written)
            _sign(store)
            point("init imported")
            if written:
                text = filled(configs.default_text(), request.asked, report.files[0].columns)
                write_whole(workspace.config_path, text.encode("utf-8"), mode=0o644)
            point("init config written")
        point("init committed")
    return report


def add(
    workspace: Workspace, request: Request, progress: Progress = lambda *_: None
) -> ImportReport:
    """Import more rows. No test set is drawn again, and every text keeps its role.

    Raises:
        DataError: a file is refused, and nothing of it or of the other file is imported.
        Locked: another process works here.

    """
    config = configs.load(workspace.config_path)
    if request.dry_run:
        with _opened(workspace.db_path) as source, _opened(None) as copy:
            source.conn.backup(copy.conn)
            with copy.tx():
                return run(copy, request, config, progress)
    with lock(workspace.lock_path), _opened(workspace.db_path) as store, store.tx():
        report = run(store, request, config, progress)
        point("import before commit")
    return report


@contextmanager
def writing(workspace: Workspace, *, dry_run: bool = False) -> Iterator[Store]:
    """Give the database in one transaction: of a workspace, or of one that comes to be by it.

    A dry run gets a copy in memory.

    Raises:
        Locked: another process works here.

    """
    if dry_run:
        with _opened(None) as store:
            if is_made(workspace):
                with _opened(workspace.db_path) as source:
                    source.conn.backup(store.conn)
            with store.tx():
                _sign(store)
                yield store
        return
    _make_folders(workspace)
    with lock(workspace.lock_path), _opened(workspace.db_path) as store, store.tx():
        _sign(store)
        yield store


def _sign(store: Store) -> None:
    """Make a database that of a workspace, unless it is already."""
    if store.meta("uuid") is None:
        store.set_meta("uuid", str(uuid.uuid4()))
        store.set_meta("made_by", version())


def filled(text: str, asked: Asked, columns: Columns) -> str:
    """Return the text of a config.toml with the columns in it, comments kept."""
    default = DataSection()
    for option in ("text", "label", "id", "keep"):
        value = getattr(asked, option)
        if value is None:
            value = getattr(columns, option) or getattr(default, option)
        text = set_option(text, "data", option, value)
    return text


def version() -> str:
    """Return the version of al-loop that runs."""
    try:
        return metadata.version("al-loop")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def is_made(workspace: Workspace) -> bool:
    """Tell whether `init` was finished: a killed one left no uuid, and counts as none."""
    if not workspace.db_path.is_file():
        return False
    with _opened(workspace.db_path) as store:
        return store.meta("uuid") is not None


def _refuse_made(workspace: Workspace) -> None:
    if is_made(workspace):
        raise InputError(
            f"{workspace.root.absolute()} is a workspace already",
            hint="al-loop import FILE adds rows to it",
        )


def _make_folders(workspace: Workspace) -> None:
    if workspace.state_dir.is_symlink():
        raise InputError(
            f"{workspace.state_dir} is a symbolic link", hint=f"rm {workspace.state_dir}"
        )
    for folder in (
        workspace.state_dir,
        workspace.vectors_dir,
        workspace.models_dir,
        workspace.server_dir,
    ):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        point("init folder made")


@contextmanager
def _opened(path: Path | None) -> Iterator[Store]:
    store = open_store(path)
    try:
        yield store
    finally:
        store.close()


def set_option(text: str, section: str, option: str, setting: object) -> str:
    """Replace a value in a table of config.toml; its comment stays in its column if it can."""
    value = json.dumps(setting, ensure_ascii=False)
    head, start, body = text.partition(f"\n[{section}]")
    data, end, rest = body.partition("\n[")
    pattern = rf"^({option} = )([^#\n]*?)(\s*)(#.*)?$"

    def line(found: re.Match[str]) -> str:
        width = len(found[2] + found[3])
        comment = found[4] or ""
        return found[1] + (f"{value:<{max(width, len(value) + 1)}}{comment}" if comment else value)

    changed = head + start + re.sub(pattern, line, data, count=1, flags=re.MULTILINE) + end + rest
    tomllib.loads(changed)
    return changed
