"""The only builder of the SDK's client, and the only way to the server.

The SDK supplies the addresses, the two kinds of tokens and the refresh of personal ones. Its
generated methods are not used: they hide the total of a listing, take a 404 for its end, and
repeat a POST whose answer was lost, which imports the same tasks twice. So its retries are
off, what may be repeated is repeated here, and everything else is read back by the caller.
"""

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from al_loop.annotators.label_studio import faults
from al_loop.annotators.label_studio.address import (
    clean_key,
    clean_url,
    is_loopback,
    is_personal,
)
from al_loop.annotators.label_studio.faults import Lost
from al_loop.errors import AuthError, InputError, ServerError

if TYPE_CHECKING:
    from label_studio_sdk.base_client import LabelStudioBase as SdkClient

#: How often the SDK may repeat a call on its own. Never: see the module's docstring.
SDK_RETRIES = 0
#: How often a call without side effects, or one that can be repeated, is tried.
TRIES = 5
_TRIES_WHILE_CLOSED = 3
#: The longest pause between two looks that nobody asked for, in seconds.
LONGEST_STEP = 2.0

Params = Mapping[str, str | int | bool]
Check = Callable[[Any], None]


class Api:
    """Calls to one server with one key; every call ends within `timeout` seconds.

    `settle` is the shortest pause before something is looked at again; `transport` replaces
    the network and `sleep` the waiting, for tests.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float,
        settle: float,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = clean_url(url)
        self.timeout = timeout
        self._key = clean_key(key)
        self.personal = is_personal(self._key)
        self._settle = settle
        self._transport = transport
        self._sleep = sleep
        self._sdk: SdkClient | None = None
        for name in ("httpx", "httpcore"):  # their debug lines hold addresses and cookies
            logging.getLogger(name).setLevel(logging.WARNING)

    def get(
        self,
        path: str,
        params: Params | None = None,
        check: Check | None = None,
        *,
        raw: bool = False,
    ) -> Any:
        """Return the JSON (or, `raw`, the bytes) of a GET, tried again while it is broken.

        `check` raises ValueError for an answer of the wrong shape, which counts as broken.

        Raises:
            ServerError: no good answer within the tries and `timeout`.
            AuthError, InputError, Refused: the server refused.
        """
        return self._repeat("GET", path, params, None, check, raw=raw)

    def put(self, method: str, path: str, body: object, params: Params | None = None) -> Any:
        """Send a change that is the same when made twice (PATCH, DELETE), as `get` does."""
        return self._repeat(method, path, params, body, None)

    def post(self, path: str, body: object, params: Params | None = None) -> Any:
        """Send something that must not be repeated blindly; once, whatever happens.

        Raises:
            Lost: the outcome is unknown: look whether it happened.
            AuthError, InputError, Refused: it did not happen.
        """
        return self._once("POST", path, params, body, self.timeout)

    def pause(self, attempt: int, wait: float | None = None) -> None:
        """Let the server settle: longer with each attempt, or for as long as it asks."""
        self._sleep(wait if wait is not None else min(self._settle * 2**attempt, LONGEST_STEP))

    def labeling_url(self, project: int) -> str:
        """Return the address where people label a project's tasks, one after the other."""
        return f"{self.url}projects/{project}/data?labeling=1"

    @property
    def shown_url(self) -> str:
        """The address as people may see it: without a password in it."""
        return str(httpx.URL(self.url).copy_with(userinfo=b""))

    def unreachable(self, reason: str) -> ServerError:
        """Build the error for a call that never got a good answer."""
        return ServerError(
            f"Label Studio at {self.shown_url} gave no usable answer: {reason}",
            hint="nothing is lost: run the same command again; `al-loop doctor` checks the server",
        )

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            _http(sdk).close()

    def _repeat(
        self,
        method: str,
        path: str,
        params: Params | None,
        body: object,
        check: Check | None,
        *,
        raw: bool = False,
    ) -> Any:
        end = time.monotonic() + self.timeout
        for attempt in range(TRIES):
            try:
                answer = self._once(method, path, params, body, end - time.monotonic(), raw=raw)
                if check is not None:
                    check(answer)
            except Lost as lost:
                last, given_up = lost, not lost.connected and attempt + 1 >= _TRIES_WHILE_CLOSED
            except ValueError as error:
                last, given_up = Lost(f"an answer of the wrong shape ({error})"), False
            else:
                return answer
            left = end - time.monotonic()
            if given_up or attempt + 1 == TRIES or left <= (last.wait or self._settle):
                break
            self.pause(attempt, last.wait)
        raise self.unreachable(last.reason)

    def _once(
        self,
        method: str,
        path: str,
        params: Params | None,
        body: object,
        seconds: float,
        *,
        raw: bool = False,
    ) -> Any:
        response = self._ask(method, path, params, body, seconds)
        if response.status_code == httpx.codes.UNAUTHORIZED and self.personal:
            # The access token may have run out by the server's clock: nothing was done yet.
            self.close()
            response = self._ask(method, path, params, body, seconds)
        faults.raise_for(response, personal=self.personal, private=path.endswith("/import"))
        return response.content if raw else faults.body_of(response)

    def _ask(
        self, method: str, path: str, params: Params | None, body: object, seconds: float
    ) -> httpx.Response:
        content = None if body is None else _encode(body)
        seconds = max(seconds, 0.01)

        def call() -> httpx.Response:
            return self._client()._client_wrapper.httpx_client.request(
                path,
                method=method,
                params=dict(params or {}),
                content=content,
                headers={"content-type": "application/json"} if content is not None else None,
                request_options={"timeout": seconds},
            )

        try:
            response = _within(seconds, call)
        except Exception as error:  # noqa: BLE001  every kind is translated, none is passed on
            if isinstance(error, httpx.TimeoutException):
                self.close()
            raise self._translate(error, seconds) from None
        _http(self._client()).cookies.clear()
        return response

    def _translate(self, error: Exception, seconds: float) -> Exception:
        """Turn what a call raised into one of our outcomes."""
        from label_studio_sdk.core.api_error import ApiError

        if isinstance(error, ApiError):  # only the refresh of a personal token raises it here
            if error.status_code in (400, 401, 403):
                return AuthError(
                    f"Label Studio refused the personal access token ({error.status_code})",
                    hint="make a new one in Account & Settings and put it into "
                    "LABEL_STUDIO_API_KEY",
                )
            return Lost(f"status {error.status_code} when the token was refreshed")
        if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
            return InputError("the address of Label Studio can't be used")
        if isinstance(error, (httpx.TransportError, ValueError)):
            return faults.transport_reason(error, seconds)
        return Lost(f"an unexpected {type(error).__name__}")

    def _client(self) -> "SdkClient":
        if self._sdk is None:
            from label_studio_sdk.base_client import LabelStudioBase as SdkClient

            # Not its subclass, which loads pandas and a JSON-schema faker for nothing: 0.7 s.
            self._sdk = SdkClient(
                base_url=self.url,
                api_key=self._key,
                timeout=self.timeout,
                max_retries=SDK_RETRIES,
                httpx_client=httpx.Client(
                    transport=self._transport,
                    timeout=self.timeout,
                    follow_redirects=False,
                    verify=_certificates(),
                    trust_env=not is_loopback(self.url),  # no proxy to our own machine
                ),
            )
        return self._sdk


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Read the trusted certificates once, not for each connection."""
    return httpx.create_ssl_context()


def _http(sdk: "SdkClient") -> httpx.Client:
    return sdk._client_wrapper.httpx_client.httpx_client


def _encode(body: object) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise InputError(
            "a text holds a lone surrogate, which would break the project in Label Studio",
            hint="import the file again with --replace-bad-chars",
        ) from None


def _within(seconds: float, call: Callable[[], httpx.Response]) -> httpx.Response:
    """Run `call`, give up on it after `seconds`.

    httpx bounds each read, not the whole: a server that sends a byte now and then would hold
    us for ever. The thread that is left behind ends with its own time-out.
    """
    done: Future[httpx.Response] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as error:  # noqa: BLE001  handed to the thread that waits
            done.set_exception(error)

    threading.Thread(target=run, daemon=True, name="label-studio-call").start()
    try:
        return done.result(timeout=seconds)
    except TimeoutError:
        raise httpx.ReadTimeout("deadline") from None
