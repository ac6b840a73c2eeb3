"""Pushing tasks exactly once against one raw SDK import of the same tasks.

    python benchmarks/push.py [--n 10000] [--repeats 2]

The bar is a ratio of 2. Each run goes into a fresh project on the same local Label Studio, and
the order alternates. Raw: one `projects.import_tasks` with all tasks, into a project that is
there already. Ours: `LabelStudio.push`, which makes the project and its page, imports in chunks,
reads back, and shows the model's version. Afterwards every key is looked up: one task each.
"""

import argparse
import os
import time
import uuid
from collections.abc import Sequence
from typing import Any

from common import (
    distinct,
    label_studio,
    median,
    rounded,
    save,
    say,
    source,
    tasks_a_key,
    temporary,
)

from al_loop.annotators.label_studio import LabelStudio, page
from al_loop.annotators.label_studio.parse import KEY
from al_loop.types import ClassSpec, Offer, ProjectRef, PushRequest, Suggestion, Task, task_key

BAR = 2.0
MODEL = "al-r1-00000000"
_EVERY_BLIND = 5  # the default blind share of 0.2
_PATIENCE = 600  # seconds for the one large call


def make_tasks(n: int) -> list[Task]:
    """Return n tasks; all but the blind ones carry a suggestion."""
    return [
        Task(
            key=task_key(row["id"], 0),
            item_id=row["id"],
            look=0,
            text=row["text"],
            suggestion=None if i % _EVERY_BLIND == 0 else Suggestion(row["label"], 0.5),
        )
        for i, row in enumerate(distinct(n))
    ]


def payload(task: Task) -> dict[str, Any]:
    data = {"text": task.text, "context": task.context, "id": task.item_id, KEY: task.key}
    if task.suggestion is None:
        return {"data": data}
    return {"data": data, "predictions": [page.prediction(task.suggestion, MODEL)]}


class Sides:
    """Both ways to the same server."""

    def __init__(self, server: Any, classes: Sequence[ClassSpec]) -> None:
        from label_studio_sdk import LabelStudio as Sdk

        self._classes = classes
        self._ours = LabelStudio(server.url, server.key().value)
        self._raw = Sdk(
            base_url=server.url, api_key=server.key().value, max_retries=0, timeout=_PATIENCE
        )

    def ours(self, tasks: Sequence[Task]) -> tuple[float, int]:
        ref = ProjectRef(1, str(uuid.uuid4()), "al-loop benchmark")
        began = time.perf_counter()
        pushed = self._ours.push(PushRequest(ref, Offer(self._classes), tasks, MODEL))
        return time.perf_counter() - began, pushed.remote_id

    def raw(self, tasks: Sequence[Task]) -> tuple[float, int]:
        config = page.grown("<View></View>", Offer(self._classes), context=False)
        project = self._raw.projects.create(title="raw benchmark", label_config=config).id
        body = [payload(task) for task in tasks]
        began = time.perf_counter()
        self._raw.projects.import_tasks(project, request=body, return_task_ids=True)
        return time.perf_counter() - began, project


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()

    tasks = make_tasks(args.n)
    names = dict.fromkeys(t.suggestion.label for t in tasks if t.suggestion)
    taken: dict[str, list[float]] = {"ours": [], "raw": []}
    checks = []
    with temporary() as folder, label_studio(folder) as server:
        sides = Sides(server, [ClassSpec(name) for name in names])
        for warm_up in (sides.raw, sides.ours):
            warm_up(tasks[:500])
        load = os.getloadavg()
        for i in range(args.repeats):
            for name in ("raw", "ours") if i % 2 == 0 else ("ours", "raw"):
                seconds, project = getattr(sides, name)(tasks)
                taken[name].append(seconds)
                say(f"{name:>5} {seconds:7.2f} s   load {os.getloadavg()[0]:.1f}")
                if name == "ours":
                    checks.append(tasks_a_key(server, project, [t.key for t in tasks]))
    ratio = median(taken["ours"]) / median(taken["raw"])
    measured = {
        "tasks": args.n,
        "with_suggestion": sum(t.suggestion is not None for t in tasks),
        "texts": source(),
        "ours_seconds": rounded(taken["ours"]),
        "raw_seconds": rounded(taken["raw"]),
        "ratio": round(ratio, 2),
        "bar": BAR,
        "afterwards": checks,
    }
    save("push", f"--n {args.n} --repeats {args.repeats}", measured, load)


if __name__ == "__main__":
    main()
