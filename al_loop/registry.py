"""Query strategies by name: entry points in, strategies with their parameters bound out.

Built-in strategies come through the same entry-point group as anyone else's. A name with a
colon, ``package.module:function``, needs no registration (`al_loop.foreign`).
"""

import inspect
import math
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

import numpy as np

from al_loop import signatures
from al_loop.errors import ConfigError
from al_loop.foreign import names as foreign
from al_loop.foreign.adapt import adapt
from al_loop.nearest import near
from al_loop.signatures import Option, table
from strategies.base import PoolView, Strategy

GROUP = "al_loop.strategies"
MIX = "mix"


@dataclass(frozen=True, slots=True)
class Installed:
    """A strategy as it is installed; one that can't be used has a `problem`."""

    name: str
    function: str
    package: str
    version: str
    doc: str = ""
    options: tuple[Option, ...] = ()
    problem: str = ""


def names() -> list[str]:
    """Return the names of all strategies that are registered, sorted."""
    return sorted(_found())


def summary(name: str) -> str:
    """Return what a strategy does in one line: the first of its docstring.

    Raises:
        ConfigError: no strategy has this name, or it can't be imported.
    """
    text = inspect.getdoc(_function(name)) or ""
    return text.partition("\n")[0]


def installed(name: str) -> Installed:
    """Return where a strategy comes from and what it takes, or why it can't be used.

    `mix` takes no options: the shares are in ``[batch] mix``.

    Raises:
        ConfigError: no strategy is registered under this name, which has no colon.
    """
    if not foreign.is_foreign(name):
        check_name(name)
    known = partial(Installed, name, *_origin(name))
    try:
        function = _function(name)
        options = () if name == MIX else signatures.described(name, function)
    except ConfigError as e:
        return known(problem=e.message)
    return known(doc=inspect.getdoc(function) or "", options=options)


def _origin(name: str) -> tuple[str, str, str]:
    """Return the function, its package and the package's version, as far as they are known."""
    if foreign.is_foreign(name):
        return name, *foreign.distribution(name)
    point = _found()[name][0]
    package, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
    return point.value, package, version


def check_name(name: str) -> None:
    """Refuse a name that no strategy has, with the nearest that one has.

    Raises:
        ConfigError: no strategy has this name.
    """
    if foreign.is_foreign(name):
        foreign.find(name)
        return
    known = names()
    if name not in known:
        others = "a strategy of another library is written package.module:name"
        raise ConfigError(
            f"no strategy is called {name!r}{near(name, known)}",
            hint=others if "." in name else f"strategies: {', '.join(known)}",
        )


def load(
    name: str, *, params: Mapping[str, Mapping[str, Any]], mix: Mapping[str, float]
) -> Strategy:
    """Return a strategy with its parameters bound; `mix` is built out of its parts.

    name: as in ``[batch] strategy``.
    params: the tables ``[strategies.<name>]``, all of them.
    mix: the shares in ``[batch] mix``, used by the strategy mix only.

    Raises:
        ConfigError: unknown strategy, table, option or part, or a wrong value; names it.
    """
    check_name(name)
    known = names()
    for other in params:
        if foreign.is_foreign(other):
            check_name(other)
        elif other not in known:
            raise ConfigError(
                f"{table(other)} is of no strategy{near(other, known)}",
                hint=f"strategies: {', '.join(known)}",
            )
    if name == MIX:
        return _load_mix(params, mix)
    return _bind(name, params.get(name, {}))


def _found() -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    return found


def _function(name: str) -> Callable[..., Any]:
    if foreign.is_foreign(name):
        return _callable(name, name, foreign.find(name))
    check_name(name)
    point, *others = _found()[name]
    for other in others:
        if other.value != point.value:
            raise ConfigError(
                f"two packages have a strategy {name!r}: {point.value} and {other.value}",
                hint="uninstall one of them",
            )
    try:
        with redirect_stdout(sys.stderr):  # stdout is for JSON
            found = point.load()
    except (Exception, SystemExit) as e:  # a module of anybody's can raise anything
        raise ConfigError(
            f"strategy {name!r} can't be imported from {point.value}: {e}",
            hint="reinstall the package that it comes from",
        ) from e
    return _callable(name, point.value, found)


def _callable(name: str, where: str, found: Any) -> Callable[..., Any]:
    if not callable(found):
        raise ConfigError(
            f"strategy {name!r}: {where} is not a function", hint="see docs/strategies.md"
        )
    return adapt(name, found)


def _load_mix(params: Mapping[str, Mapping[str, Any]], shares: Mapping[str, float]) -> Strategy:
    hint = "for example: mix = { margin = 0.7, novelty = 0.3 }"
    if params.get(MIX):
        raise ConfigError("[strategies.mix] has no options, the shares are [batch] mix", hint=hint)
    if not shares:
        raise ConfigError("[batch] mix has no parts", hint=hint)
    known = [n for n in names() if n != MIX]
    parts: dict[str, tuple[Strategy, float]] = {}
    for part, share in shares.items():
        if part == MIX:
            raise ConfigError("[batch] mix can't have mix as a part", hint=hint)
        if part not in known and not foreign.is_foreign(part):
            raise ConfigError(
                f"[batch] mix: no strategy is called {part!r}{near(part, known)}",
                hint=f"parts: {', '.join(known)}",
            )
        if not _is_share(share):
            raise ConfigError(
                f"[batch] mix: the share of {part} must be a positive number, not {share!r}",
                hint=hint,
            )
        parts[part] = (_bind(part, params.get(part, {})), float(share))
    return partial(_function(MIX), parts=parts)


def _is_share(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < cast("float", value) < math.inf


def _bind(name: str, values: Mapping[str, Any]) -> Strategy:
    """Bind parameters by keyword, after checking names, types and, by a trial, ranges."""
    function = _function(name)
    signatures.check(name, function, values)
    bound = cast("Strategy", partial(function, **values)) if values else function
    if values:
        _try(name, bound)
    return bound


def _try(name: str, strategy: Strategy) -> None:
    """Ask for no text of an empty pool: strategies check their values before anything else."""
    nothing = PoolView(embeddings=np.empty((0, 1), dtype=np.float32))
    try:
        strategy(nothing, 0, np.random.default_rng(0))
    except (Exception, SystemExit) as e:  # a strategy of anybody's can raise anything
        said = str(e) or type(e).__name__
        raise ConfigError(f"{table(name)} {said}", hint="edit config.toml") from e
