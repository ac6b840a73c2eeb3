"""The sections of a report about annotators and what suggestions do to them."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from al_loop import html
from al_loop.html import Block, Heading, Note, Prose, Table
from al_loop.report import annotators_words as words
from al_loop.report.annotators_disputes import counted
from al_loop.report.annotators_targets import MISSED
from al_loop.report.page_quality import folded

_PEOPLE = {
    "annotator": "annotator",
    "answered": "texts answered",
    "skipped": "skipped",
    "shared": "shared texts",
    "agreement": "agreement (95 % interval)",
    "gold": "accuracy (95 % interval)",
    "median_seconds": "median seconds",
    "last": "last answer",
}
_PEOPLE_NOTE = (
    "Times are UTC. Seconds are without breaks. Agreement: how often another person said the same."
    " Accuracy: on texts whose label was set by hand or adjudicated."
)
_ALL = {"measure": "measure", "value": "value", "interval": "95 % interval", "on": "on"}
_CLASSES = {
    "class": "class",
    "texts": "texts",
    "share": "agreement",
    "interval": "95 % interval",
    "alpha": "alpha",
    "alpha_interval": "95 % of alpha",
}
_PAIRS = {
    "a": "annotator",
    "b": "and",
    "n": "texts both labeled",
    "share": "agreement",
    "interval": "95 % interval",
    "kappa": "Cohen's kappa",
    "kappa_interval": "95 % of kappa",
}
_DISPUTES = {
    "id": "id",
    "said": "labeled",
    "label": "counts as",
    "quality": "quality",
    "text": "text",
}
_ROWS = 10  # that are seen at once
_TEXT = 300  # characters of a text in a table
_RATE = {"share": "share", "interval": "95 % interval", "n": "answers"}


def blocks(facts: Mapping[str, Any]) -> Iterator[Block]:
    """Return annotators, their agreement, the effect of suggestions, and disagreements."""
    yield Heading("Annotators")
    people = facts["annotators"]
    if not people:
        yield Prose("Nobody has answered yet.")
        return
    yield Table("What each person did, and how well", _PEOPLE, list(_people(people)), _PEOPLE_NOTE)
    lines = words.target_lines(facts["targets"])
    for target, line in zip(facts["targets"].values(), lines, strict=True):
        yield Note(f"{line[0].upper()}{line[1:]}.", _kind(target))
    yield from _agreement(facts["agreement"])
    yield from _suggestions(facts["suggestions"], facts["leaning"])
    yield from _disagreements(facts["disagreements"])


def _people(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for r in rows:
        yield r | {
            "last": f"{r['last_answer'][:10]} {r['last_answer'][11:16]}",
            "agreement": words.interval(r["agreement"]),
            "gold": words.interval(r["gold"]),
            "median_seconds": words.seconds(r["median_seconds"]),
        }


def _kind(target: Mapping[str, Any]) -> Literal["info", "warning"]:
    return "warning" if target["standing"] == MISSED else "info"


def _agreement(found: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Agreement", 3)
    if not found["texts"]:
        yield Prose(f"No text has labels of two people: {words.OVERLAP}.")
        return
    note = f"{words.SELECTED[0].upper()}{words.SELECTED[1:]}." if found["selected"] else ""
    yield Table("How much people agree", _ALL, words.measures(found), note)
    classes = [words.with_intervals(r) for r in found["classes"][:_ROWS]]
    title = "Classes that people agree on least: where one says it, how often another does"
    rest = len(found["classes"]) - len(classes)
    note = f"{rest} more: al-loop annotators agreement --csv." if rest else ""
    yield Table(title, _CLASSES, classes, note)
    pairs = [words.with_intervals(r) for r in found["pairs"]]
    yield from folded("How often two people gave a text the same label", _PAIRS, pairs, _ROWS)


def _suggestions(found: Mapping[str, Any], wrong: Mapping[str, Any]) -> Iterator[Block]:
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
    line = words.leaning_line(wrong)
    yield Prose(f"{line[0].upper()}{line[1:]}.")
    kinds = ("shown", "shown"), ("hidden", "blind")
    yield Table(
        "How often people said what the model suggested",
        {"what": "suggestions", "who": "were"} | _RATE,
        [
            _rate({"what": what, "who": who, **of[key]})
            for what, of in (("all", found), ("wrong ones", wrong))
            for who, key in kinds
            if of[key]["n"]
        ],
    )


def _disagreements(found: Mapping[str, Any]) -> Iterator[Block]:
    if not found["total"]:
        return
    yield Heading("Disagreements", 3)
    rows = [
        r | {"said": counted(r["votes"]), "text": html.shorten(r["text"], _TEXT)}
        for r in found["texts"]
    ]
    note = ""
    if found["total"] > len(rows):
        note = f"Of {found['total']:,} texts. al-loop annotators disagreements shows all."
    yield Table(
        "Texts that people labeled differently, most uncertain first", _DISPUTES, rows, note
    )


def _rate(r: Mapping[str, Any]) -> dict[str, Any]:
    return {**r, "interval": words.ends(r["low"], r["high"])}
