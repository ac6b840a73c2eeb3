"""The code book: what each class means, with examples and the version of the list."""

from collections.abc import Iterator
from typing import Any

from al_loop import html
from al_loop.html import Block, Heading, Note, Prose, Table
from al_loop.labels import folded
from al_loop.store import Store, candidates, class_changes, items, overview
from al_loop.store.core import now

_EXAMPLES = 3  # of the labeled texts of a class that nobody gave an example of


def facts(store: Store, name: str) -> dict[str, Any]:
    """Return what the book of a workspace has in it; `name` is the workspace's."""
    changes = class_changes.history(store)
    labels = overview.labels_by_class(store)
    earlier: dict[str, list[str]] = {}
    for old in sorted(class_changes.former_names(store)):
        now_ = class_changes.names(store).get(folded(old))
        if now_ is not None and now_ != old:
            earlier.setdefault(now_, []).append(old)
    return {
        "name": name,
        "made_at": now(),
        "version": class_changes.version(store),
        "changed_at": changes[-1].at if changes else None,
        "changed_by": changes[-1].author if changes else None,
        "classes": [
            {
                "name": c.name,
                "description": c.description,
                "examples": list(c.examples) or _labeled(store, c.name),
                "chosen": bool(c.examples),
                "labels": labels.get(c.name, 0),
                "earlier": earlier.get(c.name, []),
            }
            for c in items.classes(store)
        ],
        "candidates": [
            {"name": c.name, "examples": list(c.central)}
            for c in candidates.all_(store)
            if c.offered
        ],
    }


def _labeled(store: Store, name: str) -> list[str]:
    return list(candidates.texts(store, overview.agreed_texts(store, name, _EXAMPLES)))


def page(found: dict[str, Any]) -> str:
    """Return the book as one HTML file."""
    return html.page(_title(found), list(_blocks(found)), kicker="code book", made_at=_when(found))


def markdown(found: dict[str, Any]) -> str:
    """Return the same as Markdown."""
    return html.markdown(_title(found), list(_blocks(found)), made_at=_when(found))


def _title(found: dict[str, Any]) -> str:
    return f"{found['name']}: the classes"


def _when(found: dict[str, Any]) -> str:
    return f"{found['made_at'][:10]} {found['made_at'][11:16]} UTC"


def _blocks(found: dict[str, Any]) -> Iterator[Block]:
    changed = ""
    if found["changed_at"]:
        changed = f", of {found['changed_at'][:10]} by {found['changed_by']}"
    yield Prose(f"Version {found['version']} of the classes{changed}.")
    if not found["classes"]:
        yield Note("No class yet.")
    for each in found["classes"]:
        yield Heading(each["name"])
        yield Prose(each["description"] or "Not described yet.")
        if each["earlier"]:
            yield Prose(f"Called before: {', '.join(each['earlier'])}.")
        if each["examples"]:
            which = "Examples" if each["chosen"] else "Labeled so, for example"
            yield Table(which, {"text": "text"}, [{"text": text} for text in each["examples"]])
    if found["candidates"]:
        yield Heading("New? To be confirmed")
        yield Prose("Groups of similar texts that may be classes. Choosing one proposes it.")
        for each in found["candidates"]:
            rows = [{"text": text} for text in each["examples"]]
            yield Table(each["name"], {"text": "text"}, rows)
