"""Everything that `al-loop report` says, as one record: the page, --md and --json read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from al_loop import config as configs
from al_loop.budget import spent
from al_loop.config import Config
from al_loop.report import people, quality, status, textmap
from al_loop.report.quality import Vectors
from al_loop.store import Store, reporting, results, rounds
from al_loop.store.core import now

_SUSPICIOUS = 50  # labels on the page


@dataclass(frozen=True, slots=True)
class Source:
    """An open workspace, as a report needs it.

    vectors: (encoder, text hashes, texts) -> (n, d) vectors; encodes what the cache lacks.
    map_path: where the places of the map are kept.
    say: one line for people before something slow.
    """

    name: str
    store: Store
    config: Config
    vectors: Vectors
    models_dir: Path
    map_path: Path
    say: Callable[[str], None]


def facts(source: Source, other: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Gather the facts of a workspace; `other` is the summary of one to compare it with."""
    store, config = source.store, round_config(source)
    total, worst = reporting.doubtful(store, _SUSPICIOUS)
    return {
        **summary(source),
        "other": other,
        **quality.facts(store, config, source.vectors, source.models_dir),
        **people.facts(store),
        "suspicious": {"total": total, "labels": worst},
        "map": textmap.facts(store, config, source.vectors, source.map_path, source.say),
        "rounds": results.history(store),
        "settings": settings(config),
        "versions": reporting.versions(store, rounds.last_number(store)),
    }


def summary(source: Source) -> dict[str, Any]:
    """Return the facts that two workspaces are compared by: no vector is looked at."""
    store = source.store
    standing = status.facts(store)
    curve = reporting.curve(store)
    measured = [r for r in curve if r["accuracy"] is not None]
    wanted = ("round", "state", "texts", "settled", "open", "pool", "labeled", "next")
    return {
        "name": source.name,
        "made_at": now(),
        "standing": {key: standing[key] for key in wanted},
        "counts": results.counts(store),
        "measured": measured[-1] if measured else None,
        "measured_on": _measured_on(store, measured),
        "cost": _cost(store, source.config),
        "curve": curve,
    }


def _measured_on(store: Store, measured: list[dict[str, Any]]) -> str | None:
    if not measured:
        return None
    found: str | None = results.notes(store, measured[-1]["round"]).get("accuracy_from")
    return found


def _cost(store: Store, config: Config) -> dict[str, Any]:
    standing = spent.standing(store, config.budget)
    return {
        "labels": standing.cost.labels,
        "answers": standing.tally.answers,
        "hours": standing.cost.hours,
        "money": standing.cost.money,
        "currency": config.budget.currency,
        "limits": standing.limits,
        "left": standing.left,
    }


def round_config(source: Source) -> Config:
    """Return the settings of the newest round, which may differ from config.toml by now."""
    number = rounds.last_number(source.store)
    if not number:
        return source.config
    stored = rounds.get_round(source.store, number).config
    return configs.parse(stored, source=f"round {number}")


def settings(config: Config) -> dict[str, Any]:
    """Return the options by their full names, without where the key lies."""
    dumped = config.model_dump(mode="json", exclude={"label_studio": {"token_file"}})
    found: dict[str, Any] = {}
    for section, values in dumped.items():
        if section == "classes":
            found["classes"] = ", ".join(values)
        elif isinstance(values, dict):
            found.update({f"{section}.{name}": value for name, value in values.items()})
        else:
            found[section] = values
    return found
