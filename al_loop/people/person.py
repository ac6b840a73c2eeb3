"""One annotator with an account and a session."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from al_loop.errors import AuthError, ServerError
from al_loop.people.page import TEXT, Decision, Offered, Skip, build_result, choices, ticked
from al_loop.secrets import remember
from al_loop.server import web

_TRIES = 4  # for a server that is busy; an answer carries its own id, so it counts once


@dataclass(frozen=True)
class Person:
    """Somebody with an account, logged in."""

    name: str
    email: str
    client: httpx.Client = field(repr=False)

    @classmethod
    def join(cls, invite: str, name: str, password: str) -> "Person":
        """Open the invite link and sign up, or log in when the account exists.

        Raises:
            AuthError: neither works, e.g. because the password is another one.
            ServerError: the server does not answer.

        """
        remember(password)
        parts = urlsplit(invite)
        client = web.browser(f"{parts.scheme}://{parts.netloc}")
        person = cls(name, f"{name.lower()}@al-loop.local", client)
        path = f"{parts.path}?{parts.query}"
        try:
            if web.sign_up(client, path, person.email, password):
                return person
            if web.sign_in(client, person.email, password):
                return person
            raise AuthError(f"{client.base_url} lets {person.email} neither sign up nor log in")
        except BaseException:
            client.close()
            raise

    def close(self) -> None:
        """Close the browser."""
        self.client.close()

    def classes(self, project: int) -> tuple[str, ...]:
        """Return the classes that the labeling page shows now, in its order."""
        return self.page(project)[0]

    def page(self, project: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the classes and the candidates that the labeling page shows now."""
        return choices(self._call("GET", f"/api/projects/{project}").json()["label_config"])

    def next_task(
        self, project: int, classes: tuple[str, ...], candidates: tuple[str, ...] = ()
    ) -> Offered | None:
        """Ask for a task as the page does; None when there is none left for this person."""
        reply = self._call("GET", f"/api/projects/{project}/next", allow=(404,))
        values = reply.json()
        if reply.status_code == 404:
            if str(values.get("detail", "")).startswith("There are no tasks"):
                return None
            raise ServerError(f"project {project} is not there for {self.email}")
        data = values["data"]
        shown = values["predictions"][0] if values["predictions"] else None
        suggested = tuple(shown["result"]) if shown else ()
        return Offered(
            id=values["id"],
            key=str(data.get("al_id", values["id"])),
            text=str(data[TEXT]),
            data=data,
            classes=classes,
            suggestion=ticked(suggested),
            suggested=suggested,
            prediction_id=shown["id"] if shown else None,
            candidates=candidates,
        )

    def submit(self, project: int, task: Offered, decision: Decision) -> None:
        """Send an answer as the page does. A second one to the same task changes nothing."""
        body = {
            "result": build_result(self.email, task, decision),
            "lead_time": decision.seconds,
            "draft_id": 0,
            "parent_prediction": task.prediction_id,
            "parent_annotation": None,
            "started_at": _ago(decision.seconds),
            "unique_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.email}/{project}/{task.id}")),
            "project": str(project),
        }
        if isinstance(decision, Skip):
            body["was_cancelled"] = True
        path = f"/api/tasks/{task.id}/annotations?project={project}"
        self._call("POST", path, allow=(409,), json=body)  # 409: an earlier try got through

    def _call(
        self, method: str, path: str, *, allow: tuple[int, ...] = (), **options: Any
    ) -> httpx.Response:
        for left in reversed(range(_TRIES)):
            try:
                reply = self.client.request(method, path, headers=web.csrf(self.client), **options)
            except httpx.TransportError as e:
                problem = type(e).__name__
            else:
                if reply.is_success or reply.status_code in allow:
                    return reply
                problem = f"status {reply.status_code}"
                if reply.status_code < 500:
                    break
            if left:
                time.sleep(0.5)
        raise ServerError(f"{method} {path.partition('?')[0]} of {self.email} failed: {problem}")


#: What somebody does with a task.
Decide = Callable[[Person, Offered], Decision]


def _ago(seconds: float) -> str:
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
