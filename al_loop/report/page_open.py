"""The section of a report about classes: known, asked for, and groups that may be some."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from al_loop.html import Block, Heading, Note, Prose, Table, charts
from al_loop.html.charts import Series

_ROWS, _TEXT = 8, 160  # groups that are seen at once; characters of their texts
_ROUNDS = {
    "number": "round",
    "labels": "labels",
    "classes_seen": "classes seen",
    "new": "new among them",
    "still": "unseen, 90 % interval",
    "clusters": "groups",
    "novel_clusters": "novel",
    "noise": "HDBSCAN's noise",
}
_GROUPS = {
    "name": "name",
    "size": "texts",
    "phrases": "key phrases",
    "nearest": "nearest class",
    "similarity": "similarity",
    "stability": "stability",
    "offered": "on the page",
    "texts": "central texts",
}
_ENDS = ("unseen_low", "unseen_high")


def blocks(facts: Mapping[str, Any]) -> Iterator[Block]:
    """Return classes seen against labels, proposals and candidates."""
    rounds = [r for r in facts["rounds"] if r["classes_seen"] is not None]
    found = facts["open"]
    if not (rounds or found["proposals"] or found["candidates"]):
        return
    yield Heading("Classes: known, proposed, candidates")
    yield Prose(_standing(facts, rounds))
    if rounds:
        yield _seen(rounds)
    if found["proposals"]:
        rows = [{**p, "texts": _texts(p["texts"])} for p in found["proposals"]]
        columns = {"name": "class", "answers": "answers", "texts": "on texts like"}
        yield Table("Classes that people asked for", columns, rows)
    if found["candidates"]:
        yield from _groups(found["candidates"])
    if found["proposals"] or found["candidates"]:
        yield Note("al-loop classes decides: accept, reject, merge, rename.", "next")


def _standing(facts: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> str:
    counts, found = facts["counts"], facts["open"]
    known, seen = counts["classes_known"], counts["classes_seen"]
    are = "class is" if known == 1 else "classes are"
    told = [f"{known} {are} known, {seen} with a label"]
    if n := len(found["proposals"]):
        told.append(f"people asked for {n} more")
    parts = sum(c["origin"] == "split" for c in found["candidates"])
    if n := len(found["candidates"]) - parts:
        looks = "group of texts looks" if n == 1 else "groups of texts look"
        told.append(f"{n} {looks} like no known class")
    if parts:
        are = "part of a class that was split is" if parts == 1 else "parts of split classes are"
        told.append(f"{parts} {are} not decided on")
    words = "; ".join(told) + "."
    last = rounds[-1] if rounds else None
    if last and last["unseen"] is not None:
        words += f" Classes that nobody has seen yet, estimated: {_still(last)}, 90 % interval."
    if last and last["hdbscan_noise_share"] is not None:
        noise = f"{100 * last['hdbscan_noise_share']:.0f} %"
        words += f" HDBSCAN put {noise} of the unlabeled texts into no group (target: under 10 %)."
    return words


def _seen(rounds: Sequence[Mapping[str, Any]]) -> Block:
    last = rounds[-1]
    labels = [r["labels"] for r in rounds]
    series = [Series("seen", labels, [r["classes_seen"] for r in rounds])]
    guessed = [r for r in rounds if r["unseen"] is not None]
    if guessed:
        value, low, high = ([_total(r, end) for r in guessed] for end in ("unseen", *_ENDS))
        x = [r["labels"] for r in guessed]
        series.append(Series("seen and unseen, estimated", x, value, low, high))
    known = [r["classes_known"] for r in rounds]
    series.append(Series("known", labels, known, reference=True))
    rows = [
        {
            **r,
            "new": _percent(r["discovery_rate"]),
            "still": _still(r),
            "noise": _percent(r["hdbscan_noise_share"]),
        }
        for r in rounds
    ]
    estimate = " The band is the 90 % interval of the estimate." if guessed else ""
    return charts.lines(
        "Classes with a label against texts labeled by people",
        f"{last['classes_seen']} of {last['classes_known']} known classes have a label after"
        f" {last['labels']} labels.{estimate}",
        series,
        x="texts labeled by people",
        y="classes",
        numbers=Table("The same as a table", _ROUNDS, rows, folded=True),
    )


def _total(r: Mapping[str, Any], end: str) -> float | None:
    return None if r[end] is None else r["classes_seen"] + r[end]


def _still(r: Mapping[str, Any]) -> str | None:
    if r["unseen"] is None:
        return None
    low, high = (r[end] for end in _ENDS)
    between = "" if low is None or high is None else f" ({low:.0f} to {high:.0f})"
    return f"{r['unseen']:.0f}{between}"


def _groups(groups: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    rows = [
        {
            **g,
            "phrases": ", ".join(g["phrases"]),
            "offered": "yes" if g["offered"] else "no",
            "texts": _texts(g["central"]),
        }
        for g in groups
    ]
    yield Table("Groups of texts that may be classes", _GROUPS, rows[:_ROWS])
    if rest := rows[_ROWS:]:
        yield Table(f"{len(rest)} more", _GROUPS, rest, folded=True)


def _texts(texts: Sequence[str]) -> str:
    return " | ".join(
        t if len(t) <= _TEXT else t[: _TEXT - 1] + "\N{HORIZONTAL ELLIPSIS}" for t in texts
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.0f} %"
