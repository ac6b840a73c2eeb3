"""A fake Label Studio 1.23: one function over a dict store.

In a process it stands under the real SDK as a transport (`Transport`); on the network it is a
loopback server of its own: ``python tests/fakes/label_studio.py --port 0`` prints its address.
Under ``/_fake/`` are the test's own handles: knobs, late imports, a dump.
"""

import argparse
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.ls_api import PERSONAL, TOKEN, Fake

__all__ = ["PERSONAL", "TOKEN", "Fake", "Transport", "serve"]


class Transport(httpx.BaseTransport):
    """The fake under the real SDK. `faults` are callables that see each request first.

    A fault gets (request, send) and returns a response, raises, or returns None to pass.
    """

    def __init__(self, fake):
        self.fake = fake
        self.faults = []

    def handle_request(self, request):
        for fault in list(self.faults):
            response = fault(request, self.send)
            if response is not None:
                return response
        return self.send(request)

    def send(self, request):
        query = dict(parse_qsl(request.url.query.decode()))
        try:
            status, headers, body = self.fake.handle(
                request.method, request.url.path, query, request.headers, request.read()
            )
        except TimeoutError:
            raise httpx.ReadTimeout("late") from None
        return httpx.Response(status, headers=headers, content=body, request=request)


def serve(fake, port=0):
    """Serve the fake on loopback; returns the server, which runs in a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms

        def log_message(self, *args):
            pass

        def answer_any(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = urlsplit(self.path)
            headers = {k.lower(): v for k, v in self.headers.items()}
            try:
                answer = fake.handle(
                    self.command, url.path, dict(parse_qsl(url.query)), headers, body
                )
            except TimeoutError:  # late_commit: never answer
                time.sleep(30)
                return
            status, fields, content = answer
            self.send_response_only(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer_any  # noqa: N815

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass

    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    running = serve(Fake(), parser.parse_args().port)
    print(f"http://127.0.0.1:{running.server_address[1]}", flush=True)
    threading.Event().wait()
