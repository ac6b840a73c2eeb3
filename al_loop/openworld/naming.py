"""Names of groups: of their key phrases, or by a namer. Once given, a name stays."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from al_loop.cells import few, one_line, shorten
from al_loop.data.text import fold, name_fault, normalize
from al_loop.openworld.group import Group

LONGEST = 60  # characters of a name


class NamerError(Exception):
    """The namer gave no name that can be used; whoever asks falls back to key phrases.

    over: it would not answer for another group either.
    """

    def __init__(self, message: str, *, over: bool = False) -> None:
        super().__init__(message)
        self.over = over


class Namer(Protocol):
    """Makes a short name of texts, on another machine perhaps: `host`."""

    @property
    def host(self) -> str:
        """Where the texts go."""

    def __call__(self, texts: Sequence[str]) -> str:
        """Return what it answers; raises NamerError for none."""


def named(groups: Sequence[Group], taken: Iterable[str]) -> list[Group]:
    """Give groups without a name one of their phrases that is not taken; keep those of others."""
    used = {fold(name) for name in taken} | {fold(g.name) for g in groups if g.name}
    found = []
    for group in groups:
        name = group.name or of_phrases(group.phrases, used)
        used.add(fold(name))
        found.append(replace(group, name=name))
    return found


def of_phrases(phrases: Sequence[str], used: Iterable[str]) -> str:
    """Return the first phrase, with further ones or a number where others have that name.

    used: folded names that are taken.

    >>> of_phrases(["card arrival", "waiting"], {"card arrival"})
    'card arrival, waiting'
    """
    used = set(used)
    usable = [p for phrase in phrases if (p := shorten(normalize(one_line(phrase)), LONGEST))]
    first = usable[0] if usable else "group"
    longer = [f"{first}, {p}" for p in usable[1:] if len(first) + len(p) + 2 <= LONGEST]
    for name in [first, *longer]:
        if fold(name) not in used and not name_fault(name):
            return name
    n = 2
    while fold(f"{first} {n}") in used:
        n += 1
    return f"{first} {n}"


def by_namer(
    groups: Sequence[Group],
    texts: Mapping[int, Sequence[str]],
    namer: Namer,
    taken: Iterable[str],
    say: Callable[[str], None],
) -> list[Group]:
    """Return the groups, some of them with names by a namer; whatever fails leaves a name as it is.

    texts: `index` of a group -> its most central texts. taken: names that no group may get.
    """
    if not texts:
        return list(groups)
    n, many = sum(map(len, texts.values())), len(texts)
    say(f"sending {n} texts of {many} group{'s' * (many > 1)} to {namer.host}")
    names = {g.index: g.name for g in groups}
    taken, failed = set(taken), []
    for index, mine in texts.items():
        try:
            others = {name for i, name in names.items() if i != index}
            names[index] = checked(namer(mine), taken - {names[index]} | others)
        except NamerError as e:
            failed.append(str(e))
            if e.over:
                break
    if failed:
        said = few(list(dict.fromkeys(failed)), 3)
        say(f"{namer.host}: {said}; key phrases are the names of those groups")
    return [replace(g, name=names[g.index]) for g in groups]


def checked(answer: str, taken: Iterable[str]) -> str:
    """Return a namer's answer as a name.

    Raises:
        NamerError: it is empty, too long, no single line, or a name that is taken.
    """
    name = normalize(answer).strip(
        "\"'`*. \N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    )
    if not name:
        raise NamerError("an empty answer")
    if len(name) > LONGEST:
        raise NamerError(f"an answer of {len(name):,} characters")
    if name_fault(name) or name != one_line(name):
        raise NamerError("an answer with characters that no name has")
    if not any(c.isalnum() for c in name):
        raise NamerError("an answer without a word")
    if fold(name) in {fold(t) for t in taken}:
        raise NamerError(f"a name that is taken: {shorten(name)}")
    return name
