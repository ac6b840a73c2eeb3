"""`al-loop status` and `al-loop history`."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from al_loop.cli.tables import echo_json, echo_table, few, formats, one_line

_HISTORY = {
    "number": "round",
    "state": "state",
    "strategy": "strategy",
    "labels": "labels",
    "accuracy": "accuracy",
    "interval": "95 % interval",
    "accuracy_change": "change",
    "macro_f1": "macro-F1",
    "noise_found": "doubtful",
    "time": "seconds",
}
#: Where a round counted doubtful labels less: what that changed.
_DOUBT = {"doubted": "by on_doubt, 95 % interval"}
#: The same rounds, as far as they went into the open; a table of its own, since lines are short.
_OPEN = {
    "classes_seen": "classes seen",
    "classes_known": "known",
    "discovery": "new ones",
    "still": "unseen, 90 % interval",
    "clusters": "groups",
    "novel_clusters": "novel",
    "noise": "noise",
}
#: Texts that people answered and that have no label nevertheless.
_ODD = {
    "skipped": "skipped by all who saw them",
    "conflict": "labeled differently, left open: al-loop annotators adjudicate, or al-loop fix",
    "unusable": "answered with nothing that fits the page",
}
_CSV = {
    **_HISTORY,
    "classes_seen": "seen",
    "classes_known": "known",
    **{k: k for k in ("answers", "accuracy_low", "accuracy_high", "accuracy_from", "skipped")},
    **{k: k for k in ("discovery_rate", "unseen", "unseen_low", "unseen_high")},
    **{k: k for k in ("clusters", "novel_clusters", "hdbscan_noise_share")},
    **{k: k for k in ("doubt_change", "doubt_change_low", "doubt_change_high")},
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(root: Path, as_json: bool) -> None:
    """Say where the open round stands and what to do next.

    Reads the workspace only: answers count as of the last `al-loop round`.
    """
    from al_loop import config
    from al_loop.report.status import facts
    from al_loop.store import open_store
    from al_loop.workspace import find

    workspace = find(root)
    settings = config.load(workspace.config_path)
    store = open_store(workspace.db_path)
    found = facts(store, settings)
    store.close()
    if as_json:
        echo_json(found)
        return
    click.echo(_headline(found))
    if found["choice"]:
        click.echo(one_line(f"chosen by {found['strategy']}: {found['choice']}"))
    if found["annotators"]:
        columns = {"annotator": "annotator", "answered": "answered", "open": "open"}
        rows = [r | {"last_answer": _minute(r["last_answer"])} for r in found["annotators"]]
        echo_table(rows, columns | {"skipped": "skipped", "last_answer": "last answer"})
    for name, words in _ODD.items():
        if texts := found[f"{name}_texts"]:
            click.echo(one_line(f"{words}: {few(texts)}"))
    if found["candidates"]:
        click.echo(one_line(_candidates(found["candidates"])))
    for line in found["missed"]:
        click.echo(f"{line} (al-loop annotators)")
    if found["url"] and found["open"]:
        click.echo(f"people label here: {found['url']}")
    click.echo(one_line(f"next: {found['next']}"))


def _headline(found: dict[str, Any]) -> str:
    rest = f"{found['labeled']} texts labeled, {found['pool']} in the pool"
    if found["state"] is None:
        return f"no round yet; {rest}"
    pulled = f"; answers as of {_minute(found['last_pull'])}" if found["last_pull"] else ""
    texts = f" {found['settled']} of {found['texts']} texts settled;" if found["texts"] else ""
    return f"round {found['round']} ({found['state']}):{texts} {rest}{pulled}"


def _candidates(groups: list[dict[str, Any]]) -> str:
    """Say which groups of texts wait for a decision; `al-loop classes` has the evidence."""
    n, offered = len(groups), sum(g["offered"] for g in groups)
    shown = f", {offered} of them on the labeling page" if offered else ""
    names = few([f"{g['name']} ({g['size']} texts)" for g in groups], 3)
    looks = "group looks" if n == 1 else "groups look"
    return f"{n} {looks} like no known class{shown}: {names}; decide: al-loop classes"


def _minute(time: str | None) -> str:
    """Return a time of ISO 8601 as people write it; all times are UTC."""
    return f"{time[:10]} {time[11:16]} UTC" if time else "-"


@click.command()
@formats
@click.pass_obj
def history(root: Path, form: str | None) -> None:
    """Show what each round cost and brought.

    Labels spent, accuracy and macro-F1 on the test set (else on the random share of the
    batches, marked so), labels that look wrong, and seconds of work; with [audit] on_doubt, by
    how much it changed the accuracy on the test set. Below, against the same labels: classes
    that have any (seen) and that can be chosen (known), the share of the classes seen that came
    new in the round, how many classes nobody has seen yet, groups of similar texts in the pool,
    those that look like no known class, and the share of texts that HDBSCAN puts into none.
    --json has more, such as the seconds of each step.
    """
    from al_loop.store import open_store, results
    from al_loop.workspace import find

    store = open_store(find(root).db_path)
    rounds = results.history(store)
    store.close()
    if form == "json":
        echo_json({"rounds": rounds})
        return
    if form is None and not rounds:
        click.echo("no round yet: al-loop round begins one")
        return
    rows = [_row(r) for r in rounds]
    first = _HISTORY | (_DOUBT if any(r["doubted"] for r in rows) else {})
    if form is not None:
        echo_table(rows, _CSV if form == "csv" else first | _OPEN, form)
        return
    echo_table(rows, first)
    click.echo()
    echo_table(rows, {"number": "round", "labels": "labels"} | _OPEN)
    for source in {r["accuracy_from"] for r in rounds if r["accuracy_from"]}:
        click.echo(f"accuracy from: {source}")


def _row(r: dict[str, Any]) -> dict[str, Any]:
    low, high = r["accuracy_low"], r["accuracy_high"]
    between = None if low is None else f"{low:.3f} to {high:.3f}"
    still = None
    if r["unseen"] is not None:
        ends = (r["unseen_low"], r["unseen_high"])
        still = f"{r['unseen']:.0f}"
        still += "" if None in ends else f" ({ends[0]:.0f} to {ends[1]:.0f})"
    return r | {
        "interval": between,
        "doubted": doubt_words(r),
        "time": Decimal(f"{sum(r['seconds'].values()):.1f}"),
        "discovery": _percent(r["discovery_rate"]),
        "still": still,
        "noise": _percent(r["hdbscan_noise_share"]),
    }


def doubt_words(r: Mapping[str, Any]) -> str | None:
    """Say by how much the accuracy changed since doubtful labels count less."""
    if r["doubt_change"] is None:
        return None
    low, high = r["doubt_change_low"], r["doubt_change_high"]
    return f"{r['doubt_change']:+.3f} ({low:+.3f} to {high:+.3f})"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.0f} %"
