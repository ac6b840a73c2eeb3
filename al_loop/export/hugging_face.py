"""A folder for Hugging Face `datasets`: Parquet files, and a card that tells their types.

The pool becomes the split train, the test set the split test; the label is a ClassLabel.
"""

import html
import json
import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from al_loop.cells import one_line
from al_loop.errors import InputError
from al_loop.export.parquet import ROWS, schema, writing
from al_loop.export.rows import FIELDS, Entry, Export
from al_loop.files import write_whole

MARK = "<!-- made by al-loop export -->"
SPLITS = {"pool": "train", "test": "test"}
#: Everything that a folder of ours can hold.
FILES = frozenset({"README.md", *(f"{split}.parquet" for split in SPLITS.values())})

_TYPES = {"strings": "sequence: string"}
#: What YAML does not take as it is, and JSON leaves as it is.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def write(export: Export, folder: Path) -> None:
    """Write the splits that have rows and the card into an empty folder.

    Raises:
        InputError: there are no rows, or no label that could be a ClassLabel.
    """
    if not (export.total and export.classes):
        raise InputError(
            "a data set for Hugging Face needs texts and classes, and there are none yet",
            hint="al-loop status says what to do next; --format jsonl --all takes texts alone",
        )
    counts = _write_splits(export, folder)
    write_whole(folder / "README.md", _card(export, counts).encode("utf-8"))


def _write_splits(export: Export, folder: Path) -> dict[str, int]:
    import pyarrow as pa

    number = {name: i for i, name in enumerate(export.classes)}
    columns = schema(export, label=pa.int64())
    counts: dict[str, int] = {}
    waiting: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS.values()}
    with ExitStack() as stack:
        put: dict[str, Any] = {}

        def flush(split: str) -> None:
            if split not in put:
                out = stack.enter_context((folder / f"{split}.parquet").open("wb"))
                put[split] = stack.enter_context(writing(out, columns))
            put[split](waiting[split])
            counts[split] = counts.get(split, 0) + len(waiting[split])
            waiting[split] = []

        for entry in export.entries:
            split = SPLITS[entry.fields["role"]]
            waiting[split].append(_record(export, entry, number))
            if len(waiting[split]) == ROWS:
                flush(split)
        for split in [split for split, rows in waiting.items() if rows]:
            flush(split)
    return {split: counts[split] for split in SPLITS.values() if split in counts}


def _record(export: Export, entry: Entry, number: dict[str, int]) -> dict[str, Any]:
    record = export.record(entry)
    label = record["label"]
    return record | {"label": None if label is None else number[label]}


def _card(export: Export, counts: dict[str, int]) -> str:
    splits = "\n".join(f"| {split} | {count:,} |" for split, count in counts.items())
    meanings = "\n".join(f"| {name} | {field.meaning} |" for name, field in FIELDS.items())
    kept = "".join(f"\n| {_shown(n)} | kept from the data |" for n in export.kept.values())
    classes = ", ".join(_shown(name) for name in export.classes)
    return f"""---
{_front_matter(export, list(counts))}
---
{MARK}

# Labeled texts

Texts and their labels, with where each label comes from. The texts of `train` were partly
chosen by a query strategy (see `strategy`; `inclusion` is set where one was drawn at random),
so they are no random sample; `test` was kept apart.

```python
from datasets import load_dataset

data = load_dataset("path/to/this/folder")
```

| split | rows |
| --- | --- |
{splits}

| column | meaning |
| --- | --- |
{meanings}{kept}

Classes: {classes}
"""


def _front_matter(export: Export, splits: Sequence[str]) -> str:
    lines = ["task_categories:", "- text-classification", "configs:", "- config_name: default"]
    lines.append("  data_files:")
    for split in splits:
        lines += [f"  - split: {split}", f"    path: {split}.parquet"]
    lines += ["dataset_info:", "  features:"]
    for name, field in FIELDS.items():
        lines.append(f"  - name: {name}")
        lines += _class_label(export) if name == "label" else [f"    {_dtype(field.type)}"]
    for name in export.kept.values():
        lines += [f"  - name: {_quoted(name)}", "    dtype: string"]
    return "\n".join(lines)


def _class_label(export: Export) -> list[str]:
    names = [f"          '{i}': {_quoted(name)}" for i, name in enumerate(export.classes)]
    return ["    dtype:", "      class_label:", "        names:", *names]


def _dtype(kind: str) -> str:
    return _TYPES.get(kind, f"dtype: {kind}")


def _quoted(text: str) -> str:
    """Return a string as YAML reads it back; JSON is YAML but for a few characters."""
    escaped = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)


def _shown(name: str) -> str:
    return html.escape(one_line(name)).replace("|", "\\|")
