"""Everything that `al-loop report` says, as one record: the page, --md and --json read it."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from al_loop import config as configs
from al_loop.bars import Bar, no_bar
from al_loop.budget import price, spent
from al_loop.budget.saved import against_random
from al_loop.config import Config
from al_loop.report import budget, openworld, people, quality, status, textmap
from al_loop.report.quality import Vectors
from al_loop.store import Store, reporting, results, rounds
from al_loop.store.core import now
from al_loop.store.spending import Tally

_SUSPICIOUS = 50  # labels on the page
#: Options of a strategy that may hold a secret.
_SECRET = re.compile("(^|_|-)(api_?key|key|token|secret|passw(or)?d)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """An open workspace, as a report needs it.

    vectors: (encoder, text hashes, texts) -> (n, d) vectors; encodes what the cache lacks.
    map_path: where the places of the map are kept.
    say, bar: one line for people before something slow, and progress.
    """

    name: str
    store: Store
    config: Config
    vectors: Vectors
    models_dir: Path
    map_path: Path
    say: Callable[[str], None]
    bar: Bar = no_bar


def facts(source: Source, other: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Gather the facts of a workspace; `other` is the summary of one to compare it with."""
    store, config = source.store, round_config(source)
    total, worst = reporting.doubtful(store, _SUSPICIOUS)
    return {
        **summary(source),
        "other": other,
        "budget": _budget(source),
        **quality.facts(store, config, source.vectors, source.models_dir),
        **people.page_facts(store, source.config),
        "open": openworld.facts(store),
        "suspicious": {"total": total, "labels": worst},
        "map": textmap.facts(store, config, source.vectors, source.map_path, source.say),
        "rounds": results.history(store),
        "settings": settings(config),
        "versions": reporting.versions(store, rounds.last_number(store)),
    }


def summary(source: Source) -> dict[str, Any]:
    """Return the facts that two workspaces are compared by: no vector is looked at."""
    store = source.store
    standing = status.facts(store, source.config)
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


def _budget(source: Source) -> dict[str, Any]:
    """Return what `al-loop budget --json` prints, and what was spent over time."""
    store, config = source.store, source.config
    saved = against_random(store, config, source.vectors, source.bar)
    return {
        **budget.facts(store, config, dt.datetime.now(dt.UTC), saved),
        "over_time": _over_time(store, config),
    }


def _over_time(store: Store, config: Config) -> list[dict[str, Any]]:
    """Return the sums up to each day (or hour, or minute) on which somebody answered."""
    points: dict[str, dict[str, Any]] = {}
    labels, answers, skips, hours = 0, 0, 0, 0.0
    steps = reporting.spent_by_time(store)
    for at, tally in steps:
        labels, answers, skips = (
            labels + tally.labels,
            answers + tally.answers,
            skips + tally.skips,
        )
        hours += tally.hours or 0.0
        timed = None if tally.hours is None else hours
        so_far = spent.cost(Tally(labels, answers, skips, timed), config.budget)
        points[at or steps[-1][0]] = {"at": at, **asdict(so_far)}
    return [p for p in points.values() if p["at"]]


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
        "used_up": price.used_up(config, standing),
    }


def round_config(source: Source) -> Config:
    """Return the settings of the newest round, which may differ from config.toml by now."""
    number = rounds.last_number(source.store)
    if not number:
        return source.config
    stored = rounds.get_round(source.store, number).config
    return configs.parse(stored, source=f"round {number}")


def settings(config: Config) -> dict[str, Any]:
    """Return the options by their full names, without where the key lies and other secrets."""
    dumped = config.model_dump(mode="json", exclude={"label_studio": {"token_file"}})
    dumped["label_studio"]["url"] = _address(config.label_studio.url)
    dumped["discovery"]["namer_url"] = _address(config.discovery.namer_url)
    for options in dumped["strategies"].values():
        options.update({name: "(not shown)" for name in options if _SECRET.search(name)})
    found: dict[str, Any] = {}
    for section, values in dumped.items():
        if section == "classes":
            found["classes"] = len(values)  # the table of classes names them
        elif isinstance(values, dict):
            found.update({f"{section}.{name}": value for name, value in values.items()})
        else:
            found[section] = values
    return found


def _address(url: str) -> str:
    """Return a server's address without a password, or whatever else may stand around it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not shown)"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else ""
