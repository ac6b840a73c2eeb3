"""A workspace whose people disagree on three texts, and what happens on its server."""

import csv
import json
import shutil
import sqlite3
from contextlib import closing

import httpx

from tests import story
from tests.ls_helpers import choice

CONFIG = """\
[label_studio]
url = "{url}"
[batch]
size = 12
strategy = "random"
overlap = {{ share = 1.0, annotators = 2 }}
[model]
encoder = "hashing"
[annotators]
consensus = "majority"
[classes.refund]
[classes.delay]
[classes.damage]
"""
LABELS = ("refund", "delay", "damage")
#: What the second person says about some texts; about all others what the first one says.
OTHERWISE = {"t00": "delay", "t01": "damage", "t02": "refund"}
ANA, BOB, CLEO = 1, 2, 3


def gold(i):
    return LABELS[i % 3]


class Space:
    """Commands in one workspace, its people, its adjudicators."""

    def __init__(self, root, server, n=14, config=CONFIG, otherwise=OTHERWISE):
        self.root, self.server, self.otherwise = root, server, otherwise
        story.preload()
        root.mkdir(parents=True)
        (root / "config.toml").write_text(config.format(url=server.url))
        with (root / "texts.csv").open("w", newline="") as f:
            rows = [(f"t{i:02}", f"text {i} about {gold(i)}") for i in range(n)]
            csv.writer(f).writerows([("id", "text"), *rows])
        self.do("init", root / "texts.csv")

    def save(self, folder):
        self.server.control("save", **{"as": folder.name})
        shutil.copytree(self.root, folder)

    def load(self, folder):
        self.server.control("load", **{"as": folder.name})
        shutil.rmtree(self.root)
        shutil.copytree(folder, self.root)

    def run(self, *words, **environment):
        environment[story.TOKEN_VARIABLE] = self.server.token
        return story.run(self.root, *map(str, words), **environment)

    def do(self, *words, code=0, **environment):
        ended, printed = self.run(*words, **environment)
        assert ended == code, printed
        return printed

    def adjudicate(self, *words, **more):
        return self.do("annotators", "adjudicate", *words, **more)

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Token {self.server.token}"}
        url = f"{self.server.url}/api/{path}"
        answer = httpx.request(method, url, json=body, headers=headers, trust_env=False)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def there(self):
        return self.server.control("dump")

    def projects(self):
        """Return number -> project of this workspace, the labeling one first."""
        uuid = self.sql("SELECT value FROM meta WHERE key = 'uuid'")[0][0]
        return [p for p in self.there()["projects"] if f"al-loop:{uuid}" in p["description"]]

    def tasks(self, project):
        found = self.ask("GET", f"tasks/?project={project}&page_size=1000&fields=all")["tasks"]
        return {t["data"]["al_id"]: t for t in found}

    def review(self):
        """Return the tasks of the review project by key; none has a second one."""
        (review,) = [p for p in self.projects() if p["title"].endswith(" review")]
        found = self.tasks(review["id"])
        assert all(len(ids) == 1 for ids in self.there()["keys"].values())
        return found

    def answer(self, key, label, person, **more):
        (task,) = self.there()["keys"][key]
        body = {"result": [choice(label)], "completed_by": person, "lead_time": 4.0, **more}
        return self.ask("POST", f"tasks/{task}/annotations/", body)["id"]

    def answer_all(self):
        """Let two people answer the open batch; they disagree on three texts."""
        for item_id in self.batch():
            label = gold(int(item_id[1:]))
            self.answer(f"{item_id}:0", label, ANA)
            self.answer(f"{item_id}:0", self.otherwise.get(item_id, label), BOB)

    def batch(self):
        newest = "(SELECT MAX(number) FROM rounds)"
        return [r[0] for r in self.sql(f"SELECT item_id FROM batch WHERE round = {newest}")]

    def rows(self, table):
        found = [json.loads(line) for line in self.do("check", "--dump").splitlines()]
        return [r for r in found if r["table"] == table]

    def labels(self):
        return {r["item_id"]: (r["status"], r["label"]) for r in self.rows("labels")}

    def disputed(self):
        return set(self.otherwise) & set(self.batch())

    def sql(self, query):
        with closing(sqlite3.connect(self.root / ".al-loop" / "al-loop.db")) as db:
            return db.execute(query).fetchall()
