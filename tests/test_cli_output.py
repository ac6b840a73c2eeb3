"""What commands print, for machines, spreadsheets and people; and the options of a round."""

import csv
import io
import json
from functools import partial

import pytest

from al_loop.cli import tables
from tests import offline

HISTORY_KEYS = {
    "number",
    "state",
    "labels",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "macro_f1",
    "classes_known",
    "noise_found",
    "seconds",
}
RUN_KEYS = {
    "strategy",
    "seed",
    "labels",
    "accuracy",
    "macro_f1",
    "classes_seen",
    "seconds",
}


@pytest.fixture
def al_loop(monkeypatch, capsys):
    """Run a command in this process; returns (exit code, stdout, stderr)."""
    with offline.settings_kept():
        yield partial(offline.call, monkeypatch, capsys)


@pytest.fixture
def new(tmp_path):
    """A workspace without a round."""
    return offline.make(tmp_path)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A workspace with two rounds, for commands that only read."""
    return offline.make(tmp_path_factory.mktemp("played"), rounds=2)


# Machines read it


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "--json"],
        ["history", "--json"],
        ["classes", "--json"],
        ["noise", "--json"],
        ["noise", "--all", "--json"],
        ["check", "--json"],
        ["round", "--dry-run", "--json"],
        ["doctor", "--json"],
    ],
)
def test_json_owns_stdout(al_loop, played, arguments):
    _, out, _ = al_loop("-C", played, *arguments)

    assert isinstance(json.loads(out), dict)


def test_round_prints_json_also_when_it_ends_with_an_exit_code(al_loop, new):
    code, out, _ = al_loop("-C", new, "round", "--until", "selected", "--json")

    assert code == 0
    assert json.loads(out)["state"] == "selected"


def test_a_dry_init_prints_json_and_writes_nothing(al_loop, tmp_path):
    texts = offline.write(tmp_path / "t.csv", offline.rows(6))

    code, out, _ = al_loop("-C", tmp_path, "init", texts, "--dry-run", "--json")

    assert code == 0
    assert json.loads(out)["dry_run"] is True
    assert list(tmp_path.iterdir()) == [texts]


def test_history_has_the_keys_that_scripts_rely_on(al_loop, played):
    rounds = json.loads(al_loop("-C", played, "history", "--json")[1])["rounds"]

    assert [r["number"] for r in rounds] == [1, 2]
    for r in rounds:
        assert r.keys() >= HISTORY_KEYS
        assert list(r["seconds"]) == ["select", "push", "pull", "audit", "train", "log"]
    assert rounds[0]["labels"] < rounds[1]["labels"]


def test_history_is_csv_and_markdown_too(al_loop, played):
    table = list(csv.DictReader(io.StringIO(al_loop("-C", played, "history", "--csv")[1])))
    markdown = al_loop("-C", played, "history", "--md")[1].splitlines()

    assert [r["number"] for r in table] == ["1", "2"]
    assert table[0].keys() >= {"labels", "accuracy", "accuracy_low", "accuracy_high", "macro_f1"}
    assert markdown[1].startswith("|--")
    assert len(markdown) == 4


def test_simulate_prints_the_curves_that_scripts_rely_on(al_loop, tmp_path):
    data = offline.write(tmp_path / "d.csv", offline.rows())
    test = offline.write(
        tmp_path / "t.csv", [(f"t{i}", f"test {text}", label) for i, text, label in offline.rows(9)]
    )
    (tmp_path / "c.toml").write_text('[model]\nencoder = "hashing"\n')
    options = ["--rounds", 3, "--batch", 5, "--seeds", 2, "--strategy", "margin"]

    code, out, _ = al_loop(
        "simulate", "--data", data, "--test", test, "--config", tmp_path / "c.toml",
        *options, "--json",
    )  # fmt: skip

    assert code == 0
    runs = json.loads(out)["runs"]
    assert [(r["strategy"], r["seed"]) for r in runs] == [("margin", 0), ("margin", 1)]
    for r in runs:
        assert r.keys() >= RUN_KEYS
        assert r["labels"] == [5, 10, 15]
        assert all(len(r[key]) == 3 for key in RUN_KEYS - {"strategy", "seed"})
        assert all(0 <= score <= 1 for score in r["accuracy"] + r["macro_f1"])


# Spreadsheets and terminals read it


@pytest.mark.parametrize("start", list("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))
def test_no_cell_of_a_csv_is_taken_for_a_formula(start):
    assert tables.safe_cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


def test_what_can_not_be_a_formula_stays_as_it_is():
    assert [tables.safe_cell(v) for v in ("a=b", -3, None, "")] == ["a=b", -3, None, ""]


def test_a_class_named_like_a_formula_is_escaped_in_csv(al_loop, tmp_path):
    (tmp_path / "config.toml").write_text('[model]\nencoder = "hashing"\n')
    texts = offline.write(tmp_path / "t.csv", [("1", "some text", "=1+1"), ("2", "more", "@x")])
    al_loop("-C", tmp_path, "init", texts)

    out = al_loop("-C", tmp_path, "classes", "--csv")[1]

    assert [r[0] for r in csv.reader(io.StringIO(out))][1:] == ["'=1+1", "'@x"]


EVIL = "\x1b]0;evil\x07\x9b2J\u202egnp.exe\x08"


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_text_moves_the_cursor(al_loop, tmp_path, form):
    table = [(i, f"{text} {EVIL}", label) for i, text, label in offline.rows(24)]
    offline.make(tmp_path, table=table)

    out = al_loop("-C", tmp_path, "round", "--dry-run", *form)[1]

    assert "m0" in out
    assert "\x1b" not in out
    if not form:
        assert all(c.isprintable() or c == "\n" for c in out)


def test_no_class_that_people_ask_for_moves_the_cursor(al_loop, tmp_path):
    config = offline.CONFIG.replace("[classes.damage]\n", "")
    table = [(i, t, f"new{EVIL}" if label == "damage" else label) for i, t, label in offline.rows()]
    root = offline.make(tmp_path, table=table, config=config, rounds=1)

    shown = [al_loop("-C", root, c)[1] for c in ("status", "classes", "noise", "history")]

    assert "people asked for new" in shown[0]
    assert all(c.isprintable() or c == "\n" for c in "".join(shown))


def test_an_error_does_not_move_the_cursor_either(al_loop, tmp_path):
    code, _, err = al_loop("-C", tmp_path, "init", "no\x1b[2Jfile.csv")

    assert code == 2
    assert "\x1b" not in err


def test_tables_are_no_wider_than_their_contents(al_loop, played):
    lines = al_loop("-C", played, "history")[1].splitlines()

    assert max(map(len, lines)) <= 100
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("history", "no round yet"),
        ("noise", "no round has been audited yet"),
        ("status", "no round yet; 0 texts labeled, 60 in the pool"),
    ],
)
def test_where_there_is_nothing_to_show_a_sentence_says_so(al_loop, new, command, said):
    code, out, _ = al_loop("-C", new, command)

    assert code == 0
    assert out.startswith(said)


def test_a_file_without_labels_says_where_classes_come_from(al_loop, tmp_path):
    (tmp_path / "t.txt").write_text("hello\nbye\n")

    out = al_loop("-C", tmp_path, "init", tmp_path / "t.txt", "--dry-run")[1]

    assert "classes: 0 yet: al-loop classes add NAME, or annotators name them" in out


# The options of a round


def test_a_dry_run_shows_choice_and_price_and_stores_nothing(al_loop, played):
    before = al_loop("-C", played, "check", "--dump")[1]

    code, out, _ = al_loop("-C", played, "round", "--dry-run")

    assert code == 0
    assert "drawn at random" in out
    assert "coverage of" in out
    assert "price: 12 texts, 0.03 hours (8.0 s an answer, a guess in config.toml)" in out
    assert al_loop("-C", played, "check", "--dump")[1] == before


def test_a_dry_run_names_the_money_when_a_price_is_set(al_loop, tmp_path):
    root = offline.make(tmp_path, config=f"{offline.CONFIG}[budget]\nprice_per_label = 0.25\n")

    out = al_loop("-C", root, "round", "--dry-run", "--batch", "4", "--json")[1]

    assert json.loads(out)["price"]["money"] == 1.0


def test_batch_and_strategy_of_one_round_come_from_the_command_line(al_loop, new):
    code, _, _ = al_loop(
        "-C", new, "round", "--until", "selected", "--batch", "7", "--strategy", "random"
    )

    assert code == 0
    chosen = json.loads(al_loop("-C", new, "round", "--dry-run", "--json")[1])
    assert [t["strategy"] for t in chosen["texts"]] == ["random"] * 7
    (first,) = json.loads(al_loop("-C", new, "history", "--json")[1])["rounds"]
    assert first["strategy"] == "random"


def test_batch_and_strategy_do_not_change_a_round_that_is_open(al_loop, new):
    al_loop("-C", new, "round", "--until", "selected")

    code, _, err = al_loop("-C", new, "round", "--until", "selected", "--batch", "7")

    assert code == 0
    assert "goes on with the settings it began with" in err
    chosen = json.loads(al_loop("-C", new, "round", "--dry-run", "--json")[1])
    assert len(chosen["texts"]) == 12


def test_a_workspace_that_an_oracle_answered_can_go_on_with_a_server(al_loop, tmp_path):
    root = offline.make(tmp_path, rounds=1)

    code, _, err = al_loop("-C", root, "round", "--until", "selected")

    assert code == 0, err


def test_check_says_that_all_is_well(al_loop, played):
    assert al_loop("-C", played, "check") == (0, "all invariants hold\n", "")


def test_a_broken_invariant_ends_with_one(al_loop, tmp_path):
    root = offline.make(tmp_path, rounds=1)
    for model in (root / ".al-loop" / "models").iterdir():
        model.write_bytes(b"cut off")

    code, out, err = al_loop("-C", root, "check", "--json")

    assert code == 1
    assert json.loads(out)["ok"] is False
    assert "al-loop: invariants that don't hold: 1" in err
