"""The open world from end to end: commands, people over HTTP, a real Label Studio.

200 texts of five kinds, of which two are known. "worry" is proposed in the field for a missing
class (and as "fear" by somebody else), accepted, ticked, predicted and renamed; the group of
"praise" is ticked and rejected; nobody ticks the group of "worry".
"""

import csv
import json
import random
from collections import Counter

import pytest

from al_loop import app
from al_loop.people import Choice, Missing, Person, Skip
from al_loop.server import web
from al_loop.types import HEADING
from tests import story
from tests.ls_people import Server

WORDS = {
    "refund": ("refund", "money", "back", "paid", "charge", "return my cash"),
    "delay": ("parcel", "late", "delivery", "waiting", "courier", "never arrived"),
    "worry": ("afraid", "worried", "scared", "anxious", "nervous", "sleepless"),
    "praise": ("great", "love", "thanks", "wonderful", "happy", "perfect"),
    "spam": ("casino", "lottery", "winner", "click", "prize", "bonus"),
}
CONFIG = """\
[label_studio]
url = "{url}"
[batch]
size = 30
strategy = "random"
blind_share = 0.0
[model]
encoder = "hashing"
[discovery]
offer = 3
[classes.refund]
description = "wants money back"
examples = ["refund my money back", "money paid, charge back"]
[classes.delay]
examples = ["parcel is late", "courier delivery late, waiting"]
"""


def texts():
    for kind, words in WORDS.items():
        rng = random.Random(kind)
        for i in range(40):
            a, b, c, d = rng.sample(words, 4)
            yield f"{kind}-{i:02}", f"{a} {b} and {c} {d} number {i}"


def kind_of(item_id):
    return item_id.partition("-")[0]


class Play:
    """A workspace, its server, and two people who label."""

    def __init__(self, root, server):
        self.root, self.server = root, Server(server.url)
        self.key = {story.TOKEN_VARIABLE: server.token}
        invite = server.url + web.invite_path(server.url, server.token)
        self.people = [Person.join(invite, name, f"{name}-0123456789") for name in ("Ana", "Ben")]
        (root / "config.toml").write_text(CONFIG.format(url=server.url))
        rows = list(texts())
        random.Random(1).shuffle(rows)
        with (root / "texts.csv").open("w", newline="") as f:
            csv.writer(f).writerows([("id", "text"), *rows])
        self.run("init", str(root / "texts.csv"))

    def close(self):
        for each in (*self.people, self.server.http):
            each.close()

    def run(self, *arguments):
        code, (printed, told) = story.run(self.root, *arguments, apart=True, **self.key)
        assert code == 0, f"{arguments}: {told}{printed}"
        return printed

    def push(self):
        self.run("round", "--until", "pushed")

    def classes(self):
        return json.loads(self.run("classes", "--json"))

    def listed(self, part):
        return {found["name"]: found for found in self.classes()[part]}

    @property
    def project(self):
        with app.opened(self.root) as opened:
            return opened.project.remote_id

    def page(self):
        return self.people[0].page(self.project)

    def config(self):
        return self.server.ask("GET", f"/api/projects/{self.project}/")["label_config"]

    def waiting(self):
        """Tasks without an answer: (key, suggested classes)."""
        return {
            t["data"]["al_id"]: [p["result"][0]["value"]["choices"][0] for p in t["predictions"]]
            for t in self.server.tasks(self.project)
            if not t["annotations"]
        }

    def answer(self, decide):
        """Let everybody answer in turn what waits; returns what was said, by key."""
        said, at_work = {}, list(self.people)
        classes, candidates = self.page()
        while at_work:
            person = at_work.pop(0)
            if task := person.next_task(self.project, classes, candidates):
                said[task.key] = decide(person.name, kind_of(task.data["id"]), task)
                person.submit(self.project, task, said[task.key])
                at_work.append(person)
        self.run("round", "--until", "logged")
        return said

    def labels(self):
        with app.opened(self.root) as opened:
            query = "SELECT item_id, label FROM labels WHERE label IS NOT NULL"
            return {r["item_id"]: r["label"] for r in opened.store.rows(query)}

    def look(self, query):
        with app.opened(self.root) as opened:
            return [tuple(r) for r in opened.store.rows(query)]


def first_round(name, kind, task):
    """Groups are offered; only that of praise is ticked."""
    if kind == "worry":
        return Missing({"Ana": "worry", "Ben": "fear"}[name])
    if kind == "praise":
        (group,) = {task.suggestion} & set(task.candidates)
        return Choice(group)
    return Skip() if kind == "spam" else Choice(kind)


def second_round(name, kind, task):
    if kind == "spam":
        return Skip()
    known = {"refund": "money back"}.get(kind, kind)
    return Choice(known) if known in task.classes else Missing(kind)


@pytest.fixture
def play(tmp_path, ls):
    playing = Play(tmp_path, ls)
    yield playing
    playing.close()


@pytest.mark.ls
def test_a_hidden_class_is_found_accepted_answered_and_predicted_and_no_label_is_lost(play):
    play.push()

    # Groups are found and offered below the heading; their members are pre-annotated.
    classes, candidates = play.page()
    assert classes == ("refund", "delay")
    assert len(candidates) == 3
    assert HEADING in play.config()
    of_kind = {}
    for key, suggested in play.waiting().items():
        of_kind.setdefault(kind_of(key), set()).update(suggested)
    groups = {kind: name for kind in ("worry", "praise", "spam") for name in of_kind[kind]}
    assert sorted(groups.values()) == sorted(candidates)
    said = play.answer(first_round)

    # What people wrote into "missing class" is proposed, what they ticked as well.
    proposals, found = play.listed("proposals"), play.listed("candidates")
    assert {"worry", "fear"} <= set(proposals)
    assert found[groups["praise"]]["answers"] == sum("praise" in key for key in said)
    assert found[groups["worry"]]["answers"] == 0

    # Accepted, both are choices in the live project at once, and their answers labels.
    before = play.labels()
    play.run("classes", "accept", "worry", "--by", "lea")
    play.run("classes", "accept", "fear", "--by", "lea")
    assert play.page()[0] == ("refund", "delay", "worry", "fear")
    gained = {i: label for i, label in play.labels().items() if i not in before}
    assert gained
    assert {(kind_of(i), label) for i, label in gained.items()} == {
        ("worry", "worry"),
        ("worry", "fear"),
    }

    # Rejected, a group is not seen any more, though answers have it.
    play.run("classes", "reject", groups["praise"], "--by", "lea")
    assert groups["praise"] not in play.page()[1]
    assert f'value="{groups["praise"]}"' in play.config()

    # A merge and a rename lose no label; a choice that nobody ticked is taken off.
    before = play.labels()
    play.run("classes", "merge", "fear", "worry", "--by", "lea")
    play.run("classes", "rename", "refund", "money back", "--by", "lea")
    renamed = {"fear": "worry", "refund": "money back"}
    assert play.labels() == {i: renamed.get(label, label) for i, label in before.items()}
    assert play.page()[0] == ("money back", "delay", "worry")
    assert 'value="fear"' not in play.config()
    assert 'value="refund"' in play.config()

    # The group that nobody ticked is one of a known class by now; rejected texts come again.
    rejected = {key.rpartition(":")[0] for key in said if kind_of(key) == "praise"}
    play.push()
    assert groups["worry"] not in play.page()[1]
    assert groups["worry"] not in play.config()
    assert {f"{i}:1" for i in rejected} <= set(play.waiting())
    said = play.answer(second_round)
    assert all(said[f"{i}:1"] == Missing("praise") for i in rejected)
    assert Choice("worry") in said.values()
    play.run("classes", "accept", "praise", "--by", "lea")
    assert rejected <= set(play.labels())

    # The next round's model predicts the new classes; a rename while it is open loses nothing.
    play.push()
    guessed = {(kind_of(key), s[-1]) for key, s in play.waiting().items() if s}
    assert ("worry", "worry") in guessed
    stale, names = play.people[0].page(play.project), play.labels()
    play.run("classes", "rename", "worry", "anxiety", "--by", "lea")
    assert "worry" not in {name for s in play.waiting().values() for name in s}, "nobody sees it"
    assert play.labels() == {i: {"worry": "anxiety"}.get(n, n) for i, n in names.items()}
    old_page = play.people[0].next_task(play.project, *stale)
    play.people[0].submit(play.project, old_page, Choice("worry"))

    said = play.answer(
        lambda name, kind, task: Choice(
            {"refund": "money back", "worry": "anxiety", "spam": groups["spam"]}.get(kind, kind)
        )
    )
    play.run("classes", "accept", groups["spam"], "--as", "spam", "--by", "lea")
    labels = play.labels()
    today = {"refund": "money back", "worry": "anxiety"}
    assert labels.pop(old_page.item_id) == "anxiety", "a page that was open before the rename"
    assert {i: today.get(kind_of(i), kind_of(i)) for i in labels} == labels
    assert Counter(labels.values()).keys() == {"money back", "delay", "anxiety", "praise", "spam"}
    assert play.page()[0] == ("money back", "delay", "anxiety", "praise", "spam")
    versions = play.look("SELECT round, version FROM round_classes ORDER BY round")
    assert [r for r, _ in versions] == [1, 2, 3]
    assert versions == sorted(set(versions), key=lambda v: v[1])
    told = play.server.ask("GET", f"/api/projects/{play.project}/")["expert_instruction"]
    assert f"The classes, version {play.classes()['version']}:" in told
    play.run("check")
