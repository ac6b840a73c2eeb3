"""An endpoint that names groups: what is sent, what is taken for a name, what faults end in."""

import json
import logging
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from al_loop import config, secrets
from al_loop.errors import ConfigError
from al_loop.openworld import namer, naming
from al_loop.openworld.group import Group

KEY = "sk-test-0123456789abcdef0123"


@contextmanager
def endpoint(*replies, drip=False):
    """Serve answers on loopback, one after the other, the last for ever: (status, body)."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, reply = replies[min(len(seen), len(replies) - 1)]
            seen.append((self.path, dict(self.headers), body))
            data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            for i in range(0, len(data), 1 if drip else len(data) or 1):
                self.wfile.write(data[i : i + (1 if drip else len(data))])
                self.wfile.flush()
                time.sleep(0.05 if drip else 0)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):
            """A client that hung up is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(name):
    return 200, {"choices": [{"message": {"role": "assistant", "content": name}}]}


def ask(url, **more):
    more = {"timeout": 5, "sleep": lambda _: None} | more
    return namer.Endpoint(url, "some-model", KEY, **more)


def group(index, name):
    return Group(index, None, name, 9, 0.8, True, (name,), (0, 1), "refund", 0.4, True)


def named(url, said=None, groups=("late parcel", "broken glass"), taken=(), **more):
    """Name groups by the endpoint at `url`; returns their names."""
    texts = {i: [f"text {i} of it", "another"] for i in range(len(groups))}
    listen = (lambda _: None) if said is None else said.append
    rows = [group(i, name) for i, name in enumerate(groups)]
    return [g.name for g in naming.by_namer(rows, texts, ask(url, **more), taken, listen)]


def test_only_the_central_texts_are_sent_and_the_answer_is_the_name():
    said = []
    with endpoint(answer("Delivery delay"), answer(" \u201cDamaged goods.\u201d\n")) as (url, seen):
        assert named(url, said) == ["Delivery delay", "Damaged goods"]
    assert said == [f"sending 4 texts of 2 groups to {url[7:-3]}"]
    path, headers, body = seen[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body["model"] == "some-model"
    assert body["messages"][1]["content"] == "- text 0 of it\n- another"
    assert "text 1" not in json.dumps(body)


def test_without_a_group_nothing_is_sent_and_nothing_is_said():
    said = []
    assert naming.by_namer([group(0, "a")], {}, ask("http://127.0.0.1:9"), [], said.append)
    assert said == []


def test_without_a_key_no_header_is_sent():
    with endpoint(answer("x y")) as (url, seen):
        assert named(url, groups=("a",)) == ["x y"]
        assert namer.Endpoint(url, "m", sleep=lambda _: None)(["t"]) == "x y"
    assert "Authorization" in seen[0][1]
    assert "Authorization" not in seen[1][1]


@pytest.mark.parametrize(
    "reply",
    [
        answer(""),
        answer("  \n "),
        answer("..."),
        answer("x" * 61),
        answer("two\nlines"),
        answer("\x1b[2Jred"),
        answer("a\u202eb"),
        answer(None),
        answer(["a"]),
        answer("Refund"),
        answer("REFUND "),
        (200, {"choices": []}),
        (200, {"error": "no"}),
        (200, []),
        (200, b"<html>"),
        (200, b""),
        (200, b"[" * 99_000),
        (200, b" " * 300_000),
        (302, b""),
        (400, {"error": KEY}),
        (401, b""),
        (404, b""),
        (429, b""),
        (500, b""),
    ],
)
def test_whatever_is_wrong_the_key_phrases_stay_with_one_line_that_says_so(reply):
    said = []
    with endpoint(reply) as (url, _):
        assert named(url, said, taken=["refund"]) == ["late parcel", "broken glass"]
    assert len(said) == 2
    assert said[1].startswith(url[7:-3])
    assert "key phrases" in said[1]
    assert KEY not in "".join(said)
    assert all(c.isprintable() for line in said for c in line)


def test_one_bad_answer_costs_one_name():
    said = []
    with endpoint(answer(""), answer("Damaged goods")) as (url, _):
        assert named(url, said) == ["late parcel", "Damaged goods"]
    assert "an empty answer" in said[1]


def test_two_groups_never_get_one_name():
    with endpoint(answer("Delivery")) as (url, _):
        assert named(url) == ["Delivery", "broken glass"]


def test_a_lost_call_is_made_once_more():
    with endpoint((503, b""), answer("Delivery delay")) as (url, seen):
        assert named(url, groups=("late parcel",)) == ["Delivery delay"]
    assert len(seen) == 2


def test_a_server_that_is_away_is_asked_for_one_group_only():
    with endpoint((503, b"")) as (url, seen):
        named(url)
    assert len(seen) == 2, "the try and its retry"
    said = []
    assert named("http://127.0.0.1:9/v1", said) == ["late parcel", "broken glass"]
    assert "can't be reached" in said[1]


def test_a_refusal_is_final():
    with endpoint((403, b"")) as (url, seen):
        said = []
        named(url, said)
    assert len(seen) == 1
    assert "AL_LOOP_NAMER_KEY" in said[1]


def test_a_server_that_drips_is_given_up():
    began = time.monotonic()
    with endpoint(answer("x" * 200), drip=True) as (url, _):
        said = []
        assert named(url, said, timeout=0.3) == ["late parcel", "broken glass"]
    assert time.monotonic() - began < 10
    assert "no answer in time" in said[1]


def test_a_key_that_can_be_none_is_not_sent():
    with endpoint(answer("x")) as (url, seen):
        asks = namer.Endpoint(url, "m", "two words")
        with pytest.raises(naming.NamerError, match="AL_LOOP_NAMER_KEY"):
            asks(["text"])
    assert seen == []


def test_the_key_comes_from_the_environment_and_is_kept_out_of_everything(monkeypatch, caplog):
    monkeypatch.setattr(secrets, "_known", set())
    monkeypatch.setenv("AL_LOOP_NAMER_KEY", KEY)
    options = config.parse({"discovery": {"namer_url": "https://x.org/v1", "namer_model": "m"}})
    made = namer.make(options.discovery)
    assert made.key == KEY
    assert KEY not in repr(made)
    assert secrets.redact(f"Bearer? {KEY}!") == "Bearer? [secret]!"
    with endpoint(answer("x")) as (url, _), caplog.at_level(logging.DEBUG):
        named(url)
    assert KEY not in caplog.text


def test_nothing_is_asked_unless_config_toml_names_an_endpoint():
    assert namer.make(config.parse({}).discovery) is None


def test_texts_that_travel_unencrypted_to_another_machine_are_announced_so():
    assert "unencrypted" in ask("http://names.example.com/v1").host
    assert ask("https://names.example.com/v1").host == "names.example.com"
    assert ask("http://127.0.0.1:8000/v1").host == "127.0.0.1:8000"


@pytest.mark.parametrize(
    "values",
    [
        {"namer_key": KEY},
        {"api_key": KEY},
        {"namer_model": KEY, "namer_url": "https://x.org"},
        {"namer_url": f"https://x.org/{KEY}", "namer_model": "m"},
        {"namer_url": "https://x.org/v1?key=abc", "namer_model": "m"},
        {"namer_url": "https://me:pw@x.org/v1", "namer_model": "m"},
        {"namer_url": "ftp://x.org", "namer_model": "m"},
        {"namer_url": "x.org", "namer_model": "m"},
        {"namer_url": "https://x.org/v1"},
    ],
)
def test_keys_passwords_and_what_is_no_address_are_refused_unseen(values):
    with pytest.raises(ConfigError, match="discovery") as e:
        config.parse({"discovery": values})
    assert KEY not in str(e.value)
    assert "pw" not in str(e.value)


def test_an_address_that_can_be_none_is_a_clear_error():
    options = config.DiscoverySection(namer_url="http://[::x", namer_model="m")
    with pytest.raises(ConfigError, match="namer_url"):
        namer.make(options)
