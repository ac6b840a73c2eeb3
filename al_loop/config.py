"""config.toml, checked and frozen. Unknown options are refused with the nearest name."""

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from al_loop.errors import ConfigError
from al_loop.nearest import near
from al_loop.types import ClassSpec

FILE_NAME = "config.toml"
#: What keys of OpenAI-compatible endpoints look like, and web tokens.
_KEY = re.compile(r"\bsk-[\w-]{16,}|[0-9a-fA-F]{32,}|\bey[\w-]+\.ey[\w-]+\.")


class Section(BaseModel):
    """A frozen table of config.toml that refuses unknown options and wrong types."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def no_password(url: str) -> str:
    """Return an address that holds no password; the settings of a round are stored."""
    if re.match(r"\w+://[^/?#]*@", url.strip()):
        raise ValueError("leave user and password out: the settings of a round are stored")
    return url


class DataSection(Section):
    """Columns and limits of the input files."""

    text: str = "text"
    label: str = "label"
    id: str = "id"
    keep: tuple[str, ...] = ()
    max_bytes: int = Field(100_000, ge=1, le=10_000_000)


class LabelStudioSection(Section):
    """Where the server is and which project to use. The key is never here."""

    url: str = ""
    title: str = Field("", max_length=50)
    project: int = Field(0, ge=0)
    token_file: str = ""
    show: tuple[str, ...] = ()
    timeout: float = Field(60, gt=0)

    @field_validator("url")
    @classmethod
    def _no_password(cls, url: str) -> str:
        return no_password(url)

    @field_validator("token_file")
    @classmethod
    def _no_key(cls, path: str) -> str:
        if re.fullmatch(r"[0-9a-fA-F]{40}|ey[\w-]+\.ey[\w-]+\.[\w-]*", path.strip()):
            raise ValueError("this is a key; put it into a file of mode 0600 and name that file")
        return path

    @field_validator("title")
    @classmethod
    def _long_enough(cls, title: str) -> str:
        if title and len(title) < 3:
            raise ValueError("Label Studio wants at least 3 characters")
        return title


class Overlap(Section):
    """Which share of a batch gets answers of several people."""

    share: float = Field(0.0, ge=0, le=1)
    annotators: int = Field(2, ge=2, le=20)


class BatchSection(Section):
    """How a batch is chosen and when a round may go on."""

    size: int = Field(50, ge=1)
    strategy: str = "auto"
    mix: dict[str, float] = Field(default_factory=lambda: {"margin": 0.7, "novelty": 0.3})
    candidates: Literal["all", "neighbors", "anchors"] = "all"
    random_share: float = Field(0.1, ge=0, le=1)
    blind_share: float = Field(0.2, ge=0, le=1)
    overlap: Overlap = Overlap()
    relabel: Literal["never", "auto"] = "never"
    gold_share: float = Field(0.0, ge=0, le=0.5)
    close_at: float = Field(1.0, gt=0, le=1)


class ModelSection(Section):
    """The encoder and the classifier on top of it."""

    encoder: str = "all-MiniLM-L6-v2"
    kind: Literal["auto", "logistic", "balanced", "svm", "nearest_mean", "self_training"] = "auto"
    C: float = Field(10.0, gt=0)


class AuditSection(Section):
    """The search for wrong labels, and what becomes of those that are found."""

    folds: int = Field(5, ge=2, le=20)
    method: Literal["fused", "find_label_issues", "clean_learning"] = "fused"
    filter_by: Literal[
        "low_self_confidence",
        "low_normalized_margin",
        "prune_by_noise_rate",
        "prune_by_class",
        "both",
        "confident_learning",
        "predicted_neq_given",
    ] = "low_self_confidence"
    estimate: Literal["auto", "off_diagonal", "off_diagonal_calibrated"] = "auto"
    on_doubt: Literal["keep", "weight", "drop"] = "keep"
    second_looks: float = Field(0.2, gt=0, le=0.5)


class AnnotatorsSection(Section):
    """What several answers to a text add up to, and what is expected of people."""

    consensus: Literal["fused", "crowdlab", "dawid_skene", "majority"] = "fused"
    agreement: float = Field(0.85, gt=0, le=1)
    accuracy: float = Field(0.90, gt=0, le=1)


class DiscoverySection(Section):
    """The search for classes that nobody has named, and who names what is found."""

    similarity_threshold: float = Field(0.0, ge=0, le=1)
    min_cluster_size: int = Field(0, ge=0)
    offer: int = Field(5, ge=0, le=50)
    namer_url: str = ""
    namer_model: str = ""

    @model_validator(mode="before")
    @classmethod
    def _no_key(cls, values: Any) -> Any:
        found = values if isinstance(values, dict) else {}
        if any("key" in name or "token" in name for name in found) or any(
            _KEY.search(str(found.get(name, ""))) for name in ("namer_url", "namer_model")
        ):
            raise ValueError("a key has no place here; export AL_LOOP_NAMER_KEY=... instead")
        return values

    @field_validator("namer_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", no_password(url)):
            raise ValueError("must start with http:// or https://, and have no ? or #")
        return url

    @model_validator(mode="after")
    def _whole_namer(self) -> Self:
        if self.namer_url and not self.namer_model:
            raise ValueError("namer_url needs namer_model beside it")
        return self


class BudgetSection(Section):
    """What a label costs, and how much there is to spend; 0 is no limit."""

    labels: int = Field(0, ge=0)
    hours: float = Field(0.0, ge=0)
    money: float = Field(0.0, ge=0)
    confirm_over: float = Field(0.0, ge=0)
    seconds_per_label: float = Field(8.0, gt=0)
    hourly_rate: float = Field(0.0, ge=0)
    price_per_label: float = Field(0.0, ge=0)
    currency: str = "EUR"

    @model_validator(mode="after")
    def _money_has_a_price(self) -> Self:
        if self.money and not (self.hourly_rate or self.price_per_label):
            raise ValueError("money needs hourly_rate or price_per_label beside it")
        return self


class ClassSection(Section):
    """A class to start with: what it means, and texts that show it."""

    description: str = ""
    examples: tuple[str, ...] = ()


class Config(Section):
    """Everything a round depends on, apart from the database."""

    seed: int = Field(0, ge=0)
    data: DataSection = DataSection()
    label_studio: LabelStudioSection = LabelStudioSection()
    batch: BatchSection = BatchSection()
    model: ModelSection = ModelSection()
    audit: AuditSection = AuditSection()
    annotators: AnnotatorsSection = AnnotatorsSection()
    discovery: DiscoverySection = DiscoverySection()
    budget: BudgetSection = BudgetSection()
    classes: dict[str, ClassSection] = Field(default_factory=dict)
    strategies: dict[str, dict[str, Any]] = Field(default_factory=dict)


def load(path: Path) -> Config:
    """Read a config.toml.

    Raises:
        ConfigError: not there, not TOML, unknown option or wrong value; names the option.

    """
    try:
        with path.open("rb") as f:
            return parse(tomllib.load(f), source=path.name)
    except FileNotFoundError as e:
        raise ConfigError(
            f"{path} is not there", hint="al-loop init DATA makes a workspace in this folder"
        ) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path.name} is not valid TOML: {e}", hint=f"edit {path.name}") from e


def parse(values: Mapping[str, Any], *, source: str = FILE_NAME) -> Config:
    """Check a mapping as read from TOML or stored with a round."""
    try:
        return Config.model_validate(values)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        raise ConfigError(
            f"{source}: {_option(first['loc'])}: {_message(first)}", hint=f"edit {source}"
        ) from e


def override(config: Config, section: str, **values: object) -> Config:
    """Return the config with some options replaced, those that are None left alone."""
    given = {k: v for k, v in values.items() if v is not None}
    if not given:
        return config
    dumped = config.model_dump()
    dumped[section].update(given)
    return parse(dumped, source="command line")


def class_specs(config: Config) -> list[ClassSpec]:
    """Return the classes that config.toml names."""
    return [ClassSpec(n, c.description, c.examples) for n, c in config.classes.items()]


def default_text() -> str:
    """Return the commented config.toml that ships with the package."""
    packaged = resources.files("al_loop") / "_files" / FILE_NAME
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parent.parent / FILE_NAME).read_text(encoding="utf-8")


def _option(loc: tuple[int | str, ...]) -> str:
    *sections, name = (str(part) for part in loc)
    return f"[{'.'.join(sections)}] {name}" if sections else name


def _message(error: Any) -> str:
    said = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "literal_error":
        return said + near(str(error["input"]), re.findall(r"'([^']+)'", said))
    if error["type"] != "extra_forbidden":
        return said
    known = _known_options(error["loc"][:-1])
    return "unknown option" + near(str(error["loc"][-1]), known)


def _known_options(loc: tuple[int | str, ...]) -> list[str]:
    model: Any = Config
    for part in loc:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field else ClassSection
    return list(getattr(model, "model_fields", {}))
