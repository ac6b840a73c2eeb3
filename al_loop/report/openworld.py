"""Classes that people asked for and groups that may be classes, with what speaks for them."""

from dataclasses import asdict
from typing import Any

from al_loop.store import Store, answers, candidates

_TEXTS = 3  # that show a proposal or a group


def facts(store: Store) -> dict[str, Any]:
    """Return proposals (most wanted first) and candidates that nobody has decided on.

    Candidates: those people can tick first, then the largest; none that look like a known class.
    """
    groups = [
        asdict(c) | {"central": list(c.central[:_TEXTS]), "phrases": list(c.phrases)}
        for c in candidates.all_(store)
        if c.status == "open" and (c.offered or (c.novel and c.nearest is not None))
    ]
    return {
        "proposals": [
            {
                "name": name,
                "answers": len(ids),
                "texts": list(candidates.texts(store, list(dict.fromkeys(ids))[:_TEXTS])),
            }
            for name, ids in answers.proposals(store).items()
        ],
        "candidates": sorted(groups, key=lambda g: (not g["offered"], -(g["size"] or 0), g["id"])),
    }
