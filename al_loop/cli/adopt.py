"""`al-loop adopt`: start where others have begun."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from al_loop.cells import few, one_line
from al_loop.cli.progress import bar, say
from al_loop.cli.tables import echo_json
from al_loop.cli.workspace import SHOWN, check_encoder
from al_loop.data.columns import Asked
from al_loop.errors import InputError

if TYPE_CHECKING:
    from al_loop.adopt.report import Report

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("project", metavar="PROJECT")
@click.option("--url", metavar="URL", default="", help="The server, if config.toml names none.")
@click.option("--control", metavar="NAME", default="", help="Which control is the class.")
@click.option("--text", metavar="COL", help="Field of the tasks' data that is the text.")
@click.option("--id", "id_", metavar="COL", help="Field of ids; '' makes them of task numbers.")
@click.option(
    "--keep", metavar="COL,COL", multiple=True, help="Fields to carry along (default: all)."
)
@click.option(
    "--label-config", metavar="FILE", type=_FILE, help="The page (XML) of an exported project."
)
@click.option("--test", metavar="FILE", type=_FILE, help="Labeled texts to measure on.")
@click.option(
    "--replace-bad-chars", is_flag=True, help="Put U+FFFD for characters that can't be stored."
)
@click.option("--allow-shrink", is_flag=True, help="Believe that many answers are gone.")
@click.option("--dry-run", is_flag=True, help="Say what would be adopted; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.pass_obj
def adopt(root: Path, /, project: str, as_json: bool, **options: Any) -> None:
    """Start from an existing Label Studio project or its export.

    PROJECT is the project's number, or a file that it was exported to as JSON. It is only
    read: its page tells the classes, its tasks become texts, its answers become labels and cost
    nothing, and rounds go to a project of their own. Run it again to take over what is answered
    or changed there later. Without --test a random 20 % of the labeled texts (at least 30)
    become the test set.
    """
    from al_loop.adopt import run
    from al_loop.workspace import Workspace

    report = run.adopt(Workspace(root), _request(project, **options), bar)
    if as_json:
        echo_json(report.to_dict())
    else:
        _print(report)
    if not report.dry_run:
        check_encoder(root)
        if not as_json:
            _print_next(report, project)


def _request(
    project: str,
    *,
    text: str | None,
    id_: str | None,
    keep: tuple[str, ...],
    label_config: Path | None,
    **others: Any,
) -> Any:
    from al_loop.adopt.source import Request

    number = project.isascii() and project.isdecimal()
    if not number and not (project and Path(project).exists()):
        raise InputError(
            f"{project!r} is neither the number of a project nor a file",
            hint="the number is in the address of the project's page: /projects/NUMBER/",
        )
    if number and label_config is not None:
        raise click.UsageError("--label-config is for an exported file; the server has the page")
    kept = tuple(name.strip() for group in keep for name in group.split(",") if name.strip())
    return Request(
        int(project) if number else Path(project),
        label_config=label_config,
        asked=Asked(text or None, None, id_, kept if keep else None),
        **others,
    )


def _print(report: "Report") -> None:
    if report.dry_run:
        click.echo("dry run: nothing was written")
    named = f" {report.title!r}" if report.title else ""
    click.echo(one_line(f"{report.where}{named}: {report.tasks:,} tasks"))
    for number, what in _numbers(report):
        if number:
            click.echo(f"  {number:>9,} {what}")
    kept = f", kept = {', '.join(report.kept)}" if report.kept else ""
    _line("taken", f"class = {report.control}, text = {report.text}{kept}")
    _line(f"classes, {len(report.classes):,}", few(report.classes) or "none")
    if report.unknown:
        odd = ", ".join(f"{name} ({n})" for name, n in list(report.unknown.items())[:SHOWN])
        _line("no class, so no label until `al-loop classes add`", odd)
    size = f"{report.test_size:,} texts" if report.test_size else "none"
    _line("test set", size + _RULES[report.test_rule])
    if left := _not_taken(report):
        _line("not taken over", ", ".join(left))
    if report.bad:
        click.echo("left out:")
        for problem in report.bad[:SHOWN]:
            click.echo(f"  {one_line(problem)}")
        if len(report.bad) > SHOWN:
            click.echo(f"  ... and {len(report.bad) - SHOWN:,} more: --json lists all")


#: Where the test set is from; see `imports.ImportReport`.
_RULES = {
    "file": " (from the test file)",
    "drawn": " (drawn at random from the labeled texts)",
    "kept": "",
    "too few labels": ": 60 labels are needed to draw one; al-loop import --test FILE adds one",
    "none": "; al-loop import --test FILE adds one",
}


def _numbers(report: "Report") -> list[tuple[int, str]]:
    """Return what is counted, with words; what is 0 is not printed."""
    count = report.statuses.get
    changes = report.changes
    return [
        (report.texts, "texts"),
        (report.repeated, "tasks with the text of another one: one text each time"),
        (report.answers, f"answers of {report.people:,} people, {report.skips:,} of them skips"),
        (report.labels, "texts with a label"),
        (count("conflict", 0), "texts with a conflict: as many votes for each side"),
        (count("skipped", 0), "texts that were only skipped"),
        (
            count("unusable", 0) + count("proposed", 0),
            "texts whose answers say no class that is known",
        ),
        (count("", 0), "texts without an answer: they are in the pool"),
        (report.ground_truth, "answers with a star (ground truth): they count as any other"),
        (0 if report.first else changes.new, "answers are new since the last time"),
        (changes.edited, "answers were changed since; the old ones are kept in the history"),
        (changes.deleted, "answers are gone since, and don't count any more"),
        (len(report.bad), "left out, see below"),
    ]


def _not_taken(report: "Report") -> list[str]:
    found = [(report.predictions, "tasks with predictions"), (report.drafts, "drafts")]
    return [f"{n:,} {what}" for n, what in found if n] + list(report.other_controls)


def _print_next(report: "Report", project: str) -> None:
    """Say what was left alone, what to close, and what to type."""
    click.echo(f"\n{one_line(report.where)} was not changed; rounds go to a project of their own.")
    if report.unanswered:
        say(
            f"note: {report.unanswered:,} of its tasks have no answer. Close it for annotators, or "
            "delete these tasks there: else people answer the same texts twice"
        )
    click.echo("\nnext: al-loop doctor   checks server, key and encoder")
    click.echo("      al-loop round    sends the first batch to a new project")
    click.echo(f"      al-loop adopt {one_line(project)}   takes over what changes there later")


def _line(name: str, text: str) -> None:
    click.echo(one_line(f"{name}: {text}"))
