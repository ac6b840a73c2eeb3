"""A title and blocks become one HTML file that asks nobody for anything."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

from al_loop.html.blocks import Block, Chart, Heading, cell_text, folds, kind
from al_loop.html.safe import script_json, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def page(title: str, blocks: Sequence[Block], *, kicker: str = "", made_at: str = "") -> str:
    """Return a self-contained page.

    Its content-security policy lets no request out and runs no script but the two whose
    hashes it names: the chart library and `draw.js`. A page without charts has none.

    Args:
        title: the one heading of level 1.
        blocks: from top to bottom.
        kicker: a line above the title: what kind of page this is.
        made_at: when the numbers were read.

    """
    from markupsafe import Markup

    charts = [b for b in blocks if isinstance(b, Chart)]
    scripts = [_library(), _own("draw.js")] if charts else []
    template = _environment().get_template("page.html.jinja")
    return template.render(
        title=title,
        kicker=kicker,
        made_at=made_at,
        blocks=[(type(b).__name__.lower(), b) for b in blocks],
        contents=[b.text for b in blocks if isinstance(b, Heading) and b.level == 2],
        style=Markup(_own("style.css")),  # noqa: S704 - files of ours
        scripts=[Markup(s) for s in scripts],  # noqa: S704 - files of ours and the library
        policy=Markup(_policy(scripts)),  # noqa: S704 - hashes
    )


def _policy(scripts: Sequence[str]) -> str:
    allowed = " ".join(f"'sha256-{_hash(s)}'" for s in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _library() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _own(name: str) -> str:
    return resources.files("al_loop.html").joinpath(name).read_text(encoding="utf-8")


def _environment() -> "Environment":
    """Return Jinja with escaping on everywhere; a name that is missing is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(_own),
        finalize=lambda v: visible(v) if isinstance(v, str) and not isinstance(v, Markup) else v,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = lambda value: Markup(script_json(value))  # noqa: S704
    environment.filters["cell"] = cell_text
    environment.filters["kinds"] = lambda table: {key: kind(table, key) for key in table.columns}
    environment.filters["wrappable"] = _wrappable
    environment.tests["folding"] = folds
    return environment


def _wrappable(text: str) -> "Markup":
    """Escape a text, and let long names of classes wrap where they have an underscore."""
    from markupsafe import Markup, escape

    return Markup(str(escape(visible(text))).replace("_", "_<wbr>"))  # noqa: S704 - escaped
