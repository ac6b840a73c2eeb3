"""What the fake Label Studio accepts, what goes wrong on purpose, and its filters."""

import json
import xml.etree.ElementTree as ET


class Bad(Exception):
    """A request that the server refuses."""

    def __init__(self, status, detail, errors=None):
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors


class Knobs:
    """What goes wrong on purpose; every number counts down to 0."""

    def __init__(self):
        self.duplicate_on_lock = 0  # an import runs twice and answers as if once
        self.drop_ids = 0  # an import answers without task_ids
        self.background = 0  # an import answers {"import": 1} and runs three requests later
        self.late_commit = 0  # an import is held back until `land`; the client times out
        self.lying_total = 0  # listings claim one task more than there are
        self.empty_page = 0  # listings answer {}
        self.repeat_page = 0  # listings ignore the filter on the id
        self.empty_snapshot = 0  # a download answers []
        self.short_snapshot = 0  # a snapshot leaves out its last task, its md5 fits
        self.wrong_md5 = 0
        self.fail_snapshot = 0  # a snapshot ends as failed
        self.numbers_only = 0  # a snapshot names annotators by number, whatever is asked
        self.drop_predictions = 0  # import_predictions creates none

    def take(self, name):
        left = getattr(self, name)
        setattr(self, name, max(left - 1, 0))
        return left > 0


def select(store, tasks, filters):
    items = filters.get("items", [])
    if not items:
        return tasks
    join = all if filters.get("conjunction", "and") == "and" else any
    return [t for t in tasks if join(passes(store, t, f) for f in items)]


def passes(store, task, item):
    name, operator, value = item["filter"], item["operator"], item["value"]
    if name == "filter:tasks:id" and operator == "greater":
        return task["id"] > value
    if name == "filter:tasks:data.al_id":
        key = task["data"].get("al_id")
        if operator == "in_list":
            return key in value
        if operator == "empty":
            return (not key) is (value in (True, "true"))
    if name in ("filter:tasks:total_annotations", "filter:tasks:cancelled_annotations"):
        cancelled = "cancelled" in name
        return len(store.annotations_of(task["id"], cancelled=cancelled)) > value
    if name.startswith("filter:tasks:predictions_") and operator == "contains":
        return any(suits(p, name, value) for p in store.of_task(store.predictions, task["id"]))
    if name == "filter:tasks:completed_at" and operator == "empty":
        who = {a["completed_by"] for a in store.annotations_of(task["id"], cancelled=False)}
        return (len(who) < task["overlap"]) is value
    if name == "filter:tasks:annotations_ids" and operator == "empty":
        return (not store.of_task(store.annotations, task["id"])) is value
    if name == "filter:tasks:draft_exists" and operator == "equal":
        return bool(store.of_task(store.drafts, task["id"])) is value
    raise Bad(500, f"the fake has no filter {name} {operator}")


def suits(prediction, name, value):
    if name.endswith("model_versions"):
        return prediction["model_version"] in value
    return value in json.dumps(prediction["result"])


def check_config(config, used):
    try:
        root = ET.fromstring(config)
    except ET.ParseError as error:
        raise Bad(400, str(error)) from None
    names = {e.get("name") for e in root.iter() if e.get("toName")}
    for e in root.iter("Choices"):
        if not len(e):
            raise Bad(400, "Validation failed on : 'Choice' is a required property")
    if used - names:
        raise Bad(400, "Validation error", {"label_config": [f"{used - names} are used"]})


def check_labels(config, used):
    """As the server does for a page that is only to be validated; a change is not held up."""
    choices = {c.get("value") for c in ET.fromstring(config).iter("Choice")}
    if lacking := used - choices:
        message = f"These labels still exist in annotations or drafts:\n{sorted(lacking)}"
        raise Bad(400, "Validation error", {"non_field_errors": [message]})


def variables(config):
    values = (e.get("value", "") for e in ET.fromstring(config).iter() if not e.get("toName"))
    found = [v[1:] for v in values if v.startswith("$")]
    choices = {c.get("value", "")[1:] for c in ET.fromstring(config).iter("Choice")}
    return {v for v in found if v not in choices}
