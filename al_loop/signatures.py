"""The options of a strategy: its keyword-only parameters, held against config.toml."""

import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from al_loop.errors import ConfigError
from al_loop.nearest import near

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


def table(name: str) -> str:
    """Return the header of a strategy's options in config.toml.

    >>> table("margin"), table("skactiveml.pool:Badge")
    ('[strategies.margin]', '[strategies."skactiveml.pool:Badge"]')
    """
    return f"[strategies.{key(name)}]"


def key(name: str) -> str:
    """Return a name as a key of TOML, quoted where it has to be."""
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else f'"{name}"'


def described(name: str, function: Callable[..., Any]) -> tuple[Option, ...]:
    """Return the options of a strategy as people and programs read them.

    Raises:
        ConfigError: it does not take what a strategy takes.
    """
    hints = _type_hints(function)
    return tuple(
        Option(
            p.name,
            _type_name(hints.get(p.name, p.annotation)),
            None if _is_required(p) else p.default,
            _is_required(p),
        )
        for p in _options(name, function).values()
    )


def check(name: str, function: Callable[..., Any], values: Mapping[str, Any]) -> None:
    """Hold values against a signature.

    Raises:
        ConfigError: it does not take what a strategy takes, an option is unknown, of a wrong
            type or missing; names it.
    """
    options = _options(name, function)
    hints = _type_hints(function)
    for option, value in values.items():
        if option not in options:
            has = f"options: {', '.join(options)}" if options else f"{name} has no options"
            raise ConfigError(
                f"{table(name)} {option}: unknown option{near(option, options)}", hint=has
            )
        _check_type(name, option, value, hints.get(option))
    for option, parameter in options.items():
        if _is_required(parameter) and option not in values:
            raise ConfigError(
                f"{table(name)} {option}: this strategy can't do without it",
                hint=f"add {table(name)} to config.toml",
            )


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty


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
    except (AttributeError, NameError, SyntaxError, TypeError):  # for a type checker only
        return {}


def _type_name(hint: Any) -> str:
    if _is_union(hint):
        return " or ".join(map(_type_name, typing.get_args(hint)))
    if hint in (inspect.Parameter.empty, types.NoneType):
        return "" if hint is inspect.Parameter.empty else "none"
    return inspect.formatannotation(hint)


def _check_type(name: str, option: str, value: object, hint: Any) -> None:
    members = typing.get_args(hint) if _is_union(hint) else (hint,)
    if not all(m in _ACCEPTS or m is types.NoneType for m in members):
        return  # a type we can't judge is the strategy's own affair
    accepted = {t for m in members if m is not types.NoneType for t in _ACCEPTS[m]}
    finite = not isinstance(value, float) or math.isfinite(value)
    if type(value) not in accepted or not finite:
        wanted = " or ".join(m.__name__ for m in members if m is not types.NoneType)
        raise ConfigError(
            f"{table(name)} {option} must be of type {wanted}, not {value!r}",
            hint="edit config.toml",
        )


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)
