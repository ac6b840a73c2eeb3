"""What is kept about the local server in its folder. Every file is for the owner alone."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from al_loop.files import write_whole
from al_loop.secrets import Key, read_key, remember
from al_loop.server.process import identity

LOGIN = "lead@al-loop.local"


@dataclass(frozen=True)
class LocalServer:
    """A Label Studio that al-loop started.

    `url` is for this machine, `public_url` for the annotators' browsers; they differ when the
    server listens on all addresses. Both are empty while the server starts. `process` tells it
    from a later process with the same pid.
    """

    folder: Path
    host: str
    port: int
    pid: int
    process: str
    url: str = ""
    public_url: str = ""
    login: str = LOGIN
    password: str = field(default="", repr=False)

    @property
    def token_file(self) -> Path:
        """The file (0600) with the key for the API."""
        return token_file(self.folder)

    @property
    def password_file(self) -> Path:
        """The file (0600) with the password that goes with `login`."""
        return self.folder / "password"

    @property
    def log_file(self) -> Path:
        """What the server printed since its start; `server.log.1` is the start before."""
        return self.folder / "server.log"

    @property
    def data(self) -> Path:
        """Label Studio's own folder: its database and uploaded files."""
        return self.folder / "data"

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs."""
        return bool(self.process) and identity(self.pid) == self.process

    def key(self) -> Key:
        """Read the key for the API."""
        return read_key(self.token_file)


def token_file(folder: Path) -> Path:
    """Return where the token of the server in `folder` is kept."""
    return folder / "token"


def save(server: LocalServer) -> None:
    """Write server.json; the password and the token stay in files of their own."""
    values = asdict(server)
    del values["folder"], values["password"]
    write_whole(server.folder / "server.json", json.dumps(values, indent=1).encode())


def load(folder: Path) -> LocalServer | None:
    """Return the server that was started here last, alive or not."""
    try:
        values = json.loads((folder / "server.json").read_bytes())
        password = (folder / "password").read_text(encoding="ascii").strip()
        server = LocalServer(folder=folder, password=password, **values)
    except (OSError, ValueError, TypeError):
        return None
    remember(server.password)
    return server


def credentials(folder: Path) -> tuple[str, str]:
    """Return (token, password) of the server in `folder`, made at random the first time."""
    found = []
    for path, fresh in (
        (token_file(folder), secrets.token_hex(20)),
        (folder / "password", secrets.token_urlsafe(12)),
    ):
        if not path.exists():
            write_whole(path, f"{fresh}\n".encode())
        found.append(read_key(path).value)
    return found[0], found[1]
