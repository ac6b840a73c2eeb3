"""The command line: parse, call, print. Commands are imported when they are run."""

import atexit
import gc
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from al_loop.cli.report_errors import reporting

#: name -> (module, one line for --help); a test compares the lines with the commands' own.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("workspace", "Make a workspace in this folder from a file of texts."),
    "import": ("workspace", "Add the rows of another file."),
    "adopt": ("adopt", "Start from an existing Label Studio project or its export."),
    "round": ("round", "Carry the open round on, or begin the next one."),
    "label": ("label", "Label the open batch here, in the terminal."),
    "status": ("show", "Say where the open round stands and what to do next."),
    "history": ("show", "Show what each round cost and brought."),
    "budget": ("budget", "Say what the labels cost, what they bought, and what is left."),
    "report": ("report", "Write one page that says where the project stands."),
    "noise": ("noise", "Find labels that look wrong, and have them looked at."),
    "annotators": ("annotators", "Show how much people agree, and how good each is."),
    "classes": ("classes", "Show and change classes."),
    "explain": ("explain", "Tell all that is known about one text."),
    "fix": ("fix", "Set the label of one text by hand."),
    "undo": ("undo", "Take back the last round that is not logged."),
    "export": ("export", "Print or write the labels, with where each comes from."),
    "check": ("check", "Verify the workspace's invariants."),
    "discover": ("discover", "Find groups of texts that may be classes nobody has named."),
    "simulate": ("simulate", "Play a strategy through on labeled data."),
    "compare": ("compare", "Compare strategies on labeled data before money is spent."),
    "recommend": ("recommend", "Say which strategy to use next, from the labels there are."),
    "strategies": ("strategies", "List the strategies that are installed."),
    "demo": ("demo", "Run three rounds on the examples, with scripted annotators."),
    "up": ("server", "Start a local Label Studio for this workspace."),
    "down": ("server", "Stop the local Label Studio."),
    "doctor": ("doctor", "Check server, key, project, encoder and database."),
}

EXIT_CODES = """\b
Exit codes:
  0  done                              5  server unreachable: run again
  1  error, nothing changed            6  key refused
  2  usage, config or bad data         7  locked by another process
  3  waiting for annotators            8  nothing to select
  4  stop: budget used up            130  interrupted
"""


class LazyGroup(click.Group):
    """Finds commands in `COMMANDS`, so that --help imports nothing but click."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a first hour."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the one command that is run."""
        if name not in COMMANDS:
            return None
        module = import_module(f"al_loop.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, f"{name}_" if name == "import" else name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest name for an unknown command."""
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(
                f"No such command {args[0]!r}." + (f" Did you mean {near[0]}?" if near else "")
            )
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"max_content_width": 100})
@click.option(
    "-C",
    "--workspace",
    "root",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Folder of the workspace (default: this one).",
)
@click.version_option(package_name="al-loop")
@click.pass_context
def cli(ctx: click.Context, root: Path) -> None:
    """Label texts with the fewest human answers.

    A round chooses a batch, brings it to Label Studio, fetches the answers, looks for wrong
    labels, trains, and logs. Each command can be run again at any time.
    """
    ctx.obj = root


def _interrupt(_signal: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt


def main() -> NoReturn:
    """Entry point of `al-loop`: no traceback, a documented exit code."""
    os.umask(0o077)
    # Imports leave no garbage: looking for it took 15 % of their time, and 0.3 s at the end.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    signal.signal(signal.SIGTERM, _interrupt)
    with reporting():
        cli.main(prog_name="al-loop", standalone_mode=False)
    sys.exit(0)
