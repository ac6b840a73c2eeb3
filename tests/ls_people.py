"""A Label Studio, real or fake, as its people and its administrator see it: only HTTP."""

import uuid

import httpx

from al_loop.annotators.label_studio import LabelStudio
from al_loop.types import ProjectRef
from tests.fakes.label_studio import TOKEN
from tests.ls_helpers import pull_request, push_request


class Server:
    """One project on one server, and the adapter for it."""

    def __init__(self, url):
        self.url = url
        headers = {"Authorization": f"Token {TOKEN}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False)
        self.project = ProjectRef(1, uuid.uuid4().hex, "al-loop test")

    def adapter(self, url=None, **more):
        return LabelStudio(url or self.url, TOKEN, **{"timeout": 120, "settle": 0.05, **more})

    def ask(self, method, path, body=None, **params):
        answer = self.http.request(method, path, json=body, params=params)
        assert answer.status_code < 300, answer.text[:300]
        return answer.json() if answer.content else None

    def users(self):
        """Two accounts that can answer, whichever way the server makes them."""
        found = self.ask("GET", "/api/users/")
        while len(found) < 2:
            body = {"email": f"ann{len(found)}@example.com", "username": "ann", "password": "x"}
            self.ask("POST", "/api/users/", body)
            found = self.ask("GET", "/api/users/")
        return [u["id"] for u in found[:2]]

    def tasks(self, remote):
        params = {"project": remote, "page_size": 10000, "fields": "all"}
        return self.ask("GET", "/api/tasks/", **params)["tasks"]

    def counts(self, remote):
        found = {}
        for each in self.tasks(remote):
            key = each["data"].get("al_id")
            found[key] = found.get(key, 0) + 1
        return found

    def annotate(self, task_id, result, **more):
        path = f"/api/tasks/{task_id}/annotations/"
        return self.ask("POST", path, {"result": result, "lead_time": 1.5, **more})


def push(server, ls=None, n=9, **more):
    request = push_request(n, project=server.project, **more)
    return (ls or server.adapter()).push(request)


def pull(server, n=9, **more):
    return server.adapter().pull(pull_request(n, project=server.project, **more))
