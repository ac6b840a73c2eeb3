"""`al-loop strategies`: what can stand in `[batch] strategy`."""

from pathlib import Path
from typing import Any

import click

from al_loop.cli.tables import echo_json, echo_table, formats, one_line, shorten

_COLUMNS = {"name": "strategy", "use": "used", "options": "options", "from": "from"}
_OPTIONS = {"name": "option", "type": "type", "default": "default", "value": "value"}


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@formats
@click.pass_obj
def strategies(root: Path, name: str | None, form: str | None) -> None:
    """List the strategies that are installed.

    What each does, its options with the values that count in this folder, and the package that
    it comes from. With NAME: all about one, and how config.toml chooses it.
    """
    from al_loop import config as configs
    from al_loop.report.strategies import about, facts

    path = root / configs.FILE_NAME
    here = path.exists()
    config = configs.load(path) if here else configs.Config()
    if name is None:
        _list(facts(config), form, config.batch.candidates)
    else:
        _show(about(name, config), form, "configured here" if here else "the default")


def _list(found: list[dict[str, Any]], form: str | None, candidates: str) -> None:
    if form == "json":
        short = [{k: v for k, v in r.items() if k != "doc"} for r in found]
        echo_json({"strategies": short, "candidates": candidates})
        return
    rows = [
        r
        | {
            "use": _use(r),
            "options": ", ".join(map(_option, r["options"])),
            "from": f"{r['package']} {r['version']}".strip() or r["function"],
            "summary": r["summary"] if form else shorten(r["summary"], 50),
        }
        for r in found
    ]
    columns = _COLUMNS | {"summary": "what it does"}
    echo_table(rows, columns | ({"problem": "problem"} if form else {}), form)
    if form is None:
        for r in found:
            if r["problem"]:
                click.echo(one_line(f"{r['name']} can't be used: {r['problem']}"))
        if candidates != "all":
            click.echo(f'candidates = "{candidates}": they choose among texts near labeled ones')
        click.echo("all about one: al-loop strategies NAME")


def _show(record: dict[str, Any], form: str | None, used: str) -> None:
    from al_loop.report.strategies import toml

    if form == "json":
        echo_json(record)
        return
    options = [
        {"name": o["name"], "type": o["type"], "value": _words(o["value"])}
        | {"default": "none: it has to be given" if o["required"] else _words(o["default"])}
        for o in record["options"]
    ]
    if form is not None:
        echo_table(options, _OPTIONS, form)
        return
    package = [f"{record['package']} {record['version']}"] if record["package"] else []
    function = [record["function"]] if record["function"] != record["name"] else []
    origin = f" ({', '.join(package + function)})" if package or function else ""
    use = f", {used}" if record["configured"] else ""
    click.echo(one_line(f"{record['name']}{origin}{use}"))
    if record["problem"]:
        click.echo(one_line(f"can't be used: {record['problem']}"))
    for line in ["", *record["doc"].splitlines()]:
        click.echo("".join(c if c.isprintable() else " " for c in line))
    if options:
        click.echo()
        echo_table(options, _OPTIONS)
    click.echo("\nin config.toml:\n")
    for line in toml(record):
        click.echo(f"    {line}".rstrip())


def _use(record: dict[str, Any]) -> str:
    if record["share"] is not None:
        return f"{record['share']:g} of mix"
    return "yes" if record["configured"] else ""


def _option(option: dict[str, Any]) -> str:
    """Write an option as a signature does, with the value that counts here."""
    kind = f": {option['type']}" if option["type"] else ""
    if option["required"] and option["value"] is None:
        return f"{option['name']}{kind}"
    changed = option["value"] != option["default"] and not option["required"]
    default = f" (default {_words(option['default'])})" if changed else ""
    return f"{option['name']}{kind} = {_words(option['value'])}{default}"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return " + ".join(f"{share:g} {name}" for name, share in value.items())
    return "none" if value is None else str(value)
