"""What was found, as plain values: the report, and tasks for Label Studio."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from al_loop.annotators.label_studio import page
from al_loop.discover.run import Discovery
from al_loop.openworld.group import Group
from al_loop.types import ClassSpec, Offer, Suggestion
from al_loop.workspace import version

MADE_BY = "al-loop discover"


def report(found: Discovery) -> dict[str, Any]:
    """Return what ``report.json`` holds.

    noise_count and noise_share are HDBSCAN's: those texts are in groups, too, that k-means made.
    """
    n, clusters = len(found.source.texts), found.clusters
    noise = float(clusters.noise_share) if len(clusters) else 1.0
    limit = float(clusters.threshold)
    return {
        "total_texts": n,
        "total_clusters": len(found.groups),
        "noise_count": round(noise * n),
        "noise_share": round(noise, 4),
        "novel_cluster_count": len(found.novel),
        "novel_clusters": [cluster(found, g) for g in found.novel],
        "dense_cluster_count": sum(g.dense for g in found.groups),
        "known_classes": list(found.source.classes),
        "threshold": round(limit, 4) if math.isfinite(limit) else None,
        "source": found.source.name,
        "encoder": found.config.model.encoder,
        "seed": found.config.seed,
        "made_by": f"{MADE_BY} {version()}",
    }


def cluster(found: Discovery, group: Group) -> dict[str, Any]:
    """Return a group as the report has it."""
    return {
        "id": group.id,
        "size": group.size,
        "name": group.name,
        "phrases": list(group.phrases),
        "nearest_class": group.nearest,
        "similarity": group.similarity,
        "examples": central(found, group),
        "stability": group.stability,
        "density": group.density,
        "dense": group.dense,
    }


def central(found: Discovery, group: Group) -> list[str]:
    """Return the most central texts of a group."""
    return [found.source.texts[i] for i in group.central]


def label_config(found: Discovery) -> str:
    """Return a labeling page with every class that `tasks` suggests."""
    known = [ClassSpec(name) for name in found.source.classes]
    candidates = [ClassSpec(g.name, "", tuple(central(found, g))) for g in found.novel]
    made = page.grown("", Offer(known, candidates), context=False)
    assert made is not None  # an empty page lacks everything
    return made


def tasks(found: Discovery) -> Iterator[str]:
    """Yield the file of tasks: each grouped text with what it may be, as a prediction.

    Texts of a novel group get its name, with their cosine to its center as the score; the
    others the known class whose center is nearest, with that cosine.
    """
    guesses, by = suggestions(found), f"{MADE_BY} {version()}"
    yield "["
    for row, (id_, text) in enumerate(zip(found.source.ids, found.source.texts, strict=True)):
        task: dict[str, Any] = {"data": {"id": id_, page.TEXT: text}}
        if row in guesses:
            task["predictions"] = [page.prediction(guesses[row], by)]
        yield f"{',' if row else ''}\n{json.dumps(task, ensure_ascii=False, allow_nan=False)}"
    yield "\n]\n"


def suggestions(found: Discovery) -> Mapping[int, Suggestion]:
    """Map positions of texts to what they may be."""
    guesses: dict[int, Suggestion] = {}
    if found.classes:
        cosines = found.X @ found.centers.T
        best = cosines.argmax(axis=1)
        for row, c in enumerate(best.tolist()):
            guesses[row] = Suggestion(found.classes[c], _score(cosines[row, c]))
    for group in found.novel:
        for row in found.clusters.members(group.index).tolist():
            guesses[row] = Suggestion(group.name, _score(found.clusters.centrality[row]))
    return guesses


def _score(cosine: Any) -> float:
    return round(min(max(float(cosine), 0.0), 1.0), 6)
