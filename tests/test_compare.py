"""`al-loop compare`: runs side by side, each played once and kept, whatever happens."""

import contextlib
import importlib
import json
import os
import signal
import sys
from dataclasses import replace

import pytest

from al_loop.cli import runs_bar
from al_loop.compare import series, shelf, work
from al_loop.config import Config, parse
from al_loop.data.columns import Asked
from al_loop.files import lock
from al_loop.imports import Request
from al_loop.simulate import Plan
from tests import compare_files, offline
from tests.compare_files import stored

STRATEGIES = "margin,clusters,random"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return compare_files.make(tmp_path_factory.mktemp("compare"))


@pytest.fixture
def call(files, tmp_path, monkeypatch, capsys):
    """Run a command on the files in this process; runs are kept below tmp_path."""
    monkeypatch.chdir(tmp_path)

    def run(command, *more, code=0, jobs=1):
        where = ["--jobs", jobs] if command == "compare" else []
        with offline.settings_kept():
            words = compare_files.words(files, command, *where, *more)
            ended, out, err = offline.call(monkeypatch, capsys, *words)
        assert ended == code, err
        return out, err

    return run


@pytest.fixture
def start(files):
    """Start `al-loop compare` on the files; what still runs at the end is killed."""
    with contextlib.ExitStack() as stack:

        def launch(*more):
            process = stack.enter_context(compare_files.start(files, *more))
            stack.callback(compare_files.kill_group, process)
            return process

        yield launch


def timeless(runs):
    return [{k: v for k, v in run.items() if not k.endswith("seconds")} for run in runs]


# What is played


def test_the_runs_are_those_of_simulate_and_the_same_for_any_number_of_processes(call, tmp_path):
    out, _ = call("simulate", "--strategy", "novelty", "--seeds", "2", "--json")
    alone = json.loads(out)["runs"]
    asked = ["--strategies", "novelty,random", "--seeds", "2", "--json"]
    out, _ = call("compare", *asked)
    here = json.loads(out)["runs"]
    out, _ = call("compare", *asked, "--out", str(tmp_path / "other"), jobs=3)
    apart = json.loads(out)["runs"]

    assert timeless(r for r in here if r["strategy"] == "novelty") == timeless(alone)
    assert timeless(apart) == timeless(here)
    assert [(r["strategy"], r["seed"]) for r in here] == [
        ("novelty", 0),
        ("random", 0),
        ("novelty", 1),
        ("random", 1),
    ]
    assert all(len(r["query_seconds"]) == len(r["labels"]) for r in [*alone, *here])


def test_random_is_added_and_said_so(call):
    out, _ = call("compare", "--strategies", "margin", "--seeds", "2")
    assert "random was added" in out
    assert "margin" in out.partition("\n\n")[0]
    out, _ = call("compare", "--strategies", "random,margin", "--seeds", "2")
    assert "random was added" not in out


def test_a_log_gets_a_line_a_run_with_the_time_left(call):
    _, err = call("compare", "--strategies", "margin", "--seeds", "2")
    lines = [line for line in err.splitlines() if line.startswith("run ")]
    assert [line.partition(":")[0] for line in lines] == [f"run {i} of 4" for i in (1, 2, 3, 4)]
    assert lines[0].startswith("run 1 of 4: margin, seed 0, accuracy 0.")
    assert all(line.endswith("left") for line in lines[:-1])


def test_a_terminal_gets_a_bar_of_runs_and_one_of_time(monkeypatch):
    class Terminal:
        drawn = ""

        def write(self, text):
            self.drawn += text

        def flush(self):
            pass

        def isatty(self):
            return True

        encoding = "utf-8"

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    run = {"strategy": "margin", "seed": 3, "accuracy": [0.5, 0.823]}
    with runs_bar.runs_bar() as watch:
        watch(series.Progress(11, 30, None, None))
        watch(series.Progress(12, 30, run, 290.0))
        watch(series.Progress(12, 30, None, 290.0))
    assert "12 of 30, margin, seed 3, accuracy 0.823" in terminal.drawn
    assert "about 5 min left" in terminal.drawn


def test_a_page_is_written_beside_the_table(call, tmp_path):
    out, err = call("compare", "--strategies", "margin", "--seeds", "2", "--html", "page.html")
    assert "page: page.html" in err
    assert out.startswith("strategy")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "margin" in page


@pytest.mark.parametrize(
    ("seconds", "words"), [(1.4, "1 s"), (89, "89 s"), (150, "2 min"), (3 * 3600, "3.0 h")]
)
def test_a_time_is_said_as_people_say_it(seconds, words):
    assert runs_bar.duration(seconds) == words


def test_the_time_left_is_that_of_the_same_strategy_where_it_is_known():
    finished = [
        {"strategy": "slow", "seconds": [4.0, 6.0]},
        {"strategy": "slow", "seconds": [10.0, 4.0]},
        {"strategy": "fast", "seconds": [1.0, 1.0]},
    ]
    assert series._seconds_left(finished, ["slow", "fast", "new"], 2) == (12 + 2 + 7) / 2
    assert series._seconds_left([], ["slow"], 2) is None


# What is kept


def test_a_second_call_plays_only_what_is_missing(call, tmp_path):
    call("compare", "--strategies", STRATEGIES, "--seeds", "2")
    before = stored(tmp_path / series.FOLDER)
    out, err = call("compare", "--strategies", STRATEGIES, "--seeds", "3")
    after = stored(tmp_path / series.FOLDER)

    assert len(before) == 6
    assert len(after) == 9
    assert before.items() <= after.items()
    assert "6 of 9 runs were there already" in err
    assert "run 7 of 9" in err
    assert "3 of 3" in out or "reached" in out


def test_a_damaged_file_is_played_again(call, tmp_path):
    first, _ = call("compare", "--strategies", "margin", "--seeds", "2", "--json")
    one = next((tmp_path / series.FOLDER).glob("*.json"))
    one.write_text(one.read_text()[:100])
    again, err = call("compare", "--strategies", "margin", "--seeds", "2", "--json")
    assert "3 of 4 runs were there already" in err
    assert timeless(json.loads(again)["runs"]) == timeless(json.loads(first)["runs"])


@pytest.mark.parametrize("damage", ["0.", '"query_seconds": ', '"labels": [\n'])
def test_a_file_whose_contents_changed_is_played_again(call, tmp_path, damage):
    first, _ = call("compare", "--strategies", "random", "--seeds", "2", "--json")
    one = next((tmp_path / series.FOLDER).glob("*.json"))
    changed = {"0.": "1.", '"query_seconds": ': '"no": ', '"labels": [\n': '"labels": [1,\n'}
    one.write_text(one.read_text().replace(damage, changed[damage]))
    again, err = call("compare", "--strategies", "random", "--seeds", "2", "--json")
    assert "1 of 2 runs were there already" in err
    assert timeless(json.loads(again)["runs"]) == timeless(json.loads(first)["runs"])


def test_a_page_without_a_place_is_refused_before_anything_is_played(call, tmp_path):
    _, err = call("compare", "--strategies", "margin", "--html", tmp_path / "no" / "x", code=2)
    assert "there is no folder" in err
    assert not (tmp_path / series.FOLDER).exists()


def test_a_page_that_can_not_be_written_costs_nothing_that_was_found(call, tmp_path):
    (tmp_path / "link.html").symlink_to(tmp_path / "elsewhere")
    asked = ["--strategies", "random", "--seeds", "2", "--html", str(tmp_path / "link.html")]
    out, err = call("compare", *asked, code=2)
    assert out.splitlines()[2].startswith("random")
    assert "is a symbolic link" in err


def test_nothing_but_the_runs_is_left_and_others_can_not_read_them(call, tmp_path):
    call("compare", "--strategies", "margin", "--seeds", "1")
    folder = tmp_path / series.FOLDER
    assert {path.suffix for path in folder.iterdir()} == {".json", ""}
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_two_at_once_do_not_play_into_the_same_folder(call, tmp_path):
    with lock(tmp_path / "lock"):
        _, err = call("compare", "--strategies", "margin", "--out", str(tmp_path), code=7)
    assert "another process" in err or "has been working" in err


def test_runs_are_kept_in_the_workspace_unless_out_says_otherwise(call, tmp_path):
    offline.make(tmp_path)
    call("compare", "--strategies", "random", "--seeds", "1")
    assert len(stored(tmp_path / ".al-loop" / "compare")) == 1
    call("compare", "--strategies", "random", "--seeds", "1", "--out", str(tmp_path / "here"))
    assert len(stored(tmp_path / "here")) == 1
    assert not (tmp_path / series.FOLDER).exists()


PLAN = Plan("novelty", rounds=3, batch=20, seed=0)


def a_config(**tables):
    return parse({"model": {"encoder": "hashing"}, **tables})


@pytest.mark.parametrize(
    ("config", "plan"),
    [
        (a_config(strategies={"novelty": {"min_cluster_size": 7}}), PLAN),
        (a_config(batch={"random_share": 0.2}), PLAN),
        (a_config(model={"encoder": "hashing", "C": 1.0}), PLAN),
        (a_config(), replace(PLAN, strategy="margin")),
        (a_config(), replace(PLAN, seed=1)),
        (a_config(), replace(PLAN, rounds=4)),
        (a_config(), replace(PLAN, batch=21)),
        (a_config(), replace(PLAN, noise=0.1)),
        (a_config(), replace(PLAN, people={"good 1": 0.05})),
        (a_config(), replace(PLAN, labeled_ids=("m1",))),
        (a_config(), replace(PLAN, known_classes=("refund",))),
    ],
)
def test_whatever_changes_a_run_makes_another_one_of_it(config, plan):
    assert shelf.name("data", config, plan) != shelf.name("data", a_config(), PLAN)


@pytest.mark.parametrize(
    "config",
    [
        a_config(strategies={"clusters": {"among": 3.0}}),
        a_config(batch={"size": 7, "strategy": "margin", "mix": {"margin": 1.0}}),
        a_config(budget={"labels": 100}),
        a_config(label_studio={"title": "another"}),
    ],
)
def test_what_does_not_change_a_run_does_not(config):
    assert shelf.name("data", config, PLAN) == shelf.name("data", a_config(), PLAN)


def test_the_parts_of_a_mix_count_for_the_mix():
    mix = replace(PLAN, strategy="mix")
    other = a_config(strategies={"novelty": {"min_cluster_size": 7}})
    assert shelf.name("data", other, mix) != shelf.name("data", a_config(), mix)


def test_the_contents_of_the_files_count_not_their_names(tmp_path):
    for name, text in (("a.csv", "text,label\n"), ("b.csv", "text,label\n"), ("c.csv", "text\n")):
        (tmp_path / name).write_text(text)

    def digest(name, **asked):
        return shelf.of_files(Request(tmp_path / name, None, Asked(**asked)), Config())

    assert digest("a.csv") == digest("b.csv")
    assert digest("a.csv") != digest("c.csv")
    assert digest("a.csv") != digest("a.csv", label="other")


# What goes wrong


def test_a_kill_loses_only_unfinished_runs_and_leaves_no_process(start, tmp_path):
    more = ["--strategies", STRATEGIES, "--seeds", "4", "--jobs", "2", "--out", str(tmp_path)]
    process = start(*more)
    compare_files.wait_for_runs(process, tmp_path, 2)
    started = compare_files.children(process.pid)
    process.kill()
    _, err = process.communicate()
    assert "Traceback" not in err
    assert "leaked" not in err
    assert compare_files.gone(started)
    before = stored(tmp_path)
    assert 2 <= len(before) < 12

    again = start(*more, "--json")
    out, err = again.communicate()
    after = stored(tmp_path)
    assert again.returncode == 0, err
    assert before.items() <= after.items()
    assert len(after) == 12
    assert f"{len(before)} of 12 runs were there already" in err
    assert err.count("\nrun ") == 12 - len(before)
    found = json.loads(out)
    assert len(found["runs"]) == 12
    assert {s["runs"] for s in found["strategies"]} == {4}


def test_ctrl_c_ends_soon_with_what_is_finished_and_without_a_traceback(start, tmp_path):
    more = ["--strategies", STRATEGIES, "--seeds", "30", "--jobs", "2", "--out", str(tmp_path)]
    process = start(*more)
    compare_files.wait_for_runs(process, tmp_path, 1)
    started = compare_files.children(process.pid)
    for worker in compare_files.workers(process.pid):  # or it could say what interrupted it
        assert compare_files.ignores(worker, signal.SIGINT)
    compare_files.interrupt(process)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err + out
    assert err.splitlines()[-2:] == [
        "al-loop: interrupted; what was done is kept",
        "  -> run the same command again to go on",
    ]
    assert compare_files.gone(started)
    assert 1 <= len(stored(tmp_path)) < 90
    assert not list(tmp_path.glob("world-*"))


def test_a_worker_that_dies_is_one_clear_line(start, tmp_path):
    more = ["--strategies", STRATEGIES, "--seeds", "9", "--jobs", "2", "--out", str(tmp_path)]
    process = start(*more)
    compare_files.wait_for_runs(process, tmp_path, 1)
    os.kill(min(compare_files.workers(process.pid)), signal.SIGKILL)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert out == ""
    last = [line for line in err.splitlines() if not line.startswith(("run ", "encoding"))]
    assert len(last) == 2, err
    assert "a process that played runs died" in last[0]
    assert "--jobs 1" in last[1]


PACKAGE = """\
from strategies.base import picks

def mine(pool, n, rng):
    {body}
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package with the strategy `mine` where Python finds it."""
    monkeypatch.syspath_prepend(tmp_path / "packages")
    info = tmp_path / "packages" / "mine_package-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[al_loop.strategies]\nmine = mine_package:mine\n")

    def write(body):
        sys.modules.pop("mine_package", None)
        (info.parent / "mine_package.py").write_text(PACKAGE.format(body=body))
        importlib.invalidate_caches()

    yield write
    sys.modules.pop("mine_package", None)


def test_a_strategy_that_raises_is_named_with_its_seed(call, install):
    install('raise ZeroDivisionError("by hand")')
    _, err = call("compare", "--strategies", "mine", "--seeds", "1", code=1, jobs=2)
    assert "al-loop: seed 0: strategy 'mine' failed: ZeroDivisionError: by hand" in err
    assert "(mine_package.py:4)" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_strategy_that_ends_the_process_is_named_too(call, install, jobs):
    install("raise SystemExit(3)")
    _, err = call("compare", "--strategies", "mine", "--seeds", "2", code=1, jobs=jobs)
    assert "SystemExit: 3" in err


def test_a_strategy_that_was_edited_is_played_again(call, install, tmp_path):
    for why, played in (("first", 4), ("first", 4), ("edited", 6)):
        install(f'return picks(range(n), range(n), source="mine", why="{why}")')
        call("compare", "--strategies", "mine", "--seeds", "2")
        assert len(stored(tmp_path / series.FOLDER)) == played


def test_names_are_checked_before_anything_runs(call, tmp_path):
    _, err = call("compare", "--strategies", "random,margn", code=2)
    assert "did you mean margin?" in err
    assert not (tmp_path / series.FOLDER).exists()


def test_without_data_it_says_what_to_type(tmp_path, monkeypatch, capsys):
    with offline.settings_kept():
        words = ["-C", tmp_path, "compare", "--strategies", "margin"]
        code, out, err = offline.call(monkeypatch, capsys, *words)
    assert code == 2
    assert out == ""
    assert "--data" in err
    assert "al-loop recommend" in err


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--target", "85"], "--target"),
        (["--target", "nan"], "--target"),
        (["--noise", "-0.1"], "--noise"),
        (["--noise", "nan"], "--noise"),
        (["--annotators", "good"], "--annotators"),
        (["--annotators", "great:2"], "--annotators"),
        (["--annotators", "1.5:2"], "--annotators"),
        (["--noise", "0.1", "--annotators", "good:1"], "--annotators"),
        (["--strategies", ","], "--strategies"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_a_bad_value_names_its_option(call, words, option):
    _, err = call("compare", "--strategies", "margin", *words, code=2)
    assert option in err
    assert "Traceback" not in err


def test_one_job_plays_in_this_process(files, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(work, "_play", lambda task, *_: seen.append(os.getpid()) or {"seconds": []})
    task = work.Task(PLAN, tmp_path / "x.json")
    assert [r for r in work.play_all([task], tmp_path, a_config(), 4) if r] == [{"seconds": []}]
    assert seen == [os.getpid()]
