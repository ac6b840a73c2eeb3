"""What `al-loop doctor` asks a server about, as plain records."""

from dataclasses import dataclass
from typing import Any, Literal

from al_loop.annotators.label_studio import page, project, tasks
from al_loop.annotators.label_studio.client import Api
from al_loop.types import Offer, ProjectRef


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The server's release, e.g. '1.23.2', and edition, e.g. 'Community'; '' if it won't say."""

    version: str
    edition: str


@dataclass(frozen=True, slots=True)
class UserInfo:
    """Whom the key belongs to, and of which kind it is."""

    email: str
    token: Literal["personal", "legacy"]


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """The project as it stands. `lacking` is not on its labeling page, `gone` still is."""

    id: int
    title: str
    tasks: int
    model_version: str
    lacking: tuple[str, ...]
    gone: tuple[str, ...] = ()


def server(api: Api) -> ServerInfo:
    """Return what the server says about itself; needs no valid key."""
    told = api.get("api/version", None, _check_object)
    return ServerInfo(str(told.get("release") or ""), str(told.get("edition") or ""))


def user(api: Api) -> UserInfo:
    """Return whom the key belongs to; raises AuthError for a bad one."""
    told = api.get("api/current-user/whoami", None, _check_object)
    return UserInfo(str(told.get("email") or ""), "personal" if api.personal else "legacy")


def inspect(api: Api, ref: ProjectRef, offer: Offer) -> ProjectInfo | None:
    """Return the state of the project of `ref`; None when there is none yet."""
    found = project.find(api, ref)
    if found is None:
        return None
    shown = set(page.class_names(found.label_config))
    offered = (*offer.classes, *offer.candidates)
    return ProjectInfo(
        id=found.id,
        title=found.title,
        tasks=tasks.count(api, found.id),
        model_version=found.model_version,
        lacking=tuple(c.name for c in offered if c.name not in shown),
        gone=tuple(name for name in offer.gone if name in shown),
    )


def _check_object(answer: Any) -> None:
    if not isinstance(answer, dict):
        raise ValueError("no object")
