"""Where the key of Label Studio comes from, and how it is kept out of everything written.

The key is looked for in this order:

1. the token of the server that ``al-loop up`` started, when that is the server to talk to: it
   fits no other one, and no other one fits there;
2. the environment variable ``LABEL_STUDIO_API_KEY``;
3. the file named by ``[label_studio] token_file``.

There is no option for it: a command line can be read by everyone on the machine.

The key of the namer (``[discovery] namer_url``) is in ``AL_LOOP_NAMER_KEY`` and nowhere else.
"""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from al_loop.errors import AuthError

VARIABLE = "LABEL_STUDIO_API_KEY"
NAMER_VARIABLE = "AL_LOOP_NAMER_KEY"
MASK = "[secret]"

#: Every secret this process has read. It only grows: what was secret once stays secret.
_known: set[str] = set()
_PATTERNS = (
    # A JSON web token: header and payload are base64 of '{"', the signature may be cut off.
    (re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]*(?:\.[\w-]*)?"), MASK),
    # Cookies that are as good as a password, as they stand in headers and reprs.
    (
        re.compile(r"\b((?:sessionid|csrftoken)['\"]?\s*[=:]\s*['\"]?)[^\s;,'\"]+", re.I),
        rf"\g<1>{MASK}",
    ),
    (re.compile(r"\b((?:token|bearer)\s+)[\w.~+/-]{16,}=*", re.I), rf"\g<1>{MASK}"),
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was found. `source` names the place for messages; `repr` never shows it."""

    value: str = field(repr=False)
    source: str

    @property
    def kind(self) -> Literal["personal", "legacy"]:
        """A personal access token is a JSON web token, anything else a legacy token."""
        return "personal" if self.value.count(".") == 2 else "legacy"


def find_key(
    token_file: str = "",
    *,
    root: Path | None = None,
    local: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Key:
    """Return the key for Label Studio and remember it for `redact`.

    Args:
        token_file: `[label_studio] token_file`; ``~`` and paths relative to `root` are fine.
        root: the workspace folder.
        local: token file of the local server, None when another server is meant: its key
            must not be sent to anyone else.
        environ: instead of `os.environ`.

    Raises:
        AuthError: no key, an unusable one, or a file that others can read.

    """
    if local is not None and local.exists():
        return read_key(local)
    environ = os.environ if environ is None else environ
    if environ.get(VARIABLE, "").strip():
        return _checked(environ[VARIABLE], VARIABLE)
    if token_file:
        return read_key((root or Path()) / Path(token_file).expanduser())
    raise AuthError(
        "no key for Label Studio",
        hint=f"export {VARIABLE}=... (Label Studio: Account & Settings), or al-loop up",
    )


def read_key(path: Path) -> Key:
    """Read a key from a file that nobody else may read.

    Raises:
        AuthError: unreadable, open to others (the hint has the chmod command) or unusable.

    """
    try:
        with path.open("rb") as f:
            mode = os.fstat(f.fileno()).st_mode & 0o777
            data = f.read(65_536)
    except OSError as e:
        raise AuthError(
            f"can't read the key file {path}: {e.strerror}",
            hint=f"write the key into it, then: chmod 600 {path}",
        ) from None
    if mode & 0o077:
        raise AuthError(
            f"the key file {path} can be read by others (mode {mode:04o})",
            hint=f"chmod 600 {path}",
        )
    return _checked(data.decode("utf-8", "replace"), str(path))


def namer_key(environ: Mapping[str, str] | None = None) -> str:
    """Return the key of the namer and remember it for `redact`; empty where it needs none."""
    value = (os.environ if environ is None else environ).get(NAMER_VARIABLE, "").strip()
    remember(value)
    return value


def remember(secret: str) -> None:
    """Make `redact` replace this text from now on."""
    if secret:
        _known.add(secret)


def redact(text: str) -> str:
    """Replace every remembered secret, web token and session cookie.

    >>> redact("GET / Cookie: sessionid=abc123; lang=en")
    'GET / Cookie: sessionid=[secret]; lang=en'
    """
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFilter(logging.Filter):
    """Clean a record's message, exception and stack before a handler writes them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; every record passes."""
        record.msg, record.args = redact(_message(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


def guard_logging() -> None:
    """Put the filter on every handler of the root logger, and silence the HTTP libraries.

    httpcore prints whole headers at DEBUG. Call it after handlers were added; twice does no harm.
    """
    last = [logging.lastResort] if logging.lastResort else []
    for handler in [*logging.getLogger().handlers, *last]:
        if not any(isinstance(f, RedactingFilter) for f in handler.filters):
            handler.addFilter(RedactingFilter())
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # a wrong format string must not stop the program
        return f"{record.msg} {record.args}"


def _checked(text: str, source: str) -> Key:
    """Strip and check; a bad key would otherwise show up in the error of the HTTP library."""
    value = text.strip()
    remember(value)
    if not value:
        raise AuthError(f"the key in {source} is empty", hint=f"put the key into {source}")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise AuthError(
            f"the key in {source} is not a Label Studio key: it has spaces or odd characters",
            hint="copy it again from Account & Settings, without quotes",
        )
    return Key(value, source)
