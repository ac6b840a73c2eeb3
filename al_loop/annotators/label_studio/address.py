"""The server's address and key: checked before anything is sent, never shown in full."""

import ipaddress

import httpx

from al_loop.annotators.label_studio.faults import clean
from al_loop.errors import AuthError, InputError


def clean_url(url: str) -> str:
    """Return the address with one slash at its end, so that a path in it is kept.

    The SDK joins the address of its token refresh in a way that drops the path otherwise.
    """
    url = url.strip()
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        shown = clean(url, 80) if "@" not in url else "..."
        raise InputError(
            f"the address of Label Studio must start with http:// or https:// ({shown!r})",
            hint='set [label_studio] url in config.toml, e.g. "http://localhost:8080"',
        )
    return url.rstrip("/") + "/"


def clean_key(key: str) -> str:
    """Return the key without white space around it, or refuse it without showing it."""
    key = key.strip()
    if not key:
        raise AuthError(
            "no key for Label Studio",
            hint="copy it from Account & Settings into LABEL_STUDIO_API_KEY",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise AuthError(
            "the key for Label Studio holds characters that no key has",
            hint="copy it again, without quotes or line breaks",
        )
    return key


def is_personal(key: str) -> bool:
    """Tell a personal access token (a JWT) from a legacy token (40 hexadecimal digits)."""
    return key.count(".") == 2


def is_loopback(url: str) -> bool:
    """Tell whether a server is on this machine."""
    host = httpx.URL(url).host
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_plain_remote(url: str) -> bool:
    """Tell whether the key would travel unencrypted over a network."""
    return httpx.URL(url).scheme == "http" and not is_loopback(url)
