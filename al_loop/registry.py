"""Query strategies by name: entry points in, strategies with their parameters bound out.

Built-in strategies come through the same entry-point group as anyone else's.
"""

import difflib
import inspect
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

import numpy as np

from al_loop.errors import ConfigError
from strategies.base import PoolView, Strategy

GROUP = "al_loop.strategies"
MIX = "mix"

#: The three positional arguments that every strategy takes.
_ARITY = 3
#: Types in a signature and the TOML values they take; a bool is no number here.
_ACCEPTS: Mapping[type, tuple[type, ...]] = {
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (str,),
}


@dataclass(frozen=True, slots=True)
class Option:
    """A parameter of a strategy. `default` is missing where `required` says so."""

    name: str
    type: str
    default: object
    required: bool


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
    """Return the names of all strategies that are installed, sorted."""
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
        ConfigError: no strategy has this name.
    """
    check_name(name)
    point = _found()[name][0]
    package, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
    known = partial(Installed, name, point.value, package, version)
    try:
        function = _function(name)
        options = {} if name == MIX else _options(name, function)
    except ConfigError as e:
        return known(problem=e.message)
    hints = _type_hints(function)
    described = (_described(p, hints.get(p.name, p.annotation)) for p in options.values())
    return known(doc=inspect.getdoc(function) or "", options=tuple(described))


def check_name(name: str) -> None:
    """Refuse a name that no strategy has, with the nearest that one has.

    Raises:
        ConfigError: no strategy has this name.
    """
    known = names()
    if name not in known:
        raise ConfigError(
            f"no strategy is called {name!r}{_near(name, known)}",
            hint=f"strategies: {', '.join(known)}",
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
    for table in params:
        if table not in known:
            raise ConfigError(
                f"[strategies.{table}] is of no strategy{_near(table, known)}",
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
    check_name(name)
    point, *others = _found()[name]
    for other in others:
        if other.value != point.value:
            raise ConfigError(
                f"two packages have a strategy {name!r}: {point.value} and {other.value}",
                hint="uninstall one of them",
            )
    try:
        function = point.load()
    except Exception as e:
        raise ConfigError(
            f"strategy {name!r} can't be imported from {point.value}: {e}",
            hint="reinstall the package that it comes from",
        ) from e
    if not callable(function):
        raise ConfigError(f"strategy {name!r}: {point.value} is not a function")
    return cast("Callable[..., Any]", function)


def _described(parameter: inspect.Parameter, hint: Any) -> Option:
    required = parameter.default is parameter.empty
    default = None if required else parameter.default
    return Option(parameter.name, _type_name(hint), default, required)


def _type_name(hint: Any) -> str:
    if _is_union(hint):
        return " or ".join(map(_type_name, typing.get_args(hint)))
    if hint in (inspect.Parameter.empty, types.NoneType):
        return "" if hint is inspect.Parameter.empty else "none"
    return inspect.formatannotation(hint)


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
        if part not in known:
            raise ConfigError(
                f"[batch] mix: no strategy is called {part!r}{_near(part, known)}",
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
    options = _options(name, function)
    hints = _type_hints(function)
    for option, value in values.items():
        if option not in options:
            has = f"options: {', '.join(options)}" if options else f"{name} has no options"
            raise ConfigError(
                f"[strategies.{name}] {option}: unknown option{_near(option, options)}", hint=has
            )
        _check_type(name, option, value, hints.get(option))
    for option, parameter in options.items():
        if parameter.default is parameter.empty and option not in values:
            raise ConfigError(
                f"[strategies.{name}] {option}: this strategy can't do without it",
                hint=f"add [strategies.{name}] to config.toml",
            )
    bound = cast("Strategy", partial(function, **values)) if values else function
    if values:
        _try(name, bound)
    return bound


def _options(name: str, function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C, say
        parameters = []
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) != _ARITY:
        raise ConfigError(
            f"strategy {name!r} must take (pool, n, rng), and its options by keyword only",
            hint="see docs/strategies.md",
        )
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}


def _type_hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError):  # names that exist for a type checker only
        return {}


def _check_type(name: str, option: str, value: object, hint: Any) -> None:
    members = typing.get_args(hint) if _is_union(hint) else (hint,)
    if not all(m in _ACCEPTS or m is types.NoneType for m in members):
        return  # a type we can't judge is the strategy's own affair
    accepted = {t for m in members if m is not types.NoneType for t in _ACCEPTS[m]}
    finite = not isinstance(value, float) or math.isfinite(value)
    if type(value) not in accepted or not finite:
        wanted = " or ".join(m.__name__ for m in members if m is not types.NoneType)
        raise ConfigError(
            f"[strategies.{name}] {option} must be of type {wanted}, not {value!r}",
            hint="edit config.toml",
        )


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _try(name: str, strategy: Strategy) -> None:
    """Ask for no text of an empty pool: strategies check their values before anything else."""
    nothing = PoolView(embeddings=np.empty((0, 1), dtype=np.float32))
    try:
        strategy(nothing, 0, np.random.default_rng(0))
    except (TypeError, ValueError) as e:
        raise ConfigError(f"[strategies.{name}] {e}", hint="edit config.toml") from e


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]}?" if near else ""
