"""Addresses: where the server listens, and how this machine and others reach it."""

import ipaddress
import socket

from al_loop.errors import InputError

LOOPBACK = "127.0.0.1"
ANY = "0.0.0.0"  # noqa: S104  compared with, and only used when the user asks for it


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def free_port(host: str, wanted: int = 0, last: int = 0) -> int:
    """Return the wanted port; without one the last used if it is free, or any free one.

    Raises:
        InputError: the port is taken, or `host` is not an IPv4 address of this machine.

    """
    if wanted:
        return _bind(host, wanted)
    if last:
        try:
            return _bind(host, last)
        except InputError:
            pass  # taken meanwhile: the links change
    return _bind(host, 0)


def url(host: str, port: int) -> str:
    """Return the address for this machine."""
    return f"http://{LOOPBACK if host == ANY else host}:{port}"


def public_url(host: str, port: int) -> str:
    """Return the address for other machines; for a server on all addresses the outward one."""
    return f"http://{_outward() if host == ANY else host}:{port}"


def _bind(host: str, port: int) -> int:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((host, port))
            return int(s.getsockname()[1])
    except socket.gaierror:
        reason = "it is not an IPv4 address or name of this machine"
    except OSError as e:
        reason = e.strerror or type(e).__name__
    except OverflowError:
        reason = "a port is a number up to 65535"
    raise InputError(
        f"can't listen on {host} port {port}: {reason}",
        hint=f"--host {LOOPBACK}, and leave out --port to get a free one",
    )


def _outward() -> str:
    """Return the address this machine uses towards others. Connecting UDP sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # TEST-NET-1 of RFC 5737, nobody's address
            return str(s.getsockname()[0])
        except OSError:
            return socket.gethostname()
