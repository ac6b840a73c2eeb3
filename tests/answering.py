"""People for workspaces without a server: each answers as a test tells them to."""

from al_loop import app
from al_loop.loop import machine
from al_loop.types import Answer, Pulled, Pushed, split_key
from tests import offline


class Told:
    """An annotator on whose side the answers are what `said` holds: key -> parts of an Answer."""

    def __init__(self):
        self.tasks, self.said = {}, {}

    def push(self, request, progress=None):
        self.tasks |= {t.key: t for t in request.tasks}
        self.sent, self.offer = list(request.tasks), request.offer
        return Pushed(1, "", {key: i for i, key in enumerate(self.tasks)})

    def pull(self, request):
        answers = [
            Answer(
                number,
                key,
                said.get("person", "ana"),
                "label",
                said.get("labels", ()),
                missing=said.get("missing", ""),
                origin=said.get("origin", "manual"),
                updated_at=said.get("at", f"2026-01-01T00:00:{number:02}Z"),
            )
            for number, (key, said) in enumerate(self.said.items(), start=1)
        ]
        return Pulled(answers, len(answers))


class World:
    """A workspace and the people who answer in it.

    Texts are about refund, delay or damage by turns; `answer` says so unless told otherwise.
    """

    def __init__(self, root, *, config=offline.CONFIG, table=None):
        self.root, self.people = offline.make(root, config=config, table=table), Told()
        self.table = {i: (text, label) for i, text, label in table or offline.rows()}

    def __enter__(self):
        self._opened = app.opened(self.root)
        self.app = self._opened.__enter__()
        self.store = self.app.store
        return self

    def __exit__(self, *error):
        self._opened.__exit__(*error)

    def run(self, until="logged", *, partial=False):
        pull = machine.PullOptions(accept_partial=partial)
        parts = self.app.parts(self.people)
        return machine.run(parts, self.app.config, machine.Options(until=until, pull=pull))

    def push(self):
        """Begin a round; returns the tasks that it sent."""
        self.run("pushed")
        return self.people.sent

    def answer(self, tasks, **said):
        """Answer some tasks with their gold label, or all with what is said."""
        for task in tasks:
            label = self.table[split_key(task.key)[0]][1]
            self.people.said[task.key] = said or {"labels": (label,)}

    def round(self):
        """Play a whole round; returns its tasks."""
        tasks = self.push()
        self.answer(tasks)
        self.run()
        return tasks

    def say(self, line):
        self.lines = [*getattr(self, "lines", []), line]
