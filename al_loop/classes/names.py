"""What a name (or number) that somebody typed stands for."""

from collections.abc import Mapping
from shlex import quote

from al_loop.data.text import normalize, shown
from al_loop.errors import DataError
from al_loop.labels import folded
from al_loop.nearest import near
from al_loop.store import Store, candidates, class_changes, items
from al_loop.store.candidates import Candidate


def known_class(store: Store, typed: str, *, former: bool = False) -> str:
    """Return the class that was typed; with `former` also under a name that it had before.

    Raises:
        DataError: there is none.
    """
    current = {folded(c.name): c.name for c in items.classes(store)}
    wanted = folded(typed)
    if wanted in current:
        return current[wanted]
    now = class_changes.names(store).get(wanted)
    if now is not None and former:
        return now
    if now is not None:
        raise DataError(f"{shown(typed)} is {shown(now)} by now", hint=f"name {shown(now)} instead")
    raise unknown(typed, current, "no class")


def unknown(typed: str, names: Mapping[str, str], what: str) -> DataError:
    """Return the error for a name that is not there; `names` maps folded names to themselves."""
    meant = near(folded(typed), names)
    return DataError(
        f"{shown(typed)} is {what} of this workspace{meant}", hint="`al-loop classes` lists them"
    )


def candidate(store: Store, typed: str, *, by_number: bool) -> Candidate | None:
    """Return the group that has the name, or else the number, that was typed."""
    found = candidates.all_(store)
    wanted = folded(typed)
    named = next((c for c in found if folded(c.name) == wanted), None)
    if named is not None or not by_number:
        return named
    return next((c for c in found if wanted == str(c.id)), None)


def class_of(store: Store, typed: str) -> str | None:
    """Return the class that a name, or the number of a group, counts as."""
    name = class_changes.names(store).get(folded(typed))
    accepted = candidates.accepted_as(store, normalize(typed))
    if name is None and accepted is not None:
        name = class_changes.names(store).get(folded(accepted))
    return name


def counts_as(store: Store, typed: str) -> str:
    """Say that a name is that of a class, or counts as one; '' when it does neither."""
    name = class_of(store, typed)
    if name is None:
        return ""
    if folded(name) == folded(typed):
        return f"{shown(name)} is a class already"
    return f"{shown(typed)} counts as {shown(name)} already"


def command(action: str, *names: str) -> str:
    """Return a command to type.

    >>> command("merge", "a b", "c")
    "al-loop classes merge 'a b' c"
    """
    return " ".join(["al-loop classes", action, *map(quote, names)])
