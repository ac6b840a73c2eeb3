"""What the fake Label Studio remembers, and the answers it makes of it.

The shapes are those of 1.23.2 Community, cut down to the fields that al-loop could look at;
tests/test_ls_contract.py compares them with the real server's.
"""

import datetime as dt
import hashlib
import json
import re

from tests.fakes.ls_rules import Bad, Knobs, check_config, check_labels, select, variables


def now():
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Store:
    def __init__(self):
        self.users = {1: "al@example.com", 2: "ann@example.com", 3: "bob@example.com"}
        self.left = {}  # accounts that are not in the organization any more
        self.projects, self.tasks, self.annotations = {}, {}, {}
        self.predictions, self.drafts, self.views, self.exports = {}, {}, {}, {}
        self.last = {}
        self.held, self.background = [], []
        self.knobs = Knobs()

    def new_id(self, kind):
        self.last[kind] = self.last.get(kind, 0) + 1
        return self.last[kind]

    # projects

    def project(self, pid):
        if pid not in self.projects:
            raise Bad(404, "No Project matches the given query.")
        return self.projects[pid]

    def create_project(self, body):
        title = body.get("title") or ""
        if not 3 <= len(title) <= 50:
            message = "Ensure this field has at least 3 characters."
            raise Bad(400, "Validation error", {"title": [message]})
        pid = self.new_id("project")
        self.projects[pid] = {
            "id": pid,
            "title": title,
            "description": "",
            "label_config": "<View></View>",
            "expert_instruction": "",
            "show_instruction": False,
            "model_version": "",
            "maximum_annotations": 1,
        }
        return self.change_project(pid, body)

    def change_project(self, pid, body):
        project = self.project(pid)
        changes = {k: v for k, v in body.items() if k in project and k != "id"}
        if "label_config" in changes:
            check_config(changes["label_config"], self.used_controls(pid))
        if "expert_instruction" in changes:
            text = re.sub(r"<!--.*?-->", "", changes["expert_instruction"], flags=re.S)
            changes["expert_instruction"] = text
        version = changes.get("model_version")
        if version and version not in self.versions(pid):
            message = "Model version doesn't exist either as live model or as static predictions."
            raise Bad(400, "Validation error", {"model_version": [message]})
        project.update(changes)
        return project

    def delete_project(self, pid):
        self.project(pid)
        self.delete_tasks([t["id"] for t in self.tasks_of(pid)])
        del self.projects[pid]

    def used_controls(self, pid):
        used = set()
        for a in self.annotations.values():
            if a["project"] == pid and isinstance(a["result"], list):
                used |= {r.get("from_name") for r in a["result"] if isinstance(r, dict)}
        return used

    def used_labels(self, pid):
        """Labels of answers, skips included, and of drafts: none if there are only skips."""
        answers = [a for a in self.annotations.values() if a["project"] == pid]
        drafts = [d for d in self.drafts.values() if self.tasks[d["task"]]["project"] == pid]
        if not drafts and all(a["was_cancelled"] for a in answers):
            return set()
        results = [row["result"] for row in (*answers, *drafts)]
        regions = [r for result in results if isinstance(result, list) for r in result]
        values = [r.get("value") for r in regions if isinstance(r, dict)]
        return {c for v in values if isinstance(v, dict) for c in v.get("choices") or ()}

    def validate(self, pid, config):
        project = self.project(pid)
        if not config:
            message = "Label config is not set or is empty"
            raise Bad(400, "Validation error", {"non_field_errors": [message]})
        check_config(config, self.used_controls(pid))
        check_labels(config, self.used_labels(pid))
        return {"config_essential_data_has_changed": config != project["label_config"]}

    def versions(self, pid):
        counts = {}
        for p in self.predictions.values():
            if p["project"] == pid:
                counts[p["model_version"]] = counts.get(p["model_version"], 0) + 1
        return counts

    # tasks

    def task(self, tid):
        if tid not in self.tasks:
            raise Bad(404, "No Task matches the given query.")
        return self.tasks[tid]

    def tasks_of(self, pid):
        return [t for t in self.tasks.values() if t["project"] == pid]

    def import_tasks(self, pid, rows):
        project = self.project(pid)
        if not rows:
            message = "load_tasks: No tasks added"
            raise Bad(400, "Validation error", {"non_field_errors": [message]})
        needed = variables(project["label_config"])
        for i, row in enumerate(rows):
            for name in needed - set(row.get("data", {})):
                message = f'Error at item {i}: "{name}" key is expected in task data :: {row}'
                raise Bad(400, "Validation error", {"non_field_errors": [message]})
        ids = self.insert(project, rows)
        if self.knobs.take("duplicate_on_lock"):
            self.insert(project, rows)
        predictions = sum(len(r.get("predictions", [])) for r in rows)
        answer = {"task_count": len(ids), "annotation_count": 0, "prediction_count": predictions}
        return answer if self.knobs.take("drop_ids") else {**answer, "task_ids": ids}

    def insert(self, project, rows):
        ids = []
        for row in rows:
            tid = self.new_id("task")
            self.tasks[tid] = {
                "id": tid,
                "data": row["data"],
                "project": project["id"],
                "overlap": project["maximum_annotations"],
                "created_at": now(),
                "updated_at": now(),
            }
            for p in row.get("predictions", []):
                self.predict({**p, "task": tid})
            ids.append(tid)
        return ids

    def predict(self, body):
        task = self.task(body["task"])
        pid = self.new_id("prediction")
        version = body.get("model_version") or "undefined"
        self.predictions[pid] = {
            "id": pid,
            "result": body["result"],
            "model_version": version,
            "score": body.get("score"),
            "task": task["id"],
            "project": task["project"],
        }
        project = self.project(task["project"])
        project["model_version"] = project["model_version"] or version
        return self.predictions[pid]

    def delete_prediction(self, pid):
        if pid not in self.predictions:
            raise Bad(404, "No Prediction matches the given query.")
        del self.predictions[pid]

    def delete_tasks(self, ids):
        gone = [i for i in ids if self.tasks.pop(i, None)]
        for rows in (self.annotations, self.predictions, self.drafts):
            for key in [k for k, row in rows.items() if row["task"] in gone]:
                del rows[key]
        return len(gone)

    def delete_selected(self, pid, data):
        """As the server does: selection and filters both count, an empty selection is none."""
        self.project(pid)
        found = select(self, self.tasks_of(pid), data.get("filters") or {})
        chosen = data["selectedItems"]["included"]
        gone = self.delete_tasks([t["id"] for t in found if not chosen or t["id"] in chosen])
        return {"processed_items": gone, "detail": f"Deleted {gone} tasks"}

    def of_task(self, rows, tid):
        return [row for row in rows.values() if row["task"] == tid]

    def annotations_of(self, tid, *, cancelled):
        found = self.of_task(self.annotations, tid)
        return [a for a in found if a["was_cancelled"] is cancelled]

    def show_task(self, task, *, everything):
        tid = task["id"]
        predictions = self.of_task(self.predictions, tid)
        return {
            **task,
            "total_annotations": len(self.annotations_of(tid, cancelled=False)),
            "cancelled_annotations": len(self.annotations_of(tid, cancelled=True)),
            "total_predictions": len(predictions),
            "drafts": self.of_task(self.drafts, tid) if everything else [],
            "predictions": predictions,
            "annotations": self.of_task(self.annotations, tid),
        }

    # answers

    def annotate(self, tid, body):
        if not isinstance(body.get("result"), list):
            raise Bad(400, "Validation error", {"result": ["Expected a list of items."]})
        task = self.task(tid)
        aid = self.new_id("annotation")
        version = self.project(task["project"])["model_version"]
        shown = [p for p in self.of_task(self.predictions, tid) if p["model_version"] == version]
        self.annotations[aid] = {
            "id": aid,
            "completed_by": body.get("completed_by", 1),
            "result": body["result"],
            "was_cancelled": bool(body.get("was_cancelled")),
            "ground_truth": bool(body.get("ground_truth")),
            "created_at": now(),
            "updated_at": now(),
            "lead_time": body.get("lead_time"),
            "prediction": shown[0] if shown else {},
            "task": tid,
            "project": task["project"],
        }
        return self.annotations[aid]

    def annotation(self, aid):
        if aid not in self.annotations:
            raise Bad(404, "No Annotation matches the given query.")
        return self.annotations[aid]

    def draft(self, tid, body):
        self.task(tid)
        did = self.new_id("draft")
        self.drafts[did] = {"id": did, "task": tid, "result": body["result"]}
        return self.drafts[did]

    # snapshots

    def snapshot(self, pid, body):
        self.project(pid)
        view = self.views.get((body.get("task_filter_options") or {}).get("view"))
        tasks = self.tasks_of(pid)
        if view is not None:
            tasks = select(self, tasks, view["data"]["filters"])
        by = (body.get("serialization_options") or {}).get("annotations__completed_by")
        named = by is not None and not by.get("only_id") and not self.knobs.take("numbers_only")
        rows = [self.export_row(t, named=named) for t in tasks]
        if self.knobs.take("short_snapshot"):
            rows = rows[:-1]
        content = json.dumps(rows).encode()
        eid = self.new_id("export")
        failed = self.knobs.take("fail_snapshot")
        self.exports[eid] = {
            "title": body.get("title", ""),
            "id": eid,
            "created_at": now(),
            "status": "failed" if failed else "completed",
            "md5": hashlib.md5(content).hexdigest(),
            "counters": {"task_number": len(rows)},
            "project": pid,
            "content": content,
        }
        if self.knobs.take("wrong_md5"):
            self.exports[eid]["md5"] = "0" * 32
        return self.exports[eid]

    def export_row(self, task, *, named):
        shown = self.show_task(task, everything=True)
        if named:
            shown["annotations"] = [
                {**a, "completed_by": self.account(a["completed_by"])} for a in shown["annotations"]
            ]
        return {**shown, "predictions": [p["id"] for p in shown["predictions"]]}

    def account(self, uid):
        email = {**self.users, **self.left}.get(uid)
        told = {"id": uid, "email": email, "first_name": "", "last_name": ""}
        return None if email is None else told

    def export(self, pid, eid):
        found = self.exports.get(eid)
        if found is None or found["project"] != pid:
            raise Bad(404, None)
        return found
