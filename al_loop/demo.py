"""The main job on the examples: three rounds, with scripted annotators instead of people.

Everything is real but the people: the workspace, the server, the answers over its HTTP API,
the audit, the training. `offline` puts an oracle in the place of the server.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from al_loop import app, workspace
from al_loop.annotators.oracle import Oracle
from al_loop.app import App
from al_loop.bars import Bar
from al_loop.classes.changing import add
from al_loop.errors import InputError, Waiting
from al_loop.files import write_whole
from al_loop.imports import Request
from al_loop.loop import machine
from al_loop.loop.exchange import PullOptions
from al_loop.loop.parts import Parts
from al_loop.store import answers, rounds
from al_loop.types import Answer, ClassSpec

ROUNDS = 3
#: One careful annotator, one with 10 % mistakes; both skip some texts.
MISTAKES: Mapping[str, float] = {"ana": 0.0, "ben": 0.1}
SKIPS = 0.03
#: So many people have to ask for a class before the demo's lead accepts it.
_WANTED = 2
_CONFIG = """\
# Made by `al-loop demo`; the options that are left out have their defaults.
[data]
keep = ["channel"]

[label_studio]
show = ["channel"]

[batch]
size = 40
overlap = { share = 0.1, annotators = 2 }

[budget]
hourly_rate = 30.0

[classes]
refund = { description = "Wants money back, or asks about money owed" }
delivery_delay = { description = "Waits for a parcel that is late or lost" }
damaged_item = { description = "Received something broken, faulty or spoiled" }
wrong_item = { description = "Received something else than ordered, or only part of it" }
login_problem = { description = "Can't get into the account" }
payment_failed = { description = "Can't pay, or the payment did not go through" }
cancel_order = { description = "Wants an order, or part of it, stopped" }
product_question = { description = "Asks about a product or the membership" }
"""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Crew:
    """Who answers: the parts of the loop, and what makes people answer the open batch."""

    parts: Parts
    work: Callable[[], None]


def run(folder: Path, *, offline: bool, say: Say, bar: Bar) -> None:
    """Make the workspace if it is not there yet, then run three (more) rounds in it.

    Raises:
        InputError: the folder holds something else.
    """
    gold = _prepare(folder, say)
    with app.opened(folder, bar) as opened, _crew(opened, gold, offline, say, bar) as crew:
        for _ in range(ROUNDS):
            number = machine.run(crew.parts, opened.config, machine.Options(until="pushed"))
            crew.work()
            _finish(crew.parts, opened, number)
            _accept(opened, say, live=not offline)


def _finish(parts: Parts, opened: App, number: int) -> None:
    """Carry the round to its end; one that still waits for someone closes as it is."""
    try:
        machine.run(parts, opened.config, machine.Options(until="logged"))
    except Waiting:
        partial = PullOptions(accept_partial=True)
        machine.run(parts, opened.config, machine.Options(until="logged", pull=partial))
    assert rounds.get_round(parts.store, number).state == "logged"


def _accept(opened: App, say: Say, *, live: bool) -> None:
    """Do as a lead would: accept the classes that several answers asked for."""
    for name, texts in answers.proposals(opened.store).items():
        if len(texts) >= _WANTED:
            done = add(opened, ClassSpec(name), "demo", say, live=live)
            say(f"{len(texts)} answers asked for {name!r}: accepted, labels gained: {done.gained}")


def _prepare(folder: Path, say: Say) -> dict[str, str]:
    """Write the unlabeled texts and make the workspace; returns id -> gold label."""
    with _example("support.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    gold = {r["id"]: r["label"] for r in rows}
    if (folder / ".al-loop").is_dir():
        say(f"{folder} is there already: three more rounds")
        workspace.find(folder)
        return gold
    if folder.exists() and any(folder.iterdir()):
        raise InputError(
            f"{folder} is not empty and no demo", hint="al-loop demo DIR with a new folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    texts = folder / "texts.csv"
    lines = [["id", "text", "channel"], *([r["id"], r["text"], r["channel"]] for r in rows)]
    _write_csv(texts, lines)
    write_whole(folder / "config.toml", _CONFIG.encode(), mode=0o644)
    request = Request(texts, _example("support_test.csv"))
    report = workspace.init(folder, request)
    say(
        f"{folder}: {report.items} texts, {report.test_size} of them for testing,"
        f" {report.classes} known classes"
    )
    return gold


def _write_csv(path: Path, lines: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows(lines)


def _example(name: str) -> Path:
    """Return an example file, from the installed package or from the checkout."""
    packaged = resources.files("al_loop") / "_files" / "examples" / name
    if packaged.is_file():
        return Path(str(packaged))
    return Path(__file__).parent.parent / "examples" / name


def _said(opened: App) -> dict[tuple[str, str], Answer]:
    """Return what the oracle answered in earlier runs: it does not change its mind."""
    given = answers.all_answers(opened.store).values()
    return {(a.key, a.annotator): a for of_text in given for a in of_text}


@contextmanager
def _crew(
    opened: App, gold: Mapping[str, str], offline: bool, say: Say, bar: Bar
) -> Iterator[Crew]:
    if offline:
        oracle = Oracle(
            gold,
            names_classes=False,
            mistakes=MISTAKES,
            skips=SKIPS,
            people=tuple(MISTAKES),
            said=_said(opened),
        )
        yield Crew(opened.parts(oracle, say), lambda: None)
        return
    from al_loop import server
    from al_loop.people import Scripted, answer_all, each, join_local

    running = server.start(opened.workspace.server_dir, progress=say)
    try:
        say(f"Label Studio: {running.url} (login {running.login})")
        people = join_local(running, list(MISTAKES))
        scripts = {
            name: Scripted(gold, mistakes=share, skips=SKIPS) for name, share in MISTAKES.items()
        }
        parts = opened.parts(say=say)

        def work() -> None:
            remote = opened.project.remote_id
            assert remote is not None
            batch = rounds.batch(opened.store, rounds.last_number(opened.store))
            with bar(sum(b.overlap for b in batch), "annotators answer") as draw:
                answer_all(people, remote, each(scripts), progress=draw)

        yield Crew(parts, work)
    finally:
        server.stop(opened.workspace.server_dir)
        say("Label Studio stopped")
