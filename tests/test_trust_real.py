"""Labels that can be trusted, from end to end: commands, people over HTTP, a real Label Studio.

Three kinds of texts, a dozen of each with a label that came with the data. Ana and Ben label the
others, half of a batch both. Ana gets one wrong, and they disagree about one that says nothing,
which Lea decides.
"""

import csv
import json
import random

import pytest

from al_loop import app
from al_loop.people import Choice, Person
from al_loop.people.page import TEXT, Offered
from al_loop.server import web
from tests import story
from tests.ls_people import Server

WORDS = {
    "refund": ("refund", "money", "back", "paid", "charge", "return my cash"),
    "delay": ("parcel", "late", "delivery", "waiting", "courier", "never arrived"),
    "damage": ("broken", "glass", "cracked", "scratch", "smashed", "dented"),
}
VAGUE = "vague"  # texts that tell a model nothing
WRONG = {"refund": "delay", "delay": "damage", "damage": "refund"}
CONFIG = """\
[label_studio]
url = "{url}"
[batch]
size = 18
strategy = "random"
[batch.overlap]
share = 0.5
[model]
encoder = "hashing"
[discovery]
offer = 0
"""


def texts():
    """Yield (id, text, label): a dozen of each kind with a label, 10 without, and 6 vague ones."""
    for kind, words in WORDS.items():
        rng = random.Random(kind)
        for i in range(22):
            said = " ".join(rng.sample(words, 4))
            yield f"{kind}-{i:02}", f"{said} number {i}", kind if i < 12 else ""
    rng = random.Random(VAGUE)
    for i in range(6):
        said = " ".join("".join(rng.choices("bdfgklmnprstaeiou", k=7)) for _ in range(4))
        yield f"{VAGUE}-{i:02}", said, ""


def kind_of(item_id):
    return item_id.partition("-")[0]


class Play:
    """A workspace, its server, two people who label, and one who adjudicates."""

    def __init__(self, root, server):
        self.root, self.server = root, Server(server.url)
        self.key = {story.TOKEN_VARIABLE: server.token}
        invite = server.url + web.invite_path(server.url, server.token)
        names = ("Anna", "Bert", "Lea")
        self.ana, self.ben, self.lea = (Person.join(invite, n, f"{n}-0123456789") for n in names)
        (root / "config.toml").write_text(CONFIG.format(url=server.url))
        rows = list(texts())
        random.Random(2).shuffle(rows)
        with (root / "texts.csv").open("w", newline="") as f:
            csv.writer(f).writerows([("id", "text", "label"), *rows])
        self.run("init", str(root / "texts.csv"))

    def close(self):
        for each in (self.ana, self.ben, self.lea, self.server.http):
            each.close()

    def run(self, *arguments):
        code, (printed, told) = story.run(self.root, *arguments, apart=True, **self.key)
        assert code == 0, f"{arguments}: {told}{printed}"
        return printed

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def push(self):
        self.run("round", "--until", "pushed")

    def look(self, query):
        with app.opened(self.root) as opened:
            return [tuple(r) for r in opened.store.rows(query)]

    @property
    def project(self):
        with app.opened(self.root) as opened:
            return opened.project.remote_id

    def doubtful(self):
        return {r["item_id"]: r for r in self.json("noise")["rows"]}

    def of(self, item_id):
        return self.json("explain", item_id)

    def tasks(self, project):
        return {t["data"]["al_id"]: t for t in self.server.tasks(project)}

    def say(self, person, key, label, project=None):
        """Let somebody open a task in the list of all, and answer it."""
        project = project or self.project
        data = (task := self.tasks(project)[key])["data"]
        shown = Offered(task["id"], key, data[TEXT], data, person.classes(project))
        person.submit(project, shown, Choice(label))

    def answer(self, decide):
        """Let both answer in turn what they are offered, and finish the round."""
        at_work = [self.ana, self.ben]
        classes = self.ana.classes(self.project)
        while at_work:
            person = at_work.pop(0)
            if task := person.next_task(self.project, classes):
                label = decide(person, task.item_id)
                person.submit(self.project, task, Choice(label))
                at_work.append(person)
        self.run("round", "--until", "logged")


def right(person, item_id):
    vague = ("refund", "delay")[int(item_id[-1]) % 2]
    return vague if kind_of(item_id) == VAGUE else kind_of(item_id)


@pytest.fixture
def play(tmp_path, ls):
    story.preload()
    playing = Play(tmp_path, ls)
    yield playing
    playing.close()


@pytest.mark.ls
def test_a_wrong_label_is_corrected_by_somebody_else_and_a_disagreement_decided(play):
    play.push()
    both = {i for (i,) in play.look("SELECT item_id FROM batch WHERE overlap = 2")}
    vague = min(i for i in both if kind_of(i) == VAGUE)
    planted = []

    def first(person, item_id):
        if item_id == vague:
            return {"Anna": "refund", "Bert": "delay"}[person.name]
        clear = kind_of(item_id) in WORDS and item_id not in both
        if person is play.ana and clear and not planted:
            planted.append(item_id)
            return WRONG[kind_of(item_id)]
        return right(person, item_id)

    play.answer(first)
    (wrong,) = planted
    ana, ben = sorted((play.ana.email, play.ben.email))

    # Agreement is computed, on the texts that both labeled.
    agreement = play.json("annotators", "agreement")
    assert (agreement["texts"], agreement["all"]["hits"]) == (len(both), len(both) - 1)
    (pair,) = agreement["pairs"]
    assert (pair["a"], pair["b"], pair["n"]) == (ana, ben, len(both))
    assert pair["kappa_low"] < pair["kappa"] < 1
    people = {p["annotator"]: p for p in play.json("annotators")["annotators"]}
    assert {name: p["shared"] for name, p in people.items()} == {ana: len(both), ben: len(both)}

    # A planted wrong label is found.
    found = play.doubtful()[wrong]
    assert (found["given"], found["suggested"]) == (WRONG[kind_of(wrong)], kind_of(wrong))
    assert found["by"] == [ana]

    # It is sent for a second look, blind.
    play.push()
    play.run("noise", "push")
    assert play.tasks(play.project)[f"{wrong}:1"]["predictions"] == []

    # The answer of who gave it is kept, and does not count as the second look.
    play.say(play.ana, f"{wrong}:1", WRONG[kind_of(wrong)])
    play.answer(right)
    assert play.of(wrong)["label"] == WRONG[kind_of(wrong)]
    assert wrong in play.doubtful()

    # The other person corrects it, and it is gone from the list.
    play.push()
    play.say(play.ben, f"{wrong}:2", kind_of(wrong))
    play.answer(right)
    corrected = play.of(wrong)
    assert corrected["label"] == kind_of(wrong), corrected["consensus"]
    assert corrected["consensus"]["votes"] == {ana: WRONG[kind_of(wrong)], ben: kind_of(wrong)}
    assert wrong not in play.doubtful()

    # What nobody can tell goes to the review project, with how it was labeled and by nobody.
    sent = play.json("annotators", "adjudicate")
    assert [r["item_id"] for r in sent["asked"]] == [vague]
    review = int(sent["url"].rpartition("/projects/")[2].partition("/")[0])
    assert review != play.project
    task = play.lea.next_task(review, play.lea.classes(review))
    assert (task.item_id, task.suggestion) == (vague, "")
    assert "labeled: delay (1), refund (1)" in task.data["context"]
    assert not {ana, ben} & set(json.dumps(task.data).split('"'))

    # An adjudicator decides, and the label follows.
    play.lea.submit(review, task, Choice("delay"))
    assert play.json("annotators", "adjudicate")["waiting"] == 0
    decided = play.of(vague)
    assert (decided["label"], decided["votes"]) == ("delay", 2)
    assert decided["adjudicated_by"] == [play.lea.email]
    rows = {r["id"]: r for r in play.json("export")["rows"]}
    assert rows[vague]["adjudicated_by"] == [play.lea.email]
    assert (rows[vague]["annotators"], rows[vague]["consensus"]) == ([ana, ben], 0.5)
    assert rows[wrong]["quality"] > 0.5
    agreement = play.json("annotators", "agreement")["all"]
    assert agreement["n"] - agreement["hits"] == 1, "first answers; what was decided is none"
    play.run("check")
