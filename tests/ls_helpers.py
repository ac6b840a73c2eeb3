"""Requests and answers that the tests of the Label Studio adapter share."""

from al_loop.annotators.label_studio import LabelStudio
from al_loop.types import ClassSpec, Offer, ProjectRef, PullRequest, PushRequest, Suggestion, Task
from tests.fakes.label_studio import TOKEN

CLASSES = (ClassSpec("refund", "Wants money back", ("Where is my money?",)), ClassSpec("bug"))
PROJECT = ProjectRef(1, "0123abcd", "al-loop test")


def adapter(transport, **more):
    """An adapter without waiting."""
    options = {"settle": 0.0, "sleep": lambda seconds: None, "timeout": 10.0, **more}
    return LabelStudio("http://ls.test", TOKEN, transport=transport, **options)


def task(i, *, label="bug", overlap=1, context=""):
    suggestion = None if label is None else Suggestion(label, 0.4)
    return Task(f"i{i}:0", f"i{i}", 0, f"text {i}", context, overlap, suggestion)


def keys(n):
    return [f"i{i}:0" for i in range(n)]


def push_request(n=5, *, model="m1", tasks=None, project=PROJECT, classes=CLASSES, **more):
    tasks = [task(i) for i in range(n)] if tasks is None else tasks
    offer = more.pop("offer", Offer(classes))
    return PushRequest(project, offer, tasks, model, **more)


def pull_request(n=5, *, project=PROJECT, classes=CLASSES, **more):
    return PullRequest(project, classes, dict.fromkeys(keys(n), 1), **more)


def choice(label, **more):
    value = {"choices": [label]}
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": value}
    return {"id": "r1", **region, **more}


def typed(name, words):
    value = {"text": [words]}
    region = {"from_name": name, "to_name": "text", "type": "textarea", "value": value}
    return {"id": f"r-{name}", **region}


def annotate(fake, key, label=None, *, user=2, **more):
    """Answer as a person would: on the oldest task of a key."""
    task_id = fake.dump()["keys"][key][0]
    result = [] if label is None else [choice(label, origin="manual")]
    body = {"result": result, "completed_by": user, "lead_time": 2.0, **more}
    return fake.store.annotate(task_id, body)


def once_each(fake, n):
    """Whether each of the first n keys has exactly one task, and no other key any."""
    found = {k: len(v) for k, v in fake.dump()["keys"].items() if k is not None}
    return found == dict.fromkeys(keys(n), 1)
