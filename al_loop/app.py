"""The composition root: a workspace and its configuration become the parts of the loop."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from al_loop import config as configs
from al_loop.annotators.base import Annotator, Progress
from al_loop.bars import Bar, no_bar
from al_loop.config import Config
from al_loop.errors import ConfigError
from al_loop.files import lock
from al_loop.loop.parts import Parts, Vectors, quiet
from al_loop.store import Store, open_store, tasks
from al_loop.types import ProjectRef, Pulled, PullRequest, Pushed, PushRequest
from al_loop.workspace import Workspace, find
from strategies.base import Strategy

if TYPE_CHECKING:
    from al_loop.annotators.label_studio import LabelStudio
    from al_loop.embed import Embedder
    from al_loop.openworld.naming import Namer


@dataclass(frozen=True)
class App:
    """An open workspace. Whatever is slow to make is made when it is first used."""

    workspace: Workspace
    config: Config
    store: Store
    bar: Bar = no_bar
    embedders: "dict[str, Embedder]" = field(default_factory=dict)

    @cached_property
    def label_studio(self) -> "LabelStudio":
        """The adapter for the configured server."""
        from al_loop.annotators.label_studio import LabelStudio
        from al_loop.secrets import find_key, guard_logging
        from al_loop.server import resolve

        guard_logging()
        settings = self.config.label_studio
        url, local = resolve(self.workspace.server_dir, settings.url)
        key = find_key(settings.token_file, root=self.workspace.root, local=local)
        return LabelStudio(url, key.value, timeout=settings.timeout)

    @cached_property
    def embedder(self) -> "Embedder":
        """The configured encoder; nothing is loaded until a text has to be encoded."""
        return self._embedder(self.config.model.encoder)

    def vectors(self, encoder: str, hashes: Sequence[str], texts: Sequence[str]) -> Vectors:
        """Return the vectors of some texts by an encoder, through the workspace's cache."""
        from al_loop import embed

        where = (self.store, self.workspace.vectors_dir)
        return embed.vectors(*where, self._embedder(encoder), hashes, texts, self.bar)

    def _embedder(self, name: str) -> "Embedder":
        from al_loop.embed import load_embedder

        if name not in self.embedders:
            self.embedders[name] = load_embedder(name)
        return self.embedders[name]

    def parts(
        self, annotator: Annotator | None = None, say: Callable[[str], None] = quiet
    ) -> Parts:
        """Put the loop's parts together, for Label Studio or another annotator.

        The server and its key are looked for when they are first needed.
        """
        if annotator is None:
            project = self.project
            self.check_shown()
        else:
            project = self._project(type(annotator).__name__.lower())
        return Parts(
            store=self.store,
            annotator=annotator or Later(lambda: self.label_studio),
            project=project,
            vectors=self.vectors,
            strategy=strategy,
            models_dir=self.workspace.models_dir,
            lock=lambda: lock(self.workspace.lock_path),
            say=say,
            bar=self.bar,
            reviews=tasks.annotator(self.store, project.id) != "terminal",
            namer=self.namer,
        )

    @cached_property
    def namer(self) -> "Namer | None":
        """What names groups of texts, if config.toml says that anything does."""
        if not self.config.discovery.namer_url:
            return None
        from al_loop.openworld import namer

        return namer.make(self.config.discovery)

    @property
    def project(self) -> ProjectRef:
        """The labeling project in Label Studio, on the server or to be made there."""
        return self._project("label_studio", self.config.label_studio.project)

    def _project(self, annotator: str, pinned: int = 0) -> ProjectRef:
        found = tasks.find_project(self.store, annotator, pinned)
        if found is None:
            with lock(self.workspace.lock_path):  # Locked at once, instead of a busy database
                found = tasks.make_project(self.store, annotator, self.title, pinned)
        return found

    def check_shown(self) -> None:
        """Refuse columns that annotators should see but that were not kept."""
        kept = json.loads(self.store.meta("columns") or "{}").get("keep", [])
        for column in self.config.label_studio.show:
            if column not in kept:
                raise ConfigError(
                    f"[label_studio] show: the column {column!r} was not kept",
                    hint=f"al-loop import FILE --keep {column}, or take it out of config.toml",
                )

    @property
    def title(self) -> str:
        """What the project is called on the server."""
        folder = self.workspace.root.absolute().name
        return self.config.label_studio.title or f"al-loop {folder}"[:50]


@dataclass(frozen=True)
class Later:
    """An annotator that is made when it is first asked: a preview needs no server."""

    make: Callable[[], Annotator]

    def push(self, request: PushRequest, progress: Progress | None = None) -> Pushed:
        """Make the annotator and push."""
        return self.make().push(request, progress)

    def pull(self, request: PullRequest) -> Pulled:
        """Make the annotator and pull."""
        return self.make().pull(request)


def strategy(config: Config) -> Strategy:
    """Return the query strategy of a configuration, its random share drawn from the whole pool."""
    from al_loop import registry
    from strategies.candidates import inside
    from strategies.share import with_random_share

    batch = config.batch
    chosen = registry.load(batch.strategy, params=config.strategies, mix=batch.mix)
    return with_random_share(inside(chosen, batch.candidates), batch.random_share)


@contextmanager
def opened(root: Path, bar: Bar = no_bar) -> Iterator[App]:
    """Open the workspace in a folder.

    Raises:
        ConfigError: there is none, or its config.toml is wrong.
    """
    workspace = find(root)
    config = configs.load(workspace.config_path)
    store = open_store(workspace.db_path)
    try:
        yield App(workspace, config, store, bar)
    finally:
        store.close()
