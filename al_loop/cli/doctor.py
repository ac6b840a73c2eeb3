"""`al-loop doctor`."""

from dataclasses import asdict
from pathlib import Path

import click

from al_loop.cli.progress import bar
from al_loop.cli.tables import echo_json

_MARKS = {True: "ok     ", False: "WRONG  ", None: "note   "}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(root: Path, as_json: bool) -> None:
    """Check server, key, project, encoder and database.

    Each line that is wrong says what to type.
    """
    from al_loop import app
    from al_loop.doctor import examine
    from al_loop.errors import CheckFailed

    with app.opened(root, bar) as opened:
        findings = []
        for f in examine(opened):
            findings.append(f)
            if not as_json:
                click.echo(f"{_MARKS[f.ok]}{f.name}: {f.detail}")
                if f.hint:
                    click.echo(f"         -> {f.hint}")
    if as_json:
        echo_json({"findings": [asdict(f) for f in findings]})
    wrong = sum(f.ok is False for f in findings)
    if wrong:
        raise CheckFailed(f"{wrong} of {len(findings)} checks failed")
