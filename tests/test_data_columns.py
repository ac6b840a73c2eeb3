"""Which columns are read, and what is said when one is missing."""

import pytest

from al_loop.config import DataSection
from al_loop.data.columns import Asked, choose
from al_loop.data.tables import open_table
from al_loop.errors import DataError

ALL = ("text", "label", "id", "keep")


def chosen(tmp_path, header, asked=None, config=None, needed=ALL, name="a.csv"):
    path = tmp_path / name
    path.write_text(header)
    table = open_table(path)
    return choose(table, name, asked or Asked(), config or DataSection(), needed=needed)


def test_the_command_line_comes_before_the_configuration(tmp_path):
    config = DataSection(text="b", label="c")

    found = chosen(tmp_path, "a,b,c,d\n", Asked(text="a", label="d"), config)

    assert (found.text, found.label, found.id) == ("a", "d", None)
    assert found.unused == ("b", "c")


def test_the_configuration_comes_before_common_names(tmp_path):
    found = chosen(tmp_path, "note,message\n", config=DataSection(text="note"))

    assert (found.text, found.found_by) == ("note", "config.toml")


@pytest.mark.parametrize(
    ("header", "text", "found_by"),
    [
        ("anything\n", "anything", "the only column"),
        ("id,Message,channel\n", "Message", "found by its name"),
        ("ID,TEXT,Label\n", "TEXT", "found by its name"),
        ("text,message\n", "text", "config.toml"),
    ],
)
def test_a_text_column_that_nobody_named_is_found_when_it_is_clear(
    tmp_path, header, text, found_by
):
    found = chosen(tmp_path, header)

    assert (found.text, found.found_by) == (text, found_by)


def test_label_and_id_are_found_without_regard_to_case(tmp_path):
    found = chosen(tmp_path, "ID,TEXT,Label\n")

    assert (found.id, found.label) == ("ID", "Label")


def test_a_missing_text_column_names_those_that_are_there(tmp_path):
    with pytest.raises(DataError, match=r"no column 'body'; there are 'note', 'date'") as e:
        chosen(tmp_path, "note,date\n", Asked(text="body"))
    assert e.value.hint == "name one of them, e.g. --text note"


def test_a_text_column_of_the_configuration_must_be_there(tmp_path):
    with pytest.raises(DataError, match="no column 'body'"):
        chosen(tmp_path, "message\n", config=DataSection(text="body"))


@pytest.mark.parametrize("option", ["label", "id", "keep"])
def test_a_named_column_must_be_there_and_a_default_one_need_not(tmp_path, option):
    asked = Asked(**{option: ("no",) if option == "keep" else "no"})

    with pytest.raises(DataError, match=r"no column 'no'; there are .*") as e:
        chosen(tmp_path, "text,x\n", asked)
    assert f"--{option}" in e.value.hint
    assert chosen(tmp_path, "text,x\n", asked, needed=("text",)).label is None
    assert chosen(tmp_path, "text,x\n").id is None


def test_an_empty_name_means_no_such_column(tmp_path):
    found = chosen(tmp_path, "id,text,label\n", Asked(label="", id=""))

    assert (found.label, found.id) == (None, None)


def test_one_column_is_never_text_and_label_at_once(tmp_path):
    found = chosen(tmp_path, "label\n")

    assert (found.text, found.label) == ("label", None)


def test_plain_text_has_no_columns_to_name(tmp_path):
    with pytest.raises(DataError, match="plain text has no columns, so there is no --label"):
        chosen(tmp_path, "hello\n", Asked(label="x"), name="a.txt")


def test_json_lines_may_bring_a_column_late(tmp_path):
    found = chosen(tmp_path, '{"text":"a"}\n', Asked(label="y"), name="a.jsonl")

    assert found.label == "y"


def test_many_columns_are_not_all_listed(tmp_path):
    header = ",".join(f"column{i}" for i in range(3000)) + "\n"

    with pytest.raises(DataError) as e:
        chosen(tmp_path, header)
    assert len(e.value.message) < 500
