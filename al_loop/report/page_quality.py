"""The sections of a report about classes, errors, suspicious labels, and the map."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from al_loop import html
from al_loop.html import Block, Coloring, Heading, Note, Prose, Table, charts

_TEXT = 300  # characters of a text in a table
_CLASSES, _LABELS = 15, 10  # rows that are seen at once
_NOT_LABELED, _NOT_ASKED = "no label", "not asked yet"
_STATUS = {
    "given": "label from the data",
    "agreed": "label by people",
    "fixed": "label by hand",
    "conflict": "labeled differently",
    "skipped": "skipped",
    "proposed": "asks for a new class",
    "unusable": "answer without a label",
    "doubtful": "label looks wrong",
}


def blocks(facts: Mapping[str, Any]) -> Iterator[Block]:
    """Return the table of classes, the confusion matrix and the suspicious labels."""
    yield from _classes(facts)
    yield from _confusion(facts)
    yield from _suspicious(facts)


def _classes(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Classes")
    rows = facts["classes"]
    if not rows:
        yield Prose('No class is known yet. People write what they see into "missing class".')
        return
    quality = facts["quality"]
    if quality["note"]:
        yield Note(quality["note"])
    weakest = sorted(rows, key=lambda r: (r["f1"] is None, r["f1"] or 0.0, r["class"]))
    shown = [r | {"interval": _between(r["recall_low"], r["recall_high"])} for r in weakest]
    columns = {"class": "class", "labels": "labels"}
    if quality["source"]:
        columns |= {"texts": "texts measured", "precision": "precision", "recall": "recall"}
        columns |= {"interval": "95 % of recall", "f1": "F1"}
    where = f", measured on: {quality['source']} ({quality['texts']:,} texts)"
    title = f"The weakest classes{where}" if quality["source"] else "Classes and their labels"
    yield from folded(title, columns, shown, _CLASSES)


def folded(
    title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], n: int
) -> Iterator[Block]:
    """Show the first `n` rows; the others are opened by a click."""
    yield Table(title, columns, rows[:n])
    if rest := rows[n:]:
        yield Table(f"{len(rest)} more", columns, rest, folded=True)


def _between(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.2f} to {high:.2f}"


def _confusion(facts: Mapping[str, Any]) -> Iterator[Block]:
    found = facts["confusion"]
    if not found:
        return
    yield Heading("Classes that are confused")
    names, texts = found["classes"], facts["quality"]["texts"]
    of = ""
    if len(names) < found["of"]:
        of = (
            f" Shown are the {len(names)} of {found['of']} classes with the most errors;"
            f" {found['outside']:,} texts lie outside."
        )
    yield charts.matrix(
        "Confusion matrix",
        f"{found['errors']:,} of {texts:,} texts are classified wrongly"
        f" ({facts['quality']['source']}).{of}",
        names,
        found["matrix"],
    )
    if found["worst"]:
        columns = {"class": "true class", "predicted": "predicted as", "texts": "texts"}
        yield Table("The most frequent errors", columns, found["worst"])


def _suspicious(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Suspicious labels")
    total, rows = facts["suspicious"]["total"], facts["suspicious"]["labels"]
    yield from _doubt_change(facts["rounds"])
    if not rows:
        yield Prose("No label looks wrong, as far as the newest audit can tell.")
        return
    look = "label looks" if total == 1 else "labels look"
    yield Prose(
        f"{total:,} {look} wrong to classifiers that did not see them, and beside the most similar"
        " texts. A doubt near 1 is severe. al-loop noise push asks another person about the worst;"
        " al-loop fix sets one by hand."
    )
    columns = {"item_id": "id", "label": "label", "suggested": "looks like", "doubt": "doubt"}
    columns |= {"confidence": "probability of the label", "neighbors": "share of similar texts"}
    columns |= {"who": "labeled by", "text": "text"}
    texts = [r | {"who": _who(r), "text": html.shorten(r["text"], _TEXT)} for r in rows]
    yield from folded("The most suspicious labels", columns, texts, _LABELS)
    if total > len(rows):
        yield Note(f"These are the {len(rows)} worst of {total:,}. al-loop noise shows all.")


def _who(r: Mapping[str, Any]) -> str:
    who = ", ".join(r["by"]) or "the data"
    return f"{who} (test set)" if r["role"] == "test" else who


def _doubt_change(rounds: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """Say what it changed in the newest round that doubtful labels counted less in training."""
    measured = [r for r in rounds if r["doubt_change"] is not None]
    if not measured:
        return
    r = measured[-1]
    between = f"{r['doubt_change_low']:+.3f} to {r['doubt_change_high']:+.3f}"
    yield Prose(
        f"In round {r['number']} such labels counted less in training, or not at all. Against"
        f" training on all alike, that changed the accuracy on the test set by"
        f" {r['doubt_change']:+.3f} (95 % interval {between})."
    )


def map_blocks(facts: Mapping[str, Any]) -> Iterator[Block]:
    """Return the map of the texts."""
    yield Heading("Map of the texts")
    found = facts["map"]["points"]
    total = facts["map"]["total"]
    if not found:
        yield Prose(f"{total} texts are too few for a map.")
        return
    shown = f"All {total:,} texts of the pool."
    if len(found) < total:
        shown = (
            f"{len(found):,} of {total:,} texts, sampled: those that people saw first, the rest"
            " at random."
        )
    batches = [_NOT_ASKED if p["round"] is None else f"round {p['round']}" for p in found]
    colorings = [
        Coloring("class", [p["class"] or _NOT_LABELED for p in found], (_NOT_LABELED,)),
        Coloring("batch", batches, (_NOT_ASKED,), ordered=True),
        Coloring("status", [_status(p) for p in found], (_NOT_ASKED,)),
    ]
    yield html.points(
        "Texts that mean similar things lie near each other",
        f"{shown} Distances within a group mean something, those between far groups little.",
        [(p["x"], p["y"]) for p in found],
        [_says(p) for p in found],
        colorings,
    )


def _status(p: Mapping[str, Any]) -> str:
    if p["status"] is None:
        return _NOT_ASKED if p["round"] is None else "with the annotators"
    return _STATUS[p["status"]]


def _says(p: Mapping[str, Any]) -> str:
    batch = "" if p["round"] is None else f", round {p['round']}"
    return f"{p['text']}\n{p['class'] or _NOT_LABELED}{batch}, {_status(p)} ({p['id']})"
