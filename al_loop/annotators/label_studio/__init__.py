"""Label Studio as the annotator: tasks go out exactly once in effect, answers come back whole.

What the server does and does not promise is written down where it matters: `faults` (the three
outcomes of a call), `client` (the calls), `tasks` (look-up and sweep), `project` and `page`
(the project and its labeling page), `push`, `take_back`, `snapshot` and `pull`, `parse` (answers).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from al_loop.annotators.base import Progress
from al_loop.annotators.label_studio.address import is_plain_remote
from al_loop.annotators.label_studio.client import Api
from al_loop.annotators.label_studio.faults import Lost, Refused
from al_loop.errors import InputError
from al_loop.types import (
    Offer,
    ProjectRef,
    Pulled,
    PullRequest,
    Pushed,
    PushRequest,
    TakenBack,
)

if TYPE_CHECKING:
    import httpx

    from al_loop.annotators.label_studio.doctor import ProjectInfo, ServerInfo, UserInfo
    from al_loop.annotators.label_studio.existing import Existing

__all__ = ["LabelStudio"]


class LabelStudio:
    """An `Annotator` on a Label Studio server (made for 1.23, Community edition).

    Args:
        url: address of the server, with a path if it has one.
        api_key: a personal access token or a legacy token.
        timeout: seconds that one call may take in all.
        settle: seconds until something is looked at again after an unclear answer.
        transport: takes the place of the network, for tests.
        sleep: takes the place of waiting, for tests.

    Raises:
        InputError: the address is not one.
        AuthError: the key is empty or holds impossible characters.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 60,
        settle: float = 0.3,
        transport: "httpx.BaseTransport | None" = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = Api(
            url, api_key, timeout=timeout, settle=settle, transport=transport, sleep=sleep
        )

    def push(self, request: PushRequest, progress: Progress | None = None) -> Pushed:
        """Make each task of `request` exist exactly once; see `Annotator.push`.

        Tasks that exist already get a prediction of the current model when they have none.
        """
        from al_loop.annotators.label_studio.push import Push

        with _translated(self.api):
            pushed = Push(self.api, request, progress).run()
        return replace(pushed, notes=pushed.notes + self.warnings())

    def pull(self, request: PullRequest) -> Pulled:
        """Return every annotation of the project, or raise; see `Annotator.pull`."""
        from al_loop.annotators.label_studio.pull import pull

        with _translated(self.api):
            return pull(self.api, request)

    def take_back(
        self,
        ref: ProjectRef,
        keys: Sequence[str],
        *,
        delete: bool = True,
        progress: Progress = lambda done: None,
    ) -> TakenBack:
        """Remove the tasks of some keys that nobody worked on; can be repeated.

        Without `delete` nothing is changed, and the result says what would be.

        Raises:
            ServerError: unreachable, or some could not be removed; run again.
            AuthError: the key was refused.
            InputError: what has the project's number is not ours.
        """
        from al_loop.annotators.label_studio import take_back

        with _translated(self.api):
            return take_back.take_back(self.api, ref, keys, delete=delete, progress=progress)

    def server(self) -> "ServerInfo":
        """Return the server's version and edition."""
        from al_loop.annotators.label_studio import doctor

        with _translated(self.api):
            return doctor.server(self.api)

    def user(self) -> "UserInfo":
        """Return whom the key belongs to. Raises AuthError for a bad one."""
        from al_loop.annotators.label_studio import doctor

        with _translated(self.api):
            return doctor.user(self.api)

    def inspect(self, ref: ProjectRef, offer: Offer) -> "ProjectInfo | None":
        """Return the state of a project, None when it does not exist yet."""
        from al_loop.annotators.label_studio import doctor

        with _translated(self.api):
            return doctor.inspect(self.api, ref, offer)

    def update_page(self, ref: ProjectRef, offer: Offer) -> bool:
        """Let the page of a live project say what is offered. False when there is none yet."""
        from al_loop.annotators.label_studio import project

        with _translated(self.api):
            found = project.find(self.api, ref)
            if found is not None:
                review = ref.role == "review"
                project.update_page(self.api, found, offer, context=False, review=review)
            return found is not None

    def existing(self, number: int) -> "Existing":
        """Return a project that others made, with all its tasks; nothing of it is changed.

        Raises:
            InputError: there is no such project.
            ServerError: it could not be read to its end.
        """
        from al_loop.annotators.label_studio import existing

        with _translated(self.api):
            return existing.read(self.api, number)

    def link(self, remote_id: int) -> str:
        """Return the address of the page where people label."""
        return self.api.labeling_url(remote_id)

    def warnings(self) -> tuple[str, ...]:
        """Return what is unsafe about the address, for people."""
        if is_plain_remote(self.api.url):
            return ("the key travels unencrypted: use https:// for a server on another machine",)
        return ()


@contextmanager
def _translated(api: Api) -> Iterator[None]:
    """Let no outcome of a single call escape as it is; leave no connection open.

    Hours may pass until the next pull, and a server closes idle connections by itself.
    """
    try:
        yield
    except Lost as lost:
        raise api.unreachable(lost.reason) from None
    except Refused as refused:
        if refused.status == 404:
            raise InputError(
                "the project or a part of it is gone from Label Studio",
                hint="run the same command again; `al-loop doctor` shows what is there",
            ) from None
        raise InputError(f"Label Studio refused a request: {refused}") from None
    finally:
        api.close()
