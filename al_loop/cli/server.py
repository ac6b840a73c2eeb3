"""`al-loop up` and `al-loop down`: a Label Studio for this workspace."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from al_loop.cli.progress import say

if TYPE_CHECKING:
    from al_loop.server import LocalServer


@click.command()
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen; 0.0.0.0 lets other machines in.",
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port to listen on (default: a free one).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def up(root: Path, host: str, port: int, as_json: bool) -> None:
    """Start a local Label Studio for this workspace.

    Prints its address, the login, and a link with which annotators make their accounts. The
    first start takes about a minute; running it again changes nothing. Its data, log and keys
    lie in the folder .al-loop/server. `al-loop down` stops it.
    """
    from al_loop import server

    if not server.is_loopback(host):
        say(
            f"note: with --host {host} everyone who reaches this machine sees the log-in page, "
            "and passwords and texts travel unencrypted (http); use it in networks you trust"
        )
    started = server.start(_folder(root), host=host, port=port, progress=say)
    if (started.host, port or started.port) != (host, started.port):
        say(f"note: it listens on {started.url} as before; al-loop down first to move it")
    invite = server.invite_link(started)
    if other := _configured(root, started):
        say(f"note: config.toml names {other}, so `al-loop round` uses that server")
    if as_json:
        click.echo(json.dumps(_values(started, invite)))
        return
    click.echo(f"Label Studio  {started.public_url}")
    click.echo(f"log in as     {started.login}")
    # A pipe may end in a log for others; the person at a terminal has to log in.
    if _terminal():
        click.echo(f"password      {started.password}")
    else:
        click.echo(f"password in   {started.password_file}")
    click.echo(f"annotators    {invite}")
    click.echo("(send them that link: they make their own account with it)")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def down(root: Path, as_json: bool) -> None:
    """Stop the local Label Studio.

    Its data stays, and al-loop up starts it again.
    """
    from al_loop import server

    stopped = server.stop(_folder(root))
    if as_json:
        click.echo(json.dumps({"stopped": stopped is not None}))
    elif stopped:
        click.echo(
            f"stopped Label Studio (process {stopped.pid}); its data stays in {stopped.data}"
        )
    else:
        click.echo("no Label Studio runs here")


def _folder(root: Path) -> Path:
    return root / ".al-loop" / "server"


def _terminal() -> bool:
    return sys.stdout.isatty()


def _configured(root: Path, started: "LocalServer") -> str:
    """Return the address in config.toml if it is not this server's; a bad file is for others."""
    from al_loop import config
    from al_loop.errors import ConfigError

    try:
        url = config.load(root / config.FILE_NAME).label_studio.url.rstrip("/")
    except ConfigError:
        return ""
    return "" if url in ("", started.url, started.public_url) else url


def _values(started: "LocalServer", invite: str) -> dict[str, object]:
    return {
        "url": started.url,
        "public_url": started.public_url,
        "login": started.login,
        "password_file": str(started.password_file),
        "token_file": str(started.token_file),
        "invite": invite,
        "pid": started.pid,
        "log": str(started.log_file),
    }
