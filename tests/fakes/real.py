"""A real Label Studio for tests: started from a migrated template, stopped by its process id.

The template is built once (about 45 s) in AL_LOOP_TEST_CACHE, or below the user's cache
folder; a server on a copy of it is up in about 5 s.
"""

import importlib.metadata
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

TOKEN = "0123456789abcdef0123456789abcdef01234567"
EMAIL, PASSWORD = "al@example.com", "al-loop-test-1"
_STARTED = re.compile(r"development server at http://127\.0\.0\.1:(\d+)/")


def environment(data):
    """A clean one: a stray HOST or PORT of the machine would change the server."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(data),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_USERNAME": EMAIL,
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "COLLECT_ANALYTICS": "False",
        "LATEST_VERSION_CHECK": "False",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "SENTRY_RATE": "0",
        "FRONTEND_SENTRY_RATE": "0",
    }


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class RealServer:
    """One server on one data folder; `start` and `stop` can be repeated."""

    token = TOKEN

    def __init__(self, data):
        self.data = Path(data)
        self.process = None
        self.url = ""

    @property
    def pid(self):
        return self.process.pid

    @property
    def database(self):
        return self.data / "label_studio.sqlite3"

    def start(self, port=None, seconds=180):
        log = self.data / "test.log"
        program = Path(sys.executable).parent / "label-studio"
        command = [program, "start", "--no-browser", "--internal-host", "127.0.0.1"]
        command += ["--port", str(port or free_port()), "--log-level", "WARNING"]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=self.data,
                env=environment(self.data),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # It moves to the next port when this one is busy: only its log knows.
            found = _STARTED.search(log.read_text(errors="replace"))
            if found and self._healthy(f"http://127.0.0.1:{found[1]}"):
                self.url = f"http://127.0.0.1:{found[1]}"
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        tail = log.read_text(errors="replace")[-2000:]
        self.stop(signal.SIGKILL)
        raise RuntimeError(f"Label Studio did not start:\n{tail}")

    def _healthy(self, url):
        try:
            return httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return
        for each in (number, signal.SIGKILL):
            if self.process.poll() is None:
                os.kill(self.process.pid, each)
                try:
                    self.process.wait(10)
                except subprocess.TimeoutExpired:
                    continue
        self.process = None


def cache_dir():
    named = os.environ.get("AL_LOOP_TEST_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "al-loop-tests"


def template():
    """Return the folder of a migrated, stopped server, built when there is none."""
    ready = cache_dir() / f"label-studio-{importlib.metadata.version('label-studio')}"
    if ready.exists():
        return ready
    cache_dir().mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix="building-", dir=cache_dir()))
    server = RealServer(building)
    try:
        server.start()
    finally:
        server.stop()
    try:
        building.rename(ready)
    except OSError:  # another session was quicker
        shutil.rmtree(building)
    return ready


def copy_of_template(folder):
    shutil.copytree(template(), folder, dirs_exist_ok=True)
    return RealServer(folder)
