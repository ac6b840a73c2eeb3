"""What is on the screen: everything fits, nothing of a text moves the cursor."""

import itertools
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_loop.labeling.draw import draw
from al_loop.labeling.form import Ask, Form
from al_loop.labeling.wrap import clean, columns, cut, rows
from al_loop.types import HEADING, ClassSpec, Suggestion

SIZES = st.tuples(st.integers(2, 120), st.integers(1, 60))
MANY = tuple(ClassSpec(f"class_number_{i}") for i in range(77))


def form(text="the text", classes=("refund", "delay"), suggestion=None, context="", **more):
    specs = tuple(c if isinstance(c, ClassSpec) else ClassSpec(c) for c in classes)
    return Form(
        Ask(text, context, suggestion, "round 1  3 of 50  ana", "margin 0.1"), specs, **more
    )


def screen(drawn):
    return "\n".join(row.text for row in drawn.rows)


def shown(a_form, width=80, height=24):
    return screen(draw(a_form, width, height))


def test_a_screen_says_where_one_is_what_to_judge_and_what_to_press():
    said = shown(form(suggestion=Suggestion("delay", 0.834), context="channel: chat"))
    for part in ("3 of 50", "the text", "channel: chat", "suggestion: delay 83 %", "1 refund"):
        assert part in said
    for key in ("+ new class", "- skip", "# comment", "< undo", "? help", "^D quit"):
        assert key in said
    assert "margin" not in said


def test_a_blind_text_shows_no_suggestion_and_says_nothing_of_one():
    assert "suggest" not in shown(form())


def test_why_a_text_was_chosen_is_told_to_those_who_ask():
    classes = (ClassSpec("refund", "Wants money back", ("Where is it?",)),)
    helped = shown(form(classes=classes, mode="help"))
    for part in ("margin 0.1", "takes the suggestion", "refund: Wants money back", "Where is it?"):
        assert part in helped


def test_the_meaning_of_the_marked_class_is_shown_beside_what_is_typed():
    classes = (ClassSpec("refund", "Wants money back"), ClassSpec("delay", "Is late"))
    assert "> de   Is late" in shown(form(classes=classes, typed="de"))
    assert "Wants money back" in shown(form(classes=classes, marked=0))


GROUPS = (ClassSpec("afraid", "", ("I am afraid", "so scared")), ClassSpec("hope"))


def test_candidates_stand_below_the_heading_with_their_texts_as_meaning():
    offered = form(candidates=GROUPS, asked=("shipping",))
    lines = [line.strip() for line in shown(offered).splitlines()]
    start = lines.index("1 refund")
    assert lines[start : start + 6] == [
        "1 refund",
        "2 delay",
        HEADING,
        "3 afraid",
        "4 hope",
        "5 shipping (new)",
    ]
    assert "I am afraid | so scared" in shown(replace(offered, marked=2))
    assert "I am afraid" not in shown(offered)
    found = shown(replace(offered, typed="af"))
    assert ">1 afraid (new?)" in found
    assert HEADING not in found
    helped = shown(replace(offered, mode="help"))
    assert "so scared" in helped
    assert HEADING in helped
    assert HEADING not in shown(form())


def test_the_heading_takes_no_place_from_the_class_that_enter_takes():
    many = tuple(ClassSpec(f"group_{i}") for i in range(40))
    for height, place in itertools.product(range(6, 16), (0, 1, 2, 3, 8, 30, 41)):
        marked = shown(form(candidates=many, marked=place), 20, height)
        name = ["refund", "delay"][place] if place < 2 else f"group_{place - 2}"
        assert re.search(f">. {name}$", marked, re.MULTILINE)
    wide = form(candidates=many, marked=20)
    lines = shown(wide, 24, 14).splitlines()
    above = next(i for i, line in enumerate(lines) if HEADING in line)
    assert "group" in lines[above + 1], "also where no known class is in sight"


def test_nothing_but_the_list_moves_while_it_is_narrowed_down():
    def places(a_form):
        lines = shown(a_form).splitlines()
        return [i for i, line in enumerate(lines) if line.startswith(("> ", "the text", "+ "))]

    wide = form(classes=[c.name for c in MANY], candidates=GROUPS)
    few = form(candidates=GROUPS)
    assert places(few) == places(replace(few, typed="h")) == places(replace(few, typed="zzz"))
    assert places(wide) == places(replace(wide, typed="7")) == places(replace(wide, typed="zzz"))


def test_of_many_classes_as_many_are_listed_as_fit_and_the_rest_is_counted():
    said = shown(form(classes=MANY))
    assert "1 class_number_0" in said
    listed = said.count("class_number")
    assert listed > 30
    assert f"... {77 - listed} more" in said
    for marked in range(77):
        assert f">{marked + 1 if marked < 9 else ' '} class_number_{marked}" in shown(
            form(classes=MANY, marked=marked)
        )


def test_the_smallest_screen_shows_the_class_that_enter_takes():
    said = shown(form("word " * 90, classes=MANY, typed="class_number_1", marked=3), 20, 8)
    assert ">4 class_number_12" in said
    for height, place in itertools.product(range(6, 16), (0, 1, 8, 30, 76)):
        marked = shown(form(classes=MANY, marked=place), 20, height)
        assert re.search(f">. class_number_{place}$", marked, re.MULTILINE)
    assert ">1 class_number_7" in shown(form("word " * 90, classes=MANY, typed="ber_7"), 20, 8)


def test_every_row_of_a_long_text_can_be_reached():
    text = "\n".join(f"line-{i:03}" for i in range(100))
    for height in (15, 24, 60):
        current, seen = form(text, suggestion=Suggestion("delay", 0.5)), ""
        for _ in range(100):
            drawn = draw(current, 40, height)
            seen += screen(drawn)
            current = replace(drawn.form, top=drawn.form.top + max(drawn.form.page - 1, 1))
        assert all(f"line-{i:03}" in seen for i in range(100))
        assert "suggestion: delay" in seen


@given(
    SIZES,
    st.text(max_size=300),
    st.lists(st.text(min_size=1, max_size=40), max_size=30, unique=True),
    st.sampled_from(["choose", "class", "comment", "help"]),
    st.text(max_size=20),
    st.integers(-1, 40),
    st.lists(st.text(min_size=1, max_size=30), max_size=5),
)
def test_every_screen_fits_whatever_is_on_it(size, text, classes, mode, typed, marked, groups):
    width, height = size
    drawn = draw(
        form(
            text,
            classes,
            Suggestion("".join(classes[:1]) or "x", 0.5),
            context=text[:40],
            mode=mode,
            typed=typed,
            line=typed,
            comment=typed,
            marked=min(marked, len(classes) - 1),
            candidates=tuple(map(ClassSpec, groups)),
            note=text[:20],
        ),
        width,
        height,
    )
    assert len(drawn.rows) <= height
    for row in drawn.rows:
        assert columns(row.text) <= width
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in row.text)
    assert 0 <= drawn.cursor[0] < height
    assert 0 <= drawn.cursor[1] < max(width, 3)


@given(st.text(max_size=400), st.integers(2, 60))
def test_wrapping_keeps_every_character_that_is_seen(text, width):
    found = rows(text, width)
    assert all(columns(row) <= width for row in found)
    assert "".join("".join(found).split()) == "".join(
        "".join(clean(line) for line in text.splitlines()).split()
    )


def test_rows_break_after_words_and_anywhere_in_chinese():
    assert rows("a parcel that is late", 10) == ("a parcel", "that is", "late")
    assert rows("\u6211\u7684\u5305\u88f9\u665a\u4e86", 5) == (
        "\u6211\u7684",
        "\u5305\u88f9",
        "\u665a\u4e86",
    )
    assert rows("abcdefghij", 4) == ("abcd", "efgh", "ij")
    assert rows("one\n\n two", 10) == ("one", "", " two")


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[2Jgone", "\ufffd[2Jgone"),
        ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
        ("\x9b31m", "\ufffd31m"),
        ("a\x08b", "a\ufffdb"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("soft\u00adhyphen\ufeff", "softhyphen"),
        ("\u0633\u0644\u200c\u0645", "\u0633\u0644\u200c\u0645"),  # Persian needs its joiner
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("no\u00a0break", "no break"),
    ],
)
def test_control_characters_are_harmless_and_scripts_stay_whole(hostile, harmless):
    assert clean(hostile) == harmless
    assert harmless in shown(form(hostile, [f"x{hostile}"], context=f"c: {hostile}"))


def test_a_line_that_is_cut_fits_even_if_it_is_chinese():
    assert cut("\u6211\u7684\u5305\u88f9", 5) == "\u6211\u7684\u2026"
    assert cut("short", 5) == "short"
