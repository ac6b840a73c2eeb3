"""A small project played against a server: commands in forked children, people over HTTP.

A fork costs milliseconds where a fresh process would import for seconds, so that every point of
death can be tried.
"""

import contextlib
import csv
import os
import signal
import sys
import traceback
from pathlib import Path

import httpx

from al_loop import crash

TOKEN_VARIABLE = "LABEL_STUDIO_API_KEY"
GOLD = {
    f"m{i:02}": (f"{word} {i} {'please ' * (i % 4)}{word * (i % 3)}", label)
    for i, (word, label) in enumerate(
        [("money back", "refund"), ("parcel late", "delay"), ("broken glass", "damage")] * 14
    )
}
CONFIG = """\
[label_studio]
url = "{url}"
[batch]
size = 10
strategy = "{strategy}"
overlap = {{ share = 0.2, annotators = 2 }}
[model]
encoder = "hashing"
[classes.refund]
description = "wants money"
[classes.delay]
[classes.damage]
"""


def preload():
    """Import what the children need, once."""
    import cleanlab.filter
    import hdbscan
    import label_studio_sdk
    import modAL.models
    import sqlite_utils

    from al_loop import app, demo, doctor, learner, models, simulate  # noqa: F401
    from al_loop.annotators.label_studio import LabelStudio, pull, push  # noqa: F401

    assert all((cleanlab.filter, hdbscan, label_studio_sdk, modAL.models, sqlite_utils))


def make_files(root, url, strategy="margin"):
    """Write texts and configuration; returns the file of texts."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.toml").write_text(CONFIG.format(url=url, strategy=strategy))
    texts = root / "texts.csv"
    with texts.open("w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["id", "text", "label"])
        writer.writerows([i, text, ""] for i, (text, _) in GOLD.items())
    return texts


def run(root, *arguments, apart=False, **environment):
    """Run a command in a forked child; returns (exit code or -signal, what it printed).

    `apart` returns stdout and stderr as a pair.
    """
    out = root / "output.txt"
    err = root / "errors.txt" if apart else out
    pid = os.fork()
    if pid == 0:
        _child(root, arguments, environment, out, err)
    _, status = os.waitpid(pid, 0)
    printed = (out.read_text(), err.read_text()) if apart else out.read_text()
    return os.waitstatus_to_exitcode(status), printed


def _child(root, arguments, environment, out, err):
    code = 1
    try:
        for path, number in ((out, 1), (err, 2)):
            truncate = os.O_TRUNC if number == 1 or err != out else os.O_APPEND
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | truncate, 0o600), number)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ.update(environment)
        crash._passed.clear()  # what this process passed before the fork
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["al-loop", "-C", str(root), *arguments]
        from al_loop.cli import main

        main()
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 0
    except BaseException:
        traceback.print_exc()
        code = 99
    finally:
        with contextlib.suppress(ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


class People:
    """Two annotators who answer what is on the server, the same way whenever it is asked."""

    def __init__(self, url, token):
        self.url = url
        self.headers = {"Authorization": f"Token {token}"}

    def dump(self):
        return httpx.post(f"{self.url}/_fake/dump", json={}, trust_env=False).json()

    def answer(self, digits="0123456789"):
        """Answer the tasks as often as their overlap asks for; 'm07' is skipped.

        Only those whose text's id ends with one of `digits`.
        """
        dump = self.dump()
        answered = {(a["task"], a["completed_by"]) for a in dump["annotations"]}
        for key, task_ids in sorted(dump["keys"].items()):
            task = min(task_ids)
            for person in range(1, dump["overlaps"][str(task)] + 1):
                item_id = key.rpartition(":")[0]
                if (task, person) not in answered and item_id[-1] in digits:
                    self._post(task, item_id, person)

    def _post(self, task, item_id, person):
        skip = item_id == "m07"
        label = GOLD[item_id][1]
        if item_id.endswith("5") and person == 1:
            label = "refund"
        result = [
            {
                "from_name": "label",
                "to_name": "text",
                "type": "choices",
                "origin": "manual",
                "value": {"choices": [label]},
            }
        ]
        body = {
            "result": result,
            "was_cancelled": skip,
            "completed_by": person,
            "lead_time": 3.0,
        }
        url = f"{self.url}/api/tasks/{task}/annotations/"
        httpx.post(url, json=body, headers=self.headers, trust_env=False).raise_for_status()


#: The story, command by command; `True` lets people answer what is on the server first, digits
#: some of it.
STORY = (
    (False, ("init", "texts.csv")),
    (False, ("round", "--until", "pushed")),
    (True, ("round", "--until", "logged")),
    (False, ("round", "--until", "pushed")),
    (True, ("round", "--until", "logged")),
    (False, ("classes", "add", "praise")),
    (False, ("round", "--until", "pushed")),
    (True, ("round", "--until", "logged")),
    (False, ("round", "--until", "pushed")),
    ("012", ("undo", "--as", "lead")),
)


def step(root, server, number, **environment):
    """Play one command of the story; returns (exit code or -signal, what it printed)."""
    answered, arguments = STORY[number]
    if answered:
        people = People(server.url, server.token)
        people.answer() if answered is True else people.answer(answered)
    arguments = [str(root / a) if a == "texts.csv" else a for a in arguments]
    environment[TOKEN_VARIABLE] = server.token
    return run(root, *arguments, **environment)


def passed_points(log):
    """Return name#k of every crash point that a run passed, in order."""
    seen = {}
    points = []
    for name in Path(log).read_text().splitlines():
        seen[name] = seen.get(name, 0) + 1
        points.append(f"{name}#{seen[name]}")
    return points
