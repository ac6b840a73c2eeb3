"""Add, rename, merge and describe classes."""

from dataclasses import dataclass

from al_loop.app import App
from al_loop.classes.deciding import accept
from al_loop.classes.live import Outcome, Say, change
from al_loop.classes.names import command, counts_as, known_class
from al_loop.data.text import shown
from al_loop.errors import DataError
from al_loop.fix import signature
from al_loop.labels import folded
from al_loop.store import Store, candidates, class_changes, items
from al_loop.store import classes as table
from al_loop.store.class_changes import New
from al_loop.types import ClassSpec


def add(app: App, spec: ClassSpec, author: str, say: Say, *, live: bool = True) -> Outcome:
    """Add a class. Answers that asked for it become labels at once; a candidate is accepted.

    Raises:
        DataError: the name can't be used, or differs from a known one only in case.
    """
    spec, author = items.clean_class(spec), signature(author)
    if candidates.named(app.store, [spec.name]):
        return accept(app, spec.name, author, say, spec=spec, live=live)

    def work(store: Store) -> str:
        before = counts_as(store, spec.name)
        if items.add_class(store, spec, "command", author):
            return f"class {shown(spec.name)} added"
        return before

    return change(app, work, say, live=live)


def rename(app: App, old: str, new: str, author: str, say: Say, *, live: bool = True) -> Outcome:
    """Give a class another name. Answers keep the old one, and count as the new one.

    Raises:
        DataError: there is no such class, or the new name is another's.
    """
    to, author = items.clean_class(ClassSpec(new)).name, signature(author)

    def work(store: Store) -> str:
        if old != to and class_changes.names(store).get(folded(old)) == to:
            return f"{shown(old)} is called {shown(to)} already"
        was = known_class(store, old)
        if was == to:
            return f"{shown(was)} is called so already"
        _refuse_taken(store, was, to)
        table.rename(store, was, to)
        class_changes.add(store, New("rename", [was, to], {was: to}), author)
        return f"{shown(was)} is called {shown(to)} now"

    return change(app, work, say, live=live)


def _refuse_taken(store: Store, was: str, to: str) -> None:
    now = class_changes.names(store).get(folded(to))
    if now is not None and now != was:
        is_now = "is a class" if folded(now) == folded(to) else f"counts as {shown(now)}"
        raise DataError(
            f"{shown(to)} {is_now} already",
            hint=f"`{command('merge', was, now)}` lets {shown(was)} count as it",
        )
    if candidates.named(store, [to]):
        raise DataError(
            f"{shown(to)} is a candidate, with answers of its own",
            hint=f"`{command('accept', to, '--as', was)}` lets it count as {shown(was)}",
        )


def merge(app: App, one: str, into: str, author: str, say: Say, *, live: bool = True) -> Outcome:
    """Let a class count as another one from now on; its own row goes.

    Raises:
        DataError: one of them is no class, or both are the same.
    """
    author = signature(author)

    def work(store: Store) -> str:
        if folded(one) == folded(into):
            raise DataError(f"{shown(one)} can't be merged with itself", hint="name two classes")
        kept = known_class(store, into, former=True)
        if class_changes.names(store).get(folded(one)) == kept and folded(one) != folded(kept):
            return f"{shown(one)} counts as {shown(kept)} already"
        gone = known_class(store, one)
        if gone == kept:
            raise DataError(
                f"{shown(into)} counts as {shown(gone)} already: nothing is left to merge",
                hint="`al-loop classes history` tells since when",
            )
        spec = next(c for c in items.classes(store) if c.name == gone)
        table.remove(store, gone)
        detail = {"description": spec.description, "examples": list(spec.examples)}
        class_changes.add(store, New("merge", [gone, kept], {gone: kept}, detail), author)
        return f"{shown(gone)} counts as {shown(kept)} now"

    return change(app, work, say, live=live)


@dataclass(frozen=True, slots=True)
class Described:
    """How a class is described anew; None leaves what is there."""

    description: str | None = None
    examples: tuple[str, ...] | None = None


def describe(
    app: App, name: str, wanted: Described, author: str, say: Say, *, live: bool = True
) -> Outcome:
    """Set the description of a class, its examples, or both.

    Raises:
        DataError: there is no such class, or a text can't be stored.
    """
    author = signature(author)

    def work(store: Store) -> str:
        class_ = known_class(store, name, former=True)
        before = next(c for c in items.classes(store) if c.name == class_)
        description, examples = wanted.description, wanted.examples
        after = ClassSpec(
            class_,
            before.description if description is None else description,
            before.examples if examples is None else examples,
        )
        after = items.clean_class(after)
        if after == before:
            return f"{shown(class_)} is described so already"
        table.describe(store, after)
        detail = {"description": after.description, "examples": list(after.examples)}
        class_changes.add(store, New("describe", [class_], detail=detail), author)
        return f"{shown(class_)} is described anew"

    return change(app, work, say, live=live)
