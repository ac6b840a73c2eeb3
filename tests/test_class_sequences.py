"""Long sequences of decisions about classes, drawn at random: whatever must hold holds."""

import contextlib
import random

import pytest

from al_loop.annotators.label_studio import page
from al_loop.classes import changing, deciding, splitting
from al_loop.errors import DataError, NothingToSelect
from al_loop.store import answers, candidates, checks, class_changes, items, offers, undo
from al_loop.store.rounds import last_number
from al_loop.types import ClassSpec, TakenBack
from tests.answering import World
from tests.test_class_decisions import CONFIG, group

STEPS = 25


class Lead:
    """Somebody who decides anything at any time, and people who tick what there is."""

    def __init__(self, world, seed):
        self.world, self.store, self.app = world, world.store, world.app
        self.draw = random.Random(seed)
        self.people = 0

    def classes(self):
        return [c.name for c in items.classes(self.store)]

    def any_name(self):
        former = sorted(class_changes.former_names(self.store))
        groups = [c.name for c in candidates.all_(self.store)]
        asked = list(answers.proposals(self.store))
        return self.draw.choice([*self.classes(), *former, *groups, *asked, "new", "New", "other"])

    def rename(self):
        changing.rename(self.app, self.any_name(), self.any_name(), "lead", self.world.say)

    def merge(self):
        changing.merge(self.app, self.any_name(), self.any_name(), "lead", self.world.say)

    def add(self):
        changing.add(self.app, ClassSpec(self.any_name()), "lead", self.world.say)

    def accept(self):
        other = self.draw.choice(["", "", self.any_name()])
        spec = ClassSpec(other)
        deciding.accept(self.app, self.any_name(), "lead", self.world.say, spec=spec)

    def reject(self):
        deciding.reject(self.app, self.any_name(), "lead", self.world.say)

    def split(self):
        splitting.split(self.app, self.any_name(), "lead", self.world.say, parts=2)

    def config(self):
        with self.store.tx():
            items.add_classes(self.store, [ClassSpec(self.any_name())], "config")
            answers.refresh_labels(self.store)

    def find(self):
        ids = self.draw.sample(sorted(self.world.table), 4)
        self.store.execute_many("DELETE FROM cluster_texts WHERE item_id = ?", [(i,) for i in ids])
        name = f"group {self.draw.randrange(10**9)}"
        group(self.world, name, ids, offered=self.draw.random() < 0.7)

    def round(self):
        tasks = self.world.push()
        offer = offers.offer(self.store)
        names = [c.name for c in (*offer.classes, *offer.candidates)]
        stale = [*names, *offer.gone]  # a page that was open before
        answered = self.draw.sample(tasks, self.draw.randint(1, len(tasks)))
        for task in answered:
            self.people += 1
            person = f"p{self.people % 3}"
            said = self.draw.random()
            if said < 0.15:
                self.world.answer([task], missing=self.draw.choice(["worry", "joy"]), person=person)
            else:
                label = self.draw.choice(stale if said < 0.3 else names)
                self.world.answer([task], labels=(label,), person=person)
        if self.draw.random() < 0.3:
            self.any_decision()
        self.world.run(partial=True)

    def undo(self):
        self.world.push()
        number = last_number(self.store)
        with self.store.tx():
            own = undo.own_keys(self.store, number)
            undo.finish(self.store, number, own, TakenBack(own), "lead")

    def edit(self):
        key = self.draw.choice(sorted(self.world.people.said))
        self.world.people.said[key] = {"labels": (self.any_name(),), "at": "2026-02-01T00:00:00Z"}

    def any_decision(self):
        step = self.draw.choice(
            (self.rename, self.merge, self.add, self.accept, self.reject, self.split, self.config)
        )
        before = {i for i, v in answers.verdicts(self.store).items() if v.label is not None}
        with contextlib.suppress(DataError):
            step()
        after = {i for i, v in answers.verdicts(self.store).items() if v.label is not None}
        if step in (self.merge, self.rename, self.reject, self.split):
            assert before <= after, step
        return step

    def any_step(self):
        step = self.draw.choice(
            (self.any_decision, self.any_decision, self.find, self.round, self.round, self.undo)
        )
        try:
            return step() or step
        except NothingToSelect:
            return step


@pytest.mark.parametrize("seed", [1, 5, 7])
def test_whatever_is_decided_in_whatever_order_everything_holds(tmp_path, seed):
    with World(tmp_path, config=CONFIG) as world:
        lead = Lead(world, seed)
        done, live = [lead.round], ""
        lead.round()
        for _ in range(STEPS):
            done.append(lead.any_step())
            wrong = list(checks.failures(world.store, world.app.workspace.models_dir))
            assert wrong == [], [step.__name__ for step in done]
            offer = offers.offer(world.store)
            names = [c.name for c in (*offer.classes, *offer.candidates)]
            assert len(set(names)) == len(names)
            assert not set(names) & set(offer.gone)
            unused = lead.draw.sample(offer.gone, len(offer.gone) // 2)
            live = page.grown(live, offer, context=False, unused=unused) or live
            shown, known = page.class_names(live), len(offer.classes)
            assert (shown[:known], sorted(shown)) == (names[:known], sorted(names))
