"""A small workspace whose rounds an oracle has answered: no server, no encoder to load."""

import csv
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from al_loop import app, cli, workspace
from al_loop.annotators.oracle import Oracle
from al_loop.data.columns import Asked
from al_loop.imports import Request
from al_loop.loop import machine

CONFIG = """\
[batch]
size = 12
[model]
encoder = "hashing"
[classes.refund]
description = "Wants money back"
[classes.delay]
[classes.damage]
"""
WORDS = (("money back", "refund"), ("parcel late", "delay"), ("broken glass", "damage"))


def rows(n: int = 60) -> list[tuple[str, str, str]]:
    """Return (id, text, label) of distinct texts."""
    return [
        (f"m{i:02}", f"{WORDS[i % 3][0]} {i} {'please ' * (i % 4)}", WORDS[i % 3][1])
        for i in range(n)
    ]


def write(path: Path, table, header=("id", "text", "label")) -> Path:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([header, *table])
    return path


def make(root: Path, *, rounds: int = 0, config: str = CONFIG, table=None) -> Path:
    """Make a workspace of unlabeled texts; let an oracle answer some rounds, with mistakes."""
    table = rows() if table is None else table
    (root / "config.toml").write_text(config)
    texts = write(root / "texts.csv", [(i, text) for i, text, _ in table], ("id", "text"))
    workspace.init(root, Request(texts, None, Asked(None, None, None, None)))
    if rounds:
        gold = {i: label for i, _, label in table}
        oracle = Oracle(gold, names_classes=False, mistakes={"ben": 0.2}, people=("ana", "ben"))
        with app.opened(root) as opened:
            for _ in range(rounds):
                machine.run(opened.parts(oracle), opened.config, machine.Options(until="logged"))
    return root


@contextmanager
def settings_kept():
    """`main` sets the umask and a signal handler, which belong to the process."""
    mask = os.umask(0o022)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        os.umask(mask)
        signal.signal(signal.SIGTERM, handler)


def call(monkeypatch, capsys, *arguments):
    """Run a command in this process; returns (exit code, stdout, stderr)."""
    monkeypatch.setattr(sys, "argv", ["al-loop", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err
