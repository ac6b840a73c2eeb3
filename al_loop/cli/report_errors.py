"""The one place that turns errors into a line for people and an exit code."""

import os
import sqlite3
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from al_loop.errors import AlLoopError, DataError, Interrupted, Locked

_SHOWN_PROBLEMS = 20


@contextmanager
def reporting() -> Iterator[None]:
    """Run a command; any error ends the process with its exit code and without a traceback."""
    try:
        yield
    except click.exceptions.Exit as e:
        sys.exit(e.exit_code)
    except click.exceptions.NoArgsIsHelpError as e:
        e.show()
        sys.exit(e.exit_code)
    except click.UsageError as e:
        command = e.ctx.command_path if e.ctx else "al-loop"
        _say(_clean(e.format_message()), f"{command} --help")
        sys.exit(e.exit_code)
    except click.ClickException as e:
        _say(_clean(e.format_message()), "al-loop --help")
        sys.exit(e.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted; what was done is kept", "run the same command again to go on")
        sys.exit(Interrupted.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except AlLoopError as e:
        _problems(e)
        _say(_clean(e.message), _clean(e.hint))
        sys.exit(e.exit_code)
    except (sqlite3.Error, OSError) as e:
        sys.exit(_outside(e))
    except Exception as e:  # noqa: BLE001 - the last door: a person gets one line
        _say(_clean(f"unexpected {type(e).__name__}: {e}"), f"details are in {_keep_traceback()}")
        sys.exit(1)


def _outside(error: Exception) -> int:
    """Say what the database or the disk did, and return the exit code."""
    busy = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
    hint = "another process writes; wait for it" if busy else "check disk space and permissions"
    _say(_clean(f"{type(error).__name__}: {error}"), f"{hint}, then run again")
    return Locked.exit_code if busy else 1


def _problems(error: AlLoopError) -> None:
    if isinstance(error, DataError):
        for line in error.problems[:_SHOWN_PROBLEMS]:
            click.echo(f"  {_clean(line)}", err=True)
        if len(error.problems) > _SHOWN_PROBLEMS:
            click.echo(f"  ... and {len(error.problems) - _SHOWN_PROBLEMS} more", err=True)


def _say(message: str, hint: str) -> None:
    click.echo(f"al-loop: {' '.join(message.splitlines())}", err=True)
    if hint:
        click.echo(f"  -> {' '.join(hint.splitlines())}", err=True)


def _clean(text: str) -> str:
    """Take secrets and control characters out of a message."""
    from al_loop.secrets import redact

    return "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in redact(text)
    )


def _keep_traceback() -> str:
    """Store the traceback, without secrets, where a bug report can quote it."""
    import tempfile

    path = Path(".al-loop") / "al-loop-error.txt"
    try:
        if not path.parent.is_dir():
            # A fixed name in a folder for all could be a link that somebody laid there.
            descriptor, name = tempfile.mkstemp(prefix="al-loop-error-", suffix=".txt")
            os.close(descriptor)
            path = Path(name)
        path.write_text(_clean(traceback.format_exc()), encoding="utf-8")
    except OSError:
        return "no file, none could be written"
    return str(path)
