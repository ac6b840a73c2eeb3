"""Fixtures for tests that need a server: the fake, the fake on loopback, the real one.

`tests/conftest.py` loads this module through `pytest_plugins`.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fakes import faultproxy
from tests.fakes.label_studio import TOKEN, Fake, Transport, serve
from tests.fakes.real import copy_of_template
from tests.ls_people import Server


@pytest.fixture
def fake():
    """A fake Label Studio in this process."""
    return Fake()


@pytest.fixture
def transport(fake):
    """The way to `fake` without a network, for `LabelStudio(..., transport=transport)`."""
    return Transport(fake)


@dataclass(frozen=True)
class FakeServer:
    """The fake as a process of its own."""

    url: str
    token: str
    pid: int

    def control(self, name, **data):
        """Use one of the test's handles: knobs, land, dump, log."""
        return httpx.post(f"{self.url}/_fake/{name}", json=data, trust_env=False).json()


def _serve_apart():
    script = Path(__file__).with_name("label_studio.py")
    command = [sys.executable, str(script), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            yield FakeServer(url, TOKEN, process.pid)
        finally:
            process.terminate()


@pytest.fixture
def fake_server():
    """The fake in a process of its own, so that clients can be killed."""
    yield from _serve_apart()


@pytest.fixture(scope="module")
def module_fake_server():
    """The same, one for all tests of a module."""
    yield from _serve_apart()


@dataclass(frozen=True)
class Proxied:
    """A server behind a fault proxy: `plan` says what breaks."""

    url: str
    plan: faultproxy.Plan


@pytest.fixture
def proxy_to():
    """Return a function that puts a fault proxy in front of an address."""
    servers = []

    def start(url):
        parsed = httpx.URL(url)
        server, plan, address = faultproxy.serve((parsed.host, parsed.port))
        servers.append(server)
        return Proxied(address, plan)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def proxied(fake, proxy_to):
    """`fake` on loopback behind a fault proxy."""
    server = serve(fake)
    yield proxy_to(f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def ls(tmp_path_factory):
    """A real Label Studio for the session: url, token, pid, data."""
    server = copy_of_template(tmp_path_factory.mktemp("label-studio"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_ls(tmp_path):
    """A real Label Studio of this test's own, to be killed and locked."""
    server = copy_of_template(tmp_path / "label-studio")
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.ls)])
def either(request, fake):
    """The fake and the real server, one after the other."""
    if request.param == "real":
        server = Server(request.getfixturevalue("ls").url)
        yield server
        server.http.close()
        return
    running = serve(fake)
    server = Server(f"http://127.0.0.1:{running.server_address[1]}")
    yield server
    server.http.close()
    running.shutdown()
    running.server_close()
