"""`al-loop annotators`: what people's answers tell about them, on small workspaces by hand."""

import csv
import io
import json

import pytest

from al_loop.config import parse
from al_loop.html import Note, Table
from al_loop.html.safe import visible
from al_loop.labels import Consensus
from al_loop.rates import difference, rate, wilson
from al_loop.report import annotators_votes, page_people, people, status
from al_loop.report import annotators_words as words
from al_loop.report.annotators_disputes import disagreements
from al_loop.report.annotators_leaning import leaning
from al_loop.report.annotators_targets import targets
from al_loop.report.annotators_votes import gather
from al_loop.store import (
    answers,
    class_changes,
    consensus,
    fixes,
    items,
    reviews,
    rounds,
    second_looks,
    tasks,
)
from al_loop.types import Answer, ClassSpec, Pulled
from tests import offline, worlds
from tests.test_startup import HEAVY, imported_by, packages

CONFIG = parse({})
R, D, B = worlds.CLASSES  # refund, delay, damage


class People:
    """A workspace in which people said what a test tells them to have said."""

    def __init__(self, path=None, n=30):
        self.store = worlds.make_store(path, n)
        self.project = tasks.make_project(self.store, "label_studio", "support")
        self.given = {}
        self.seconds = {}

    def chosen(self, suggestions, number=1):
        """Let a round choose texts: item -> (suggestion, blind)."""
        batch = [
            rounds.BatchRow(i, i, 0, rank, "margin", 0.5, None, "", said, None, bool(blind), 2)
            for rank, (i, (said, blind)) in enumerate(suggestions.items(), start=1)
        ]
        new = rounds.Round(
            number, self.project.id, "selected", "margin", 0, {}, "", 30, "2026-01-01T00:00:00Z"
        )
        with self.store.tx():
            rounds.create(self.store, new, batch, versions={})
        return self

    def say(self, item, look=0, review=False, **said):
        """Let people answer a look at a text: person=class, None for a skip."""
        project = reviews.make_project(self.store, self.project) if review else self.project
        key = f"{item}:{look}"
        with self.store.tx():
            self.store.execute(
                "INSERT OR IGNORE INTO tasks (project_id, key, item_id, look, overlap)"
                " VALUES (?, ?, ?, ?, 2)",
                [project.id, key, item, look],
            )
            for person, label in said.items():
                number = len([a for given in self.given.values() for a in given]) + 1
                at = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
                self.given.setdefault(project.id, []).append(
                    Answer(
                        number,
                        key,
                        person,
                        "label" if label else "skip",
                        (label,) if label else (),
                        lead_time=self.seconds.get(person),
                        updated_at=at,
                    )
                )
            mine = self.given[project.id]
            answers.save_pull(self.store, project.id, Pulled(mine, len(mine)))
        return self

    def fix(self, **labels):
        """Set labels by hand."""
        with self.store.tx():
            for item, label in labels.items():
                fixes.add(self.store, item, label, author="lea", reason="")
            answers.refresh_labels(self.store)
        return self

    def facts(self, **wanted):
        return people.facts(self.store, parse({"annotators": wanted}))

    def of(self, person):
        return next(p for p in self.facts()["annotators"] if p["annotator"] == person)

    def leaning(self):
        return leaning(self.store, gather(self.store))


def pair(same, apart, n=30):
    """Ana and ben on some texts, so many the same and so many not."""
    made = People(n=n)
    for i in range(same + apart):
        made.say(f"m{i}", ana=R, ben=R if i < same else D)
    return made


def counted(found):
    return found["hits"], found["n"]


# People


def test_each_person_is_told_with_what_others_and_sure_labels_say():
    made = People()
    made.seconds = {"ana": 4.0, "ben": 9.0}
    made.say("m0", ana=R, ben=R, cem=R).say("m1", ana=R, ben=D, cem=D).say("m2", ana=D, ben=D)
    made.say("m3", ana=B).say("m4", ana=None, cem=B).fix(m1=D, m3=R)
    ana, cem = made.of("ana"), made.of("cem")
    assert (ana["votes"], ana["shared"], ana["skipped"], ana["answered"]) == (4, 3, 1, 4)
    # m0: 2 of 2 others say the same, m1: 0 of 2, m2: 1 of 1
    assert counted(ana["agreement"]) == (3, 5)
    assert counted(ana["others"]) == (2, 3)
    # m0 and m2 count as what she said, m1 was set to something else
    assert counted(ana["gold"]) == (2, 3)
    assert (ana["gold"]["low"], ana["gold"]["high"]) == wilson(2, 3)
    assert (ana["timed"], ana["median_seconds"]) == (5, 4.0)
    assert (cem["timed"], cem["median_seconds"]) == (0, None)
    assert counted(cem["gold"]) == (2, 2)


def test_a_break_does_not_make_a_person_slow():
    made = People()
    for i, seconds in enumerate((4.0, 4.0, 4.0, 8.0, 8.0, 4000.0)):
        made.seconds = {"ana": seconds}
        made.say(f"m{i}", ana=R)
    # the break counts as usual, which is 6: the middle two of 4 4 4 6 8 8 are 4 and 6
    assert made.of("ana")["median_seconds"] == 5.0


def test_the_facts_of_the_page_are_those_of_the_commands():
    made = pair(7, 3)
    page = people.page_facts(made.store, CONFIG)
    assert page["agreement"] == people.agreement(made.store, CONFIG)
    assert {k: page[k] for k in ("annotators", "targets", "leaning")} == {
        k: made.facts()[k] for k in ("annotators", "targets", "leaning")
    }
    assert page["agreement"]["all"].items() <= page["targets"]["agreement"].items()
    assert page["disagreements"]["total"] == 3


def test_the_page_has_the_ten_most_uncertain_texts_that_nobody_decided():
    made = pair(2, 14).fix(m2=R)
    made.say("m3", cem=D)
    found = people.page_facts(made.store, CONFIG)["disagreements"]
    assert found["total"] == 13
    assert [r["id"] for r in found["texts"]] == [f"m{i}" for i in range(4, 14)]
    (table,) = (b for b in page(made) if isinstance(b, Table) and "quality" in b.columns)
    assert table.rows[0]["said"] == f"{D} (1), {R} (1)"
    assert table.note == "Of 13 texts. al-loop annotators disagreements shows all."


def test_the_page_warns_of_a_target_that_is_missed():
    notes = [b for b in page(pair(2, 14)) if isinstance(b, Note)]
    assert [n.kind for n in notes] == ["warning", "warning"]
    assert notes[0].text == ("Agreement 12 % (3 to 36 %) of 16 pairs: below the target of 85 %.")
    assert {n.kind for n in page(pair(9, 0)) if isinstance(n, Note)} == {"info"}


def page(made):
    return list(page_people.blocks(people.page_facts(made.store, CONFIG)))


def test_of_the_classes_those_that_people_agree_on_least_come_first():
    made = People()
    for i, (one, two) in enumerate([(B, B), (R, R), (D, D), (D, D), (R, D), (B, B)]):
        made.say(f"m{i}", ana=one, ben=two)
    found = people.agreement(made.store, CONFIG)["classes"]
    assert [(c["class"], c["share"], c["texts"]) for c in found] == [
        (R, pytest.approx(2 / 3), 2),
        (D, pytest.approx(4 / 5), 3),
        (B, 1.0, 2),
    ]


# Targets


def test_a_target_is_reached_or_missed_where_the_whole_interval_says_so():
    made = pair(18, 12)
    low, high = wilson(18, 30)
    for target, standing in ((low, "reached"), (0.6, "not sure"), (high + 0.01, "missed")):
        found = made.facts(agreement=target)["targets"]["agreement"]
        assert (found["standing"], found["target"]) == (standing, target)
        assert (counted(found), found["low"], found["high"]) == ((18, 30), low, high)
    lines = [words.target_lines(made.facts(agreement=t)["targets"])[0] for t in (0.4, 0.6, 0.855)]
    begin = "agreement 60 % (42 to 75 %) of 30 pairs: "
    assert lines == [
        f"{begin}reaches the target of 40 %",
        f"{begin}too few to tell whether it reaches the target of 60 %",
        f"{begin}below the target of 85.5 %",
    ]


def test_the_accuracy_of_all_is_measured_on_what_shared_texts_count_as():
    made = pair(4, 0).fix(m0=R, m1=D)
    found = made.facts()["targets"]["accuracy"]
    # four texts, on each of which both are right or wrong together: worth four answers, not eight
    assert (counted(found), found["low"]) == ((6, 8), pytest.approx(wilson(3, 4)[0]))
    assert found["basis"] == "shared"
    assert "that several labeled" in words.target_lines(made.facts()["targets"])[1]


def test_at_most_one_of_two_is_right_where_nobody_has_settled_a_disagreement():
    made = pair(3, 1)
    assert counted(made.facts()["targets"]["accuracy"]) == (7, 8)


def test_without_shared_texts_accuracy_is_measured_on_decided_ones():
    made = People().say("m0", ana=R).say("m1", ben=D).fix(m0=R, m1=R)
    found = made.facts()["targets"]["accuracy"]
    assert (counted(found), found["basis"]) == ((1, 2), "decided")
    assert "often for being difficult" in words.target_lines(made.facts()["targets"])[1]


def test_enough_answers_that_measure_people_count_before_all_others(monkeypatch):
    few = gold_answers()
    assert few.facts()["targets"]["accuracy"]["basis"] == "shared"
    monkeypatch.setattr(annotators_votes, "ENOUGH", 2)
    made = gold_answers()
    found = made.facts()["targets"]["accuracy"]
    assert (counted(found), found["basis"]) == ((1, 2), "gold")
    assert counted(made.of("ana")["gold"]) == (0, 1)
    assert counted(made.of("cem")["gold"]) == (1, 1)
    assert counted(made.of("ben")["gold"]) == (0, 0)
    assert (
        "answers to texts that were sent to measure it"
        in words.target_lines(made.facts()["targets"])[1]
    )


def gold_answers():
    made = pair(4, 0).fix(m0=D, m1=R)
    with made.store.tx():
        second_looks.ask(made.store, {"m1": None}, "gold")
    made.say("m1", look=1, ana=D, cem=R)
    return made


def test_without_a_sure_label_accuracy_is_not_known():
    found = People().say("m0", ana=R).facts()["targets"]
    assert (found["accuracy"]["standing"], found["accuracy"]["share"]) == (None, None)
    assert words.target_lines(found)[1] == (
        "accuracy: not known, no text has labels of two people or was set by hand (target 90 %)"
    )


def test_texts_that_were_asked_again_do_not_spoil_agreement():
    made = pair(9, 1)
    for i in range(10, 20):
        made.say(f"m{i}", ana=R).say(f"m{i}", look=1, ben=D)
    found = people.page_facts(made.store, CONFIG)
    assert counted(found["targets"]["agreement"]) == (9, 10)
    assert (found["agreement"]["texts"], found["agreement"]["selected"]) == (10, False)
    assert found["annotators"][0]["shared"] == 10
    assert found["disagreements"]["total"] == 11


def test_where_nothing_else_can_be_compared_they_are_and_it_is_said():
    made = People()
    for i in range(20):
        made.say(f"m{i}", ana=R).say(f"m{i}", look=1, ben=D)
    found = made.facts()["targets"]
    assert (counted(found["agreement"]), found["agreement"]["selected"]) == ((0, 20), True)
    assert "asked again, often for being difficult" in words.target_lines(found)[0]
    assert words.missed_lines(found) == []


# Names of today


def test_agreement_is_told_in_the_names_of_today():
    made = pair(6, 4)
    with made.store.tx():
        items.add_classes(made.store, [ClassSpec("money")], "command")
        change = class_changes.New("merge", [D, R], {D: R})
        class_changes.add(made.store, change, "lea")
        made.store.execute("DELETE FROM classes WHERE name = ?", [D])
        answers.refresh_labels(made.store)
    assert counted(made.facts()["targets"]["agreement"]) == (10, 10)
    assert people.page_facts(made.store, CONFIG)["disagreements"]["total"] == 0


# Suggestions


def test_wrong_suggestions_are_counted_with_and_without_seeing_them():
    made = People().chosen(
        {f"m{i}": (D, i >= 6) for i in range(12)} | {"m12": (R, False), "m13": (None, False)}
    )
    for i in range(12):  # ana follows what she sees twice, and by chance once
        made.say(f"m{i}", ana=D if i in (0, 1, 6) else R, ben=R, cem=R)
    made.say("m12", ana=R, ben=R).say("m13", ana=R, ben=D)
    found = made.leaning()
    assert (counted(found["shown"]), counted(found["blind"])) == ((2, 18), (1, 18))
    assert found["difference"] == difference((2, 18), (1, 18))
    assert found["shown"] == rate(2, 18)
    assert words.leaning_line(found) == (
        "wrong suggestions accepted in 11 % (3 to 33 %) of 18 answers with the suggestion in"
        " sight, in 6 % (1 to 26 %) of 18 blind: a difference of +6 points (-16 to +28), no clear"
        " sign of leaning on them"
    )


def test_a_suggestion_is_wrong_only_where_somebody_else_says_so():
    made = People().chosen({f"m{i}": (D, False) for i in range(5)})
    made.say("m0", ana=R)  # her word alone
    assert counted(made.leaning()["shown"]) == (0, 0)
    made.say("m1", ana=R, ben=D)  # a conflict: nobody knows
    assert counted(made.leaning()["shown"]) == (0, 0)
    made.say("m2", ana=D, ben=R, cem=R)
    assert counted(made.leaning()["shown"]) == (1, 3)
    made.fix(m0=B)
    assert counted(made.leaning()["shown"]) == (1, 4)
    made.say("m1", look=1, review=True, dan=R)
    assert counted(made.leaning()["shown"]) == (2, 6)
    assert "none blind to compare with" in words.leaning_line(made.leaning())


def test_a_clear_difference_is_called_leaning_and_nothing_is_called_nothing():
    made = People(n=40).chosen({f"m{i}": (D, i >= 20) for i in range(40)})
    assert words.leaning_line(made.leaning()).startswith("leaning on suggestions: not known")
    for i in range(40):
        made.say(f"m{i}", ana=D if i < 18 else R).fix(**{f"m{i}": R})
    line = words.leaning_line(made.leaning())
    assert line.endswith("a difference of +90 points (+64 to +97), people lean on suggestions")


def test_suggestions_are_compared_in_the_names_of_today():
    made = People().chosen({"m0": (D, False)}).say("m0", ana=R, ben=R)
    assert counted(made.leaning()["shown"]) == (0, 2)
    with made.store.tx():
        class_changes.add(made.store, class_changes.New("merge", [D, R], {D: R}), "lea")
        made.store.execute("DELETE FROM classes WHERE name = ?", [D])
        answers.refresh_labels(made.store)
    assert counted(made.leaning()["shown"]) == (0, 0)


# Review


def test_what_adjudicators_say_is_no_vote_and_makes_a_label_sure():
    made = pair(2, 1).say("m2", look=1, review=True, dan=D)
    found = {p["annotator"]: p for p in made.facts()["annotators"]}
    assert (found["dan"]["votes"], found["dan"]["adjudicated"]) == (0, 1)
    assert counted(made.facts()["targets"]["agreement"]) == (2, 3)
    assert [counted(found[p]["gold"]) for p in ("ana", "ben")] == [(2, 3), (3, 3)]


# Disagreements and confusion


def test_disagreements_come_the_most_uncertain_first_and_the_decided_ones_last():
    made = People().say("m0", ana=R, ben=D, cem=R).say("m1", ana=R, ben=D).say("m2", ana=R, ben=R)
    made.say("m3", ana=R, ben=B).fix(m3=B).say("m4", ana=D, ben=R, cem=D, dan=D)
    made.say("m5", ana=R, ben=D, cem=D).say("m5", look=1, review=True, dan=R)
    votes = {"ana": D, "ben": R, "cem": D, "dan": D}
    with made.store.tx():
        consensus.save(made.store, 1, {"m4": Consensus(D, 0.55, votes, "crowdlab")})
    rows = disagreements(made.store, gather(made.store))
    assert [(r["id"], r["label"], r["decided"]) for r in rows] == [
        ("m1", None, None),
        ("m4", D, None),
        ("m0", R, None),
        ("m3", B, "by hand"),
        ("m5", R, "in review"),
    ]
    assert [r["quality"] for r in rows] == [0.5, 0.55, pytest.approx(2 / 3), None, None]
    assert (rows[1]["method"], rows[1]["votes"]) == ("crowdlab", votes)
    made.say("m4", ana=R)  # other votes: the consensus no longer counts
    assert disagreements(made.store, gather(made.store))[1]["quality"] == 0.5


def test_a_text_that_waits_for_adjudicators_is_told_as_such():
    made = pair(1, 1)
    project = reviews.make_project(made.store, made.project)
    with made.store.tx():
        reviews.ask(made.store, project.id, ["m1"])
    (row,) = disagreements(made.store, gather(made.store))
    assert (row["id"], row["in_review"], row["decided"]) == ("m1", True, None)


def test_confusion_is_counted_where_it_does_not_rest_on_the_persons_own_word():
    made = People().say("m0", ana=D, ben=R, cem=R).say("m1", ana=D, ben=R, cem=R)
    made.say("m2", ana=B, ben=D, cem=D).say("m3", ana=R, ben=D).say("m4", ana=R).fix(m4=B)
    ana, ben, cem = people.confusion(made.store)
    assert ana == {
        "annotator": "ana",
        "texts": 4,
        "wrong": 4,
        "confusions": [
            {"right": R, "said": D, "texts": 2, "of": 2},
            {"right": B, "said": R, "texts": 1, "of": 1},
            {"right": D, "said": B, "texts": 1, "of": 1},
        ],
    }
    assert (ben["texts"], ben["wrong"], cem["wrong"]) == (3, 0, 0)


# The command


@pytest.fixture
def workspace(tmp_path):
    """A function that makes a workspace on disk, with what people said."""

    def make(config=""):
        (tmp_path / "config.toml").write_text(config)
        (tmp_path / ".al-loop").mkdir()
        return People(tmp_path / ".al-loop" / "al-loop.db")

    return make


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """A function that runs `al-loop annotators` there; returns what it printed."""

    def call(*arguments, code=0, command="annotators"):
        done, out, err = offline.call(monkeypatch, capsys, "-C", tmp_path, command, *arguments)
        assert done == code, err
        return out if code == 0 else err

    return call


def test_the_command_shows_people_targets_and_leaning(workspace, run):
    made = workspace("[annotators]\nagreement = 0.95\n")
    for i in range(30):
        made.say(f"m{i}", ana=R, ben=R if i < 15 else D)
    made.store.close()
    out = run()
    assert " ".join(out.splitlines()[2].split()) == (
        "ana 30 30 50 % (33 to 67 %) 100 % (80 to 100 %) - 0"
    )
    assert "agreement 50 % (33 to 67 %) of 30 pairs: below the target of 95 %\n" in out
    assert "accuracy 75 % (" in out
    assert ") of 60 answers to texts that several labeled, by what these count as" in out
    assert "leaning on suggestions: not known" in out
    told = "agreement 50 % (33 to 67 %) of 30 pairs: below the target of 95 % (al-loop annotators)"
    assert told in run(command="status").splitlines()


def test_every_form_holds_the_same_numbers(workspace, run):
    workspace().say("m0", ana=R, ben=R, cem=D).say("m1", ana=R, ben=R).store.close()
    found = json.loads(run("--json"))
    assert set(found) == {"annotators", "targets", "suggestions", "leaning"}
    table = list(csv.DictReader(io.StringIO(run("--csv"))))
    for row, person in zip(table, found["annotators"], strict=True):
        assert float(row["agreement"]) == person["agreement"]["share"]
        assert float(row["agreement_low"]) == person["agreement"]["low"]
        assert int(row["agreement_n"]) == person["agreement"]["n"]
    assert run("--md").startswith("| annotator | texts | shared | agreement")
    measured = json.loads(run("agreement", "--json"))
    rows = list(csv.DictReader(io.StringIO(run("agreement", "--csv"))))
    by_name = {(r["measure"], r["of"], r["name"], r["and"]): r for r in rows}
    assert float(by_name["agreement", "all", "", ""]["value"]) == measured["all"]["share"] == 0.5
    assert float(by_name["alpha", "all", "", ""]["value"]) == measured["alpha"]["value"]
    pairs = {(p["a"], p["b"]): p for p in measured["pairs"]}
    assert pairs["ana", "ben"]["share"] == float(
        by_name["agreement", "pair", "ana", "ben"]["value"]
    )
    assert by_name["kappa", "pair", "ana", "ben"]["value"] == ""
    assert run("agreement", "--md").startswith("| measure")


def test_agreement_in_the_terminal_names_what_each_number_rests_on(workspace, run):
    workspace().say("m0", ana=R, ben=R).say("m1", ana=D, ben=R).say(
        "m2", ana=D, ben=D
    ).store.close()
    out = run("agreement")
    assert "pairs of votes that are the same  0.667  0.208 to 0.939   3 pairs on 3 texts" in out
    assert "Krippendorff's alpha" in out
    assert "3 texts with 2 votes" in out
    assert "annotator  and  texts" in out


def test_confusion_of_one_person_and_the_name_that_was_meant(workspace, run):
    made = workspace()
    for i, right in enumerate([R, R, R, D, D, B, B]):
        made.say(f"m{i}", ana={R: D, D: B, B: R}[right], ben=right, cem=right)
    made.store.close()
    assert run("confusion", "ana").splitlines()[2].split() == ["ana", R, D, "3", "3"]
    assert len(run("confusion").splitlines()) == 2 + 3 + 3
    assert run("confusion").endswith(
        "ana: 7 of 7 texts labeled differently\nben: 0 of 7 texts labeled differently\n"
        "cem: 0 of 7 texts labeled differently\n"
    )
    assert json.loads(run("confusion", "ben", "--json"))["annotators"][0]["confusions"] == []
    err = run("confusion", "anna", code=2)
    assert "nobody called 'anna' has labeled a text" in err
    assert "did you mean 'ana'?" in err


def test_of_everybody_the_five_most_frequent_confusions_are_shown_of_one_person_all(workspace, run):
    made = workspace()
    pairs = [(R, D), (R, B), (D, R), (D, B), (B, R), (B, D)]
    for i, (right, wrong) in enumerate([*pairs, pairs[5]]):
        made.say(f"m{i}", ana=wrong, ben=right, cem=right)
    made.store.close()
    rows = run("confusion").splitlines()[2:]
    assert rows[0].split()[1:4] == [B, D, "2"]
    assert len(rows) == 5 + 3
    assert len(run("confusion", "ana").splitlines()[2:]) == 6 + 1
    assert len(run("confusion", "--csv").splitlines()) == 6 + 1


def test_disagreements_in_the_terminal_say_who_said_what_and_what_to_type(workspace, run):
    made = workspace().say("m0", ana=R, ben=D).say("m1", ana=R, ben=D).fix(m1=D)
    made.say("m2", ana=R, ben=D, cem=R)
    made.store.close()
    out = run("disagreements")
    rows = [" ".join(line.split()) for line in out.splitlines()[2:4]]
    assert rows[0] == f"m0 {D}: ben; {R}: ana - 0.500 open text 0 about refund"
    assert rows[1] == f"m2 {R}: ana, cem; {D}: ben {R} 0.667 settled text 2 about damage"
    assert "al-loop annotators adjudicate" in out
    assert "m1" not in out
    assert "decided by hand" in run("disagreements", "--all")
    assert [r["id"] for r in json.loads(run("disagreements", "--json"))["rows"]] == ["m0", "m2"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "nobody has answered yet: al-loop round sends a batch to people"),
        ({"m0": {"ana": R}}, "one person has labeled texts, so that nothing can be compared"),
        ({"m0": {"ana": R}, "m1": {"ben": R}}, "no text has labels of two people, so that"),
    ],
)
def test_where_nothing_can_be_compared_it_says_what_to_do(workspace, run, said, told):
    made = workspace()
    for item, votes in said.items():
        made.say(item, **votes)
    made.store.close()
    out = run()
    assert told in out
    if said:
        assert "[batch] overlap = { share = 0.1, annotators = 2 }" in out
    assert "[batch] overlap = { share = 0.1, annotators = 2 }" in run("agreement")
    assert run("disagreements") == "nobody disagrees, where two people labeled the same text\n"
    for form in ("--json", "--csv", "--md"):
        for command in ((), ("agreement",), ("confusion",), ("disagreements",)):
            assert run(*command, form)


def test_names_of_people_that_try_to_move_the_cursor_are_harmless(workspace, run):
    names = ("ana\u202e\x1b[31m", "=cmd()", "مريم")
    made = workspace()
    made.say("m0", **dict.fromkeys(names, R)).say("m1", **dict(zip(names, (R, D, D), strict=True)))
    facts = people.page_facts(made.store, CONFIG)
    made.store.close()
    for command in ((), ("agreement",), ("confusion",), ("disagreements",), ("--md",)):
        out = run(*command)
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "مريم" in out
    assert "'=cmd()" in run("--csv")
    assert "\n=cmd" not in run("agreement", "--csv")
    assert page_people.blocks(facts)
    assert visible(names[0]) != names[0]


def test_status_says_nothing_of_a_target_that_is_not_surely_missed():
    made = pair(15, 5)
    assert status.facts(made.store, CONFIG)["missed"] == []
    assert len(status.facts(made.store, parse({"annotators": {"agreement": 0.99}}))["missed"]) == 1
    alone = People()
    for i in range(20):  # all wrong, but it was because they looked wrong that they were fixed
        alone.say(f"m{i}", ana=R).fix(**{f"m{i}": B})
    assert alone.facts()["targets"]["accuracy"]["standing"] == "missed"
    assert status.facts(alone.store, CONFIG)["missed"] == []
    assert targets(gather(made.store), CONFIG)["agreement"]["standing"] == "not sure"


def test_status_measures_agreement_without_anything_heavy(workspace, tmp_path):
    made = workspace()
    for i in range(30):
        made.say(f"m{i}", ana=R, ben=D)
    made.store.close()
    assert not packages(imported_by(tmp_path, "-C", str(tmp_path), "status")) & HEAVY
