"""The strategies that are installed, with what config.toml says about them."""

import json
import re
from typing import Any

from al_loop import registry
from al_loop.config import Config
from al_loop.errors import ConfigError
from al_loop.foreign.names import is_foreign
from al_loop.signatures import key, table


def facts(config: Config) -> list[dict[str, Any]]:
    """Return one record a strategy: what `al-loop strategies --json` prints.

    Those that are registered, sorted by name, and then those of other libraries that config.toml
    names. Whatever keeps one from being used stands in its `problem`; the others are listed.
    """
    registered = registry.names()
    named = [config.batch.strategy, *config.batch.mix, *config.strategies]
    others = sorted({name for name in named if is_foreign(name)})
    return [_record(name, config) for name in [*registered, *others]]


def about(name: str, config: Config) -> dict[str, Any]:
    """Return the record of one strategy.

    Raises:
        ConfigError: no strategy has this name.
    """
    registry.check_name(name)
    return _record(name, config)


def _record(name: str, config: Config) -> dict[str, Any]:
    found = registry.installed(name)
    values = config.strategies.get(name, {})
    configured = config.batch.strategy == name
    options = [
        {
            "name": option.name,
            "type": option.type,
            "required": option.required,
            "default": _plain(option.default),
            "value": _plain(values.get(option.name, option.default)),
        }
        for option in found.options
    ]
    if name == registry.MIX:
        options = [_shares(config)]
    problem = found.problem or (_refusal(name, config) if values or configured else "")
    return {
        "name": name,
        "summary": found.doc.partition("\n")[0],
        "configured": configured,
        "share": _share(name, config),
        "options": options,
        "package": found.package,
        "version": found.version,
        "function": found.function,
        "source": _source(found.doc),
        "problem": problem,
        "doc": found.doc,
    }


def toml(record: dict[str, Any]) -> list[str]:
    """Return the lines with which config.toml chooses a strategy, its values written out."""
    lines = ["[batch]", f'strategy = "{record["name"]}"']
    given = [o for o in record["options"] if o["value"] is not None or o["required"]]
    options = [f"{o['name']} = {_toml(o)}" for o in given]
    if record["name"] == registry.MIX:
        return lines + options
    return [*lines, "", table(record["name"]), *options] if options else lines


def _refusal(name: str, config: Config) -> str:
    """Return why the values in config.toml don't fit the strategy, or ''."""
    try:
        registry.load(name, params={name: config.strategies.get(name, {})}, mix=config.batch.mix)
    except ConfigError as e:
        return e.message
    return ""


def _shares(config: Config) -> dict[str, Any]:
    default = dict(Config().batch.mix)
    value = dict(config.batch.mix)
    return {"name": "mix", "type": "shares", "required": False, "default": default, "value": value}


def _share(name: str, config: Config) -> float | None:
    """Return the share of a strategy in the mix, if the mix is what is configured."""
    return config.batch.mix.get(name) if config.batch.strategy == registry.MIX else None


def _source(doc: str) -> str | None:
    """Return the paper that a docstring names."""
    found = re.search(r"^Source: (.+?)(?:\n\s*\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else None


def _plain(value: object) -> Any:
    """Return what JSON can say, or how Python writes it."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return repr(value)
    return value


def _toml(option: dict[str, Any]) -> str:
    """Write a value as TOML: JSON's way, but for tables."""
    value = option["value"]
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key(k)} = {json.dumps(v)}" for k, v in value.items()) + " }"
    if value is None:
        return f"...   # {option['type']}"
    return json.dumps(value, ensure_ascii=False)
