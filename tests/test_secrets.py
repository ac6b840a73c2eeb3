"""The key: where it is found, which files are refused, and that it is written nowhere."""

import io
import logging
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_loop import secrets
from al_loop.errors import AuthError
from al_loop.secrets import MASK, find_key, guard_logging, read_key, redact, remember

LEGACY = "0123456789abcdef0123456789abcdef01234567"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl-_x"


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """Start each test with nothing known, so that a test can't lean on another one's key."""
    monkeypatch.setattr(secrets, "_known", set())


@pytest.fixture
def key_file(tmp_path):
    def write(text, mode=0o600, name="key"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def logged():
    """Return a function that logs through a guarded root handler and gives what it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    guard_logging()
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(level)


def test_the_local_server_has_its_own_key_and_else_the_environment_comes_first(key_file):
    named, local = key_file("named-key"), key_file("local-key", name="local")
    environ = {"LABEL_STUDIO_API_KEY": "environment-key"}
    assert find_key(str(named), local=local, environ=environ).value == "local-key"
    assert find_key(str(named), environ=environ).value == "environment-key"
    assert find_key(str(named), environ={}).value == "named-key"


def test_an_empty_variable_counts_as_not_set(key_file):
    environ = {"LABEL_STUDIO_API_KEY": " "}
    assert find_key(str(key_file("named-key")), environ=environ).value == "named-key"


def test_a_relative_token_file_lies_in_the_workspace(key_file, tmp_path):
    key_file("named-key", name="ls-token")
    assert find_key("ls-token", root=tmp_path, environ={}).value == "named-key"


def test_a_tilde_in_the_token_file_is_the_home_folder(key_file, tmp_path, monkeypatch):
    key_file("home-key", name="ls-token")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_key("~/ls-token", root=tmp_path / "elsewhere", environ={}).value == "home-key"


def test_a_named_file_that_is_not_there_is_an_error_and_not_passed_over(tmp_path):
    with pytest.raises(AuthError, match="can't read the key file"):
        find_key(str(tmp_path / "none"), environ={})


def test_without_any_key_the_error_names_the_variable_and_al_loop_up(tmp_path):
    with pytest.raises(AuthError, match="no key") as caught:
        find_key("", local=tmp_path / "token", environ={})
    assert "LABEL_STUDIO_API_KEY" in caught.value.hint
    assert "al-loop up" in caught.value.hint
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666, 0o620, 0o601])
def test_a_key_file_that_others_can_use_is_refused_with_the_command_that_mends_it(key_file, mode):
    path = key_file(LEGACY, mode)
    with pytest.raises(AuthError) as caught:
        read_key(path)
    assert caught.value.hint == f"chmod 600 {path}"
    assert LEGACY not in caught.value.message
    path.chmod(0o600)
    assert read_key(path).value == LEGACY


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_of_the_owner_alone_is_read(key_file, mode):
    assert stat.S_IMODE(key_file(LEGACY, mode).stat().st_mode) == mode
    assert read_key(key_file(LEGACY, 0o600)).value == LEGACY


@pytest.mark.parametrize("text", [f"{LEGACY}\n", f"  {LEGACY}\r\n", f"\t{LEGACY}"])
def test_white_space_around_a_key_is_taken_off(key_file, text):
    assert read_key(key_file(text)).value == LEGACY
    assert find_key(environ={"LABEL_STUDIO_API_KEY": text}).value == LEGACY


@pytest.mark.parametrize(
    "text",
    ["abcdefgh\nijklmnop", "abcdefgh ijklmnop", "schlüssel-geheim", "abc\x00defgh", b"\xff\xfeabc"],
)
def test_a_key_with_odd_characters_is_refused_without_being_shown(key_file, text):
    with pytest.raises(AuthError, match="not a Label Studio key") as caught:
        read_key(key_file(text))
    shown = caught.value.message + caught.value.hint
    assert "abc" not in shown
    assert "schl" not in shown


def test_an_empty_key_file_is_refused(key_file):
    with pytest.raises(AuthError, match="is empty"):
        read_key(key_file("\n"))


def test_the_kind_of_a_key_is_told_from_its_form(key_file):
    assert read_key(key_file(JWT)).kind == "personal"
    assert read_key(key_file(LEGACY)).kind == "legacy"


def test_the_repr_of_a_key_does_not_show_it(key_file):
    assert LEGACY not in repr(read_key(key_file(LEGACY)))


def test_a_key_is_redacted_from_the_moment_it_was_read(key_file):
    text = f"Illegal header value b'Token {LEGACY}\\n'"
    read_key(key_file(LEGACY))
    assert LEGACY not in redact(text)
    assert redact(f"before{LEGACY}after") == f"before{MASK}after"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"refresh: {JWT}.", JWT),
        (f'{{"access":"{JWT}"}}', "c2lnbmF0dXJl"),
        (f"cut off: {JWT[:40]}", "eyJ0b2tlbl"),
        ("Set-Cookie: sessionid=.eJxVjUtu:1xUv9F; HttpOnly", "eJxVjUtu"),
        ("Cookies: {'sessionid': 'abcdef123', 'lang': 'en'}", "abcdef123"),
        ('headers: {"SESSIONID":"abcdef123"}', "abcdef123"),
        ("csrftoken=XizXng6kJS9NFi0; x", "XizXng6kJS9NFi0"),
        (f"Authorization: Token {LEGACY}", LEGACY),
        ("authorization: bearer abcdefghijklmnop.qrst", "abcdefghijklmnop"),
    ],
)
def test_what_looks_like_a_secret_is_redacted_though_nobody_told(text, secret):
    assert secret not in redact(text)
    assert MASK in redact(text)


@pytest.mark.parametrize(
    "text",
    ["the token is missing", "status 401 of http://127.0.0.1:8080/api/tasks", "3 of 50", ""],
)
def test_other_text_stays_as_it_is(text):
    assert redact(text) == text


@given(
    before=st.text(max_size=50),
    after=st.text(max_size=50),
    secret=st.text(alphabet="0123456789abcdef-_", min_size=8, max_size=60),
)
def test_a_remembered_secret_never_survives_whatever_stands_around_it(before, after, secret):
    remember(secret)
    assert secret not in redact(before + secret + after)


def test_the_longer_of_two_secrets_goes_first_so_that_no_rest_of_it_stays():
    remember("abcdefgh")
    remember("abcdefgh-and-more")
    assert redact("x abcdefgh-and-more y") == f"x {MASK} y"


def test_log_messages_arguments_exceptions_and_stacks_are_redacted(logged):
    remember(LEGACY)
    log = logging.getLogger("somewhere.deep")
    log.warning("key %s", LEGACY)
    log.warning(f"key {LEGACY}")
    log.warning("dictionary %(a)s", {"a": LEGACY})
    log.warning("with a stack, %s", LEGACY, stack_info=True)
    try:
        raise ValueError(f"Illegal header value b'Token {LEGACY}'")
    except ValueError:
        log.exception("it failed")
    assert "ValueError" in logged()
    assert "it failed" in logged()
    assert logged().count(MASK) >= 5
    assert LEGACY not in logged()


def test_a_wrong_format_string_is_redacted_and_does_not_stop_the_program(logged):
    remember(LEGACY)
    logging.getLogger("x").warning("%d items", LEGACY)
    assert LEGACY not in logged()
    assert MASK in logged()


def test_the_http_libraries_do_not_log_headers_even_at_debug(logged):
    logging.getLogger().setLevel(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11"):
        logging.getLogger(name).debug("receive_response_headers Set-Cookie ...")
    assert logged() == ""


def test_guarding_twice_adds_no_second_filter(logged):
    guard_logging()
    guard_logging()
    for handler in logging.getLogger().handlers:
        assert sum(isinstance(f, secrets.RedactingFilter) for f in handler.filters) <= 1


def test_the_handler_of_last_resort_is_guarded_too(logged):
    assert any(isinstance(f, secrets.RedactingFilter) for f in logging.lastResort.filters)
