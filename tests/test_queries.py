"""The five queries of docs/schema.md, run on a small project and on old databases."""

import re
import shutil
from pathlib import Path

import pytest
import tabulate

from al_loop.store import open_store
from tests import lead

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
RELEASED = sorted((ROOT / "tests" / "data").glob("schema-*.db"))
#: (question, query, answer as it is printed there)
SHOWN = re.findall(
    r"^### ([^\n]+\?)\n.+?^```sql\n(.+?)^```\n\n```text\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def project():
    store = lead.make()
    yield store
    store.close()


def printed(store, query, monkeypatch):
    """Return the rows of a query as the page shows them."""
    monkeypatch.setattr(tabulate, "MIN_PADDING", 0)
    cursor = store.conn.execute(query)
    table = tabulate.tabulate(
        [tuple(row) for row in cursor],
        [column[0] for column in cursor.description],
        tablefmt="simple",
        missingval="-",
    )
    return "\n".join(line.rstrip() for line in table.splitlines()) + "\n"


def test_five_questions_are_asked_each_with_a_query_and_its_answer():
    assert len(SHOWN) == 5
    assert PAGE.count("```sql") == 5


@pytest.mark.parametrize(("question", "query", "answer"), SHOWN, ids=[s[0] for s in SHOWN])
def test_a_query_answers_what_the_page_shows(project, question, query, answer, monkeypatch):
    assert printed(project, query, monkeypatch) == answer


@pytest.mark.parametrize("path", RELEASED, ids=lambda p: p.stem)
def test_the_queries_run_on_the_database_of_every_release(path, tmp_path):
    shutil.copy(path, tmp_path / "al-loop.db")
    store = open_store(tmp_path / "al-loop.db")
    for _, query, _ in SHOWN:
        assert store.rows(query) is not None
    by_class = {r["class"]: r["answers"] for r in store.rows(SHOWN[1][1])}
    assert sum(by_class.values()) == store.value("SELECT COUNT(*) FROM purchases")
    store.close()
