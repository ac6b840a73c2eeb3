"""Every error that a user can meet, with its exit code and what to type next.

::

    AlLoopError            1    nothing changed
    +-- InputError         2    usage, config or bad data
    |   +-- ConfigError    2    names the option
    |   +-- DataError      2    names file and line; `problems` lists the bad rows
    +-- StateError         1    another process moved the round, or a step came too early
    +-- CheckFailed        1    an invariant does not hold
    +-- Waiting            3    people have to answer first
    +-- BudgetStop         4    the budget is used up
    +-- ServerError        5    unreachable, or outcome unknown: safe to run again
    +-- AuthError          6    key missing, wrong or revoked
    +-- Locked             7    another process works in this workspace
    +-- NothingToSelect    8    the pool is empty
    +-- Interrupted      130    Ctrl-C or SIGTERM
"""

from collections.abc import Sequence
from typing import ClassVar


class AlLoopError(Exception):
    """One line for people, `hint` says what to type next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(AlLoopError):
    """Usage, config or data that can't be worked with."""

    exit_code = 2


class ConfigError(InputError):
    """An option in config.toml or on the command line is wrong."""


class DataError(InputError):
    """A file or rows of it are refused; `problems` has one line for each bad row."""

    def __init__(self, message: str, *, hint: str = "", problems: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class StateError(AlLoopError):
    """The round is not in the state that the step expects."""


class CheckFailed(AlLoopError):
    """`al-loop check` found an invariant that does not hold."""


class Waiting(AlLoopError):
    """The open round needs answers of people."""

    exit_code = 3


class BudgetStop(AlLoopError):
    """The budget is used up."""

    exit_code = 4


class ServerError(AlLoopError):
    """The server can't be reached, or whether it did what was asked is unknown."""

    exit_code = 5


class AuthError(AlLoopError):
    """The server refused the key."""

    exit_code = 6


class Locked(AlLoopError):
    """Another process holds the workspace."""

    exit_code = 7


class NothingToSelect(AlLoopError):
    """No unlabeled text is left."""

    exit_code = 8


class Interrupted(AlLoopError):
    """Ctrl-C or SIGTERM; what was committed stays."""

    exit_code = 130
