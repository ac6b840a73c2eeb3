"""CSV, JSON, JSON Lines and Markdown: the formats that are lines of text."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from al_loop.cells import one_line, safe_cell
from al_loop.export.rows import Export

#: Line breaks to some readers of lines, which JSON does not escape.
_BREAKS = {ord(c): f"\\u{ord(c):04x}" for c in "\x85\u2028\u2029"}


def csv_lines(export: Export) -> Iterator[str]:
    """Yield a header and a line a row; no cell of it is a formula for a spreadsheet."""
    line = _Line()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(map(safe_cell, export.columns))
    yield line.text
    for record in export.records():
        writer.writerow([safe_cell(_plain(value)) for value in record.values()])
        yield line.text


def markdown_lines(export: Export) -> Iterator[str]:
    """Yield a Markdown table."""
    columns = export.columns
    yield _markdown(columns) + "|" + " --- |" * len(columns) + "\n"
    for record in export.records():
        yield _markdown(["-" if v is None else _plain(v) for v in record.values()])


def json_lines(export: Export) -> Iterator[str]:
    """Yield one JSON object a row."""
    for record in export.records():
        yield _json(record) + "\n"


def json_document(export: Export) -> Iterator[str]:
    """Yield one JSON object, whose ``rows`` are the records."""
    yield '{\n  "rows": ['
    for number, record in enumerate(export.records()):
        yield f"{',' if number else ''}\n    {_json(record)}"
    yield "\n  ]\n}\n"


class _Line:
    """Takes what the csv module writes."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(value) if isinstance(value, list) else value


def _markdown(cells: Iterable[Any]) -> str:
    shown = (one_line(str(cell)).replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(shown)} |\n"


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False).translate(_BREAKS)
