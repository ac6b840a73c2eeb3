"""What an import does to texts, ids, labels, classes and the test set."""

import json
import unicodedata
from collections import Counter

import numpy as np
import pytest

from al_loop import config, workspace
from al_loop.data.columns import Asked
from al_loop.errors import DataError
from al_loop.imports import Request
from al_loop.store import answers, class_changes, items, open_store
from al_loop.types import ClassSpec
from tests.workspace_files import dump, write


@pytest.fixture
def store_of(tmp_path):
    opened = []

    def open_(root=tmp_path):
        opened.append(open_store(workspace.Workspace(root).db_path))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


def test_the_same_text_under_several_ids_is_one_item_with_all_its_ids(tmp_path, store_of):
    rows = [("a", "caf\u00e9 ", ""), ("b", " cafe\u0301", "x"), ("a", "caf\u00e9", "")]

    report = workspace.init(tmp_path, Request(write(tmp_path / "a.csv", rows)))

    counts = report.files[0].counts
    assert (counts.added, counts.more_ids, counts.duplicates) == (1, 1, 1)
    assert [i for i, _, _ in items.texts(store_of())] == ["a"]
    assert items.given_labels(store_of()) == {"a": {"x"}}
    assert dump(tmp_path)["labels"] == [("a", "given", "x", 0)]


@pytest.mark.parametrize("named", [True, False])
def test_different_labels_on_one_text_are_a_conflict_and_no_error(tmp_path, named, store_of):
    rows = [("1", "hello", "x"), ("2", "hello", "y"), ("3", "hello", "x")]

    report = workspace.init(
        tmp_path, Request(write(tmp_path / "a.csv", rows), asked=Asked(id=None if named else ""))
    )

    (conflict,) = report.conflicts
    assert conflict.labels == ("x", "y")
    assert conflict.ids[0] == conflict.item_id
    assert len(conflict.ids) == (3 if named else 2)
    assert report.bad == []
    assert report.labeled == 0
    assert dump(tmp_path)["labels"][0][1:3] == ("conflict", None)


def test_importing_a_file_twice_changes_nothing(tmp_path):
    rows = [("1", "hello", "x"), ("2", "hello", "y"), ("", "no id", ""), ("", "no id", "x")]
    data = write(tmp_path / "a.csv", rows)
    for root, asked in ((tmp_path / "ids", Asked()), (tmp_path / "none", Asked(id=""))):
        workspace.init(root, Request(data, asked=asked))
        before = dump(root)
        report = workspace.add(workspace.find(root), Request(data, asked=asked))
        assert report.files[0].counts.duplicates == 4
        assert dump(root) == before


def test_a_later_row_may_add_a_label_but_not_change_one(tmp_path, store_of):
    first = [("1", "hello", "", "m"), ("2", "bye", "x", "")]
    header = ("id", "text", "label", "via")
    workspace.init(tmp_path, Request(write(tmp_path / "a.csv", first, header)))
    later = [("1", "hello", "y", "m"), ("2", "bye", "z", "")]

    report = workspace.add(
        workspace.find(tmp_path),
        Request(write(tmp_path / "b.csv", later, header), asked=Asked(keep=("via",))),
    )

    assert report.files[0].counts.filled == 1
    assert report.bad == [
        f"{tmp_path / 'b.csv'}:3: id '2' came with label 'x', not 'z' at {tmp_path / 'a.csv'}:3"
    ]
    assert items.given_labels(store_of()) == {"1": {"y"}, "2": {"x"}}
    assert items.context(store_of(), ["1", "2"], ["via", "no"]) == {"1": "via: m", "2": ""}


def test_a_later_row_may_not_change_a_kept_column(tmp_path):
    rows = [("1", "hello", "x", "mail"), ("1", "hello", "x", "phone")]
    data = write(tmp_path / "a.csv", rows, ("id", "text", "label", "via"))

    report = workspace.init(tmp_path, Request(data, asked=Asked(keep=("via",))))

    assert report.bad == [f"{data}:3: id '1' came with another 'via' at {data}:2"]


def test_labels_that_differ_only_in_case_or_form_are_refused_with_both_lines(tmp_path):
    data = write(tmp_path / "a.csv", [("1", "a", "Refund"), ("2", "b", "refund")])
    with pytest.raises(DataError) as e:
        workspace.init(tmp_path / "ws", Request(data))
    assert f"'Refund' ({data}:2) and 'refund' ({data}:3)" in e.value.message
    assert "write them the same way" in e.value.hint

    (tmp_path / "config.toml").write_text("[classes.REFUND]\n")
    with pytest.raises(DataError, match=r"'REFUND' \(a class of this workspace\) and 'Refund'"):
        workspace.init(tmp_path, Request(data))


def test_labels_in_another_unicode_form_or_with_blanks_are_the_same(tmp_path):
    name = "R\u00fcckgabe"
    forms = [name, unicodedata.normalize("NFD", name), f" {name} "]
    data = write(tmp_path / "a.csv", [(str(i), f"text {i}", f) for i, f in enumerate(forms)])

    report = workspace.init(tmp_path, Request(data))

    assert report.new_classes == (name,)


def test_classes_come_from_the_configuration_first_and_are_never_changed_later(tmp_path, store_of):
    seeds = '[classes.z]\ndescription = "last letter"\nexamples = ["zz"]\n[classes.y]\n'
    (tmp_path / "config.toml").write_text(seeds)
    rows = [("1", "a", "c"), ("2", "b", "y"), ("3", "d", "b")]
    workspace.init(tmp_path, Request(write(tmp_path / "a.csv", rows)))
    (tmp_path / "config.toml").write_text('[classes.new]\n[classes.z]\ndescription = "other"\n')

    workspace.add(workspace.find(tmp_path), Request(write(tmp_path / "b.csv", [("9", "q", "aa")])))

    known = items.classes(store_of())
    assert [c.name for c in known] == ["z", "y", "c", "b", "new", "aa"]
    assert known[0] == ClassSpec("z", "last letter", ("zz",))
    origins = {row[0]: row[4] for row in dump(tmp_path)["classes"]}
    assert Counter(origins.values()) == {"config": 3, "data": 3}


def test_a_class_that_came_with_the_data_is_described_by_the_configuration(tmp_path, store_of):
    data = write(tmp_path / "a.csv", [("1", "a", "refund"), ("2", "b", "delay")])
    workspace.init(tmp_path, Request(data))
    store = store_of()
    wanted = [ClassSpec("refund", " Wants money ", ("pay!",)), ClassSpec("delay")]

    assert items.add_classes(store, wanted, "config") == 0
    assert items.add_classes(store, wanted, "config") == 0
    assert items.add_classes(store, [ClassSpec("refund", "other")], "config") == 0
    assert items.add_classes(store, [ClassSpec("delay", "", ("when?",))], "config") == 0

    known = {c.name: c for c in items.classes(store)}
    assert known["refund"] == ClassSpec("refund", "Wants money", ("pay!",))
    assert known["delay"] == ClassSpec("delay", "", ("when?",))
    versions = [(c.action, c.classes, c.author) for c in class_changes.history(store)]
    assert versions[1:] == [
        ("describe", ("refund",), "config.toml"),
        ("describe", ("delay",), "config.toml"),
    ]


def test_a_class_can_be_added_and_a_lookalike_can_not(tmp_path, store_of):
    workspace.init(tmp_path, Request(write(tmp_path / "a.csv", [("1", "a", "Refund")])))
    store = store_of()

    assert items.add_class(store, ClassSpec(" new <&> ", "d"), "command")
    assert not items.add_class(store, ClassSpec("Refund", "ignored"), "oracle")
    with pytest.raises(DataError, match="known class 'Refund' only in case"):
        items.add_class(store, ClassSpec("REFUND"), "command")
    for name in ("", "a\nb", "x" * 201, "a\x00", "\ud800"):
        with pytest.raises(DataError, match="the class"):
            items.add_class(store, ClassSpec(name), "command")
    assert [c.name for c in items.classes(store)] == ["Refund", "new <&>"]


def test_ten_thousand_classes_work(tmp_path, store_of):
    rows = [(str(i), f"text {i}", f"class {i} <&\"'>") for i in range(10_000)]

    report = workspace.init(tmp_path, Request(write(tmp_path / "a.csv", rows)))

    assert report.classes == 10_000
    assert items.classes(store_of())[9_999].name == "class 9999 <&\"'>"


def test_a_test_set_is_drawn_from_the_labeled_texts_once(tmp_path, store_of):
    rows = [(str(i), f"text {i}", f"c{i % 3}" if i < 200 else "") for i in range(300)]
    data = write(tmp_path / "a.csv", rows)

    report = workspace.init(tmp_path, Request(data))

    assert (report.test_size, report.test_rule, report.labeled) == (40, "drawn", 200)
    test = [i for i, _, _ in items.texts(store_of(), "test")]
    drawn = np.random.default_rng([0, 0, 7]).choice(200, size=40, replace=False)
    assert test == [str(i) for i in sorted(drawn)]
    more = write(tmp_path / "b.csv", [(f"m{i}", f"more {i}", "c0") for i in range(300)])
    later = workspace.add(workspace.find(tmp_path), Request(more))
    assert (later.test_size, later.test_rule) == (40, "kept")
    assert [i for i, _, _ in items.texts(store_of(), "test")] == test


@pytest.mark.parametrize(("labeled", "size"), [(59, 0), (60, 30), (150, 30), (160, 32)])
def test_a_test_set_has_at_least_thirty_texts_or_is_not_drawn(tmp_path, labeled, size):
    rows = [(str(i), f"text {i}", "c" if i < labeled else "") for i in range(200)]

    report = workspace.init(tmp_path, Request(write(tmp_path / "a.csv", rows)))

    assert report.test_size == size
    assert report.test_rule == ("drawn" if size else "too few labels")


def test_texts_with_two_labels_are_never_drawn(tmp_path, store_of):
    rows = [(f"{i}-{label}", f"text {i}", label) for i in range(100) for label in "xy"]

    report = workspace.init(tmp_path, Request(write(tmp_path / "a.csv", rows)))

    assert (report.test_size, len(report.conflicts)) == (0, 100)


def test_the_texts_of_a_test_file_leave_the_pool(tmp_path, store_of):
    pool = write(tmp_path / "a.csv", [(f"p{i}", f"text {i}", "c") for i in range(100)])
    test = write(
        tmp_path / "t.csv", [("t1", "text 1", "c"), ("t2", "only here", "d"), ("t3", "q", "")]
    )

    report = workspace.init(tmp_path, Request(pool, test))

    assert report.files[1].counts.moved_to_test == 1
    assert (report.test_size, report.test_rule) == (2, "file")
    assert report.bad == [f"{test}:4: has no label; every row of a test file needs one"]
    assert [i for i, _, _ in items.texts(store_of(), "test")] == ["p1", "t2"]
    assert "p1" not in {row[0] for row in answers.labeled(store_of(), "pool")}
    again = workspace.add(workspace.find(tmp_path), Request(pool))
    assert again.test_size == 2


def test_a_test_file_can_be_added_later_and_must_have_labels(tmp_path):
    workspace.init(tmp_path, Request(write(tmp_path / "a.csv", [("1", "a", ""), ("2", "b", "")])))
    made = workspace.find(tmp_path)
    bare = write(tmp_path / "bare.csv", [("x", "c")], ("id", "text"))

    with pytest.raises(DataError, match="no column 'label'; there are 'id', 'text'"):
        workspace.add(made, Request(test=bare))
    report = workspace.add(made, Request(test=write(tmp_path / "t.csv", [("t", "b", "x")])))

    assert (report.test_size, report.files[0].counts.moved_to_test) == (1, 1)


def test_a_label_column_that_only_the_test_file_has_may_be_named(tmp_path):
    pool = write(tmp_path / "a.csv", [("1", "a")], ("id", "text"))
    test = write(tmp_path / "t.csv", [("b", "x")], ("text", "intent"))

    report = workspace.init(tmp_path / "ws", Request(pool, test, Asked(label="intent", id="id")))

    assert (report.test_size, report.classes) == (1, 1)
    assert config.load(tmp_path / "ws" / "config.toml").data.label == "intent"


def test_labels_of_the_data_can_be_left_alone_while_a_test_file_has_its_own(tmp_path):
    pool = write(tmp_path / "a.csv", [("1", "a", "x")], ("id", "text", "label"))
    test = write(tmp_path / "t.csv", [("b", "x")], ("text", "label"))

    report = workspace.init(tmp_path / "ws", Request(pool, test, Asked(label="")))

    assert (report.labeled, report.test_size) == (1, 1)


def test_a_named_json_column_that_never_comes_is_an_error_at_the_end(tmp_path):
    data = tmp_path / "a.jsonl"
    data.write_text('{"text":"a"}\n{"text":"b","intent":"x"}\n')
    workspace.init(tmp_path / "ws", Request(data, asked=Asked(label="intent")))

    with pytest.raises(DataError, match="no column 'class'"):
        workspace.init(tmp_path / "other", Request(data, asked=Asked(label="class")))


def test_the_workspace_remembers_its_columns_and_maker(tmp_path, store_of):
    data = write(tmp_path / "a.csv", [("1", "a", "x", "m")], ("id", "text", "label", "via"))
    workspace.init(tmp_path, Request(data, asked=Asked(keep=("via",))))

    store = store_of()
    columns = json.loads(store.meta("columns") or "")
    assert columns == {"text": "text", "label": "label", "id": "id", "keep": ["via"]}
    assert len(store.meta("uuid") or "") == 36
    assert store.meta("made_by") == workspace.version()
