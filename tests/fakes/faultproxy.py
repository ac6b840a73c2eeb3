"""An HTTP proxy that breaks chosen requests: before the server saw them, or after it did.

`Plan.add(match, action, times, **options)` breaks the next `times` requests for which
``match(method, path)`` holds; the first rule that has some left wins.
"""

import http.client
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_DROPPED = ("content-length", "transfer-encoding", "connection")
_HTML = b"<html><h1>502 Bad Gateway</h1></html>"


class Plan:
    """What goes wrong next, and what was asked so far."""

    def __init__(self):
        self.rules, self.log = [], []
        self.lock = threading.Lock()

    def add(self, match, action, times=1, **options):
        self.rules.append({"match": match, "action": action, "left": times, **options})

    def heal(self):
        self.rules.clear()

    def take(self, method, path):
        with self.lock:
            self.log.append((method, path))
            for rule in self.rules:
                if rule["left"] and rule["match"](method, path):
                    rule["left"] -= 1
                    return rule
            return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms
    upstream = ("127.0.0.1", 0)
    plan = Plan()

    def log_message(self, *args):
        pass

    def answer_any(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else None
        rule = self.plan.take(self.command, self.path.split("?")[0]) or {"action": "pass"}
        try:
            getattr(self, f"do_{rule['action']}")(rule, body)
        except OSError:
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer_any  # noqa: N815

    # before the server saw it

    def do_rst_before(self, rule, body):
        self.reset()

    def do_status(self, rule, body):
        headers = [("Content-Type", "application/json"), *rule.get("headers", [])]
        self.send(rule["code"], headers, rule.get("body", b'{"detail":"injected"}'))

    def do_sleep_before(self, rule, body):
        time.sleep(rule["secs"])
        self.send(*self.forward(body))

    def do_hang(self, rule, body):
        time.sleep(rule["secs"])
        self.close()

    # after the server did it

    def do_pass(self, rule, body):
        self.send(*self.forward(body))

    def do_sleep_after(self, rule, body):
        answer = self.forward(body)
        time.sleep(rule["secs"])
        self.send(*answer)

    def do_close_after(self, rule, body):
        self.forward(body)
        self.close()

    def do_rst_after(self, rule, body):
        self.forward(body)
        self.reset()

    def do_half_then_close(self, rule, body):
        status, headers, data = self.forward(body)
        self.send(status, headers, data[: len(data) // 2], length=len(data) or 10)
        self.close()

    def do_half_then_rst(self, rule, body):
        status, headers, data = self.forward(body)
        self.send(status, headers, data[: len(data) // 2], length=len(data) or 10)
        time.sleep(0.02)
        self.reset()

    def do_truncated_json(self, rule, body):
        status, headers, data = self.forward(body)
        self.send(status, headers, data[: len(data) // 2])

    def do_status_after(self, rule, body):
        self.forward(body)
        self.send(rule["code"], [("Content-Type", "text/html")], _HTML)

    def do_html200(self, rule, body):
        self.forward(body)
        self.send(200, [("Content-Type", "text/html")], b"<html>login</html>")

    def do_empty200(self, rule, body):
        self.forward(body)
        self.send(200, [("Content-Type", "application/json")], b"")

    def do_drip(self, rule, body):
        status, headers, data = self.forward(body)
        self.headers_only(status, headers, len(data) or 10)
        step = max(1, len(data) // rule["pieces"])
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
            self.wfile.flush()
            time.sleep(rule["secs"])

    def do_drip_headers(self, rule, body):
        self.forward(body)
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(rule["pieces"]):
            self.wfile.write(f"X-{number}: 1\r\n".encode())
            self.wfile.flush()
            time.sleep(rule["secs"])

    # means

    def forward(self, body):
        connection = http.client.HTTPConnection(*self.upstream, timeout=120)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, response.getheaders(), data

    def headers_only(self, status, headers, length):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _DROPPED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def send(self, status, headers, data, length=None):
        self.headers_only(status, headers, len(data) if length is None else length)
        self.wfile.write(data)
        self.wfile.flush()

    def close(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self):
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def serve(upstream):
    """Start a proxy in front of `upstream` (host, port): (server, plan, address)."""
    plan = Plan()
    handler = type("Bound", (Handler,), {"upstream": upstream, "plan": plan})
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server, plan, f"http://127.0.0.1:{server.server_address[1]}"
