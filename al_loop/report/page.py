"""The report as a page: the facts in the order in which a manager asks for them."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from al_loop import html
from al_loop.html import Block, Card, Cards, Heading, Note, Prose, Table
from al_loop.report import page_curves, page_open, page_people, page_quality

_ROUNDS = {
    "number": "round",
    "state": "state",
    "strategy": "strategy",
    "labels": "labels so far",
    "answers": "answers so far",
    "accuracy": "accuracy",
    "interval": "95 % interval",
    "macro_f1": "macro-F1",
    "classes_seen": "classes seen",
    "noise_found": "doubtful labels",
    "work": "seconds of computing",
}


def page(facts: Mapping[str, Any]) -> str:
    """Return the report as one HTML file."""
    return html.page(facts["name"], blocks(facts), kicker="al-loop report", made_at=_made_at(facts))


def markdown(facts: Mapping[str, Any]) -> str:
    """Return the same as Markdown."""
    return html.markdown(facts["name"], blocks(facts), made_at=_made_at(facts))


def _made_at(facts: Mapping[str, Any]) -> str:
    at = facts["made_at"]
    return f"{at[:10]} {at[11:16]} UTC"


def blocks(facts: Mapping[str, Any]) -> list[Block]:
    """Return the whole page."""
    return [
        *_headline(facts),
        *page_curves.blocks(facts),
        *page_open.blocks(facts),
        *page_quality.blocks(facts),
        *page_people.blocks(facts),
        *page_quality.map_blocks(facts),
        *_rounds(facts),
        *_settings(facts),
    ]


def _headline(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Prose(_standing(facts))
    best, cost, counts = facts["measured"], facts["cost"], facts["counts"]
    given = f", {counts['given']:,} more came with the data" if counts["given"] else ""
    accuracy = "not measured"
    if best:
        accuracy = f"{best['accuracy']:.3f}"
    yield Cards(
        [
            Card(
                "Texts labeled by people",
                f"{counts['labels']:,}",
                f"{counts['classes_seen']} of {counts['classes_known']} classes seen{given}",
            ),
            Card("Accuracy", accuracy, _measured(facts)),
            Card("Cost", *page_curves.cost_words(cost)),
            Card("Texts without a label", f"{facts['standing']['pool']:,}", "left in the pool"),
        ]
    )
    yield Note(f"Next: {facts['standing']['next']}.", "next")


def _standing(facts: Mapping[str, Any]) -> str:
    at, best = facts["standing"], facts["measured"]
    if at["state"] is None:
        return f"No round yet. {facts['counts']['items']:,} texts are here."
    reached = f", accuracy {best['accuracy']:.3f}" if best else ""
    reached = f"{facts['counts']['labels']:,} texts labeled by people{reached}."
    if at["state"] == "logged":
        return f"{reached} Round {at['round']} is logged; no round is open."
    settled = f": {at['settled']} of {at['texts']} texts are settled" if at["texts"] else ""
    return f"{reached} Round {at['round']} is open ({at['state']}){settled}."


def _measured(facts: Mapping[str, Any]) -> str:
    best = facts["measured"]
    if best is None:
        return "bring a test set, or label more of the random share"
    between = ""
    if best["accuracy_low"] is not None:
        between = f"95 % interval {best['accuracy_low']:.3f} to {best['accuracy_high']:.3f}, "
    return f"{between}after round {best['round']}, on: {facts['measured_on'] or 'unknown'}"


def _rounds(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Rounds")
    if not facts["rounds"]:
        yield Prose("None yet.")
        return
    rows = []
    for r in facts["rounds"]:
        low, high = r["accuracy_low"], r["accuracy_high"]
        between = None if low is None else f"{low:.3f} to {high:.3f}"
        rows.append(r | {"interval": between, "work": Decimal(f"{sum(r['seconds'].values()):.1f}")})
    sources = sorted({r["accuracy_from"] for r in facts["rounds"] if r["accuracy_from"]})
    note = f"Accuracy from: {', '.join(sources)}." if sources else ""
    yield Table("What each round brought", _ROUNDS, rows, note)
    if said := [r for r in rows if r["choice"]]:
        columns = {"number": "round", "strategy": "strategy", "choice": "what it chose, and why"}
        yield Table("How each batch was chosen", columns, said)


def _settings(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Settings")
    number = facts["standing"]["round"]
    of = f"of round {number}" if number else "of config.toml"
    yield Table(f"Settings {of}", {"option": "option", "value": "value"}, _pairs(facts["settings"]))
    if facts["versions"]:
        yield Table(
            f"Packages that selected round {number}",
            {"option": "package", "value": "version"},
            _pairs(facts["versions"]),
        )


def _pairs(values: Mapping[str, Any]) -> list[dict[str, str | None]]:
    return [
        {
            "option": k,
            "value": v or None if isinstance(v, str) else json.dumps(v, ensure_ascii=False),
        }
        for k, v in values.items()
    ]
