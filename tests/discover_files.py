"""Made-up texts of a few themes, and what `al-loop discover` says about them."""

import json

import numpy as np

from tests import story
from tests.workspace_files import write

THEMES = {
    "refund": "money back refund cash return bank paid amount",
    "delay": "parcel late courier waiting tracking delivery weeks depot",
    "login": "password account login reset email locked code screen",
    "praise": "thanks lovely great friendly service staff wonderful kind",
}


def texts(n=30, themes=THEMES, seed=0):
    """Return (id, text, theme) of n texts a theme: five of its eight words in any order."""
    rng = np.random.default_rng(seed)
    found = []
    for theme in themes:
        words = THEMES[theme].split()
        for i in range(n):
            said = " ".join(rng.permutation(words)[:5])
            found.append((f"{theme}{i}", f"{said} please", theme))
    return found


def preload():
    """Import what the children need, once."""
    import hdbscan
    import sklearn.decomposition
    import sklearn.feature_extraction.text
    import sklearn.manifold

    from al_loop import cache, simulate  # noqa: F401
    from al_loop.discover import folder, run  # noqa: F401
    from al_loop.report import discover_page  # noqa: F401

    assert all((hdbscan, sklearn.manifold))


def with_labels(folder, hidden=("login",), n=6, name="texts.csv"):
    """Write all texts; the first n of each theme that is not hidden have their label."""
    rows = [
        (i, text, theme if theme not in hidden and int(i.removeprefix(theme)) < n else "")
        for i, text, theme in texts()
    ]
    return write(folder / name, rows)


def discover(root, *arguments, code=0, **environment):
    """Run it on a file or a workspace; returns (stdout, stderr)."""
    preload()
    arguments = [str(a) for a in ("discover", *arguments)]
    arguments += [] if "--out" in arguments else ["--out", str(root / "out")]
    arguments += [] if "--encoder" in arguments else ["--encoder", "hashing"]
    ended, printed = story.run(root, *arguments, apart=True, **environment)
    assert ended == code, printed
    return printed


def report(root, *arguments, **environment):
    """Run it, and return the report that it wrote."""
    discover(root, *arguments, **environment)
    return json.loads((root / "out" / "report.json").read_bytes())
