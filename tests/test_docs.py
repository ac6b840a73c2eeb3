"""What the documents say is so: commands, options, exit codes, strategies, links."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from cogapp import Cog

from al_loop import errors
from al_loop.cli import COMMANDS, EXIT_CODES, cli
from tests.test_architecture import ONLY

ROOT = Path(__file__).parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")])
SOURCES = sorted([*ROOT.glob("al_loop/**/*.py"), *ROOT.glob("strategies/*.py")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands():
    """Yield (words, command) of every command and subcommand."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        yield (name,), command
        for sub in getattr(command, "commands", {}):
            yield (name, sub), command.commands[sub]


def slug(heading: str) -> str:
    """Return the anchor that a heading gets where the documents are shown."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


# Commands


def test_what_is_generated_is_up_to_date(capsys):
    files = [str(path) for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))]

    assert Cog().main(["cog", "--check", *files]) == 0, capsys.readouterr()


@pytest.mark.parametrize(("words", "command"), list(commands()), ids=lambda v: str(v))
def test_a_command_is_documented_with_all_its_options(words, command):
    page = read(ROOT / "docs" / "cli.md")
    _, _, section = page.partition(f"## al-loop {' '.join(words)}\n")
    section, _, _ = section.partition("\n## ")

    assert command.help
    assert command.help.splitlines()[0] in section
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.name} has no help"
            assert f"  {parameter.opts[0]}" in section


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name):
    command = cli.get_command(click.Context(cli), name)

    assert command.name == name
    assert command.help.splitlines()[0] == COMMANDS[name][1]


# Exit codes


def exit_codes_in_help() -> dict[int, str]:
    found = re.findall(r"(?:^|\s{2})(\d+)  (\S.*?)(?=\s{3,}|$)", EXIT_CODES, re.MULTILINE)
    return {int(code): words for code, words in found}


def error_classes(root=errors.AlLoopError):
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from error_classes(child)


def test_the_exit_codes_in_help_are_those_of_the_errors():
    assert set(exit_codes_in_help()) == {0} | {e.exit_code for e in error_classes()}


def test_readme_lists_the_exit_codes_as_help_does():
    section = read(ROOT / "README.md").partition("## Exit codes")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.+?) \|$", section, re.MULTILINE)

    assert {int(code): words for code, words in rows} == exit_codes_in_help()


def test_the_tree_of_errors_is_drawn_as_it_is():
    drawn = re.findall(r"^\s*[|+ -]*(\w+) +(\d+)  ", errors.__doc__, re.MULTILINE)

    assert {name: int(code) for name, code in drawn} == {
        e.__name__: e.exit_code for e in error_classes()
    }


# Commands that are typed somewhere


def typed(line: str) -> list[str] | None:
    """Return the words after al-loop in a line of a shell block, or None."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words.pop(0)
    return words[1:] if words and Path(words[0]).name == "al-loop" else None


def check_command(words: list[str]) -> None:
    """Refuse an unknown command or option; values of options may be anything."""
    command: click.Command = cli
    context = click.Context(cli, info_name="al-loop")
    while words:
        _, rest, _ = command.make_parser(context).parse_args(list(words))
        if not isinstance(command, click.Group) or not rest:
            return
        _, found, words = command.resolve_command(context, rest)
        assert found is not None, f"no command {rest[0]}"
        command, context = found, click.Context(found, parent=context, info_name=found.name)


def test_the_check_of_typed_commands_sees_what_is_wrong():
    for wrong in ("al-loop rond", "al-loop round --bacth 3", "al-loop classes ad x"):
        with pytest.raises((click.UsageError, AssertionError)):
            check_command(typed(wrong))


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_every_command_in_a_shell_block_exists(path):
    for language, block in _FENCE.findall(read(path)):
        for line in block.splitlines() if language in ("sh", "console", "bash") else ():
            if (words := typed(line)) is not None:
                check_command(words)


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_every_command_in_a_sentence_exists(path):
    for quoted in re.findall(r"`al-loop ([a-z][^`]*)`", read(path)):
        first = re.sub(r"\b[A-Z]{3,}\b", "x", quoted)
        check_command(shlex.split(first))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_in_a_hint_exists(path):
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.keyword) and node.arg == "hint":
            for name in re.findall(r"(?<!\.)al-loop ([a-z]+)", ast.unparse(node.value)):
                assert name in {*COMMANDS, "does"}, f"{path.name}: al-loop {name}"


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_every_target_of_make_that_is_named_exists(path):
    targets = re.findall(r"^(\w+):", read(ROOT / "Makefile"), re.MULTILINE)

    for target in re.findall(r"(?:`|^\s*)make (\w+)(?:`|\s+#)", read(path), re.MULTILINE):
        assert target in targets


# Files, links, words


def test_every_strategy_is_documented():
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    page = read(ROOT / "docs" / "strategies.md")

    for name in project["entry-points"]["al_loop.strategies"]:
        assert f"\n### {name}\n" in page
        assert f"\n| `{name}` |" in page


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_every_link_between_documents_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", read(path))):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), f"{path.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", read(linked), re.MULTILINE)
            assert anchor in map(slug, headings), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_every_file_of_the_project_that_is_named_exists(path):
    text = _FENCE.sub("", read(path))
    for name in re.findall(r"`((?:al_loop|strategies|tests|docs|examples)/[\w./*]+)`", text):
        if "N.db" not in name and "VERSION" not in name:
            assert any(ROOT.glob(name.rstrip("/"))), f"{path.name} names {name}"


def test_the_architecture_shows_who_alone_imports_what():
    page = read(ROOT / "docs" / "architecture.md")
    table = page.partition("## Who may import whom")[2].partition("| importer |")[0]
    shown = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|$", table, re.MULTILINE))

    assert {
        package: [
            place.removesuffix(".py").rstrip("/").replace("/", ".")
            for place in places.split("`, `")
        ]
        for package, places in shown.items()
    } == ONLY


def test_the_architecture_names_every_module():
    page = read(ROOT / "docs" / "architecture.md")
    table = page.partition("## Module by module")[2].partition("\n## ")[0]

    for path in sorted((ROOT / "al_loop").iterdir()):
        if path.suffix == ".py" and not path.name.startswith("_"):
            assert f"`{path.stem}`" in table, path.name
        elif path.is_dir() and not path.name.startswith("_"):
            assert f"`{path.name}/" in table, path.name


@pytest.mark.parametrize("pattern", ["[!.]*", ".ci/*", "docs/*", "examples/*", "benchmarks/**/*"])
def test_nothing_names_the_machine_it_was_written_on(pattern):
    others = [path for path in ROOT.glob(pattern) if path.is_file()]
    for path in [*others, *SOURCES, *ROOT.glob("tests/**/*.py")]:
        text = path.read_text(encoding="utf-8", errors="replace")
        for place in ("work", "root", "tmp/w"):
            assert f"/{place}/" not in text, path


def test_readme_is_read_in_five_minutes():
    assert read(ROOT / "README.md").count("\n") < 180
