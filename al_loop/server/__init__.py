"""The local Label Studio of `al-loop up` and `al-loop demo`."""

from al_loop.server.local import invite_link, resolve, running, start, stop
from al_loop.server.network import is_loopback
from al_loop.server.record import LocalServer

__all__ = ["LocalServer", "invite_link", "is_loopback", "resolve", "running", "start", "stop"]
