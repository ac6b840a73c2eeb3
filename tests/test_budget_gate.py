"""The gate before a round: price, question and stop, with commands against a server."""

import contextlib
import json
import os
import pty
import shutil
import signal
import sqlite3
import sys

import pytest

from al_loop import crash
from tests import story

TOKEN = story.TOKEN_VARIABLE


@pytest.fixture(scope="module", autouse=True)
def _preloaded():
    story.preload()


@pytest.fixture
def server(fake_server):
    return fake_server


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A workspace without a budget and without a round."""
    root = tmp_path_factory.mktemp("texts") / "w"
    file = story.make_files(root, "http://server")
    assert story.run(root, "init", str(file))[0] == 0
    return root


@pytest.fixture
def workspace(texts, tmp_path, server):
    root = tmp_path / "w"
    shutil.copytree(texts, root)
    config = root / "config.toml"
    config.write_text(config.read_text().replace("http://server", server.url))
    return root


def budget(root, options):
    with (root / "config.toml").open("a") as f:
        f.write(f"\n[budget]\n{options}\n")


def al_loop(root, server, *arguments):
    """Run a command; returns (exit code, stdout, stderr)."""
    code, (out, err) = story.run(root, *arguments, apart=True, **{TOKEN: server.token})
    return code, out, err


def in_terminal(root, server, answer, *arguments):
    """Run a command on a pseudo-terminal and type an answer to its question."""
    pid, terminal = pty.fork()
    if pid == 0:
        _child(root, server, arguments)
    seen = b""
    with contextlib.suppress(OSError):  # the end of a pseudo-terminal is an error
        while part := os.read(terminal, 4096):
            seen += part
            if b"[y/N]" in part:
                os.write(terminal, f"{answer}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen.decode()


def _child(root, server, arguments):
    code = 99
    try:
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ[TOKEN] = server.token
        crash._passed.clear()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["al-loop", "-C", str(root), *arguments]
        from al_loop.cli import main

        main()
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def people(server):
    story.People(server.url, server.token).answer()


def sent(server):
    """Return every task on the server and what it says of them."""
    dump = server.control("dump")
    return {name: dump[name] for name in ("keys", "overlaps", "predictions") if name in dump}


def rounds(root, server):
    return json.loads(al_loop(root, server, "history", "--json")[1])["rounds"]


def test_at_the_end_of_the_budget_nothing_new_is_on_the_server(workspace, server):
    budget(workspace, "labels = 6")
    assert al_loop(workspace, server, "round", "--until", "pushed")[0] == 0
    people(server)
    assert al_loop(workspace, server, "round", "--until", "logged")[0] == 0
    before = sent(server)

    code, out, err = al_loop(workspace, server, "round")

    assert code == 4
    assert "al-loop: the budget is used up: " in err
    assert "al-loop round --continue" in err
    assert out.startswith("people label here: "), out
    assert sent(server) == before
    assert len(rounds(workspace, server)) == 1


def test_a_round_that_is_logged_is_not_followed_by_one_past_the_budget(workspace, server):
    budget(workspace, "labels = 6")
    al_loop(workspace, server, "round", "--until", "pushed")
    people(server)
    before = sent(server)

    code, out, err = al_loop(workspace, server, "round", "--json")

    assert code == 4
    assert "the budget is used up" in err
    assert json.loads(out)["state"] == "logged"
    assert [r["state"] for r in rounds(workspace, server)] == ["logged"]
    assert sent(server) == before


def test_continue_goes_on_past_the_end_with_a_whole_batch(workspace, server):
    budget(workspace, "labels = 6")
    al_loop(workspace, server, "round", "--until", "pushed")
    people(server)
    code, _, err = al_loop(workspace, server, "round", "--continue")
    assert code == 3
    assert "round 2: 10 texts are with the annotators" in err


def test_the_last_batch_shrinks_to_what_is_left_and_says_so(workspace, server):
    budget(workspace, "labels = 20")
    al_loop(workspace, server, "round", "--until", "pushed")
    people(server)
    code, _, err = al_loop(workspace, server, "round")
    assert code == 3
    left = 20 - spent(workspace, server)["spent"]["labels"]
    assert f"budget left: {left} of 20 labels" in err
    assert "the budget pays for" in err
    assert "price: " in err
    with sqlite3.connect(workspace / ".al-loop" / "al-loop.db") as db:
        asked, texts = db.execute(
            "SELECT SUM(overlap), COUNT(*) FROM batch WHERE round = 2"
        ).fetchone()
    db.close()
    assert texts < 10
    assert left - 1 <= asked <= left


def spent(root, server):
    return json.loads(al_loop(root, server, "budget", "--json")[1])


def test_an_open_round_is_carried_on_though_the_budget_is_gone(workspace, server):
    al_loop(workspace, server, "round", "--until", "pushed")
    budget(workspace, "labels = 1")
    people(server)
    code, _, err = al_loop(workspace, server, "round", "--until", "logged", "--wait")
    assert (code, "logged" in err) == (0, True)


def test_answers_that_came_late_are_paid_from_the_budget_first(workspace, server):
    """Half of the round comes back after it was closed; the next one has less to spend."""
    budget(workspace, "labels = 10")
    al_loop(workspace, server, "round", "--until", "pushed", "--batch", "8")
    tasks = {k: min(v) for k, v in server.control("dump")["keys"].items()}
    for key, task in list(tasks.items())[:2]:
        story.People(server.url, server.token)._post(task, key.rpartition(":")[0], 1)
    code, _, _ = al_loop(workspace, server, "round", "--accept-partial", "--until", "logged")
    assert code == 0
    people(server)

    code, _, err = al_loop(workspace, server, "round")

    assert code in (3, 4)
    assert "budget left: 8 of" not in err
    assert spent(workspace, server)["spent"]["labels"] > 6


ASKS = 'price_per_label = 0.5\ncurrency = "USD"\nconfirm_over = 4.0'


def test_without_a_terminal_an_expensive_batch_is_refused(workspace, server):
    budget(workspace, ASKS)
    before = sent(server), dump(workspace, server)
    code, _, err = al_loop(workspace, server, "round")
    assert code == 2
    assert "price: 10 texts, 12 answers, 0.03 hours, 6.00 USD" in err
    assert "the next batch costs 6.00 USD" in err
    assert "the same command with --yes" in err
    assert (sent(server), dump(workspace, server)) == before


def dump(root, server):
    return al_loop(root, server, "check", "--dump")[1]


def test_yes_answers_beforehand(workspace, server):
    budget(workspace, ASKS)
    assert al_loop(workspace, server, "round", "--yes")[0] == 3


def test_a_cheaper_batch_is_not_asked_about(workspace, server):
    budget(workspace, ASKS)
    assert al_loop(workspace, server, "round", "--batch", "5", "--until", "pushed")[0] == 0


def test_on_a_terminal_yes_sends_it(workspace, server):
    budget(workspace, ASKS)
    code, seen = in_terminal(workspace, server, "y", "round", "--until", "pushed")
    assert code == 0, seen
    assert "send it? [y/N]" in seen
    assert [r["state"] for r in rounds(workspace, server)] == ["pushed"]


@pytest.mark.parametrize("answer", ["n", ""])
def test_on_a_terminal_no_changes_nothing(workspace, server, answer):
    budget(workspace, ASKS)
    before = sent(server), dump(workspace, server)
    code, seen = in_terminal(workspace, server, answer, "round")
    assert code == 1, seen
    assert "al-loop: no round was begun: nothing was sent" in seen
    assert (sent(server), dump(workspace, server)) == before


def test_no_keeps_the_round_that_was_logged_just_before(workspace, server):
    al_loop(workspace, server, "round", "--until", "pushed")
    people(server)
    budget(workspace, ASKS)
    before = sent(server)
    code, seen = in_terminal(workspace, server, "n", "round")
    assert code == 1, seen
    assert [r["state"] for r in rounds(workspace, server)] == ["logged"]
    assert sent(server) == before


def test_a_dry_run_shows_price_and_what_is_left_without_asking(workspace, server):
    budget(workspace, f"labels = 7\n{ASKS}\n".replace("4.0", "1.0"))
    code, out, err = al_loop(workspace, server, "round", "--dry-run")
    assert code == 0
    assert "price: 6 texts, 7 answers, 0.02 hours, 3.50 USD" in out
    assert "budget left: 7 of 7 labels" in out
    assert "the budget pays for 6 of 10 texts" in err
    found = json.loads(al_loop(workspace, server, "round", "--dry-run", "--json")[1])
    assert (len(found["texts"]), found["left"]) == (6, {"labels": 7})
    assert rounds(workspace, server) == []


def test_a_dry_run_tells_that_a_round_would_stop(workspace, server):
    al_loop(workspace, server, "round", "--until", "pushed")
    people(server)
    al_loop(workspace, server, "round", "--until", "logged")
    budget(workspace, "labels = 5")
    assert al_loop(workspace, server, "round", "--dry-run")[0] == 4
    assert al_loop(workspace, server, "round", "--dry-run", "--continue")[0] == 0


def test_budget_history_and_sql_agree(workspace, server):
    budget(workspace, "price_per_label = 0.25")
    for _ in range(2):
        al_loop(workspace, server, "round", "--until", "pushed")
        people(server)
        al_loop(workspace, server, "round", "--until", "logged")

    found = spent(workspace, server)

    with sqlite3.connect(workspace / ".al-loop" / "al-loop.db") as db:
        for what in ("round", "annotator", "class"):
            rows = db.execute(
                f"SELECT {what}, labels, answers, skips, hours FROM spending_by_{what}"
            )
            key = {"class": "classes"}.get(what, f"{what}s")
            ours = {r[what]: [r[k] for k in ("labels", "answers", "skips")] for r in found[key]}
            hours = {r[what]: r["hours"] for r in found[key]}
            for name, *counts, seconds in rows:
                assert ours.pop(name) == counts
                assert hours[name] == pytest.approx(seconds)
            assert ours == {}
        (bought,) = db.execute("SELECT COUNT(*) FROM purchases WHERE kind = 'label'").fetchone()
    db.close()
    history = rounds(workspace, server)
    assert found["spent"]["labels"] == bought
    assert found["spent"]["answers"] == history[-1]["answers"]
    assert found["spent"]["answers"] == sum(r["answers"] for r in found["rounds"])
    assert found["rounds"][0]["answers"] == history[0]["answers"]
    assert found["spent"]["money"] == pytest.approx(0.25 * bought)
    assert found["spent"]["hours"] == pytest.approx(3.0 * history[-1]["answers"] / 3600)
    assert len(found["rounds"]) == len(history) == 2
