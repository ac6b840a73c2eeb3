"""What can go wrong with one HTTP call: three outcomes, and texts that give nothing away.

A call is answered, refused (`Refused`: nothing happened, and asking again changes nothing) or
lost (`Lost`: whether the server did it is unknown, or it asks to be left alone for a while).
Answers of the server can hold texts of people's tasks, session cookies and whole HTML pages;
the key itself can turn up in exception texts. So no exception text is ever passed on as it is.
"""

import email.utils
import json
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from al_loop.errors import AuthError, InputError

#: A server that asks for a longer pause is asked again sooner.
LONGEST_PAUSE = 20.0
#: After these nobody knows whether the request was carried out.
UNKNOWN_STATUS = frozenset({408, 409, 425, 429})
_SHOWN = 200


class Lost(Exception):
    """Whether the server did what was asked is unknown; `wait` are seconds it asked for."""

    def __init__(self, reason: str, *, wait: float | None = None, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.connected = not refused


class Refused(Exception):
    """The server understood and did nothing (a 4xx that repeating does not change)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}".strip())
        self.status = status
        self.detail = detail


def clean(text: str, limit: int = _SHOWN) -> str:
    """Return `text` on one line, without control and bidi characters, cut to `limit`."""
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def detail_of(response: httpx.Response, *, private: bool = False) -> str:
    """Return the server's own words, at most 200 characters; pages and task data give none.

    `private` leaves out the field-by-field errors, which repeat the request's data.
    """
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, Mapping):
        return ""
    words = [body["detail"]] if isinstance(body.get("detail"), str) else []
    if not private:
        words += _strings(body.get("validation_errors"))
    return clean(": ".join(words))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that the server asks to wait, at most LONGEST_PAUSE; None if none.

    The header holds seconds or a date; anything else counts as absent.
    """
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(float(value), LONGEST_PAUSE)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(max(moment.timestamp() - time.time(), 0.0), LONGEST_PAUSE)


def transport_reason(error: Exception, seconds: float) -> Lost:
    """Translate an exception of the HTTP layer; its text may hold the key, so only its kind."""
    if isinstance(error, httpx.TimeoutException):
        return Lost(f"no complete answer within {seconds:g} s")
    if isinstance(error, httpx.ConnectError):
        return Lost(f"can't connect ({_why(error)})", refused=True)
    if isinstance(error, httpx.TransportError):
        return Lost("the connection broke")
    return Lost("an answer that is not JSON")


def _why(error: httpx.ConnectError) -> str:
    text = str(error).lower()
    for sign, words in (
        ("refused", "connection refused"),
        ("certificate", "its certificate is not trusted"),
        ("ssl", "it does not speak TLS: is it http:// instead of https://?"),
        ("name or service", "unknown host name"),
        ("name resolution", "unknown host name"),
        ("nodename", "unknown host name"),
    ):
        if sign in text:
            return words
    return "no connection"


def body_of(response: httpx.Response) -> Any:
    """Return the JSON of a 2xx answer (None for 204).

    Raises:
        Lost: the body is empty or not JSON, which happens after the work was done, too.
    """
    if response.status_code == httpx.codes.NO_CONTENT:
        return None
    if not response.content:
        raise Lost("an empty answer")
    try:
        return response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        page = response.content.lstrip()[:1] == b"<"
        raise Lost("a web page instead of data" if page else "half an answer") from None


def raise_for(response: httpx.Response, *, personal: bool, private: bool) -> None:
    """Raise what a status other than 2xx means.

    Raises:
        AuthError: 401 and 403, and a redirect to the login page.
        InputError: another redirect: the address in config.toml is not the server's own.
        Lost: 408, 409, 425, 429 and everything from 500 on.
        Refused: every other 4xx.
    """
    status = response.status_code
    if response.is_success:
        return
    if response.is_redirect:
        raise _redirected(response)
    if status in (401, 403):
        raise _unauthorized(status, detail_of(response, private=True), personal=personal)
    if status in UNKNOWN_STATUS or not httpx.codes.is_client_error(status):
        raise Lost(f"status {status}", wait=retry_after(response))
    raise Refused(status, detail_of(response, private=private))


def _redirected(response: httpx.Response) -> Exception:
    target = httpx.URL(response.headers.get("location", ""))
    if "login" in target.path:
        return AuthError(
            "Label Studio answered with its login page: the key was not accepted",
            hint="put a key from Account & Settings into LABEL_STUDIO_API_KEY",
        )
    base = f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}"
    where = f" to {base}" if target.scheme and target.host else ""
    return InputError(
        f"Label Studio's address redirects{where}",
        hint="put the address that it redirects to into [label_studio] url in config.toml",
    )


def _unauthorized(status: int, detail: str, *, personal: bool) -> AuthError:
    words = f": {detail}" if detail else ""
    if status == httpx.codes.FORBIDDEN:
        return AuthError(
            f"the key is valid but may not do this ({status}{words})",
            hint="ask an administrator of Label Studio for access to the project",
        )
    kind = "personal access token" if personal else "legacy token"
    if "legacy" in detail.lower():
        hint = "make a personal access token in Account & Settings, or allow legacy tokens there"
    else:
        hint = "copy the key again from Account & Settings into LABEL_STUDIO_API_KEY"
    return AuthError(f"Label Studio refused the {kind} ({status}{words})", hint=hint)
