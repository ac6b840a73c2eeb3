"""Keys, addresses and errors: what is checked, and what is never shown."""

import email.utils
import logging
import time

import httpx
import pytest

from al_loop.annotators.label_studio import LabelStudio, faults
from al_loop.errors import AlLoopError, AuthError, InputError, ServerError
from al_loop.types import Offer, ProjectRef
from tests.fakes.label_studio import PERSONAL, TOKEN, Fake, Transport
from tests.ls_helpers import CLASSES, PROJECT, adapter, once_each, pull_request, push_request


def answer_with(transport, status, **more):
    def fault(request, send):
        return httpx.Response(status, request=request, **more)

    transport.faults.append(fault)


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x", "http://", "http:///x"])
def test_an_address_without_scheme_or_host_is_refused_at_once(url):
    with pytest.raises(InputError, match="http://") as caught:
        LabelStudio(url, TOKEN)
    assert "config.toml" in caught.value.hint


def test_a_password_in_an_address_is_not_shown(transport):
    with pytest.raises(InputError) as caught:
        LabelStudio("me:secret@host", TOKEN)
    assert "secret" not in str(caught.value)
    answer_with(transport, 500)
    ls = LabelStudio("http://me:secret@host", TOKEN, transport=transport, sleep=lambda s: None)
    with pytest.raises(ServerError) as caught:
        ls.user()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "key", ["", "  ", "\n", "ключ-secret", "sec ret", "sec\nret", "sec\x00ret"]
)
def test_an_impossible_key_is_refused_without_showing_it(key):
    with pytest.raises(AuthError) as caught:
        LabelStudio("http://ls.test", key)
    assert caught.value.hint
    assert "ret" not in str(caught.value)


def test_white_space_around_a_key_does_no_harm(transport):
    ls = LabelStudio("http://ls.test", f" {TOKEN}\r\n", transport=transport)
    assert ls.user().email == "al@example.com"


@pytest.mark.parametrize("prefix", ["", "/ls", "/a/b"])
@pytest.mark.parametrize("key", [TOKEN, PERSONAL])
@pytest.mark.parametrize("end", ["", "/"])
def test_both_kinds_of_token_work_below_any_path(prefix, key, end):
    fake = Fake(prefix)
    ls = LabelStudio(f"http://ls.test{prefix}{end}", key, transport=Transport(fake), settle=0)
    assert ls.user().token == ("legacy" if key == TOKEN else "personal")
    pushed = ls.push(push_request(2))
    assert once_each(fake, 2)
    assert pushed.url == f"http://ls.test{prefix}/projects/1/data?labeling=1"


def test_an_access_token_that_the_server_calls_old_is_renewed_once(fake, transport):
    ls = LabelStudio("http://ls.test", PERSONAL, transport=transport)
    ls.user()
    fake.access.clear()  # as if its five minutes were over by the server's clock
    assert ls.user().email == "al@example.com"
    fake.access.clear()
    ls.push(push_request(3))
    assert once_each(fake, 3)


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        ("0" * 40, {}, "refused the legacy token (401"),
        (TOKEN, {"legacy": False}, "refused the legacy token (401"),
        (PERSONAL, {"personal": False}, "refused the personal access token (401"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.x", {}, "refused the personal access token (401"),
    ],
)
def test_a_refused_key_says_which_kind_and_where_to_get_one(fake, transport, key, change, words):
    for name, value in change.items():
        setattr(fake, name, value)
    ls = LabelStudio("http://ls.test", key, transport=transport)
    for call in (ls.user, lambda: ls.push(push_request()), lambda: ls.pull(pull_request())):
        with pytest.raises(AuthError) as caught:
            call()
        assert words in str(caught.value)
        assert "Account & Settings" in caught.value.hint
        assert key not in str(caught.value)
        assert caught.value.exit_code == 6


def test_legacy_tokens_switched_off_has_a_hint_of_its_own(fake, transport):
    fake.legacy = False
    with pytest.raises(AuthError) as caught:
        adapter(transport).user()
    assert "personal access token" in caught.value.hint


def test_403_is_about_rights_not_about_the_key(transport):
    answer_with(transport, 403, json={"detail": "You do not have permission"})
    with pytest.raises(AuthError, match="may not do this") as caught:
        adapter(transport).push(push_request())
    assert "administrator" in caught.value.hint


@pytest.mark.parametrize(
    ("location", "error", "words"),
    [
        ("/user/login/?next=/api", AuthError, "login page"),
        ("https://ls.test/api/", InputError, "redirects to https://ls.test"),
        ("", InputError, "redirects"),
    ],
)
def test_a_redirect_is_never_followed(transport, location, error, words):
    answer_with(transport, 302, headers={"location": location})
    with pytest.raises(error, match=words):
        adapter(transport).push(push_request())


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("3", 3, 3),
        ("0", 0, 0),
        ("9999", faults.LONGEST_PAUSE, faults.LONGEST_PAUSE),
        ("garbage", None, None),
        ("-5", None, None),
        ("1e9", None, None),
        ("٣", None, None),
        ("", None, None),
    ],
)
def test_retry_after_is_obeyed_up_to_a_cap(header, low, high):
    wait = faults.retry_after(httpx.Response(429, headers={"retry-after": header.encode()}))
    assert wait is None if low is None else low <= wait <= high


def test_retry_after_may_be_a_date():
    for seconds, low, high in ((7, 4, 7), (-99, 0, 0)):
        date = email.utils.formatdate(time.time() + seconds, usegmt=True)
        wait = faults.retry_after(httpx.Response(429, headers={"retry-after": date}))
        assert low <= wait <= high


def test_a_busy_server_is_given_the_pause_it_asks_for(fake, transport):
    busy = [httpx.Response(429, headers={"retry-after": "4"}) for _ in range(2)]
    transport.faults.append(lambda request, send: busy.pop() if busy else None)
    pauses = []
    assert adapter(transport, timeout=60, sleep=pauses.append).user().email == "al@example.com"
    assert pauses == [4, 4]


def test_a_pause_beyond_the_time_out_is_not_waited_for(transport):
    answer_with(transport, 429, headers={"retry-after": "9999"})
    pauses = []
    with pytest.raises(ServerError, match="429"):
        adapter(transport, timeout=10, sleep=pauses.append).user()
    assert pauses == []


def test_a_broken_server_is_asked_a_few_times_only(transport):
    asked = []

    def broken(request, send):
        asked.append(request.url.path)
        return httpx.Response(503, request=request)

    transport.faults.append(broken)
    with pytest.raises(ServerError, match="status 503") as caught:
        adapter(transport).user()
    assert len(asked) == 5
    assert "run the same command again" in caught.value.hint


SECRETS = ("s3cr3t-cookie", "task text of somebody", TOKEN, "<html")


@pytest.mark.parametrize(
    "status", [200, 201, 302, 400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502]
)
@pytest.mark.parametrize("body", ["page", "json", "headers", "list"])
def test_no_error_shows_pages_cookies_keys_or_texts(fake, transport, caplog, status, body):
    """Whatever the server answers to the import, its words are ours."""
    caplog.set_level(logging.DEBUG)
    content = {
        "page": b"<html>task text of somebody</html>",
        "json": b'{"detail": "Bad", "validation_errors": {"x": ["task text of somebody"]}}',
        "headers": b"",
        "list": b'["task text of somebody"]',
    }[body]

    def fault(request, send):
        if request.url.path.endswith("/import"):
            headers = {"set-cookie": "sessionid=s3cr3t-cookie", "x-key": TOKEN}
            return httpx.Response(status, headers=headers, content=content, request=request)
        return None

    transport.faults.append(fault)
    with pytest.raises(AlLoopError) as caught:
        adapter(transport).push(push_request(2))
    shown = f"{caught.value} {caught.value.hint} {caught.value!r} {caplog.text}"
    assert not [secret for secret in SECRETS if secret in shown]
    assert caught.value.hint
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError(f"Connection refused {TOKEN}"),
        httpx.LocalProtocolError(f"Illegal header value b'Token {TOKEN}'"),
        httpx.ReadError(TOKEN),
        httpx.RemoteProtocolError(TOKEN),
        httpx.ConnectTimeout(TOKEN),
        httpx.DecodingError(TOKEN),
        RuntimeError(TOKEN),
        UnicodeEncodeError("ascii", TOKEN, 0, 1, "x"),
    ],
)
def test_exceptions_of_the_network_become_one_line_without_the_key(transport, error):
    def fault(request, send):
        raise error

    transport.faults.append(fault)
    for call in ("push", "pull"):
        request = push_request() if call == "push" else pull_request()
        with pytest.raises(ServerError) as caught:
            getattr(adapter(transport), call)(request)
        assert TOKEN not in repr(caught.value)
        assert "\n" not in str(caught.value)


def test_the_servers_words_are_cut_and_cleaned(transport):
    answer_with(transport, 400, json={"detail": "a\x1b[31m\u202e\nb" + "c" * 999})
    with pytest.raises(InputError) as caught:
        adapter(transport).user()
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://ls.example.com", True),
        ("http://10.0.0.5:8080", True),
        ("https://ls.example.com", False),
        ("http://localhost:8080", False),
        ("http://127.0.0.5", False),
        ("http://[::1]:8080", False),
    ],
)
def test_a_key_that_would_travel_in_the_clear_is_warned_about(transport, url, warned):
    notes = LabelStudio(url, TOKEN, transport=transport).push(push_request(1)).notes
    assert ("unencrypted" in " ".join(notes)) == warned


def test_no_cookie_of_the_server_is_sent_back(transport):
    """A session cookie beside a token would make the server ask for CSRF tokens."""
    cookies = []
    transport.faults.append(lambda request, send: cookies.append(request.headers.get("cookie")))
    adapter(transport).push(push_request(2))
    assert set(cookies) == {None}


def test_the_doctor_learns_what_it_needs(fake, transport):
    ls = adapter(transport)
    assert (ls.server().version, ls.server().edition) == ("1.23.2", "Community")
    assert ls.inspect(PROJECT, Offer(CLASSES)) is None
    ls.push(push_request(3, classes=CLASSES[:1], tasks=[]))
    found = ls.inspect(PROJECT, Offer(CLASSES))
    assert (found.tasks, found.lacking, found.model_version) == (0, ("bug",), "")
    assert ls.update_page(PROJECT, Offer(CLASSES))
    assert ls.inspect(PROJECT, Offer(CLASSES)).lacking == ()
    assert not ls.update_page(ProjectRef(2, "none", "t"), Offer(CLASSES))
    assert ls.link(7) == "http://ls.test/projects/7/data?labeling=1"
