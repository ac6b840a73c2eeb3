"""A workspace whose every label has another origin, for the tests of `export`."""

from al_loop import workspace
from al_loop.labels import Consensus
from al_loop.store import answers, consensus, items, open_store
from al_loop.types import Answer, ClassSpec, Pulled, task_key
from tests import offline

#: Kept columns with names that get in the way of ours, of a format, or of a spreadsheet.
HOSTILE = {
    "status": "new",
    "kept_status": "old",
    "=cmd()": "+1",
    'a "quote" | <b>': "1\n2",
    "\u540d\u524d \u2028\x7f\U0001f600": "\u05e9\u05dc\u05d5\u05dd",
}
CLASSES = ("refund", "delay", 'a "b": {c} | <i>')

_BATCH = (
    "INSERT INTO batch (round, item_id, look, rank, strategy, score, inclusion, why, suggestion,"
    " suggestion_score, blind, overlap, released) VALUES (?,?,0,?,?,0.5,?,'why',?,0.7,?,2,?)"
)


def said(number, item, who, label, *, kind="label", **more):
    """One answer of a person."""
    labels = (label,) if label else ()
    when = f"2026-01-{number:02}T00:00:00Z"
    key = task_key(item, 0)
    return Answer(number, key, who, kind, labels, created_at=when, updated_at=when, **more)


ANSWERS = (
    said(1, "voted", "ann@example.com", "refund"),
    said(2, "voted", "bob@example.com", "delay"),
    said(3, "voted", "eve@example.com", "refund"),
    said(4, "voted", "7", None, kind="skip"),
    said(5, "fixed", "ann@example.com", "delay", comment="really?", lead_time=2.5),
    said(6, "skipped", "bob@example.com", None, kind="skip"),
    said(7, "asked", "ann@example.com", None, missing="praise"),
    said(8, "broken", "ann@example.com", None, kind="invalid", problem="two choices"),
    said(10, "judged", "ann@example.com", "refund"),
    said(11, "judged", "bob@example.com", "delay"),
    said(12, "settled", "ann@example.com", "refund"),
    said(13, "settled", "bob@example.com", "delay"),
)


#: Given in review: an adjudicator sees how others labeled the text.
DECIDED = (
    said(1, "judged", "lea@example.com", "delay"),
    said(2, "judged", "max@example.com", "refund"),
    said(3, "judged", "tim@example.com", "delay"),
)


def make(root):
    """Make it and return the folder; "plain" has no label, "test" is in the test set."""
    offline.make(root, table=[("plain", "a text without a label", "")])
    store = open_store(workspace.find(root).db_path)
    with store.tx():
        items.add_classes(store, [ClassSpec(name) for name in CLASSES], "command")
        _texts(store)
        _rounds(store)
        deleted = said(9, "voted", "max@example.com", "delay")
        for found in ((*ANSWERS, deleted), ANSWERS):
            answers.save_pull(store, 1, Pulled(found, annotated=5))
        answers.save_pull(store, 2, Pulled(DECIDED, annotated=1))
        _settled(store)
        _by_hand(store)
    store.close()
    return root


def _texts(store):
    number = items.begin_import(store, "made up", "pool")
    names = (
        *("given", "voted", "fixed", "skipped", "asked", "broken", "judged", "settled"),
        "test",
    )
    for line, name in enumerate(names, start=1):
        text = f"text of {name}"
        role = "test" if name == "test" else "pool"
        items.add_item(store, name, line, text, items.text_hash(text), role)
        label = {"given": "refund", "test": "unheard of"}.get(name)
        extra = HOSTILE if name == "given" else {}
        items.put_alias(store, items.Alias(name, name, number, line, label, extra))
    twin = items.Alias("twin", "given", number, 9, None, {"channel": "mail"})
    items.put_alias(store, twin)


def _rounds(store):
    store.execute(
        "INSERT INTO projects (id, role, annotator, marker, title)"
        " VALUES (1, 'labeling', 'label_studio', 'marker', 'title'),"
        " (2, 'review', 'label_studio', 'marker-review', 'title review')"
    )
    for number in (1, 2):
        store.execute(
            "INSERT INTO rounds VALUES (?, 1, 'logged', 's', 0, '{}', '{}', ?, 9, '')",
            [number, f"model-{number}"],
        )
        store.execute("INSERT INTO transitions VALUES (?, 'audited', '', 0.1)", [number])
    asked = ("voted", "fixed", "skipped", "asked", "broken", "judged", "settled")
    rows = [(1, name, i, "random", 0.25, None, 0, 0) for i, name in enumerate(asked)]
    rows[0] = (1, "voted", 0, "random", 0.25, None, 0, 1)  # went back, and was chosen again
    rows.append((2, "voted", 0, "margin", None, "refund", 1, 0))
    store.execute_many(_BATCH, rows)
    store.execute_many(
        "INSERT INTO tasks VALUES (1, ?, ?, 0, 2, ?, 0)",
        [(task_key(name, 0), name, i) for i, name in enumerate(asked)],
    )
    store.execute("INSERT INTO tasks VALUES (2, 'judged:0', 'judged', 0, 1, 1, 0)")
    store.execute_many(
        "INSERT INTO evidence VALUES (?, ?, ?, 'delay', ?, NULL, NULL, 1)",
        [
            (1, "voted", "refund", 0.1),
            (2, "voted", "refund", 0.125),
            (2, "fixed", "delay", 0.99),  # of the label that it had before
            (2, "judged", "delay", 0.9),  # decided since
        ],
    )


def _settled(store):
    votes = {"ann@example.com": "refund", "bob@example.com": "delay"}
    found = {name: Consensus("refund", 0.75, votes, "crowdlab") for name in ("judged", "settled")}
    others = votes | {"eve@example.com": "delay"}
    consensus.save(store, 2, found | {"voted": Consensus("refund", 0.9, others, "crowdlab")})


def _by_hand(store):
    store.execute(
        "INSERT INTO fixes (item_id, label, was, author, reason, at) VALUES"
        " ('fixed', 'refund', 'delay', 'lead', '=read it', '2026-02-01T00:00:00Z')"
    )
    store.execute("UPDATE labels SET status = 'fixed', label = 'refund' WHERE item_id = 'fixed'")
