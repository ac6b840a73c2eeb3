"""The few pages and calls of Label Studio's web interface that need no SDK."""

from typing import Any

import httpx

from al_loop.errors import AuthError, ServerError

TIMEOUT = 60.0


def browser(url: str) -> httpx.Client:
    """Return a client with cookies. Proxies are for the outside world, not for this server."""
    return httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False, follow_redirects=False)


def is_up(url: str) -> bool:
    """Ask the server whether it takes requests."""
    try:
        reply = httpx.get(f"{url}/health", timeout=5, trust_env=False)
        return reply.status_code == 200 and "UP" in reply.text
    except httpx.TransportError:
        return False


def accepts(url: str, token: str) -> bool:
    """Tell whether the server knows this legacy token.

    Raises:
        ServerError: it gave no clear answer.

    """
    reply = _get(url, "/api/current-user/whoami", token)
    if reply.status_code in (200, 401, 403):
        return reply.status_code == 200
    raise ServerError(f"{url} answers {reply.status_code} to a question about the key")


def invite_path(url: str, token: str) -> str:
    """Return the path of the sign-up page for people who were invited.

    Raises:
        AuthError: the token is not accepted.
        ServerError: no invitation in the answer.

    """
    reply = _get(url, "/api/invite", token)
    if reply.status_code in (401, 403):
        raise AuthError(f"{url} refuses the key of the local server", hint="al-loop up")
    try:
        return str(reply.json()["invite_url"])
    except (ValueError, KeyError, TypeError) as e:
        raise ServerError(f"{url} gives no invitation (status {reply.status_code})") from e


def sign_in(client: httpx.Client, email: str, password: str) -> bool:
    """Fill in the log-in page; the client holds the session afterwards."""
    return _submit(client, "/user/login/", {"email": email, "password": password})


def sign_up(client: httpx.Client, path: str, email: str, password: str) -> bool:
    """Fill in the sign-up page behind an invitation; the client is logged in afterwards."""
    form = {"email": email, "password": password, "allow_newsletters": "false"}
    return _submit(client, path, form)


def csrf(client: httpx.Client) -> dict[str, str]:
    """Return the headers with which a browser proves that it means what it sends."""
    return {
        "X-CSRFToken": client.cookies.get("csrftoken") or "",
        "Referer": str(client.base_url),
    }


def new_token(url: str, login: str, password: str) -> str | None:
    """Let the server make a new legacy token for a user, None when it refuses the password."""
    with browser(url) as client:
        if not sign_in(client, login, password):
            return None
        reply = client.post("/api/current-user/reset-token/", headers=csrf(client))
        token = _field(reply, "token")
        return str(token) if token else None


def _submit(client: httpx.Client, path: str, form: dict[str, str]) -> bool:
    """Send a form as a browser does. A redirect means success, the same page again a refusal."""
    try:
        client.get(path)
        hidden = {"csrfmiddlewaretoken": client.cookies.get("csrftoken") or ""}
        reply = client.post(path, data=form | hidden, headers=csrf(client))
    except httpx.TransportError as e:
        raise ServerError(f"{client.base_url} does not answer ({type(e).__name__})") from e
    return reply.is_redirect


def _get(url: str, path: str, token: str) -> httpx.Response:
    headers = {"Authorization": f"Token {token}"}
    try:
        return httpx.get(f"{url}{path}", headers=headers, timeout=TIMEOUT, trust_env=False)
    except httpx.TransportError as e:
        raise ServerError(f"{url} does not answer ({type(e).__name__})") from e


def _field(reply: httpx.Response, name: str) -> Any:
    try:
        return reply.json().get(name)
    except (ValueError, AttributeError):
        return None
