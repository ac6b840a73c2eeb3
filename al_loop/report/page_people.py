"""The sections of a report about annotators and what suggestions do to them."""

from collections.abc import Iterator, Mapping
from typing import Any

from al_loop.html import Block, Heading, Note, Prose, Table
from al_loop.report.page_quality import folded

_PEOPLE = {
    "annotator": "annotator",
    "answered": "texts answered",
    "skipped": "skipped",
    "median_seconds": "median seconds",
    "timed": "timed answers",
    "last": "last answer",
}
_PAIRS = 11  # rows that are seen at once: all, and ten pairs
_RATE = {"share": "share", "interval": "95 % interval", "n": "comparisons"}


def blocks(facts: Mapping[str, Any]) -> Iterator[Block]:
    """Return annotators, their agreement, and the effect of suggestions."""
    yield Heading("Annotators")
    if not facts["annotators"]:
        yield Prose("Nobody has answered yet.")
        return
    rows = [
        r | {"last": f"{r['last_answer'][:10]} {r['last_answer'][11:16]}"}
        for r in facts["annotators"]
    ]
    yield Table("What each person did (times are UTC)", _PEOPLE, rows)
    yield from _agreement(facts["agreement"])
    yield from _suggestions(facts["suggestions"])


def _agreement(found: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Agreement", 3)
    if not found["all"]["n"]:
        yield Prose(
            "No text has labels of two people. [batch] overlap sends a share of each batch to"
            " several."
        )
        return
    everyone = {"a": "all pairs", "b": None, **found["all"]}
    pairs = found["pairs"] if len(found["pairs"]) > 1 else []
    columns = {"a": "annotator", "b": "and"} | _RATE | {"n": "texts both labeled"}
    rows = [_rate(r) for r in (everyone, *pairs)]
    yield from folded("How often two people gave a text the same label", columns, rows, _PAIRS)
    yield Note(f"{found['texts']:,} texts have labels of at least two people.")


def _suggestions(found: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Suggestions", 3)
    if not found["shown"]["n"] and not found["blind"]["n"]:
        yield Prose("No answered text had a suggestion of the model.")
        return
    shown, blind, gap = found["shown"], found["blind"], found["difference"]
    says = "Nothing to compare yet: [batch] blind_share hides some suggestions."
    if gap:
        says = (
            f"People said what the model suggested for {shown['share']:.3f} of the texts when they"
            f" saw the suggestion, and for {blind['share']:.3f} when it was hidden: a difference of"
            f" {gap['value']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}). A clear plus means"
            " that people follow the model."
        )
    yield Prose(says)
    yield Table(
        "How often people said what the model suggested",
        {"who": "suggestion"} | _RATE | {"n": "answers"},
        [_rate({"who": w, **found[k]}) for w, k in (("shown", "shown"), ("hidden", "blind"))],
    )


def _rate(r: Mapping[str, Any]) -> dict[str, Any]:
    between = None if r["low"] is None else f"{r['low']:.3f} to {r['high']:.3f}"
    return {**r, "interval": between}
