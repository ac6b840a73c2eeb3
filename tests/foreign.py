"""A project that others made in Label Studio: their page, their names, their people's answers."""

from tests.ls_people import Server

PAGE = """\
<View>
  <Header value="What do they want?"/>
  <HyperText name="mail" value="$body"/>
  <Choices name="topic" toName="mail" choice="single-radio">
    <Choice value="refund" hint="Wants money &amp; nothing else"/>
    <Choice value="delay" alias="late"/>
    <Choice value="praise"/>
  </Choices>
  <Choices name="tags" toName="mail" choice="multiple"><Choice value="urgent"/></Choices>
  <Rating name="stars" toName="mail"/>
</View>"""

DATA = [
    {"body": "money back please", "number": 7, "channel": "mail"},  # 0: both agree
    {"body": "where is <b>my</b> parcel", "channel": "app"},  # 1: they don't
    {"body": "hello", "channel": "mail", "meta": {"tags": ["a"], "n": 1}},  # 2: skipped
    {"body": "thank you", "channel": "mail"},  # 3: a choice that the page does not have
    {"body": "money back please", "channel": "chat"},  # 4: the same text as 0
    {"body": "nobody was here yet", "channel": "mail"},  # 5: no answer
    {"body": "two at once", "channel": "mail"},  # 6: two choices where one is allowed
]


def choice(label, name="topic"):
    value = {"choices": [label] if isinstance(label, str) else label}
    return {"from_name": name, "to_name": "mail", "type": "choices", "value": value}


class Project:
    """It and its tasks on a server, with answers of two people."""

    def __init__(self, url, page=PAGE, data=DATA):
        self.server = Server(url)
        body = {"title": "their project", "label_config": page}
        self.number = self.server.ask("POST", "/api/projects/", body)["id"]
        self.ann, self.bob = self.server.users()
        self.add(data)

    def add(self, data):
        path = f"/api/projects/{self.number}/import"
        self.server.ask("POST", path, [{"data": each} for each in data])

    @property
    def tasks(self):
        return sorted(self.server.tasks(self.number), key=lambda task: task["id"])

    def say(self, place, label, who, **more):
        """Answer the task at a place in the order of their numbers."""
        result = [label] if isinstance(label, dict) else [choice(label)] if label else []
        task = self.tasks[place]["id"]
        return self.server.annotate(task, result, completed_by=who, **more)

    def answered(self):
        """Let the two people answer as the comments of DATA say."""
        stars = {"from_name": "stars", "to_name": "mail", "type": "rating", "value": {"rating": 4}}
        first = self.say(0, "late", self.ann)
        both = {"result": [choice("refund"), stars, choice("urgent", "tags")]}
        self.change(first, both)
        self.say(0, "refund", self.bob, ground_truth=True)
        self.say(1, "late", self.ann)
        self.say(1, "refund", self.bob)
        self.say(2, "praise", self.bob, was_cancelled=True)
        self.say(3, "thanks", self.ann)
        self.say(6, choice(["refund", "late"]), self.ann)
        return self

    def change(self, annotation, values):
        return self.server.ask("PATCH", f"/api/annotations/{annotation['id']}/", values)

    def remove(self, annotation):
        self.server.ask("DELETE", f"/api/annotations/{annotation['id']}/")

    def page(self, xml):
        body = {"label_config": xml}
        self.server.ask("PATCH", f"/api/projects/{self.number}/", body)

    def state(self):
        """Everything that adopting must leave as it is."""
        where = f"/api/projects/{self.number}"
        project = self.server.ask("GET", f"{where}/")
        return {
            "project": {k: project.get(k) for k in ("title", "description", "label_config")},
            "tasks": self.tasks,
            "exports": self.server.ask("GET", f"{where}/exports/"),
            "views": self.server.ask("GET", "/api/dm/views/", project=self.number),
        }
