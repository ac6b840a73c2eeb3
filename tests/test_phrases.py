"""Key phrases of groups, in the scripts of the world, and the names that are made of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from al_loop.data.text import fold, name_fault
from al_loop.openworld import naming
from al_loop.openworld.groups import describe
from al_loop.openworld.phrases import phrases
from al_loop.openworld.words import chains, pieces
from strategies.discovery import Clusters

CARD = [
    "When will my card arrive?",
    "My card has not arrived yet",
    "waiting for the card to arrive",
]
PASSWORD = ["I forgot my password", "the password is wrong", "how do I reset my password"]
REFUND = ["I want a refund", "where is the refund", "my refund has not come yet"]


def test_phrases_are_words_and_pairs_that_set_a_group_apart():
    card, password, refund = phrases([CARD, PASSWORD, REFUND])
    assert card[0] == "card arrive"
    assert "password" in password[0]
    assert refund[0] == "refund"


def test_a_pair_reaches_over_words_of_grammar_but_not_over_the_end_of_a_sentence():
    (found, _) = phrases([["I am waiting for my card"] * 3, PASSWORD])
    assert found[0] == "waiting card"
    assert chains("waiting. card") == [["waiting"], ["card"]]


@pytest.mark.parametrize(
    ("grammar", "words"),
    [
        ("der die und ist nicht wir", ("karte", "passwort", "erstattung", "konto", "gebühr")),
        ("le la et est pas nous", ("carte", "passe", "remboursement", "compte", "frais")),
        ("и не мы на это как", ("карта", "пароль", "возврат", "счёт", "комиссия")),
    ],
)
def test_words_of_grammar_weigh_nothing_in_a_language_that_nobody_listed(grammar, words):
    rng = np.random.default_rng(0)
    groups = [
        [" ".join([*rng.permutation(grammar.split())[:4], word]) for _ in range(12)]
        for word in words
    ]
    assert [found[0] for found in phrases(groups)] == list(words)


def test_chinese_and_japanese_need_no_blanks():
    zh = [
        ["明天要考试了，好焦虑", "压力很大，焦虑得睡不着", "一想到面试就焦虑"],
        ["好期待周末的演唱会", "期待新电影上映", "倒数三天，期待旅行"],
        ["信用卡怎么还没到", "我的信用卡丢了", "信用卡额度怎么提高"],
    ]
    assert [found[0] for found in phrases(zh)] == ["焦虑", "期待", "信用卡"]
    ja = [
        ["カードがまだ届きません", "新しいカードが届かない", "カードはいつ来ますか"],
        ["パスワードを忘れました", "パスワードを変更したい", "パスワードの再設定"],
    ]
    assert [found[0] for found in phrases(ja)] == ["カード", "パスワード"]


def test_the_longest_of_nested_pieces_is_kept():
    (found, _) = phrases([["信用卡丢了", "补办信用卡", "信用卡呢"], ["天气好", "天气热", "天气冷"]])
    assert "信用卡" in found
    assert "信用" not in found
    assert "用卡" not in found


def test_korean_words_lose_their_particles_and_thai_its_missing_blanks():
    ko = [
        ["카드가 안 왔어요", "카드를 주세요", "카드는 언제"],
        ["비밀번호를 잊음", "비밀번호가 틀림", "비밀번호"],
    ]
    assert [found[0] for found in phrases(ko)] == ["카드", "비밀번호"]
    th = [["บัตรยังไม่มา", "บัตรหาย", "บัตรใหม่"], ["ลืมรหัสผ่าน", "เปลี่ยนรหัสผ่าน", "รหัสผ่านผิด"]]
    assert [found[0] for found in phrases(th)] == ["บัตร", "รหัสผ่าน"]


def test_mixed_scripts_give_phrases_of_both():
    found = phrases(
        [["我的 iPhone 坏了", "iPhone 屏幕 broken", "iPhone 充电"], ["天气好", "天气热"]]
    )
    assert found[0][0] == "iphone"
    assert found[1][0] == "天气"


@pytest.mark.parametrize("texts", [["😀😀", "😂"], ["123", "4 5 6"], ["!!!"], ["a b c"]])
def test_a_group_without_words_is_told_by_its_most_central_text(texts):
    assert phrases([texts, CARD])[0] == [texts[0]]
    assert phrases([texts])[0] == [texts[0]]


def test_what_stands_for_a_group_is_short_and_harmless():
    (found,) = phrases([["1\x1b[2J2 " * 50]])
    assert len(found[0]) <= 30
    assert found[0].isprintable()


def test_addresses_are_no_phrases_and_a_long_text_does_not_name_its_group():
    texts = ["broken screen https://example.com/a/b?c=d", "screen broken", "the screen is broken"]
    found = phrases([texts, ["zzz " * 5, "yyy", *CARD]])
    assert all("example" not in p and "com" not in p for p in found[0])


def test_nothing_gives_nothing():
    assert phrases([]) == []
    assert phrases([[]]) == [[]]
    assert phrases([[], CARD])[0] == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.text(max_size=30), max_size=4), max_size=5), st.integers(1, 5))
def test_any_texts_give_phrases_that_are_the_same_every_time(groups, n):
    found = phrases(groups, n)
    assert found == phrases(groups, n)
    assert len(found) == len(groups)
    for texts, mine in zip(groups, found, strict=True):
        assert len(mine) <= n
        assert all(p.strip() and p.isprintable() for p in mine)
        assert not mine or texts


def test_pieces_cut_no_katakana_word():
    found = set(pieces("新しいカードが"))
    assert "カード" in found
    assert not found & {"カー", "ード", "いカ"}


# Names


def test_a_name_is_taken_once_and_grows_by_another_phrase_or_a_number():
    used = {"card", "card, late"}
    assert naming.of_phrases(["waiting", "card"], used) == "waiting"
    assert naming.of_phrases(["Card", "late", "post"], used) == "Card, post"
    assert naming.of_phrases(["card"], used) == "card 2"
    assert naming.of_phrases(["card"], used | {"card 2"}) == "card 3"
    assert naming.of_phrases([], set()) == "group"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=300), max_size=4), st.sets(st.text(max_size=5), max_size=5))
def test_a_name_of_any_phrases_can_be_a_class(phrases_, taken):
    name = naming.of_phrases(phrases_, {fold(t) for t in taken})
    assert name.strip()
    assert not name_fault(name)
    assert name.isprintable()
    assert fold(name) not in {fold(t) for t in taken}


# Groups


def clusters(labels, novel=(), dense=(), passed_over=()):
    labels = np.array(labels)
    k = labels.max() + 1
    floats = np.linspace(0.9, 0.5, k).astype(np.float32)
    return Clusters(
        labels=labels,
        centrality=np.linspace(1, 0.5, len(labels)).astype(np.float32),
        centers=np.eye(k, 4, dtype=np.float32),
        sizes=np.bincount(labels),
        density=floats,
        dense=np.isin(np.arange(k), dense),
        nearest=np.zeros(k, dtype=np.int64),
        similarity=floats,
        novel=np.isin(np.arange(k), novel),
        threshold=0.7,
        noise_share=0.1,
        labeled=np.empty(0, dtype=np.int64),
        passed_over=np.isin(np.arange(k), passed_over),
    )


def test_a_group_that_labels_passed_over_may_be_a_class_too():
    found = clusters([0, 0, 0, 1, 1, 1], dense=[0, 1], passed_over=[1])
    groups = describe(found, [*CARD, *PASSWORD], ["billing"])
    assert {g.index: g.novel for g in groups} == {0: False, 1: True}


def test_a_group_comes_with_all_that_speaks_for_it():
    found = clusters([0, 0, 0, 1, 1, 1, 2, 2, 2], novel=[1, 2], dense=[0, 2])
    groups = describe(found, [*CARD, *PASSWORD, *REFUND], ["billing"], ["Refund"])
    assert [g.index for g in groups] == [2, 1, 0], "novel and dense ones come first"
    refund = groups[0]
    assert refund.name != "refund", "the name is taken, in whichever case"
    assert refund.phrases[0] == "refund"
    assert (refund.size, refund.central, refund.id) == (3, (6, 7, 8), None)
    assert (refund.nearest, refund.similarity, refund.novel) == ("billing", 0.5, True)
    assert len({fold(g.name) for g in groups}) == 3


def test_without_a_known_class_nothing_is_near():
    groups = describe(clusters([0, 0, 1, 1]), CARD[:2] + PASSWORD[:2], [])
    assert all(g.nearest is None and g.similarity is None for g in groups)
