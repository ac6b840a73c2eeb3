"""What `al-loop noise scan` found, as plain values."""

from typing import Any

from al_loop.scan.noise import Judged, Scan


def report(found: Scan, *, texts: bool) -> dict[str, Any]:
    """Return what ``--json`` prints; the texts themselves only if asked for."""
    config = found.config
    return {
        "file": found.source.name,
        "rows": [row(r, texts=texts) for r in found.rows],
        "classes": list(found.source.classes),
        "left_out_classes": list(found.left_out),
        "labeled": found.labeled,
        "flagged": len(found.flagged),
        "wrong": round(found.wrong, 1),
        "encoder": config.model.encoder,
        "method": config.audit.method,
        "seed": config.seed,
        "notes": list(found.source.notes),
    }


def row(judged: Judged, *, texts: bool) -> dict[str, Any]:
    """Return a row of the file; `problem` only where it can't be used."""
    facts: dict[str, Any] = {
        "id": judged.row.id,
        "label": judged.row.label,
        "suggested": judged.suggested,
        "doubt": judged.doubt,
        "flagged": judged.flagged,
        "confidence": judged.confidence,
        "neighbors": judged.neighbors,
    }
    if texts:
        facts["text"] = judged.row.text
    if judged.row.problem:
        facts["problem"] = judged.row.problem
    return facts
