"""A small made-up project, always the same: three annotators, two rounds, one decision by hand.

Written row by row through the store, so that no model and no server has a say in it.
"""

from al_loop.store import answers, fixes, items, open_store, rounds, tasks
from al_loop.types import Answer, ClassSpec, Pulled

CLASSES = ("refund", "delay", "damage", "login")
SECONDS = {"ana": 6.0, "ben": 3.0, "cem": 8.0}
#: id, text, strategy that chose it, suggestion, blind, answers; None is a skip
FIRST = (
    ("m01", "When will I see my money again?", "clusters", None, 0, {"ana": "refund"}),
    ("m02", "The parcel is three weeks late", "clusters", None, 0, {"ben": "delay"}),
    ("m03", "The vase came in a hundred pieces", "clusters", None, 0, {"ana": "damage"}),
    ("m04", "Your page forgets my password", "clusters", None, 0, {"cem": "login"}),
    (
        "m05",
        "It never came, so pay me back",
        "clusters",
        None,
        0,
        {"ana": "refund", "ben": "delay"},
    ),
    ("m06", "Two of six glasses survived", "random", None, 0, {"cem": "damage", "ana": "damage"}),
)
SECOND = (
    ("m07", "Late again, I want my money", "margin", "delay", 0, {"ana": "refund", "ben": "delay"}),
    ("m08", "asdf", "margin", "damage", 0, {"ana": None, "ben": None}),
    ("m09", "The box was wet and late", "margin", "damage", 0, {"ben": "damage"}),
    ("m10", "Locked out since the update", "margin", "damage", 1, {"cem": "login"}),
    ("m11", "Nobody refunds, nobody answers", "margin", "delay", 0, {"ana": "refund"}),
    ("m12", "Code by text never arrives", "margin", "delay", 0, {"ana": "login", "cem": "login"}),
    ("m13", "Broken on arrival, refund please", "margin", "refund", 0, {"ben": "refund"}),
    ("m15", "Where is my parcel?", "margin", "delay", 0, {"ben": "delay"}),
    ("m16", "Charged twice for one cup", "random", "refund", 0, {"ana": "refund", "ben": "refund"}),
    ("m14", "Great service, thanks!", "random", "delay", 1, {"ana": None, "ben": "praise?"}),
)
COMMENTS = {("m08", "ana"): "no message", ("m14", "ana"): "none of the classes"}


def make(path=None):
    """Return an open store with the project in it."""
    store = open_store(path)
    with store.tx():
        store.set_meta("uuid", "00000000-0000-0000-0000-000000000000")
        number = items.begin_import(store, "support.csv", "pool")
        for i, (item_id, text, *_) in enumerate([*FIRST, *SECOND]):
            items.add_item(store, item_id, i, text, items.text_hash(text), "pool")
            items.put_alias(store, items.Alias(item_id, item_id, number, i + 2, None, {}))
        items.add_classes(store, [ClassSpec(name) for name in CLASSES], "config")
    project = tasks.make_project(store, "label_studio", "support")
    for number, rows in ((1, FIRST), (2, SECOND)):
        _round(store, project.id, number, rows)
    _change(store, project.id)
    return store


def _round(store, project_id, number, rows):
    new = rounds.Round(
        number,
        project_id,
        "selected",
        "margin",
        0,
        {},
        "",
        len(FIRST) + len(SECOND),
        _time(number, 0),
    )
    batch = [
        rounds.BatchRow(
            item_id, text, 0, rank, strategy, 0.5, None, strategy, suggestion, None, bool(blind),
            len(said),
        )
        for rank, (item_id, text, strategy, suggestion, blind, said) in enumerate(rows, start=1)
    ]  # fmt: skip
    given = [_answer(number, row[0], who, what) for row in rows for who, what in row[5].items()]
    with store.tx():
        rounds.create(store, new, batch, versions={})
        tasks.record_push(
            store, project_id, remote_id=1, url="", task_ids={b.key: b.rank for b in batch}
        )
        _pull(store, project_id, given)
        before = "selected"
        for state in ("pushed", "pulled", "audited", "trained", "logged"):
            rounds.transition(store, number, before, state, 1.0)
            before = state


def _answer(number, item_id, who, what):
    missing = what.removesuffix("?") if what and what.endswith("?") else ""
    return Answer(
        annotation_id=int(item_id[1:]) * 10 + list(SECONDS).index(who),
        key=f"{item_id}:0",
        annotator=who,
        kind="label" if what else "skip",
        labels=(what,) if what and not missing else (),
        missing=missing,
        comment=COMMENTS.get((item_id, who), ""),
        lead_time=SECONDS[who],
        created_at=_time(number, 1),
        updated_at=_time(number, 1),
    )


def _change(store, project_id):
    """Ben edits an answer, and the lead decides on a text."""
    with store.tx():
        answers.put(store, project_id, _answer(2, "m09", "ben", "delay"), new=False)
        fixes.add(store, "m13", "damage", author="lea", reason="was sent back broken")
        answers.refresh_labels(store)


def _pull(store, project_id, given):
    old = [a for of_item in answers.all_answers(store).values() for a in of_item]
    answers.save_pull(store, project_id, Pulled([*old, *given], annotated=len(old) + len(given)))


def _time(number, hours):
    return f"2026-01-0{number}T1{hours}:00:00Z"
