"""Any history of pushes, pulls, people's work, faults and repairs keeps the invariants."""

from contextlib import suppress

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from al_loop.errors import ServerError
from al_loop.types import ClassSpec
from tests.fakes.label_studio import Fake, Transport
from tests.ls_helpers import (
    CLASSES,
    adapter,
    choice,
    keys,
    pull_request,
    push_request,
    task,
)

FAULTS = (
    "lost before",
    "lost after",
    "status 502 after",
    "status 503",
    "truncated",
    "empty",
    "page",
)
LABELS = st.sampled_from(["bug", "refund", "unheard of"])
USERS = st.sampled_from([1, 2, 3])


class Loop(RuleBasedStateMachine):
    """A workspace that pushes and pulls, people who work, a network that breaks."""

    @initialize()
    def start(self):
        self.fake = Fake()
        self.transport = Transport(self.fake)
        self.transport.faults.append(self.break_one)
        self.due = []  # the faults of the next requests, None for a good one
        self.n = 0
        self.model = 1
        self.classes = list(CLASSES)
        self.pushed = 0  # keys that a push confirmed
        self.work = set()  # annotations that exist, as people know them

    def break_one(self, request, send):
        fault = self.due.pop(0) if self.due else None
        if fault is None:
            return None
        if fault == "lost before":
            raise httpx.ReadError("reset")
        if fault == "status 503":
            return httpx.Response(503, request=request)
        answer = send(request)
        if fault == "lost after":
            raise httpx.RemoteProtocolError("closed")
        if fault == "status 502 after":
            return httpx.Response(502, content=b"<html>", request=request)
        content = {"truncated": answer.content[: len(answer.content) // 2], "empty": b""}
        page = b"<html>login</html>"
        return httpx.Response(200, content=content.get(fault, page), request=request)

    def request(self, n):
        tasks = [task(i, overlap=1 + (i % 3 == 0)) for i in range(n)]
        return push_request(
            tasks=tasks, model=f"m{self.model}", classes=self.classes, sweep=keys(n)
        )

    def push(self, n):
        pushed = adapter(self.transport).push(self.request(n))
        assert sorted(pushed.task_ids) == sorted(keys(n))
        assert all(i in self.fake.store.tasks for i in pushed.task_ids.values())
        self.pushed = max(self.pushed, n)

    @rule(more=st.integers(0, 6))
    def push_more(self, more):
        self.n = min(self.n + more, 30)
        with suppress(ServerError):  # unknown; but what is claimed has to be true
            self.push(self.n)

    @rule()
    def train(self):
        self.model += 1

    @rule(number=st.integers(0, 40))
    def add_class(self, number):
        if f"class {number}" not in {c.name for c in self.classes}:
            self.classes.append(ClassSpec(f"class {number}"))

    @precondition(lambda self: self.pushed)
    @rule()
    def pull(self):
        with suppress(ServerError):
            self.check_pull(adapter(self.transport).pull(self.pull_request()))

    def pull_request(self):
        return pull_request(self.pushed, sweep=keys(self.n))

    def check_pull(self, pulled):
        """A pull is complete: all the work that there is, and no skip with a label."""
        assert {a.annotation_id for a in pulled.answers} == self.work
        stored = self.fake.store.annotations
        for answer in pulled.answers:
            assert (answer.kind == "skip") == stored[answer.annotation_id]["was_cancelled"]
            assert answer.kind == "label" or not answer.labels

    @rule(faults=st.lists(st.sampled_from((None, *FAULTS)), min_size=1, max_size=12))
    def break_network(self, faults):
        self.due = list(faults)

    @rule(knob=st.sampled_from(["duplicate_on_lock", "late_commit", "drop_ids", "background"]))
    def break_server(self, knob):
        setattr(self.fake.knobs, knob, 1)

    @rule()
    def land(self):
        self.fake.land()

    def some_task(self, at):
        ids = sorted(self.fake.store.tasks)
        return ids[at % len(ids)]

    @precondition(lambda self: self.fake.store.tasks)
    @rule(at=st.integers(0, 99), label=LABELS, user=USERS, skip=st.booleans())
    def annotate(self, at, label, user, skip):
        body = {"result": [choice(label)], "completed_by": user, "was_cancelled": skip}
        self.work.add(self.fake.store.annotate(self.some_task(at), body)["id"])

    @precondition(lambda self: self.fake.store.tasks)
    @rule(at=st.integers(0, 99))
    def draft(self, at):
        self.fake.store.draft(self.some_task(at), {"result": [choice("bug")]})

    @precondition(lambda self: self.work)
    @rule(at=st.integers(0, 99), label=LABELS)
    def edit(self, at, label):
        number = sorted(self.work)[at % len(self.work)]
        self.fake.store.annotations[number]["result"] = [choice(label)]

    @precondition(lambda self: self.work)
    @rule(at=st.integers(0, 99))
    def take_back(self, at):
        number = sorted(self.work)[at % len(self.work)]
        self.work.discard(number)
        del self.fake.store.annotations[number]

    def teardown(self):
        if not hasattr(self, "fake"):
            return
        self.due = []
        for knob in vars(self.fake.knobs):
            setattr(self.fake.knobs, knob, 0)
        self.fake.land()
        for _ in range(5):
            self.fake.tick()
        self.push(self.n)
        self.check_pull(adapter(self.transport).pull(self.pull_request()))
        self.check_tasks()

    def check_tasks(self):
        """Each key one task, or several with work on each; no work was ever lost."""
        store = self.fake.store
        assert set(store.annotations) == self.work
        busy = {a["task"] for a in store.annotations.values()}
        busy |= {d["task"] for d in store.drafts.values()}
        found = self.fake.dump()["keys"]
        assert sorted(found) == sorted(keys(self.n))
        for ids in found.values():
            assert len(ids) == 1 or set(ids) <= busy
        assert len(store.projects) == 1


Loop.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class TestLoop(Loop.TestCase):
    """Run by pytest; Hypothesis prints the history that breaks an invariant."""
