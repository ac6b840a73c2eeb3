"""Start, find and stop the Label Studio of a workspace."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from al_loop.errors import AlLoopError, AuthError, ConfigError, InputError, ServerError
from al_loop.files import lock, write_whole
from al_loop.secrets import redact
from al_loop.server import network, record
from al_loop.server.process import identity, spawn, terminate
from al_loop.server.record import LocalServer

Say = Callable[[str], None]

_LISTENING = re.compile(r"Starting development server at http://\S*:(\d+)/?")
_SAY_EVERY = 15.0
#: Only these come from the caller's environment. Label Studio also reads variables as common
#: as HOST, PORT, DEBUG or DATABASE_NAME; a stray one would change the server.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


def start(
    folder: Path,
    *,
    host: str = network.LOOPBACK,
    port: int = 0,
    timeout: float = 300,
    progress: Say = lambda _: None,
) -> LocalServer:
    """Start Label Studio with its data under `folder`, or return the one that runs there.

    The first start builds the database, which takes about a minute; later ones take seconds.

    Args:
        folder: gets data, log, `server.json` and the 0600 files `token` and `password`.
        host: address to listen on; anything but the loopback lets others in.
        port: 0 for the last one, so that links stay valid, or else a free one.
        timeout: seconds to wait until it answers.
        progress: is told, in a line of text each, what happens.

    Raises:
        InputError: Label Studio is not installed, or can't listen there.
        ServerError: it died or did not answer in time; names the log.
        AuthError: it runs, but knows neither the stored token nor the password.
        Locked: another `start` is at work in this folder.

    """
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with lock(folder / "lock"):
        last = record.load(folder)
        if last and last.alive:
            progress(f"Label Studio runs already (process {last.pid})")
            try:
                return _ready(last, timeout, progress)
            except ServerError:
                if last.alive:
                    raise  # else it was just dying
        port = network.free_port(host, port, last.port if last else 0)
        return _begin(folder, host, port, timeout, progress)


def running(folder: Path) -> LocalServer | None:
    """Return the server of this folder if its process lives and has said where it listens."""
    last = record.load(folder.absolute())
    return last if last and last.url and last.alive else None


def stop(folder: Path, *, grace: float = 10.0) -> LocalServer | None:
    """Stop the server of this folder, also one that still starts; None when there is none.

    Only the very process that `start` made gets a signal, whoever has its number now.
    """
    last = record.load(folder.absolute())
    return last if last and terminate(last.pid, last.process, grace=grace) else None


def invite_link(server: LocalServer) -> str:
    """Return the link with which annotators make their own account.

    Raises:
        AuthError, ServerError: the server refuses, or does not answer.

    """
    from al_loop.server import web

    return server.public_url + web.invite_path(server.url, server.key().value)


def resolve(folder: Path, url: str = "") -> tuple[str, Path | None]:
    """Tell which server to talk to, and the file with its key if it is the one in `folder`.

    Args:
        folder: of the workspace's local server, ``.al-loop/server``.
        url: `[label_studio] url`; empty means the local server.

    Raises:
        ConfigError: no server was named, and none was ever started here.
        ServerError: the local server is meant and does not run.

    """
    server = running(folder)
    if server and url.rstrip("/") in ("", server.url, server.public_url):
        return server.url, server.token_file
    if not url:
        hint = "al-loop up, or set [label_studio] url in config.toml"
        if record.load(folder.absolute()) is None:
            raise ConfigError("no Label Studio to talk to: [label_studio] url is empty", hint=hint)
        raise ServerError("the local Label Studio does not run", hint=hint)
    return url.rstrip("/"), None


def _begin(folder: Path, host: str, port: int, timeout: float, progress: Say) -> LocalServer:
    new = not any((folder / "data").glob("*.sqlite3"))
    server = _launch(folder, host, port)
    what = "sets up its database, about a minute" if new else "starts"
    progress(f"Label Studio {what} (log: {server.log_file})")
    try:
        return _ready(server, timeout, progress)
    except AuthError:
        raise  # it runs: the user can log in and see to it
    except BaseException:
        terminate(server.pid, server.process)
        raise


def _launch(folder: Path, host: str, port: int) -> LocalServer:
    program = _program()
    token, password = record.credentials(folder)
    server = LocalServer(folder, host, port, pid=0, process="", password=password)
    server.data.mkdir(mode=0o700, exist_ok=True)
    if server.log_file.exists():
        server.log_file.replace(folder / "server.log.1")
    command = [program, "start", "--no-browser", "--log-level", "WARNING"]
    command += ["--internal-host", host, "--port", str(port)]
    try:
        pid = spawn(
            command,
            env=_environment(server, token),
            cwd=server.data,
            log=server.log_file,
        )
    except (OSError, subprocess.CalledProcessError, ValueError) as e:
        raise ServerError(f"Label Studio could not be started: {type(e).__name__}") from e
    server = dataclasses.replace(server, pid=pid, process=identity(pid))
    record.save(server)  # before it is ready: if we die now, the next start finds it
    return server


def _program() -> str:
    """Return the label-studio beside our Python: the one on PATH may be another version."""
    found = shutil.which("label-studio", path=str(Path(sys.executable).parent))
    if not found:
        raise InputError("Label Studio is not installed", hint='pip install "al-loop[server]"')
    return found


def _environment(server: LocalServer, token: str) -> dict[str, str]:
    env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    env |= {
        "LANG": env.get("LANG", "C.UTF-8"),
        "PYTHONUNBUFFERED": "1",  # the line with the port must reach the log at once
        "LABEL_STUDIO_BASE_DATA_DIR": str(server.data),
        "LABEL_STUDIO_USERNAME": server.login,
        "LABEL_STUDIO_PASSWORD": server.password,
        "LABEL_STUDIO_USER_TOKEN": token,
        # Counts only when the organization is made, so it has to be there at the first start.
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        # Nothing about the texts leaves the machine.
        "COLLECT_ANALYTICS": "False",
        "LATEST_VERSION_CHECK": "False",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "SENTRY_RATE": "0",
        "FRONTEND_SENTRY_RATE": "0",
    }
    if network.is_loopback(server.host):
        # A web page that points its own name at 127.0.0.1 must not reach the server.
        env["LABEL_STUDIO_ALLOWED_HOSTS"] = "127.0.0.1,localhost"
    # LABEL_STUDIO_HOST stays unset on purpose: then all links are relative, and right for the
    # lead on this machine as for annotators who come by another address.
    return env


def _ready(server: LocalServer, timeout: float, progress: Say) -> LocalServer:
    """Wait until the server answers and knows our token."""
    from al_loop.server import web

    begun = said = time.monotonic()
    while time.monotonic() - begun < timeout:
        if not server.alive:
            raise _died(server)
        port = _port(server)
        if port and web.is_up(network.url(server.host, port)):
            server = _listening(server, port)
            _check_token(server)
            return server
        if time.monotonic() - said >= _SAY_EVERY:
            said = time.monotonic()
            progress(f"still starting, {said - begun:.0f} s")
        time.sleep(0.2)
    raise ServerError(
        f"Label Studio did not answer within {timeout:.0f} s; its log is {server.log_file}",
        hint="al-loop down, then al-loop up",
    )


def _port(server: LocalServer) -> int:
    """Read the port from the log: Label Studio moves to another one when it finds one taken."""
    try:
        log = server.log_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    found = _LISTENING.search(log)
    return int(found[1]) if found else 0


def _listening(server: LocalServer, port: int) -> LocalServer:
    server = dataclasses.replace(
        server,
        port=port,
        url=network.url(server.host, port),
        public_url=network.public_url(server.host, port),
    )
    record.save(server)
    return server


def _check_token(server: LocalServer) -> None:
    """Replace the token if it is not the server's: reset by hand, or a first start was cut."""
    from al_loop.server import web

    if web.accepts(server.url, server.key().value):
        return
    token = web.new_token(server.url, server.login, server.password)
    if not token or not web.accepts(server.url, token):
        raise AuthError(
            f"{server.url} runs, but refuses the key in {server.token_file}",
            hint=f"log in there, copy a key from Account & Settings into {server.token_file}",
        )
    write_whole(server.token_file, f"{token}\n".encode())


def _died(server: LocalServer) -> AlLoopError:
    try:
        log = server.log_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        log = ""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = redact(lines[-1])[:200] if lines else "no word"
    return ServerError(
        f"Label Studio ended while starting: {last}; its log is {server.log_file}",
        hint=f"less {server.log_file}",
    )
