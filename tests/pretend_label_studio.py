"""A program that behaves like `label-studio start` towards al_loop.server, in a blink.

`PRETEND` in its data folder says how: "die", "sleep", "deaf" (ignores SIGTERM), "move" (takes
another port than it was told, as the real one does when the port is busy).
"""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOKEN = os.environ["LABEL_STUDIO_USER_TOKEN"]
DATA = Path(os.environ["LABEL_STUDIO_BASE_DATA_DIR"])
MODE = (DATA / "PRETEND").read_text() if (DATA / "PRETEND").exists() else ""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers.get("Authorization") == f"Token {TOKEN}"
        if self.path == "/health":
            self.reply(200, {"status": "UP"})
        elif not known:
            self.reply(401, {})
        else:
            self.reply(200, {"invite_url": "/user/signup/?token=come-in"})

    def reply(self, status, values):
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main():
    arguments = dict(zip(sys.argv[1:], sys.argv[2:], strict=False))
    host, port = arguments["--internal-host"], int(arguments["--port"])
    if MODE == "die":
        print("Starting with", TOKEN)
        print(f"OperationalError: no such table for {TOKEN}", file=sys.stderr, flush=True)
        sys.exit(3)
    if MODE == "sleep":
        time.sleep(600)
    if MODE == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = ThreadingHTTPServer((host, 0 if MODE == "move" else port), Handler)
    print(f"Starting development server at http://{host}:{server.server_port}/", flush=True)
    server.serve_forever()


main()
