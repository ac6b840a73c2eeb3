"""All that is known about one text, as facts for programs."""

import json
from collections.abc import Callable, Mapping, Sequence
from sqlite3 import Row
from typing import TYPE_CHECKING, Any

from al_loop.labels import Consensus, Verdict, counts_still, decisions_of, folded, votes_of
from al_loop.store import Store, answers, class_changes, fixes, results, stories

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from al_loop.learner import Classifier

NEIGHBORS = 5
GUESSES = 3

#: (text hashes, texts) -> (n, d) vectors of length 1.
Vectors = Callable[[Sequence[str], Sequence[str]], "npt.NDArray[np.float32]"]


def facts(store: Store, item_id: str) -> dict[str, Any]:
    """Return what the workspace's tables know about a text."""
    item = stories.item(store, item_id)
    verdict = stories.verdict(store, item_id)
    return {
        "id": item["id"],
        "text": item["text"],
        "role": item["role"],
        "status": verdict.status if verdict else None,
        "label": verdict.label if verdict else None,
        "votes": verdict.votes if verdict else 0,
        "ids": [
            {k: r[k] for k in ("id", "file", "line", "label")} | {"kept": json.loads(r["extra"])}
            for r in stories.ids(store, item_id)
        ],
        "chosen": [_choice(store, r) for r in stories.choices(store, item_id)],
        "answers": [_answer(store, r) for r in stories.said(store, item_id)],
        "doubts": [
            {k: r[k] for k in ("round", "doubt", "suggested", "confidence", "neighbors")}
            | {"label": r["given"], "flagged": bool(r["flagged"])}
            for r in stories.judged(store, item_id)
        ],
        **_several(store, item_id, verdict),
        "fixes": [
            {k: getattr(f, k) for k in ("at", "author", "label", "was", "reason")}
            for f in fixes.of_item(store, item_id)
        ],
        "url": _url(stories.task(store, item_id)),
        "review_url": _url(stories.task(store, item_id, "review")),
    }


def _url(task: Row | None) -> str | None:
    return f"{task['url'].partition('?')[0]}?task={task['remote_id']}" if task else None


def _several(store: Store, item_id: str, verdict: Verdict | None) -> dict[str, Any]:
    """Return `consensus` of differing votes and `adjudicated_by`, in the names of today.

    `counts` tells whether the votes are still those that the consensus was worked out from.
    """
    known = class_changes.names(store)
    given = answers.all_answers(store, item_id=item_id).get(item_id, ())
    decided = decisions_of(given, known) if verdict and verdict.status == "agreed" else {}
    mine = [person for person, label in decided.items() if verdict and label == verdict.label]
    row = stories.consensus(store, item_id)
    found = None
    if row is not None:
        votes = json.loads(row["votes"])
        was = Consensus(row["label"], row["quality"], votes, row["method"])
        now = {person: known.get(folded(label), label) for person, label in votes.items()}
        found = {
            **{k: row[k] for k in ("round", "method", "quality")},
            "label": known.get(folded(was.label), was.label),
            "votes": now,
            "counts": counts_still(was, votes_of(given, known), known),
        }
    return {"consensus": found, "adjudicated_by": sorted(mine or decided)}


def _choice(store: Store, r: Row) -> dict[str, Any]:
    names = ("round", "state", "rank", "texts", "pool_size", "strategy", "score", "inclusion")
    then = ("why", "suggestion", "suggestion_score", "model_version", "overlap")
    flags = {"blind": bool(r["blind"]), "released": bool(r["released"])}
    batch = {"choice": results.notes(store, r["round"]).get("choice"), "at": r["created_at"]}
    return {k: r[k] for k in (*names, *then)} | flags | batch


def _answer(store: Store, r: Row) -> dict[str, Any]:
    same = ("annotator", "through", "kind", "comment", "origin", "model_version", "problem")
    now = _content(r)
    versions = stories.earlier(store, r["project_id"], r["annotation_id"])
    return {
        **{k: r[k] for k in same},
        **now,
        "seconds": r["lead_time"],
        "answered_at": r["updated_at"],
        "deleted": bool(r["gone"]),
        "review": bool(r["review"]),
        # A deletion keeps the old version as well; what it said has not changed by it.
        "earlier": [
            _content(v) | {"answered_at": v["updated_at"]} for v in versions if _content(v) != now
        ],
    }


def _content(r: Row) -> dict[str, Any]:
    labels = json.loads(r["labels"])
    label = labels[0] if labels else None
    return {"kind": r["kind"], "label": label, "missing_class": r["missing"] or None} | {
        "comment": r["comment"]
    }


def neighbors(store: Store, item_id: str, vectors: Vectors) -> list[dict[str, Any]]:
    """Return the texts of the training set that are nearest to a text by cosine similarity."""
    import numpy as np

    item = stories.item(store, item_id)
    others = [row for row in answers.labeled(store, "pool") if row[0] != item_id]
    if not others:
        return []
    hashes, texts = [o[2] for o in others], [o[1] for o in others]
    X = vectors([item["text_hash"], *hashes], [item["text"], *texts])
    similarity = X[1:] @ X[0]
    nearest = np.argsort(-similarity, kind="stable")[:NEIGHBORS]
    return [
        {
            "id": others[i][0],
            "similarity": round(float(similarity[i]), 4),
            "label": others[i][3],
            "text": texts[i],
        }
        for i in nearest.tolist()
    ]


def guesses(
    store: Store, item_id: str, vectors: Vectors, model: "Classifier", classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the classes that a model finds likeliest for a text, with their probabilities."""
    import numpy as np

    item = stories.item(store, item_id)
    proba = model.proba(vectors([item["text_hash"]], [item["text"]]))[0]
    names = class_changes.today(store, classes)
    own = list(dict.fromkeys(names))  # two classes may be one by now
    shares = np.bincount([own.index(name) for name in names], weights=proba)
    best = np.argsort(-shares, kind="stable")[:GUESSES]
    return [{"class": own[i], "probability": round(float(shares[i]), 4)} for i in best.tolist()]


def has_learned(store: Store, found: Mapping[str, Any]) -> bool:
    """Tell whether the current model has learned from a text: then it only repeats its label."""
    if found["role"] != "pool" or found["label"] is None:
        return False
    decided = bool(found["adjudicated_by"])  # it was in conflict before
    said = [a for a in found["answers"] if a["review"] or not decided]
    times = [a["answered_at"] for a in said] if found["status"] == "agreed" else []
    if found["status"] == "fixed":
        times = [found["fixes"][-1]["at"]]
    return min(times, default="")[:19] <= stories.trained_at(store)[:19]
