"""config.toml: checked, frozen, and never out of step with its commented defaults."""

import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from al_loop import config
from al_loop.config import Config
from al_loop.errors import ConfigError

ROOT = Path(__file__).parent.parent
#: Tables whose keys are the user's own names.
OPEN_TABLES = {"classes", "strategies", "mix"}


def load(folder, text):
    path = folder / "config.toml"
    path.write_text(text)
    return config.load(path)


def options(model: BaseModel, prefix=()):
    """Yield the path of every option, tables with free keys as a whole."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from options(value, (*prefix, name))
        else:
            yield (*prefix, name)


def test_the_commented_file_holds_every_option_with_its_default():
    assert config.load(ROOT / "config.toml") == Config()


def test_no_option_is_missing_in_the_commented_file():
    there = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))

    for path in options(Config()):
        if path[-1] in OPEN_TABLES and path[-1] != "mix":
            continue
        table = there
        for part in path:
            assert part in table, f"config.toml does not show {'.'.join(path)}"
            table = table[part]


def test_what_is_shown_in_comments_is_valid(tmp_path):
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    examples = text[text.index("# [classes.refund]") :].replace("# Parameters", "## Parameters")
    lines = [
        line.removeprefix("# ") for line in examples.splitlines() if "=" in line or "[" in line
    ]

    loaded = load(tmp_path, "\n".join(lines))

    assert loaded.classes["refund"].examples
    assert loaded.strategies["novelty"] == {"min_cluster_size": 8}


def test_an_empty_file_means_the_defaults(tmp_path):
    assert load(tmp_path, "") == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sede = 1", "config.toml: sede: unknown option, did you mean seed?"),
        ("[batch]\nsise = 3", "config.toml: [batch] sise: unknown option, did you mean size?"),
        ("[model]\nc = 3.0", "config.toml: [model] c: unknown option"),
        ("[modle]\nC = 3.0", "config.toml: modle: unknown option, did you mean model?"),
        ("[batch]\nzzz = 3", "config.toml: [batch] zzz: unknown option"),
        (
            "[batch]\noverlap = { share = 0.1, people = 2 }",
            "[batch.overlap] people: unknown option",
        ),
        (
            "[classes.refund]\ndescripton = 'x'",
            "[classes.refund] descripton: unknown option, did you mean description?",
        ),
        ("[label_studio]\napi_key = 'x'", "[label_studio] api_key: unknown option"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest_name(tmp_path, text, message):
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)

    assert message in refused.value.message
    assert refused.value.hint == "edit config.toml"


@pytest.mark.parametrize(
    "text",
    [
        "seed = -1",
        "seed = 'zero'",
        "[data]\nmax_bytes = 0",
        "[label_studio]\ntitle = 'ab'",
        f"[label_studio]\ntitle = '{'x' * 51}'",
        "[label_studio]\nproject = -1",
        "[label_studio]\ntimeout = 0",
        "[batch]\nsize = 0",
        "[batch]\nsize = 2.5",
        "[batch]\nrandom_share = 1.1",
        "[batch]\nrandom_share = nan",
        "[batch]\nblind_share = -0.1",
        "[batch]\nclose_at = 0",
        "[batch]\noverlap = { share = 0.1, annotators = 1 }",
        "[batch]\nmix = { margin = 'half' }",
        "[model]\nkind = 'forest'",
        "[model]\nC = 0",
        "[audit]\nfolds = 1",
        "[budget]\nseconds_per_label = 0",
        "[budget]\nhourly_rate = -1",
        "batch = 3",
    ],
)
def test_a_value_out_of_its_range_is_refused_by_name(tmp_path, text):
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)

    name = text.rpartition("\n")[2].partition(" ")[0]
    assert name in refused.value.message
    assert "\n" not in refused.value.message


def test_a_file_that_is_not_toml_is_named_with_the_place(tmp_path):
    with pytest.raises(ConfigError, match=r"config\.toml is not valid TOML: .*line 2"):
        load(tmp_path, "seed = 1\n[batch\n")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "config.toml").write_bytes(b'[data]\ntext = "caf\xe9"\n')

    with pytest.raises(ConfigError, match="not valid TOML"):
        config.load(tmp_path / "config.toml")


def test_a_missing_file_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(ConfigError) as refused:
        config.load(tmp_path / "config.toml")

    assert "is not there" in refused.value.message
    assert "al-loop init" in refused.value.hint


def test_a_config_never_changes():
    with pytest.raises(ValidationError):
        Config().seed = 3
    with pytest.raises(ValidationError):
        Config().batch.size = 3


def test_what_is_overridden_replaces_one_option_and_nothing_else():
    changed = config.override(Config(), "batch", size=7, strategy=None)

    assert changed.batch.size == 7
    assert changed == Config(batch=Config().batch.model_copy(update={"size": 7}))
    assert Config().batch.size == 50


def test_nothing_to_override_is_the_same_config():
    given = Config()

    assert config.override(given, "batch", size=None) is given


def test_an_override_is_checked_like_the_file():
    with pytest.raises(ConfigError, match=r"command line: \[batch\] size"):
        config.override(Config(), "batch", size=0)


def test_a_config_that_was_stored_with_a_round_reads_back_equal():
    given = Config(seed=4, strategies={"clusters": {"among": 3}})

    assert config.parse(given.model_dump(mode="json")) == given


def test_a_password_in_the_address_is_refused_without_showing_it():
    with pytest.raises(
        ConfigError, match=r"\[label_studio\] url: leave user and password out"
    ) as e:
        config.parse({"label_studio": {"url": "https://lead:s3cret@labels.example.com"}})
    assert "s3cret" not in str(e.value)
