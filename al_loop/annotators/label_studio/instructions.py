"""The instructions of the labeling page: the code book, for people who label."""

import hashlib
import re
from html import escape, unescape

from al_loop.types import HEADING, ClassSpec, Offer

#: The server strips comments from the instructions, a class attribute stays.
_MARK = re.compile(r'<div class="al-loop-([0-9a-f]{12})">')
_DEFINED = re.compile(r"<p><b>(.*?)</b>(.*?)</p>", re.DOTALL)


_LABELING = (
    "<p>Choose the class that fits best. A suggestion of the model is only a guess: "
    "change it when it is wrong. If none of the classes fits, type the name of the "
    "missing class. Skip what can't be judged.</p>"
)
_REVIEW = (
    "<p>People labeled these texts differently. Below each text stands how, and what is most "
    "likely where that is known. Decide: the class that you choose becomes the label, whatever "
    "the others said. If none of the classes fits, type the name of the missing class. Skip what "
    "can't be decided.</p>"
)


def instructions(offer: Offer, *, review: bool = False) -> str:
    """Return the HTML of the instructions: every class with its definition and examples.

    Its frame carries a mark made of its content, so that `may_replace` can tell what an
    administrator has edited. `review` is for adjudicators.
    """
    parts = [_REVIEW if review else _LABELING]
    if offer.candidates:
        parts.append(
            f"<p>Below <b>{HEADING}</b> are groups of similar texts that may be classes: tick one "
            "when the text belongs to it and to no class above. Their names are made of frequent "
            "words; point at one to see some of its texts.</p>"
        )
    if offer.classes:
        parts.append(f"<p>The classes, version {offer.version}:</p>")
    parts += [_definition(spec) for spec in offer.classes]
    body = "\n".join(parts)
    return f'<div class="al-loop-{_hash(body)}">\n{body}\n</div>'


def may_replace(live: str, wanted: str) -> bool:
    """Tell whether the instructions say something else and nobody edited them since ours."""
    if _hash(live) == _hash(wanted):
        return False
    mark = _MARK.search(live)
    return mark[1] == _hash(live) if mark else not live.strip()


def _definition(spec: ClassSpec) -> str:
    examples = "".join(f"<li>{escape(example)}</li>" for example in spec.examples)
    listed = f"<ul>{examples}</ul>" if examples else ""
    return f"<p><b>{escape(spec.name)}</b> {escape(spec.description)}</p>{listed}"


def described(html: str) -> dict[str, str]:
    """Return the descriptions in instructions, by class."""
    return {_seen(name): _seen(said) for name, said in _DEFINED.findall(html)}


def _seen(html: str) -> str:
    """Return what people see: the server rewrites tags and entities."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def _hash(html: str) -> str:
    return hashlib.sha256(_seen(html).encode()).hexdigest()[:12]
