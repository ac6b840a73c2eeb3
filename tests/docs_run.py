"""Run a document: its marked blocks in order, as a reader would, in a folder of their own.

A comment before a fenced block says what becomes of it:

    <!-- runs -->                       a shell block; every command must end with 0
    <!-- runs, ends with 3 -->          its last command must end with that code
    <!-- runs, somebody types -->       on a terminal, where somebody labels each text that is shown
    <!-- goes into config.toml -->      a TOML block; its options are set in the workspace
    <!-- prints -->                     what the block before printed, in parts; `...` cuts

and without a block:

    <!-- people answer -->              scripted annotators answer all that waits on the server

The folder begins with a copy of examples/, as a clone has it.
"""

import csv
import os
import pty
import re
import shutil
import subprocess
import sys
import termios
import tomllib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from al_loop import server
from al_loop.people import Scripted, join_local
from al_loop.store import open_store, tasks
from tests.fakes.real import template

ROOT = Path(__file__).parent.parent
MISTAKES = {"ana": 0.0, "ben": 0.1}
ROLES = ("labeling", "review")
_MARK = re.compile(
    r"^<!-- (?P<mark>runs|goes into|prints|people answer)(?P<rest>[^\n]*?) -->\n"
    r"(?:```\w+\n(?P<block>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
_LONG = re.compile(r"[a-z]{4,}")


@dataclass(frozen=True)
class Step:
    """One marked place of a document."""

    mark: str
    rest: str
    block: str
    line: int

    @property
    def code(self):
        """The exit code that is promised."""
        found = re.fullmatch(r"(?:, ends with (\d+))?(?:, somebody types)?", self.rest)
        assert found, f"line {self.line}: what does {self.rest!r} mean?"
        return int(found[1] or 0)


def steps(path):
    """Return the marked places of a document, in order."""
    text = path.read_text(encoding="utf-8")
    found = [
        Step(m["mark"], m["rest"], m["block"] or "", text.count("\n", 0, m.start()) + 1)
        for m in _MARK.finditer(text)
    ]
    for step in found:
        assert bool(step.block) != (step.mark == "people answer"), f"{path.name}:{step.line}"
    return found


@dataclass
class Reader:
    """Somebody who types what a document says. `printed` is what the last block printed."""

    folder: Path
    place: Path
    printed: str = ""

    @classmethod
    def begin(cls, folder):
        """Begin in an empty folder with the examples."""
        shutil.copytree(ROOT / "examples", folder / "examples")
        return cls(folder, folder)

    @property
    def server_folder(self):
        """Where the workspace's own Label Studio lives."""
        return self.place / ".al-loop" / "server"

    def do(self, step):
        """Do what a step says, and check what it promises."""
        if step.mark == "runs":
            self._run(step)
        elif step.mark == "prints":
            assert missing_words(step.block, self.printed, self._data()) == set(), self.printed
        elif step.mark == "goes into":
            set_options(self.place / step.rest.strip(), step.block)
        else:
            self._people()

    def close(self):
        """Stop what the document started."""
        for data in self.folder.glob("**/.al-loop/server"):
            server.stop(data)

    def _run(self, step):
        if "al-loop up" in step.block and not (self.server_folder / "data").exists():
            shutil.copytree(template(), self.server_folder / "data")  # instead of a minute
        where = self.folder / "where"
        script = f"set -eo pipefail\ntrap 'pwd >{where}' EXIT\n{step.block}"
        run = typed if "somebody types" in step.rest else piped
        code, self.printed = run(["bash", "-c", script], self.place, self._gold())
        self.place = Path(where.read_text().strip())
        assert code == step.code, f"line {step.line}:\n{step.block}\n{self.printed}"
        assert "Traceback" not in self.printed

    def _people(self):
        """Let them answer in turn, so that everybody gets the same texts in every run."""
        running = server.running(self.server_folder)
        assert running, "no Label Studio runs here"
        with closing(open_store(self.place / ".al-loop" / "al-loop.db")) as store:
            found = [tasks.find_project(store, "label_studio", role=role) for role in ROLES]
        projects = [ref for ref in found if ref is not None and ref.remote_id]
        people = join_local(running, list(MISTAKES))
        answered = sum(self._answer(people, ref.remote_id) for ref in projects)
        for person in people:
            person.close()
        assert answered, "nobody had anything to do"

    def _answer(self, people, project):
        scripts = {name: Scripted(self._gold(), mistakes=m) for name, m in MISTAKES.items()}
        classes = people[0].classes(project)
        answered, at_work = 0, list(people)
        while at_work:
            person = at_work.pop(0)
            if task := person.next_task(project, classes):
                person.submit(project, task, scripts[person.name](person, task))
                at_work.append(person)
                answered += 1
        return answered

    def _gold(self):
        return {row["text"]: row["label"] for row in self._data()}

    def _data(self):
        rows = []
        for path in sorted((self.folder / "examples").glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as f:
                rows += [row for row in csv.DictReader(f) if "label" in row]
        return rows


def environment():
    """Return an environment in which `al-loop` is the one that is tested."""
    programs = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "COLUMNS": "120",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }


def piped(command, place, _gold):
    """Run a command without a terminal; returns (exit code, what it printed)."""
    done = subprocess.run(
        command,
        cwd=place,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    return done.returncode, done.stdout


def typed(command, place, gold):
    """Run a command on a terminal, and type the class of each text that it shows."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, 120))
    process = subprocess.Popen(
        command,
        cwd=place,
        env=environment() | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    printed, last = "", ""
    while data := _read(ours):
        printed += data.decode(errors="replace")
        screen = printed.rpartition("\x1b[H")[2]
        shown = next((text for text in gold if _solid(text)[:80] in _solid(screen)), "")
        if shown not in ("", last) and "number or letters" in screen:
            last = shown
            os.write(ours, f"{gold[shown]}\r".encode() if gold[shown] in screen else b"-")
        elif "Enter goes on" in screen and last:
            last = ""
            os.write(ours, b"\r")
    os.close(ours)
    return process.wait(60), printed


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def _solid(text):
    """Return a text without the places where lines may be broken."""
    return "".join(re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", text).split())


def missing_words(shown, printed, data):
    """Return the words of a shown output that neither the real one has nor the data.

    Numbers differ from run to run, and so do the texts; the words around them don't.
    """
    known = " ".join([printed, *(value for row in data for value in row.values())]).lower()
    return {word for word in _LONG.findall(shown.lower()) if word not in known}


def set_options(path, block):
    """Set options in a TOML file, as somebody with an editor would."""
    text = path.read_text(encoding="utf-8")
    for table, body in re.findall(r"^\[([\w.]+)\]\n((?:(?!\[).*\n?)*)", block, re.MULTILINE):
        if not re.search(rf"^\[{re.escape(table)}\]", text, re.MULTILINE):
            text += f"\n[{table}]\n{body}"
            continue
        head, start, rest = text.partition(f"\n[{table}]")
        here, bound, after = rest.partition("\n[")
        for line in filter(None, body.splitlines()):
            name = line.partition("=")[0].strip()
            here, n = re.subn(rf"^{name} = .*$", lambda _, new=line: new, here, flags=re.MULTILINE)
            here += "" if n else f"\n{line}"
        text = head + start + here + bound + after
    tomllib.loads(text)
    path.write_text(text, encoding="utf-8")
