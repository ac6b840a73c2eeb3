"""Scripted annotators, who use Label Studio's pages as people do.

They sign up through the invite link, log in with a session, ask for the next task and submit
what the labeling page would submit: suggestions come pre-checked, an answer says whether it is
the suggestion unchanged, a changed one or made by hand, and a skip carries the suggestion too.
The demo and the tests use them; what they do depends on a seed and the text, not on the order.
"""

from al_loop.people.crowd import answer_all, join_local
from al_loop.people.page import Choice, Decision, Missing, Offered, Skip
from al_loop.people.person import Decide, Person
from al_loop.people.scripted import Scripted, each

__all__ = [
    "Choice",
    "Decide",
    "Decision",
    "Missing",
    "Offered",
    "Person",
    "Scripted",
    "Skip",
    "answer_all",
    "each",
    "join_local",
]
