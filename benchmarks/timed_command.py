"""Run `al-loop` and write down how long it waited for HTTP answers, and what it loaded.

    python benchmarks/timed_command.py FILE ARGUMENTS...

Every call goes through `httpx.Client.send`, which returns when the whole answer is read. Calls
follow each other, so their sum is the time spent waiting.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent))
_HEAVY = ("torch", "sentence_transformers", "pandas", "modAL", "cleanlab", "hdbscan")


def main() -> None:
    out = Path(sys.argv[1])
    sys.argv = ["al-loop", *sys.argv[2:]]
    waited: list[float] = []
    send = httpx.Client.send

    def timed(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        began = time.perf_counter()
        try:
            return send(client, request, **options)
        finally:
            waited.append(time.perf_counter() - began)

    httpx.Client.send = timed  # type: ignore[method-assign]
    from al_loop.cli import main as run

    try:
        run()
    finally:
        loaded = [name for name in _HEAVY if sys.modules.get(name)]
        facts = {"calls": len(waited), "seconds": sum(waited), "loaded": loaded}
        out.write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
