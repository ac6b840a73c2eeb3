"""What suggestions of the model do to people's answers."""

from collections.abc import Callable, Iterable
from typing import Any

from al_loop.rates import difference, rate
from al_loop.report.annotators_votes import Said
from al_loop.store import Store, reporting
from al_loop.store.reporting import Guess


def suggestions(store: Store) -> dict[str, Any]:
    """Compare how often people said what the model suggested, with and without seeing it.

    The texts without a visible suggestion were drawn at random from each batch, so that the
    difference is what seeing one does. Each of `shown` and `blind` has `n`, `hits`, `share`,
    `low` and `high`; `difference` has `value`, `low` and `high`, or is None.
    """
    return _compared(reporting.guesses(store))


def leaning(store: Store, said: Said) -> dict[str, Any]:
    """Compare how often people said a wrong suggestion, with and without seeing it.

    Wrong is one that differs from the text's label, where that does not rest on the person's
    answer alone: it was set by hand or adjudicated, or somebody else said it, too. Where all who
    saw a wrong suggestion followed it nobody knows that it is wrong: the share of those who saw it
    is rather higher than this. Keys as in `suggestions`.
    """
    return _compared(g for g in reporting.guesses(store) if _wrong(g, said))


def _wrong(guess: Guess, said: Said) -> bool:
    label = said.labels.get(guess.item_id)
    if label is None or label == guess.suggestion:
        return False
    cast = said.votes.get(guess.item_id, {})
    others = (vote for person, vote in cast.items() if person != guess.annotator)
    return guess.item_id in said.decided or label in others


def _compared(guesses: Iterable[Guess]) -> dict[str, Any]:
    found = list(guesses)
    shown = _counted(found, lambda g: not g.blind)
    blind = _counted(found, lambda g: g.blind)
    return {"shown": rate(*shown), "blind": rate(*blind), "difference": difference(shown, blind)}


def _counted(guesses: Iterable[Guess], which: Callable[[Guess], bool]) -> tuple[int, int]:
    """Return how many of some answers say what was suggested, and how many there are."""
    same = [g.same for g in guesses if which(g)]
    return sum(same), len(same)
