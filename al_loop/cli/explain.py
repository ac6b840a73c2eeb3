"""`al-loop explain`: the story of one text."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json, echo_table, one_line, shorten
from al_loop.labels import DECIDES

Facts = Mapping[str, Any]

_LENGTH = 2_000  # of the text, in characters
_ROLES = {
    "pool": "in the pool",
    "test": "in the test set: never trained on, sent to people only where its label looks wrong",
}
_SOURCES = {
    "given": "the label that it came with",
    "agreed": "agreed by people (votes: {votes})",
    "fixed": "set by hand",
}
_NO_LABEL = {
    None: "nothing is known about it yet",
    "conflict": "no label: it is labeled differently, and nobody has settled it",
    "skipped": "no label: all who saw it skipped it",
    "proposed": "no label: people miss a class for it (al-loop classes)",
    "unusable": "no label: the answers don't fit the page",
}
_ORIGINS = {
    "prediction": ", as suggested",
    "prediction-changed": ", the suggestion changed",
}
#: What chose a text that people are asked about once more.
_AGAIN = ("second look", "second label", "gold")


@click.command()
@click.argument("item")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def explain(root: Path, item: str, as_json: bool) -> None:
    """Tell all that is known about one text.

    Why it was chosen, what the model thought of it then and thinks now, who answered what, doubts
    about its label, decisions by hand, and the labeled texts that are most like it. ITEM is any
    id under which the text came.
    """
    from al_loop import app
    from al_loop.report import explain as explaining
    from al_loop.store import stories

    with app.opened(root, bar) as opened:
        found = explaining.facts(opened.store, stories.find(opened.store, item))
        found |= _looks(opened, found)
    if as_json:
        echo_json(found)
        return
    for line in _lines(found):
        click.echo(one_line(line) if line.lstrip() == line else f"  {one_line(line)}")
    if found["neighbors"]:
        click.echo("\nmost like it among the labeled texts:")
        rows = [r | {"text": shorten(r["text"])} for r in found["neighbors"]]
        columns = {"similarity": "similarity", "id": "id", "label": "label", "text": "text"}
        echo_table(rows, columns)


def _looks(opened: Any, found: Facts) -> dict[str, Any]:
    """Return what needs vectors: the current model's opinion, and the nearest labeled texts."""
    from al_loop import models
    from al_loop.errors import AlLoopError
    from al_loop.report import explain as explaining
    from al_loop.store import results

    looks: dict[str, Any] = {"model": None, "neighbors": []}
    saved = results.current_model(opened.store)
    encoder = saved.encoder if saved else opened.config.model.encoder
    vectors = partial(opened.vectors, encoder)
    try:
        if saved is not None:
            model = models.load(opened.workspace.models_dir / saved.path, saved.sha256)
            best = explaining.guesses(opened.store, found["id"], vectors, model, saved.classes)
            learned = explaining.has_learned(opened.store, found)
            looks["model"] = {"version": saved.version, "labels": saved.labels}
            looks["model"] |= {"has_learned": learned, "classes": best}
        looks["neighbors"] = explaining.neighbors(opened.store, found["id"], vectors)
    except AlLoopError as e:  # the rest of the story does not need them
        say(f"left out, {e.message}")
    return looks


def _lines(found: Facts) -> Iterator[str]:
    """Yield the story in words; lines that begin with a blank belong to the one before."""
    yield from _text(found)
    if not found["chosen"]:
        yield "in no batch"
    for r in found["chosen"]:
        yield from _choice(r)
    for r in found["answers"]:
        yield from _answer(r)
    if found["consensus"]:
        yield from _consensus(found["consensus"], undecided=found["label"] is None)
    for r in found["doubts"]:
        yield from _doubt(r)
    for r in found["fixes"]:
        did = f"set {r['label']}" if r["label"] else "took the decision back"
        reason = f": {r['reason']}" if r["reason"] else ""
        yield f"{_minute(r['at'])} {r['author']} {did} (was {r['was'] or 'no label'}){reason}"
    yield from _opinion(found["model"])


def _text(found: Facts) -> Iterator[str]:
    """Yield what it is, what it counts as, and where it is."""
    yield f"{found['id']}: {shorten(found['text'], _LENGTH)}"
    yield f" {_ROLES[found['role']]}"
    if found["label"] is None:
        yield f" {_NO_LABEL[found['status']]}"
    else:
        yield f" counts as {found['label']}, {_source(found)}"
    for r in found["ids"]:
        label = f", labeled {r['label']}" if r["label"] else ""
        kept = "".join(f", {k}: {v}" for k, v in r["kept"].items() if v)
        yield f" came as {r['id']} from {r['file']}:{r['line']}{label}{kept}"
    for where, name in (("Label Studio", "url"), ("review", "review_url")):
        if found[name]:
            yield f" in {where}: {found[name]}"


def _source(found: Facts) -> str:
    """Say what a label rests on."""
    if found["adjudicated_by"]:
        return f"decided in review by {', '.join(found['adjudicated_by'])}"
    return _SOURCES[found["status"]].format(votes=found["votes"])


def _consensus(r: Facts, *, undecided: bool) -> Iterator[str]:
    said = ", ".join(f"{person}: {label}" for person, label in r["votes"].items())
    yield f"round {r['round']}: labeled differently ({said})"
    how = f"{r['method'].replace('_', ' ')}, sure by {r['quality']:.3f}"
    yield f" together that is {r['label']} ({how})"
    if not r["counts"]:
        yield " people have said something else since: it no longer counts"
    elif undecided and r["quality"] <= DECIDES:
        yield " that is too unsure to decide"


def _doubt(r: Facts) -> Iterator[str]:
    if r["flagged"]:
        verdict = f"looks wrong, {r['suggested']} fits better"
    elif r["suggested"] != r["label"]:
        verdict = f"is not what the other labels suggest, {r['suggested']} fits better"
    else:
        verdict = "fits"
    yield f"round {r['round']}: {r['label']} {verdict} (doubt {r['doubt']:.3f})"
    if r["confidence"] is not None:
        yield f" a model that did not see the text gives that label {r['confidence']:.3f}"
    if r["neighbors"] is not None:
        yield f" {100 * r['neighbors']:.0f} % of the labeled texts that are most like it have it"


def _choice(r: Facts) -> Iterator[str]:
    yield (
        f"round {r['round']} ({r['state']}, {_minute(r['at'])}): chosen as {r['rank']} of"
        f" {r['texts']} out of {r['pool_size']} by {r['strategy']}"
        + ("" if r["score"] is None else f", score {r['score']:.4g}")
    )
    if r["why"]:
        yield f" why: {r['why']}"
    if r["choice"]:
        yield f" the batch: {r['choice']}"
    if r["inclusion"] is not None:
        yield f" drawn by chance: every such text had a probability of {r['inclusion']:.4g}"
    if r["suggestion"] is None:
        again = r["strategy"] in _AGAIN
        yield f" no suggestion: {'people look at it afresh' if again else 'there was no model yet'}"
    else:
        hidden = "hidden from people" if r["blind"] else "shown to people"
        score = "" if r["suggestion_score"] is None else f" ({r['suggestion_score']:.3f})"
        yield f" the model then said {r['suggestion']}{score}, {hidden} ({r['model_version']})"
    if r["overlap"] > 1:
        yield f" asked of {r['overlap']} people"
    if r["released"]:
        yield " it went back to the pool"


def _answer(r: Facts) -> Iterator[str]:
    seconds = "" if r["seconds"] is None else f", {r['seconds']:.1f} s"
    deleted = ", deleted since" if r["deleted"] else ""
    review = ", in review" if r["review"] else ""
    where = f"{r['through']}{review}{seconds}{deleted}"
    yield f"{_minute(r['answered_at'])} {r['annotator']} {_said(r)} ({where})"
    if r["comment"]:
        yield f" comment: {r['comment']}"
    for version in r["earlier"]:
        comment = f", comment: {version['comment']}" if version["comment"] else ""
        yield f" before, {_minute(version['answered_at'])}: {_said(version)}{comment}"


def _said(r: Facts) -> str:
    """Say what somebody answered."""
    if r["kind"] == "skip":
        return "skipped it"
    if r["kind"] == "empty":
        return "submitted nothing"
    missing = f" and missed the class {r['missing_class']!r}" if r["missing_class"] else ""
    said = f"said {r['label'] or 'no class of the list'}{_ORIGINS.get(r.get('origin', ''), '')}"
    fault = f", which does not fit the page: {r['problem']}" if r.get("problem") else ""
    return f"{said}{missing}{fault}"


def _opinion(model: Facts | None) -> Iterator[str]:
    if model is None:
        return
    best = ", ".join(f"{c['class']} {c['probability']:.3f}" for c in model["classes"])
    yield f"the model now says {best} ({model['version']}, trained on {model['labels']} labels)"
    if model["has_learned"]:
        yield " it has learned from this text, so it mostly repeats the label"


def _minute(time: str) -> str:
    """Return a time of ISO 8601 as people write it; all times are UTC."""
    return f"{time[:10]} {time[11:16]} UTC" if time else "some time"
