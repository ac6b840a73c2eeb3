"""Pages as strings: nothing of a text gets out of its place. See test_html_browser.py as well."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs

from al_loop import html
from al_loop.html import (
    Card,
    Cards,
    Chart,
    Coloring,
    Heading,
    Note,
    Prose,
    Table,
    charts,
    markdown,
    page,
    points,
)
from al_loop.html.charts import Series
from al_loop.html.safe import chart_label, script_json, visible
from tests.hostile import ATTACKS, HONEST

BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def everywhere(text):
    """One block of each kind with a text in every place that takes one."""
    return [
        Heading(text),
        Heading(text, 3),
        Prose(text),
        Note(text, "warning"),
        Cards([Card(text, text, text)]),
        Table(text, {"a": text, "b": text}, [{"a": text, "b": 1}], text),
        Table(text, {"a": text}, [{"a": text}], folded=True),
        charts.lines(text, text, [Series(text, [1, 2], [0.5, None])], x=text, y=text),
        charts.matrix(text, text, [text, "other"], [[3, 1], [0, 2]]),
        charts.forest(text, text, [(text, 0.1, 0.0, 0.2)], x=text),
        points(text, text, [(0.0, 1.0)], [text], [Coloring(text, [text])]),
    ]


class Elements(HTMLParser):
    """Collects elements, attributes, texts and comments."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.comments = [], [], []
        self.scripts, self.inside = [], None

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        self.inside = dict(attributes) if tag == "script" else None

    def handle_data(self, data):
        if self.inside is not None:
            self.scripts.append((self.inside, data))
            self.inside = None

    def handle_comment(self, data):
        self.comments.append(data)


def elements(text):
    parsed = Elements()
    parsed.feed(text)
    return parsed


def whole(text):
    """A page with a text everywhere, without the library, which is not ours to judge."""
    made = page(text, everywhere(text), kicker=text, made_at=text)
    return made.replace(get_plotlyjs(), "")


PLAIN = elements(whole("plain"))


@pytest.mark.parametrize("text", [*ATTACKS, *HONEST], ids=lambda t: t[:20].encode().hex())
def test_a_hostile_text_adds_no_element_attribute_or_comment(text):
    found = elements(whole(text))

    assert [t for t in found.tags if t != "wbr"] == PLAIN.tags
    assert {a[:2] for a in found.attributes} == {a[:2] for a in PLAIN.attributes}
    assert not found.comments
    assert not [a for a in found.attributes if a[1].startswith("on") or a[1] in {"src", "srcdoc"}]


@pytest.mark.parametrize("text", [t for t in ATTACKS if BIDI.search(t) or CONTROL.search(t)])
def test_control_and_bidi_characters_are_marked_and_gone(text):
    made = whole(text)

    assert not BIDI.search(made)
    assert not CONTROL.search(made)
    code = f"[U+{ord((BIDI.search(text) or CONTROL.search(text))[0]):04X}]"
    assert made.count(code) > 15


@given(st.text())
def test_what_is_visible_hides_nothing_and_keeps_the_rest(text):
    shown = visible(text)

    assert not BIDI.search(shown)
    assert not CONTROL.search(shown)
    shown.encode("utf-8")
    if not BIDI.search(text) and not CONTROL.search(text):
        assert shown == text


@given(st.dictionaries(st.text(), st.lists(st.text() | st.integers() | st.none())))
def test_data_in_a_script_reads_back_and_never_ends_it(value):
    written = script_json(value)

    assert json.loads(written) == value
    assert not re.search("[<>&\u2028\u2029]", written)


def test_data_in_a_script_is_refused_when_no_browser_could_read_it():
    with pytest.raises(ValueError, match="JSON"):
        script_json([float("nan")])


@given(st.text())
def test_a_label_of_a_chart_has_no_tag_and_no_entity_of_its_own(text):
    label = chart_label(text, 30)

    assert "<" not in label
    assert ">" not in label
    assert not re.search("&(?!amp;|lt;|gt;)", label)


def test_the_policy_names_the_scripts_that_run_and_no_other():
    made = elements(page("t", everywhere("x")))
    policy = next(v for _, name, v in made.attributes if name == "content" and "default-src" in v)
    run = [text for attributes, text in made.scripts if "type" not in attributes]

    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in run]
    assert len(run) == 2
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}';"
        " style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_a_page_without_charts_has_no_script_at_all():
    made = page("t", [Heading("One"), Prose("text")])

    assert "<script" not in made
    assert "script-src 'none'" in made
    assert len(made) < 20_000


def test_a_page_names_its_language_and_asks_nobody_for_anything():
    found = elements(page("t", everywhere("x")))

    assert ("html", "lang", "en") in found.attributes
    links = [v for _, name, v in found.attributes if name in {"href", "src", "action"}]
    assert {v for v in links if not v.startswith("#")} == {"data:,"}  # the icon


def test_headings_are_listed_once_there_are_enough_of_them():
    two = page("t", [Heading("One"), Heading("Two")])
    three = page("t", [Heading("One"), Heading("Two"), Heading("Three")])

    assert "<nav" not in two
    assert re.findall(r'<a href="(#\w+)">', three) == ["#s1", "#s2", "#s3"]
    assert re.findall(r'<h2 id="(\w+)"', three) == ["s1", "s2", "s3"]


def test_tables_have_headings_with_scope_and_a_name():
    made = page("t", [Table("Who", {"a": "name", "b": "n"}, [{"a": "ana", "b": 3}])])

    assert made.count('<th scope="col"') == 2
    assert made.count('<th scope="row"') == 1
    assert '<table aria-labelledby="t1">' in made
    assert '<td class="number" data-heading="n">' in made


def test_a_chart_says_in_words_what_it_shows():
    chart = charts.lines("Curve", "It rises.", [Series("a", [1], [0.5])], x="x", y="y")

    assert 'role="img" aria-label="Curve. It rises."' in page("t", [chart])


def test_numbers_have_three_decimals_and_nothing_is_a_dash():
    rows = [{"a": 0.12345, "b": None, "c": 7}]
    made = page("t", [Table("T", {"a": "a", "b": "b", "c": "c"}, rows)])

    assert ">0.123<" in made
    assert ">\N{EN DASH}<" in made
    assert ">7<" in made


def test_a_short_curve_has_bars_and_a_long_one_a_band():
    one = charts.lines("t", "s", [Series("a", [1], [0.5], [0.4], [0.6])], x="x", y="y")
    many = Series("a", [1, 2, 3], [0.5] * 3, [0.4] * 3, [0.6] * 3)
    long = charts.lines("t", "s", [many], x="x", y="y")

    assert one.spec["data"][0]["error_y"]["array"] == pytest.approx((0.1,))
    assert [t.get("fill") for t in long.spec["data"]] == ["toself", None]


def test_only_eight_groups_of_a_map_have_a_color_and_the_muted_ones_come_last():
    groups = [f"class {i}" for i in range(20) for _ in range(20 - i)] + ["none"] * 500
    chart = points(
        "t", "s", [(0, 0)] * len(groups), [""] * len(groups), [Coloring("class", groups, ("none",))]
    )

    view = chart.spec["views"][0]
    assert [g["name"] for g in view["groups"][:2]] == ["class 0", "class 1"]
    assert view["groups"][-1]["name"] == "none"
    assert sum(g["color"] != view["gray"] for g in view["groups"]) == 8
    assert [view["groups"][i]["name"] for i in view["of"]] == groups


def test_rounds_keep_their_order_and_the_newest_have_a_color():
    chart = points(
        "t",
        "s",
        [(0, 0)] * 12,
        [""] * 12,
        [Coloring("batch", [f"round {i}" for i in range(12)], ordered=True)],
    )

    view = chart.spec["views"][0]
    assert [g["name"] for g in view["groups"]] == [f"round {i}" for i in range(12)]
    assert [g["color"] != view["gray"] for g in view["groups"]] == [False] * 4 + [True] * 8


# Markdown


@pytest.mark.parametrize("text", [*ATTACKS, *HONEST], ids=lambda t: t[:20].encode().hex())
def test_markdown_of_a_hostile_text_holds_no_tag_link_or_table_cell_of_its_own(text):
    made = markdown(text, everywhere(text))

    assert "<" not in made
    assert not re.search(r"(?<!\\)[\[\]`]", made)
    assert not BIDI.search(made)
    rows = [line for line in made.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {2, 3}


def test_markdown_has_what_the_page_has():
    blocks = [
        Heading("One"),
        Cards([Card("Cost", "3 EUR", "of 5")]),
        Chart("Curve", "It rises.", {}, numbers=Table("N", {"x": "x"}, [{"x": 1}])),
        Note("careful"),
    ]

    assert html.markdown("Title", blocks) == (
        "# Title\n\n## One\n\n- **Cost**: 3 EUR; of 5\n\n**Curve**: It rises.\n\n*N*\n\n"
        "| x |\n| ---: |\n| 1 |\n\n> careful\n"
    )
