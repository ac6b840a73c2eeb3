"""Names with a colon, ``package.module:function``: imported, or refused with what to do."""

import pkgutil
import sys
import warnings
from contextlib import nullcontext, redirect_stdout
from functools import cache, reduce
from importlib import import_module
from importlib.metadata import packages_distributions, version
from textwrap import shorten
from types import ModuleType
from typing import Any

from al_loop.errors import ConfigError
from al_loop.lean import without_torch
from al_loop.nearest import near

#: Libraries that import PyTorch without needing it here, and how each is installed.
_KNOWN = {
    "modAL": "pip install modAL-python",
    "skactiveml": 'pip install "al-loop[skactiveml]"',
}


def is_foreign(name: str) -> bool:
    """Tell a name that says where the strategy is from one that is registered."""
    return ":" in name


def find(name: str) -> Any:
    """Return what a name like ``package.module:function`` means.

    Raises:
        ConfigError: there is no such module or nothing of that name in it; says the nearest
            name, or how to install what is missing.
    """
    where, _, what = name.partition(":")
    if not all(part.isidentifier() for part in (*where.split("."), *what.split("."))):
        raise ConfigError(
            f"no strategy is called {name!r}",
            hint="a strategy of another library is written package.module:name",
        )
    module = _module(name, where)
    try:
        return reduce(getattr, what.split("."), module)
    except AttributeError as e:
        offered = [key for key in dir(module) if callable(getattr(module, key, None))]
        raise ConfigError(
            f"strategy {name!r}: {where} has no {what}{near(what, offered, where + ':')}",
            hint=_version(where) or f"look into {where}",
        ) from e


def distribution(name: str) -> tuple[str, str]:
    """Return the name and version of the package that a strategy is part of, or ''."""
    for package in _distributions().get(name.partition(".")[0].partition(":")[0], []):
        return package, version(package)
    return "", ""


@cache  # reads the lists of files of all that is installed
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _version(where: str) -> str:
    package, number = distribution(where)
    return f"installed is {package} {number}" if package else ""


def _module(name: str, where: str) -> ModuleType:
    top = where.partition(".")[0]
    try:
        lean = without_torch() if top in _KNOWN else nullcontext()
        with lean, redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs; people here can't do anything about them
            return import_module(where)
    except (Exception, SystemExit) as e:  # a module of anybody's can raise anything
        raise _refusal(name, where, e) from e


def _refusal(name: str, where: str, error: BaseException) -> ConfigError:
    top = where.partition(".")[0]
    install = _KNOWN.get(top, f"install the package that {top} is part of beside al-loop")
    absent = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if absent == top:
        return ConfigError(f"strategy {name!r}: {top} is not installed", hint=install)
    if absent and f"{where}.".startswith(f"{absent}."):
        package, _, last = absent.rpartition(".")
        meant = near(last, _modules(package), package + ".")
        return ConfigError(
            f"strategy {name!r}: {package} has no module {last}{meant}",
            hint=_version(where) or f"look into {package}",
        )
    said = shorten(f"{type(error).__name__}: {error}", 200)
    hint = f"install what has the module {absent}" if absent else "another version may fit better"
    if top in _KNOWN:
        hint = "see docs/strategies.md for those that work"
    return ConfigError(f"strategy {name!r}: {where} can't be imported: {said}", hint=hint)


def _modules(package: str) -> list[str]:
    places = getattr(import_module(package), "__path__", [])
    return [found.name for found in pkgutil.iter_modules(places)]
