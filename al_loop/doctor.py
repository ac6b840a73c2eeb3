"""Checks of everything a round needs; each says what to type when it is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from al_loop import encoder_check
from al_loop.app import App, strategy
from al_loop.config import class_specs
from al_loop.errors import AlLoopError
from al_loop.store import checks, items, offers, reviews, rounds


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. `hint` says what to type; `ok` None means it can't be told."""

    name: str
    ok: bool | None
    detail: str
    hint: str = ""


def examine(app: App) -> Iterator[Finding]:
    """Yield the findings, in the order in which things are needed.

    What needs the server is left out once the server or the key turned out to be wrong.
    """
    yield from _guarded("database", lambda: _database(app))
    yield from _guarded("settings", lambda: _settings(app))
    yield from _guarded("encoder", lambda: _encoder(app))
    server = list(_guarded("server", lambda: _server(app)))
    yield from server
    if any(f.ok is False for f in server):
        return
    key = list(_guarded("key", lambda: _key(app)))
    yield from key
    if all(f.ok for f in key):
        yield from _guarded("project", lambda: _project(app))
        yield from _guarded("review project", lambda: _review(app))


def _guarded(name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Turn an error into a finding."""
    try:
        yield from look()
    except AlLoopError as e:
        yield Finding(name, False, e.message, e.hint)


def _database(app: App) -> Iterator[Finding]:
    problems = list(checks.failures(app.store, app.workspace.models_dir))
    if problems:
        yield Finding("database", False, problems[0], "al-loop check")
        return
    found = items.count(app.store)
    yield Finding("database", True, f"{found} texts, {rounds.last_number(app.store)} rounds")


def _settings(app: App) -> Iterator[Finding]:
    """Try what a round would trip over: the strategy, its options, the columns to show."""
    strategy(app.config)
    app.check_shown()
    yield Finding("settings", True, f"strategy {app.config.batch.strategy}")
    known = {c.name for c in items.classes(app.store)}
    if new := [c.name for c in class_specs(app.config) if c.name not in known]:
        detail = f"config.toml has classes that count from the next round on: {', '.join(new[:5])}"
        yield Finding("classes", None, detail)


def _encoder(app: App) -> Iterator[Finding]:
    texts = [t[1] for t in items.texts(app.store)]
    report = encoder_check.check(app.embedder, texts)
    detail, _, hint = report.advice.partition(": ")
    name = app.config.model.encoder
    yield Finding("encoder", report.ok, detail or f"{name} knows the texts' language", hint)


def _server(app: App) -> Iterator[Finding]:
    info = app.label_studio.server()
    edition = f" {info.edition}" if info.edition else ""
    yield Finding("server", True, f"Label Studio {info.version}{edition}")
    for warning in app.label_studio.warnings():
        yield Finding("server", None, warning)


def _key(app: App) -> Iterator[Finding]:
    user = app.label_studio.user()
    kind = {"personal": "personal access token", "legacy": "legacy token"}[user.token]
    yield Finding("key", True, f"{kind} of {user.email}")


def _project(app: App) -> Iterator[Finding]:
    offer = offers.offer(app.store)
    info = app.label_studio.inspect(app.project, offer)
    if info is None:
        yield Finding("project", True, "none yet; the first al-loop round makes it")
        return
    yield Finding("project", True, f"{info.title!r} (number {info.id}), {info.tasks} tasks")
    if info.lacking:
        names = ", ".join(info.lacking[:5])
        yield Finding(
            "labeling page", False, f"lacks {names}", "al-loop round (its push adds them)"
        )
    elif info.gone:
        names = ", ".join(info.gone[:5])
        yield Finding(
            "labeling page", False, f"still offers {names}", "al-loop round (its push hides them)"
        )
    else:
        yield Finding("labeling page", True, f"offers all {len(offer.classes)} classes")
    yield _model_version(app, info.model_version)


def _review(app: App) -> Iterator[Finding]:
    """Look at the project for adjudication, where there is one."""
    ref = reviews.project(app.store, app.project.id)
    info = None if ref is None else app.label_studio.inspect(ref, offers.offer(app.store))
    if info is None:
        return
    told = f"{info.title!r} (number {info.id}), {info.tasks} tasks"
    if info.lacking or info.gone:
        what = f"{told}; its page offers other classes until the next push"
        yield Finding("review project", None, what)
    else:
        yield Finding("review project", True, told)


def _model_version(app: App, shown: str) -> Finding:
    current = rounds.open_round(app.store)
    last = rounds.last_number(app.store)
    wanted = rounds.get_round(app.store, last).model_version if last else ""
    if wanted and shown != wanted and current is not None and current.state != "selected":
        return Finding(
            "model version",
            False,
            f"people see suggestions of {shown or 'no model'}, not of {wanted}",
            f"Label Studio: project settings, Annotation, live predictions {wanted}",
        )
    return Finding("model version", True, shown or "none yet, no suggestions")
