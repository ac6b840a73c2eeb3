"""JSON Lines (one object a line) and plain text (one text a line)."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from al_loop.data.rows import Literal, Row
from al_loop.data.source import Source
from al_loop.data.text import shown
from al_loop.errors import DataError

_PEEK = 1000  # rows that tell which columns there are


class JsonLines:
    """An open JSON Lines file. A line that is no object is a bad row, as long as others are."""

    complete = False
    note = ""

    def __init__(self, source: Source) -> None:
        self._rows = _objects(source)
        self._first = list(islice(self._rows, _PEEK))
        self.columns = tuple(dict.fromkeys(chain.from_iterable(r.cells for r in self._first)))
        if self._first and not self.columns:
            first = self._first[0]
            raise DataError(
                f"{source.name}:{first.line}: {first.problem or 'the object is empty'}; "
                "no line holds an object with a text",
                hint='write one object a line, e.g. {"id": "7", "text": "..."}; '
                f"a JSON list is turned into that by jq -c '.[]' {source.name}",
            )

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield the rows with all of their keys."""
        yield from self._first
        yield from self._rows


class PlainText:
    """An open text file: every line that is not blank is a text."""

    columns: tuple[str, ...] = ()
    complete = True
    note = "one text a line"

    def __init__(self, source: Source) -> None:
        self._source = source

    def rows(self, wanted: Sequence[str]) -> Iterator[Row]:
        """Yield each line as the cell ``text``."""
        for number, line in self._source.lines():
            if line.strip():
                yield Row(number, {"text": line.rstrip("\r\n")})


def _objects(source: Source) -> Iterator[Row]:
    for number, line in source.lines():
        if not line.strip():
            continue
        try:
            value = _decoder.decode(line.strip(" \t\r\n"))
        except RecursionError:
            yield Row(number, {}, "is nested too deeply")
        except json.JSONDecodeError as e:
            yield Row(number, {}, f"is not JSON: {e.msg} at column {e.colno}")
        except ValueError as e:
            yield Row(number, {}, str(e))
        else:
            if isinstance(value, dict):
                yield Row(number, value)
            else:
                yield Row(number, {}, "is not a JSON object")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"has the key {shown(twice)} twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"holds {name}, which is not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_no_constant,
    parse_int=Literal,
    parse_float=Literal,
)
