"""The sections of a report about what labels cost and bring, round by round."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from al_loop.html import Block, Heading, Note, Prose, Table, charts
from al_loop.html.charts import Series
from al_loop.report import page_budget
from al_loop.report.page_budget import amount, saved_words


def blocks(facts: Mapping[str, Any]) -> Iterator[Block]:
    """Return learning curve and budget."""
    yield from _comparison(facts)
    yield from _curve(facts)
    yield from page_budget.blocks(facts)


def cost_words(cost: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was spent, the most telling number first, and what is left."""
    answers, hours = f"{cost['answers']:,} answers", f"{cost['hours']:.1f} hours"
    first, rest = hours, [answers]
    if cost["money"] is not None:
        first, rest = f"{cost['money']:,.2f} {cost['currency']}", [hours, answers]
    left = ", ".join(amount(u, v, cost["currency"]) for u, v in cost["left"].items())
    return first, "; ".join([", ".join(rest), *([f"left: {left}"] if left else [])])


def _curve(facts: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading("Learning curve")
    rows = _measured(facts)
    if not rows:
        yield Prose(
            "No accuracy yet. It is measured on the test set (al-loop import --test FILE), or on"
            " the randomly drawn texts once enough of them have a label."
        )
        return
    series = [_accuracy(facts["name"], rows)]
    other = facts["other"]
    if other and (theirs := _measured(other)):
        series.append(_accuracy(other["name"], theirs))
    series.extend(_random(facts["name"], facts["budget"]["saved"]))
    yield charts.lines(
        "Accuracy against texts labeled by people",
        f"{_change(rows)}. Bars and bands are 95 % intervals.",
        series,
        x="texts labeled by people",
        y="accuracy",
        top=1.0,
    )
    yield Prose(saved_words(facts["budget"]))
    if rests_on := facts["budget"]["saved"]["rests_on"]:
        yield Note(f"{rests_on[:1].upper()}{rests_on[1:]}.")


def _random(name: str, saved: Mapping[str, Any]) -> Iterator[Series]:
    """Yield random's curve, with what it is to be compared with where that is no round."""
    if not saved["curve"]:
        return
    if saved["pooled"]:
        yield Series(f"{name}, by labels alone", [saved["texts"]], [saved["accuracy"]])
    random = "random, by labels alone" if saved["pooled"] else "random labels"
    keys = ("labels", "accuracy", "low", "high")
    x, y, low, high = ([p[key] for p in saved["curve"]] for key in keys)
    yield Series(random, x, y, low, high, reference=True)


def _measured(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [r for r in facts["curve"] if r["accuracy"] is not None and r["labels"] is not None]


def _accuracy(name: str, rows: Sequence[Mapping[str, Any]]) -> Series:
    return Series(
        name,
        [r["labels"] for r in rows],
        [r["accuracy"] for r in rows],
        [r["accuracy_low"] for r in rows],
        [r["accuracy_high"] for r in rows],
        [_says(name, r) for r in rows],
    )


def _says(name: str, r: Mapping[str, Any]) -> str:
    between = ""
    if r["accuracy_low"] is not None:
        between = f" ({r['accuracy_low']:.3f} to {r['accuracy_high']:.3f})"
    return (
        f"{name}, round {r['round']}\n{r['labels']} labels\naccuracy {r['accuracy']:.3f}{between}"
    )


def _change(rows: Sequence[Mapping[str, Any]]) -> str:
    first, last = rows[0], rows[-1]
    end = f"accuracy {last['accuracy']:.3f} with {last['labels']} labels"
    if first is last:
        return f"One measured round: {end}"
    return f"From {first['accuracy']:.3f} with {first['labels']} labels to {end}"


def _comparison(facts: Mapping[str, Any]) -> Iterator[Block]:
    other = facts["other"]
    if not other:
        return
    yield Heading(f"Beside {other['name']}")
    yield Table(
        "The two workspaces",
        {"what": "", "ours": facts["name"], "theirs": other["name"]},
        [
            {"what": what, "ours": ours, "theirs": theirs}
            for (what, ours), (_, theirs) in zip(_column(facts), _column(other), strict=True)
        ],
    )
    yield Note("Two accuracies can be compared only if they were measured on the same texts.")


def _column(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    best, counts, cost = facts["measured"], facts["counts"], facts["cost"]
    accuracy = "not measured"
    if best:
        accuracy = f"{best['accuracy']:.3f}"
        if best["accuracy_low"] is not None:
            accuracy += f" ({best['accuracy_low']:.3f} to {best['accuracy_high']:.3f})"
    money = "no price set" if cost["money"] is None else f"{cost['money']:.2f} {cost['currency']}"
    return [
        ("rounds", str(len(facts["curve"]))),
        ("texts labeled by people", f"{counts['labels']:,}"),
        ("accuracy", accuracy),
        ("measured on", facts["measured_on"] or "nothing yet"),
        ("classes seen", f"{counts['classes_seen']} of {counts['classes_known']}"),
        ("answers", f"{cost['answers']:,}"),
        ("hours", f"{cost['hours']:.2f}"),
        ("money", money),
    ]
