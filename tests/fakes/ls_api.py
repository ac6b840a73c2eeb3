"""The fake Label Studio's endpoints: (method, path, query, headers, body) -> an answer."""

import base64
import copy
import json
import threading
import time

from tests.fakes.ls_rules import Bad, select
from tests.fakes.ls_store import Store, now

TOKEN = "0123456789abcdef0123456789abcdef01234567"
HTML = b"<!doctype html><html><title>404 | Label Studio</title></html>"


def jwt(kind, seconds):
    """A token that looks real to the SDK, which does not check signatures."""

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {"token_type": kind, "exp": int(time.time() + seconds)}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.{part({'s': kind})}"


PERSONAL = jwt("refresh", 10**8)


class Fake:
    """`handle` is the server; everything else is for tests."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.store = Store()
        self.lock = threading.RLock()
        self.log = []  # (method, path) of every request
        self.tokens = {TOKEN}
        self.legacy = True
        self.personal = True
        self.access = set()
        self.saved = {}  # name -> a copy of the store, for tests that go back

    @property
    def knobs(self):
        return self.store.knobs

    def handle(self, method, path, query, headers, body):
        """Answer one request: (status, headers, bytes)."""
        with self.lock:
            self.log.append((method, path))
            self.tick()
            try:
                if not path.startswith(self.prefix + "/"):
                    raise Bad(404, None)
                path = path[len(self.prefix) :]
                self.authorize(path, headers)
                data = json.loads(body) if body else None
                return self.reply(*self.route(method, path.strip("/").split("/"), query, data))
            except Bad as bad:
                return self.refusal(bad)

    def reply(self, status, answer):
        if isinstance(answer, bytes):
            return status, {"content-type": "application/json"}, answer
        if answer is None:
            return status, {}, b""
        content = json.dumps(answer).encode()
        return (
            status,
            {"content-type": "application/json", "set-cookie": "sessionid=s3cr3t"},
            content,
        )

    def refusal(self, bad):
        if bad.detail is None:
            return bad.status, {"content-type": "text/html; charset=utf-8"}, HTML
        answer = {"status_code": bad.status, "version": "1.23.2", "detail": bad.detail}
        if bad.errors:
            answer["validation_errors"] = bad.errors
        return bad.status, {"content-type": "application/json"}, json.dumps(answer).encode()

    def authorize(self, path, headers):
        if path.startswith(("/_fake", "/health", "/api/version", "/api/token/refresh")):
            return
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind == "Token" and token in self.tokens:
            if not self.legacy:
                raise Bad(
                    401,
                    "Authentication token no longer valid: legacy token authentication "
                    "has been disabled for this organization",
                )
            return
        if kind == "Bearer" and token in self.access:
            return
        if not token:
            raise Bad(401, "Authentication credentials were not provided.")
        raise Bad(401, "Invalid token.")

    def tick(self):
        """Let an import in the background run once three requests have passed."""
        for job in list(self.store.background):
            job["wait"] -= 1
            if job["wait"] <= 0:
                self.store.background.remove(job)
                self.store.import_tasks(job["project"], job["rows"])

    def land(self):
        """Carry out the imports that a client gave up on."""
        held, self.store.held = self.store.held, []
        for pid, rows in held:
            self.store.import_tasks(pid, rows)

    def route(self, method, parts, query, data):
        if parts == ["health"]:
            return 200, {"status": "UP"}
        if parts[0] == "_fake":
            return 200, self.control(parts[1], data or {})
        name = parts[1] if parts[0] == "api" and len(parts) > 1 else ""
        handler = getattr(self, f"api_{name.replace('-', '_')}", None)
        if handler is None:
            raise Bad(404, None)
        return handler(method, parts[2:], query, data)

    def api_version(self, method, rest, query, data):
        return 200, {"release": "1.23.2", "edition": "Community"}

    def api_token(self, method, rest, query, data):
        if not self.personal or (data or {}).get("refresh") != PERSONAL:
            raise Bad(401, "Token is blacklisted")
        token = jwt("access", 300 + len(self.access))
        self.access.add(token)
        return 200, {"access": token}

    def api_current_user(self, method, rest, query, data):
        return 200, {"id": 1, "email": self.store.users[1]}

    def api_users(self, method, rest, query, data):
        return 200, [{"id": i, "email": e, "username": ""} for i, e in self.store.users.items()]

    def api_projects(self, method, rest, query, data):
        if not rest:
            if method == "POST":
                return 201, pick(self.store.create_project(data), query)
            return 200, self.project_list(query)
        pid, rest = int(rest[0]), rest[1:]
        if not rest:
            if method == "DELETE":
                return 204, self.store.delete_project(pid)
            if method == "PATCH":
                return 200, pick(self.store.change_project(pid, data), query)
            return 200, pick(self.store.project(pid), query)
        return self.in_project(method, pid, rest, data)

    def in_project(self, method, pid, rest, data):
        if rest == ["validate"]:
            return 200, self.store.validate(pid, data.get("label_config"))
        if rest == ["import"]:
            return self.import_tasks(pid, data)
        if rest == ["import", "predictions"]:
            return 201, {"created": self.import_predictions(pid, data)}
        if rest == ["model-versions"]:
            return 200, self.store.versions(pid)
        if rest[0] == "exports":
            return self.exports(method, pid, rest[1:], data)
        raise Bad(404, None)

    def project_list(self, query):
        page, size = int(query.get("page", 1)), int(query.get("page_size", 30))
        rows = sorted(self.store.projects.values(), key=lambda p: -p["id"])
        shown = rows[(page - 1) * size : page * size]
        if page > 1 and not shown:
            raise Bad(404, "Invalid page.")
        return {"count": len(rows), "results": [pick(p, query) for p in shown]}

    def import_tasks(self, pid, rows):
        if pid not in self.store.projects:
            raise Bad(404, None)
        if self.knobs.take("late_commit"):
            self.store.held.append((pid, rows))
            raise TimeoutError
        if self.knobs.take("background"):
            self.store.background.append({"project": pid, "rows": rows, "wait": 4})
            return 201, {"import": 1}
        return 201, self.store.import_tasks(pid, rows)

    def import_predictions(self, pid, rows):
        if self.knobs.take("drop_predictions"):
            return 0
        self.store.project(pid)
        return len([self.store.predict(row) for row in rows])

    def exports(self, method, pid, rest, data):
        hidden = ("content", "project")
        shown = lambda e: {k: v for k, v in e.items() if k not in hidden}  # noqa: E731
        if not rest:
            if method == "POST":
                return 201, shown(self.store.snapshot(pid, data))
            self.store.project(pid)
            return 200, [shown(e) for e in self.store.exports.values() if e["project"] == pid]
        export = self.store.export(pid, int(rest[0]))
        if rest[1:] == ["download"]:
            return 200, b"[]" if self.knobs.take("empty_snapshot") else export["content"]
        if method == "DELETE":
            del self.store.exports[export["id"]]
            return 204, None
        return 200, shown(export)

    def api_tasks(self, method, rest, query, data):
        if not rest:
            return 200, self.task_list(query)
        tid, rest = int(rest[0]), rest[1:]
        if rest == ["annotations"]:
            return 201, self.store.annotate(tid, data)
        if rest == ["drafts"]:
            return 201, self.store.draft(tid, data)
        task = self.store.task(tid)
        if method == "DELETE":
            self.store.delete_tasks([tid])
            return 204, None
        if method == "PATCH":
            task.update({k: v for k, v in data.items() if k in ("overlap", "data")})
        return 200, self.store.show_task(task, everything=True)

    def task_list(self, query):
        project = self.store.project(int(query.get("project", 0)))
        filters = json.loads(query.get("query", "{}")).get("filters", {})
        if self.knobs.take("repeat_page"):
            items = [f for f in filters["items"] if f["filter"] != "filter:tasks:id"]
            filters = {**filters, "items": items}
        if self.knobs.take("empty_page"):
            return {}
        tasks = select(self.store, self.store.tasks_of(project["id"]), filters)
        page, size = int(query.get("page", 1)), int(query.get("page_size", 100))
        shown = sorted(tasks, key=lambda t: t["id"])[(page - 1) * size : page * size]
        if page > 1 and not shown:
            raise Bad(404, "Invalid page.")
        everything = query.get("fields") == "all"
        rows = [pick(self.store.show_task(t, everything=everything), query) for t in shown]
        return {"total": len(tasks) + self.knobs.take("lying_total"), "tasks": rows}

    def api_annotations(self, method, rest, query, data):
        annotation = self.store.annotation(int(rest[0]))
        if method == "DELETE":
            del self.store.annotations[annotation["id"]]
            return 204, None
        annotation.update({**data, "updated_at": now()})
        return 200, annotation

    def api_predictions(self, method, rest, query, data):
        if method == "DELETE":
            return 204, self.store.delete_prediction(int(rest[0]))
        return 201, self.store.predict(data)

    def api_dm(self, method, rest, query, data):
        if rest == ["actions"] and query.get("id") == "delete_tasks":
            return 200, self.store.delete_selected(int(query["project"]), data)
        if method == "DELETE" and rest[:1] == ["views"] and int(rest[1]) in self.store.views:
            del self.store.views[int(rest[1])]
            return 204, None
        if rest != ["views"]:
            raise Bad(404, None)
        if method == "POST":
            vid = self.store.new_id("view")
            self.store.views[vid] = {"id": vid, "data": data["data"], "project": data["project"]}
            return 201, self.store.views[vid]
        pid = int(query["project"])
        return 200, [v for v in self.store.views.values() if v["project"] == pid]

    def control(self, name, data):
        """The test's own handles, over HTTP: knobs, land, dump, log, save, load."""
        if name == "knobs":
            for knob, value in data.items():
                setattr(self.knobs, knob, value)
        if name == "land":
            self.land()
        if name == "log":
            return self.log
        if name == "save":
            self.saved[data["as"]] = copy.deepcopy(self.store)
        if name == "load":
            self.store = copy.deepcopy(self.saved[data["as"]])
        return self.dump()

    def dump(self):
        """Everything that counts, for comparisons."""
        keys = {}
        for task in self.store.tasks.values():
            keys.setdefault(task["data"].get("al_id"), []).append(task["id"])
        return {
            "projects": list(self.store.projects.values()),
            "keys": keys,
            "annotations": list(self.store.annotations.values()),
            "predictions": len(self.store.predictions),
            "drafts": len(self.store.drafts),
            "exports": len(self.store.exports),
            "overlaps": {t["id"]: t["overlap"] for t in self.store.tasks.values()},
        }


def pick(row, query):
    """Cut a row down to the fields that the query includes."""
    names = query.get("include")
    return {k: v for k, v in row.items() if k in names.split(",")} if names else row
