"""What is said about annotators, in the same words on the page and in the terminal."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from al_loop.report.annotators_targets import MISSED, REACHED
from al_loop.report.annotators_votes import DECIDED, GOLD, SHARED

OVERLAP = (
    "[batch] overlap = { share = 0.1, annotators = 2 } in config.toml sends a tenth of each batch"
    " to two people"
)
_STANDING = {REACHED: "reaches the target of", MISSED: "below the target of"}
_BASES = {
    GOLD: "texts that were sent to measure it",
    SHARED: "texts that several labeled, by what these count as",
    DECIDED: "texts set by hand or adjudicated, often for being difficult",
}

SELECTED = (
    "no two people answered a text when it was asked first: this is measured on texts that were"
    " asked again, often for being difficult, where people differ more often"
)


def percent(share: float | None) -> str | None:
    """Return a share in percent."""
    return None if share is None else f"{100 * share:.0f} %"


def seconds(number: float | None) -> Decimal | None:
    """Return seconds as they are shown."""
    return None if number is None else Decimal(f"{number:.1f}")


def between(found: Mapping[str, Any]) -> str:
    """Return an interval of shares in percent."""
    return f"{100 * found['low']:.0f} to {100 * found['high']:.0f} %"


def interval(found: Mapping[str, Any]) -> str | None:
    """Return a share in percent with its interval."""
    return None if not found["n"] else f"{percent(found['share'])} ({between(found)})"


def nothing_to_compare(people: list[dict[str, Any]]) -> str | None:
    """Say what to do where no two people labeled the same text; None where some did."""
    voted = [p for p in people if p["votes"]]
    if any(p["shared"] for p in voted):
        return None
    if not people:
        return "nobody has answered yet: al-loop round sends a batch to people"
    who = "one person has labeled texts" if len(voted) == 1 else "no text has labels of two people"
    return f"{who}, so that nothing can be compared: {OVERLAP}"


def target_lines(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return where people stand beside what is expected of them, a line a target."""
    return [_agreement(found["agreement"]), _accuracy(found["accuracy"])]


def missed_lines(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the lines of the targets that are surely missed."""
    both = zip(found.values(), target_lines(found), strict=True)
    return [line for target, line in both if target["standing"] == MISSED and not _odd(target)]


def _odd(target: Mapping[str, Any]) -> bool:
    """Tell whether the texts were picked in a way that makes people look worse."""
    return bool(target.get("selected") or target.get("basis") == DECIDED)


def _agreement(found: Mapping[str, Any]) -> str:
    if not found["n"]:
        return f"agreement: not known, no text has labels of two people (target {_target(found)})"
    what = _many(found["n"], "pair")
    if found["selected"]:
        what += " of votes on texts that were asked again, often for being difficult"
    return f"agreement {interval(found)} of {what}: {_standing(found)}"


def _accuracy(found: Mapping[str, Any]) -> str:
    if not found["n"]:
        return (
            "accuracy: not known, no text has labels of two people or was set by hand"
            f" (target {_target(found)})"
        )
    what = _many(found["n"], "answer")
    return f"accuracy {interval(found)} of {what} to {_BASES[found['basis']]}: {_standing(found)}"


def _standing(found: Mapping[str, Any]) -> str:
    words = _STANDING.get(found["standing"], "too few to tell whether it reaches the target of")
    unless = " there" if found["standing"] == MISSED and _odd(found) else ""
    return f"{words} {_target(found)}{unless}"


def _target(found: Mapping[str, Any]) -> str:
    return f"{100 * found['target']:.4g} %"


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def leaning_line(found: Mapping[str, Any]) -> str:
    """Say how often wrong suggestions were accepted, and whether seeing them does that."""
    shown, blind, gap = found["shown"], found["blind"], found["difference"]
    if not shown["n"]:
        return (
            "leaning on suggestions: not known, nobody saw a suggestion that somebody else found"
            " to be wrong"
        )
    seen = f"{interval(shown)} of {_many(shown['n'], 'answer')} with the suggestion in sight"
    if gap is None:
        return (
            f"wrong suggestions accepted in {seen}; none blind to compare with ([batch]"
            " blind_share hides some suggestions)"
        )
    ends_ = f"{100 * gap['low']:+.0f} to {100 * gap['high']:+.0f}"
    sign = "people lean on suggestions" if gap["low"] > 0 else "no clear sign of leaning on them"
    return (
        f"wrong suggestions accepted in {seen}, in {interval(blind)} of {blind['n']:,} blind: a"
        f" difference of {100 * gap['value']:+.0f} points ({ends_}), {sign}"
    )


def measures(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the measures of all, for a table: `measure`, `value`, `interval`, `on`."""
    raw, fleiss = found["all"], found["fleiss"]
    texts = _many(found["texts"], "text")
    equally = f"{_many(fleiss['texts'], 'text')} with {fleiss['votes']} votes"
    rows = (
        (
            "pairs of votes that are the same",
            raw["share"],
            raw,
            f"{_many(raw['n'], 'pair')} on {texts}",
        ),
        ("Krippendorff's alpha", found["alpha"]["value"], found["alpha"], texts),
        ("Fleiss' kappa", fleiss["value"], fleiss, equally),
    )
    return [
        {"measure": name, "value": value, "interval": ends(of["low"], of["high"]), "on": on}
        for name, value, of, on in rows
    ]


def ends(low: float | None, high: float | None) -> str | None:
    """Return an interval of numbers."""
    return None if low is None or high is None else f"{low:.3f} to {high:.3f}"


def with_intervals(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return agreement on a class or of a pair with its intervals in words."""
    found = {**row, "interval": ends(row["low"], row["high"])}
    for name in ("alpha", "kappa"):
        if name in row:
            found[f"{name}_interval"] = ends(row[f"{name}_low"], row[f"{name}_high"])
    return found
