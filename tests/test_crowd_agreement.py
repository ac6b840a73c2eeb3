"""Agreement of several people: published numbers, sums done by hand, and what is not defined."""

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from al_loop.crowd import agreement as module
from al_loop.crowd.agreement import Measure, Share, agreement, share
from al_loop.crowd.votes import NONE, Votes
from al_loop.rates import wilson


def votes(rows, classes="abcde"):
    """Votes of texts, a letter a person, a dot where there is none."""
    labels = np.array([[classes.find(c) for c in row] for row in rows], dtype=np.int64)
    people = tuple(f"p{i}" for i in range(labels.shape[1]))
    return Votes(tuple(f"t{i}" for i in range(len(labels))), people, tuple(classes), labels)


def made(n, people, k=4, right=0.8, share_=1.0, seed=0):
    """Votes of people who are right with a probability, else say any class."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)[:, None]
    labels = np.where(rng.random((n, people)) < right, truth, rng.integers(0, k, (n, people)))
    labels[rng.random((n, people)) >= share_] = NONE
    names = tuple(f"p{i}" for i in range(people)), tuple(f"c{i}" for i in range(k))
    return Votes(tuple(map(str, range(n))), *names, labels)


#: Cohen's case as every textbook has it: both yes 20, yes and no 5, no and yes 10, both no 15.
PROPOSALS = ["aa"] * 20 + ["ab"] * 5 + ["ba"] * 10 + ["bb"] * 15


def test_cohens_kappa_of_the_textbook():
    (pair,) = agreement(votes(PROPOSALS, "ab")).pairs
    assert (pair.a, pair.b, pair.agreement.hits, pair.agreement.n) == ("p0", "p1", 35, 50)
    assert pair.kappa.value == pytest.approx(0.4)  # (0.7 - 0.5) / (1 - 0.5)


def test_krippendorffs_alpha_of_his_own_example():
    # Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, part C: nominal alpha = 0.743
    people = ["abccbadab...", "abccbbdabe.c", ".cccbcdbbea.", "abccbddabea."]
    found = agreement(votes(["".join(column) for column in zip(*people, strict=True)]))
    assert found.alpha.value == pytest.approx(0.743, abs=5e-4)
    assert found.texts == 11  # one of the twelve has a single vote


def test_fleiss_kappa_of_his_usual_example():
    table = """0 0 0 0 14, 0 2 6 4 2, 0 0 3 5 6, 0 3 9 2 0, 2 2 8 1 1,
               7 7 0 0 0, 3 2 6 3 0, 2 5 3 2 2, 6 5 2 1 0, 0 2 2 3 7"""
    rows = [
        "".join(c * int(n) for c, n in zip("abcde", row.split(), strict=True))
        for row in table.split(",")
    ]
    found = agreement(votes(rows))
    assert found.fleiss.value == pytest.approx(0.210, abs=5e-4)
    assert (found.fleiss_votes, found.fleiss_texts) == (14, 10)


def test_raw_agreement_counts_the_pairs_of_votes_on_a_text():
    # aab: 1 of 3 pairs; a.a: 1 of 1; bbb: 3 of 3; a..: nothing to compare
    found = agreement(votes(["aab", "a.a", "bbb", "a.."]))
    assert (found.texts, found.raw.hits, found.raw.n) == (3, 5, 7)
    assert found.raw.value == pytest.approx(5 / 7)
    assert [(p.a, p.b, p.agreement.hits, p.agreement.n) for p in found.pairs] == [
        ("p0", "p2", 2, 3),
        ("p0", "p1", 2, 2),
        ("p1", "p2", 1, 2),
    ]


def test_fleiss_takes_the_number_of_votes_that_most_texts_have():
    found = agreement(votes(["aab", "abb", "bb.", "a.a", "b.a", "a.."]))
    assert (found.fleiss_votes, found.fleiss_texts) == (2, 3)
    assert found.fleiss.value == pytest.approx(fleiss_kappa([[0, 2], [2, 0], [1, 1]]))


def test_of_a_class_the_agreement_is_how_often_the_other_says_it_too():
    by_name = {c.name: c for c in agreement(votes(PROPOSALS, "abc")).classes}
    assert set(by_name) == {"a", "b"}  # nobody said c
    assert by_name["a"].agreement.value == pytest.approx(40 / 55)
    assert by_name["b"].agreement.value == pytest.approx(30 / 45)
    assert (by_name["a"].votes, by_name["a"].texts) == (55, 35)


def test_alpha_of_a_class_is_that_of_the_class_against_all_others():
    found = agreement(votes(["aab", "abc", "ccc", "bba", "cc.", ".ab"]))
    by_name = {c.name: c.alpha.value for c in found.classes}
    only_a = [[2, 1], [1, 2], [0, 3], [1, 2], [0, 2], [1, 1]]
    assert by_name["a"] == pytest.approx(
        krippendorff.alpha(value_counts=only_a, level_of_measurement="nominal")
    )


def test_values_are_those_of_the_libraries_and_of_the_sums_behind_the_intervals(monkeypatch):
    asked = made(80, 4, share_=0.6, seed=3)
    found = agreement(asked)
    monkeypatch.setattr(module, "_CELLS", 0)
    assert agreement(asked).alpha.value == pytest.approx(found.alpha.value, abs=1e-6)
    data = np.where(asked.labels == NONE, np.nan, asked.labels).T
    assert found.alpha.value == pytest.approx(
        krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
    )
    for pair in found.pairs:
        i, j = int(pair.a[1:]), int(pair.b[1:])
        both = asked.labels[(asked.labels[:, [i, j]] != NONE).all(axis=1)]
        assert pair.kappa.value == pytest.approx(cohen_kappa_score(both[:, i], both[:, j]))


def test_intervals_are_those_of_resampling_texts_one_by_one():
    asked = made(60, 3, seed=5)
    found = agreement(asked, resamples=2_000)
    rng = np.random.default_rng(9)
    alpha, fleiss, cohen = [], [], []
    counts = np.stack([(asked.labels == c).sum(axis=1) for c in range(4)], axis=1)
    for _ in range(1_000):
        drawn = rng.integers(0, 60, 60)
        alpha.append(krippendorff.alpha(value_counts=counts[drawn], level_of_measurement="nominal"))
        fleiss.append(fleiss_kappa(counts[drawn]))
        cohen.append(cohen_kappa_score(asked.labels[drawn, 0], asked.labels[drawn, 1]))
    kappa = next(p.kappa for p in found.pairs if (p.a, p.b) == ("p0", "p1"))
    for mine, theirs in ((found.alpha, alpha), (found.fleiss, fleiss), (kappa, cohen)):
        assert (mine.low, mine.high) == pytest.approx(np.percentile(theirs, [2.5, 97.5]), abs=0.03)
        assert mine.low < mine.value < mine.high


def test_the_same_votes_and_seed_give_the_same_intervals():
    asked = made(40, 3)
    assert agreement(asked, seed=4) == agreement(asked, seed=4)
    assert agreement(asked, seed=4).alpha.low != agreement(asked, seed=5).alpha.low


def test_intervals_cover_what_is_true_nearly_always():
    # Each knows with 0.8, else says any of four: two agree with 0.64 + 0.36 / 4 = 0.73; chance
    # brings a quarter, so that alpha and kappa are 0.48 / 0.75 = 0.64.
    worlds = [agreement(made(80, 3, seed=s), resamples=200) for s in range(150)]
    for truth, of in (
        (0.73, lambda w: w.raw),
        (0.64, lambda w: w.alpha),
        (0.64, lambda w: w.fleiss),
        (0.64, lambda w: w.pairs[0].kappa),
        (0.73, lambda w: w.classes[0].agreement),
    ):
        covered = np.mean([of(w).low <= truth <= of(w).high for w in worlds])
        assert covered >= 0.89
        assert np.mean([of(w).high - of(w).low for w in worlds]) < 0.3


def test_votes_on_one_text_count_as_fewer_than_their_pairs():
    # Ten people who all agree, or all differ, text by text: each text tells as much as one pair.
    hits = np.array([45] * 30 + [0] * 10)
    found = share(hits, np.full(40, 45))
    assert (found.hits, found.n) == (1350, 1800)
    assert (found.low, found.high) == pytest.approx(wilson(30, 40))
    assert share(np.array([1] * 30 + [0] * 10), np.ones(40, dtype=int)).low == found.low


def test_three_who_all_agree_on_a_text_tell_no_more_than_two():
    found = share(np.full(5, 3), np.full(5, 3))
    assert (found.low, found.high) == wilson(5, 5)


def test_agreement_without_an_exception_is_not_certain():
    found = agreement(votes(["aa", "bb"] * 10, "ab"))
    assert (found.raw.value, found.raw.low) == (1.0, pytest.approx(wilson(20, 20)[0]))
    for measure in (found.alpha, found.fleiss, found.pairs[0].kappa, found.classes[0].alpha):
        assert (measure.value, measure.high) == (1.0, 1.0)
        assert 0.5 < measure.low < 0.8


@pytest.mark.parametrize(
    "rows",
    [
        ["aa"],  # one text
        ["ab"],
        ["aa"] * 5,  # everybody the same class
        ["a.", ".b"],  # no text in common
        ["a", "b"],  # one annotator
    ],
)
def test_what_is_not_defined_is_nothing(rows):
    found = agreement(votes(rows))
    assert found.alpha == found.fleiss == Measure()
    assert {p.kappa for p in found.pairs} <= {Measure()}
    assert {c.alpha for c in found.classes} <= {Measure()}


def test_without_a_common_text_there_is_no_pair_and_no_share():
    found = agreement(votes(["a..", ".b.", "c.c"]))
    assert [(p.a, p.b) for p in found.pairs] == [("p0", "p2")]
    assert agreement(votes(["a..", ".b."])).raw == Share()
    nobody = Votes.of({}, ["a"])
    assert (agreement(nobody).texts, agreement(nobody).pairs) == (0, ())


def test_two_who_never_agree_have_a_value_and_no_interval():
    (pair,) = agreement(votes(["ab"] * 4)).pairs
    assert pair.kappa == Measure(0.0)
    assert (pair.agreement.value, pair.agreement.low) == (0.0, 0.0)
    assert pair.agreement.high == pytest.approx(wilson(0, 4)[1])


def test_many_votes_of_many_classes_take_little_memory_and_no_library_that_needs_more():
    found = agreement(made(3_000, 10, k=77, share_=0.3), resamples=60)
    assert found.raw.low < 0.6441 < found.raw.high  # 0.64 + 0.36 / 77
    assert len(found.pairs) == 45
    assert len(found.classes) == 77
