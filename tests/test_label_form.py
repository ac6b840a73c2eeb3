"""Keys and a form make another form, or an answer; bytes make keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_loop.labeling import keys
from al_loop.labeling.form import Ask, Form, Go, Said, names, press
from al_loop.types import ClassSpec, Suggestion

THREE = tuple(map(ClassSpec, ("refund", "delay", "damage")))
MANY = tuple(
    ClassSpec(name)
    for name in (
        "card_arrival",
        "card_linking",
        "lost_or_stolen_card",
        "transfer_timing",
        "pending_transfer",
        "balance_not_updated",
        "Refund_not_showing_up",
        "age_limit",
        "top_up_failed",
        "top_up_limits",
        "verify_top_up",
    )
)


def form(classes=THREE, suggestion=None, **more):
    ask = Ask("the text", "", suggestion, "round 1", "margin 0.1")
    return Form(ask, classes, **more)


def after(start, *pressed):
    """Press the letters of words, and named keys."""
    for each in pressed:
        for key in [each] if len(each) > 1 and each in NAMED else each:
            assert isinstance(start, Form), f"{key!r} comes after {start}"
            start = press(start, key)
    return start


NAMED = {v for k, v in vars(keys).items() if k.isupper() and isinstance(v, str)}
GUESS = Suggestion("delay", 0.83)


def test_a_number_answers_with_the_class_that_has_it():
    assert after(form(), "2") == Said("label", ("delay",), origin="manual")
    assert after(form(), "4").note == "there is no class 4 here"


def test_enter_accepts_the_suggestion_and_nothing_where_none_is_shown():
    assert after(form(suggestion=GUESS), "enter") == Said("label", ("delay",), origin="prediction")
    blind = after(form(), "enter")
    assert isinstance(blind, Form)
    assert "nothing is suggested" in blind.note


def test_another_class_than_the_suggested_one_is_a_changed_suggestion():
    said = after(form(suggestion=GUESS), "1")
    assert (said.labels, said.origin) == (("refund",), "prediction-changed")
    assert after(form(suggestion=GUESS), "2").origin == "prediction"


def test_letters_narrow_the_list_down_and_enter_takes_the_first():
    assert names(after(form(MANY), "transf")) == ["transfer_timing", "pending_transfer"]
    assert after(form(MANY), "transf", "enter").labels == ("transfer_timing",)
    assert after(form(MANY), "transf", "2").labels == ("pending_transfer",)
    assert after(form(MANY), "transf", "down", "enter").labels == ("pending_transfer",)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("refund", "Refund_not_showing_up"),  # case does not matter
        ("card l", "card_linking"),  # a blank stands for an underscore
        ("top_up", "top_up_failed"),
        ("stolen", "lost_or_stolen_card"),
        ("li", "card_linking"),  # the beginning of a word, in stored order
        ("s ca", "lost_or_stolen_card"),  # words that begin like this
        ("imit", "age_limit"),  # any part
    ],
)
def test_the_best_match_comes_first(typed, first):
    assert names(after(form(MANY), typed))[0] == first


@pytest.mark.parametrize(
    "name", ["C", "C#", "C++", "card_payment", "card_payment_fee", "e-mail", "e mail", "node.js"]
)
def test_a_name_that_is_typed_as_it_is_written_comes_before_all_that_begin_like_it(name):
    others = ("C++ templates", "card_payment_fee_charged", "C++", "C#", "C", "node js")
    every = dict.fromkeys([*others, "card_payment_fee", "card_payment", "e mail", "e-mail", name])
    assert after(form([*map(ClassSpec, every), ClassSpec("node.js")]), name, "enter").labels == (
        name,
    )


def test_a_sign_that_is_in_no_name_matches_none():
    assert isinstance(after(form(), ".", "enter"), Form)
    assert names(after(form(), "re", ".")) == ["refund"]


def test_a_plus_goes_on_with_a_name_that_has_it_there_and_else_asks_for_a_class():
    languages = tuple(map(ClassSpec, ("C", "C++")))
    assert after(form(languages), "c+").typed == "c+"
    assert after(form(languages), "c+++").mode == "class"
    assert after(form(languages), "+").mode == "class"


def test_every_one_of_77_classes_takes_few_keys():
    classes = tuple(ClassSpec(f"{a}_{b}") for a in "abcdefg" for b in "klmnopqrstu")
    for spec in classes:
        found = names(after(form(classes), spec.name.replace("_", " ")))
        assert found == [spec.name]


def test_a_search_without_a_match_takes_nothing_and_can_become_a_new_class():
    nothing = after(form(), "shipping", "enter")
    assert isinstance(nothing, Form)
    assert after(nothing, "+", "enter") == Said("label", missing="shipping")


def test_escape_and_backspace_take_letters_back_but_never_an_answer():
    assert after(form(), "re", "escape").typed == ""
    assert after(form(), "re", "backspace").typed == "r"
    assert after(form(), "backspace", "backspace") == form()


def test_signs_are_commands_only_while_nothing_is_typed():
    assert after(form(), "-").kind == "skip"
    assert after(form(), "e-mail").typed == "e-mail"
    assert after(form(), "<") is Go.BACK
    assert after(form(), "a<").typed == "a<"
    assert after(form(), "undo") is Go.BACK
    assert after(form(), "leave") is Go.OUT


def test_letters_mean_the_same_however_many_classes_there_are():
    for letter in "squchj":
        assert after(form(), letter).typed == after(form(MANY), letter).typed == letter


def test_a_new_class_is_a_proposal_and_a_known_one_is_that_class():
    assert after(form(), "+", "ship it", "enter") == Said("label", missing="ship it")
    assert after(form(), "+", " REFUND ", "enter") == Said("label", ("refund",), origin="manual")
    said = after(form(suggestion=GUESS), "+", "Delay", "enter")
    assert said == Said("label", ("delay",), origin="prediction")
    assert after(form(), "+", "  ", "enter") == form()
    assert after(form(), "+", "oops", "escape") == form()
    assert "characters" in after(form(), "+", "x" * 300, "enter").note


def test_a_class_that_somebody_asked_for_can_be_chosen_and_stays_a_proposal():
    asked = form(asked=("shipping",))
    assert after(asked, "4") == after(asked, "ship", "enter") == Said("label", missing="shipping")


def test_a_candidate_is_taken_like_a_class_and_stored_under_its_name():
    groups = (ClassSpec("afraid worried", "", ("I am afraid",)),)
    offered = form(candidates=groups, asked=("shipping",))
    assert names(offered) == ["refund", "delay", "damage", "afraid worried", "shipping"]
    ticked = Said("label", ("afraid worried",), origin="manual")
    assert after(offered, "4") == after(offered, "afr", "enter") == ticked
    assert after(offered, "+", "Afraid Worried", "enter") == ticked
    assert after(offered, "5") == Said("label", missing="shipping")
    guessed = form(candidates=groups, suggestion=Suggestion("afraid worried", 0.6))
    assert after(guessed, "enter") == Said("label", ("afraid worried",), origin="prediction")
    assert after(guessed, "1") == Said("label", ("refund",), origin="prediction-changed")


def test_a_comment_goes_with_whatever_is_answered():
    noted = after(form(), "#", "who knows 1+1? <", "enter")
    assert noted.comment == "who knows 1+1? <"
    assert after(noted, "1").comment == noted.comment
    assert after(noted, "-") == Said("skip", comment=noted.comment)
    assert after(noted, "+", "new", "enter").comment == noted.comment
    again = after(noted, "#", "clear", "other", "enter")
    assert again.comment == "other"
    assert after(noted, "#", "xx", "escape").comment == noted.comment


def test_help_is_left_with_any_key_and_answers_nothing():
    for key in ("1", "enter", "-", "<", "escape", "x"):
        back = after(form(suggestion=GUESS), "?", key)
        assert isinstance(back, Form)
        assert (back.mode, back.typed) == ("choose", "")
    assert after(form(), "?", "down").mode == "help"
    assert after(form(), "?", "leave") is Go.OUT


def test_a_long_text_is_scrolled_by_pages():
    start = form(page=10)
    assert after(start, " ").top == after(start, "page down").top == 9
    assert after(start, " ", " ", "page up").top == 9
    assert after(start, "a", "page down").top == 9
    assert after(start, "page up").top == 0


@given(st.lists(st.one_of(st.sampled_from(sorted(NAMED)), st.characters(categories=["L", "P"]))))
def test_whatever_is_pressed_no_answer_to_a_blind_text_comes_from_a_suggestion(pressed):
    state = form()
    for key in pressed:
        if not isinstance(state, Form):
            break
        state = press(state, key)
    if isinstance(state, Said):
        assert state.origin == ("manual" if state.labels else "")


def test_bytes_become_keys_and_unknown_sequences_vanish():
    assert keys.split("a\u4e2d1\r\x7f\x04\x1a\x15") == (
        ["a", "\u4e2d", "1", "enter", "backspace", "leave", "undo", "clear"],
        "",
    )
    assert keys.split("\x1b[A\x1bOB\x1b[5~\x1b[6~")[0] == ["up", "down", "page up", "page down"]
    assert keys.split("\x1b[200~1\x1b[15;2~\x1bx\x00\x0e")[0] == ["1"]


def test_a_sequence_that_arrives_in_parts_is_put_together_and_a_lone_escape_is_a_key():
    found, rest = keys.split("x\x1b[")
    assert (found, keys.split(rest + "A")) == (["x"], (["up"], ""))
    assert keys.split("\x1b") == ([], "\x1b")
    assert keys.split("\x1b", whole=True) == (["escape"], "")
    assert keys.split("\x1b[", whole=True) == ([], "")
