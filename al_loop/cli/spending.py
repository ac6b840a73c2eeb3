"""The gate before each new round: the price, the question, and the stop."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from al_loop.cli.progress import say

if TYPE_CHECKING:
    from al_loop.app import App
    from al_loop.budget.price import Plan
    from al_loop.config import Config

F = TypeVar("F", bound=Callable[..., Any])


def options(command: F) -> F:
    """Add --yes and --continue to a command, as arguments `yes` and `go_on`."""
    on = "Begin a round although the budget is used up."
    command = click.option("--continue", "go_on", is_flag=True, help=on)(command)
    ask = "Don't ask before an expensive batch ([budget] confirm_over)."
    return click.option("--yes", is_flag=True, help=ask)(command)


def allowed(opened: "App", config: "Config", *, go_on: bool) -> "Config":
    """Return the configuration with the batch that the budget pays for, and say if it is smaller.

    Raises:
        BudgetStop: not even one text fits into what is left, and `go_on` is false.
    """
    coming = _plan(opened, config, go_on=go_on)
    if coming.shrunk:
        say(coming.shrunk)
    return _sized(config, coming)


def gate(opened: "App", *, yes: bool, go_on: bool) -> "Callable[[Config], Config]":
    """Return what `machine.Options` calls before a new round is selected.

    It shrinks the batch to what the budget has left, says the price, and asks on a terminal
    when that is above `[budget] confirm_over`. Raises what `allowed` does and, when the answer is
    no or nobody is there to be asked, an error that begins no round.
    """

    def check(config: "Config") -> "Config":
        coming = _plan(opened, config, go_on=go_on)
        if not coming.wanted:
            return config  # nobody can be asked anything: selecting says so
        for line in (coming.left, coming.shrunk, coming.price.line()):
            if line:
                say(line)
        if coming.asks and not yes:
            _ask(coming)
        return _sized(config, coming)

    return check


def further(opened: "App", number: int) -> float:
    """Return how many answers the budget pays for beside those that an open round waits for."""
    from al_loop.budget import price, spent
    from al_loop.store import overview, rounds

    budget = opened.config.budget
    now = spent.standing(opened.store, budget)
    left = min(price.answers_left(budget, now.left, now.pace).values(), default=float("inf"))
    open_ids = set(overview.unsettled(opened.store, number))
    batch = rounds.batch(opened.store, number)
    return max(left - sum(b.overlap for b in batch if b.item_id in open_ids), 0.0)


def _plan(opened: "App", config: "Config", *, go_on: bool) -> "Plan":
    from al_loop.budget import price, spent
    from al_loop.errors import BudgetStop
    from al_loop.loop import again

    now = spent.standing(opened.store, config.budget)
    texts = again.most(opened.store, config)
    try:
        return price.plan(config, now, texts, go_on=go_on)
    except BudgetStop as e:
        here = click.get_current_context().command_path  # al-loop label goes on by itself
        raise BudgetStop(e.message, hint=e.hint.replace("al-loop round", here)) from None


def _sized(config: "Config", coming: "Plan") -> "Config":
    from al_loop.config import override

    fits = coming.price.texts
    return config if fits == coming.wanted else override(config, "batch", size=fits)


def _ask(coming: "Plan") -> None:
    """Ask a person on the terminal.

    Raises:
        AlLoopError: the answer is no.
        InputError: there is no terminal.
    """
    from al_loop.errors import AlLoopError, InputError

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(
            f"the next batch costs {coming.price.cost}, more than [budget] confirm_over, and"
            " nobody is here to be asked",
            hint="the same command with --yes",
        )
    if not click.confirm("send it?", err=True):
        raise AlLoopError("no round was begun: nothing was sent")
