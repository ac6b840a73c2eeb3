"""Label Studio's own JSON: a file that its Import button takes, with the answers in it.

One task a text. Its data has our key and the id, so that a labeling page like al-loop's shows
it, and a workspace that is pointed at that project recognizes it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from al_loop.annotators.label_studio import page
from al_loop.annotators.label_studio.parse import KEY
from al_loop.export.rows import Entry, Export, free_names
from al_loop.types import Answer, task_key

_DATA = (KEY, "id", page.TEXT, page.CONTEXT)


def tasks(export: Export) -> Iterator[str]:
    """Yield the file: a list of tasks with their annotations and predictions."""
    names = free_names(list(export.kept), _DATA)
    yield "["
    for number, entry in enumerate(export.entries):
        task = json.dumps(_task(entry, names), ensure_ascii=False, allow_nan=False)
        yield f"{',' if number else ''}\n{task}"
    yield "\n]\n"


def _task(entry: Entry, names: dict[str, str]) -> dict[str, Any]:
    data = {
        KEY: task_key(entry.item_id, 0),
        "id": entry.item_id,
        page.TEXT: entry.fields["text"],
        page.CONTEXT: "",
        **{names[column]: value for column, value in entry.kept.items()},
    }
    annotations = [_annotation(a, entry.fields) for a in entry.answers if a.kind != "invalid"]
    if entry.fields["status"] in ("given", "fixed"):  # nobody's answer says it
        annotations.append(_decided(entry))
    task = {"data": data, "annotations": annotations}
    if entry.suggestion is not None:
        task["predictions"] = [page.prediction(entry.suggestion, entry.model_version)]
    return task


def _annotation(answer: Answer, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer; with a star one that decided on the label in review."""
    decided = answer.review and answer.annotator in fields["adjudicated_by"]
    result = [_choice(label) for label in answer.labels]
    for name, words in ((page.MISSING, answer.missing), (page.COMMENT, answer.comment)):
        if words:
            result.append(_region(name, "textarea", {"text": [words]}))
    return {
        "result": result,
        "was_cancelled": answer.kind == "skip",
        "ground_truth": decided,  # always said: else every imported answer gets a star
        "lead_time": answer.lead_time,
        **_by(answer.annotator),
    }


def _decided(entry: Entry) -> dict[str, Any]:
    """Return the label that came with the data, or, with a star, that was set by hand."""
    return {
        "result": [_choice(entry.fields["label"])],
        "was_cancelled": False,
        "ground_truth": entry.fields["status"] == "fixed",
    }


def _by(annotator: str) -> dict[str, Any]:
    """Return who answered, as far as Label Studio can know it; else it is who imports."""
    if "@" in annotator:
        return {"completed_by": {"email": annotator}}
    return {"completed_by": int(annotator)} if annotator.isdecimal() else {}


def _choice(label: str) -> dict[str, Any]:
    return _region(page.LABEL, "choices", {"choices": [label]})


def _region(name: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"from_name": name, "to_name": page.TEXT, "type": kind, "value": value}
