"""Texts and names that try to break out of a page, and honest ones in all directions."""

from al_loop import app, workspace
from al_loop.annotators.oracle import Oracle
from al_loop.data.columns import Asked
from al_loop.imports import Request
from al_loop.loop import machine
from tests.offline import write

#: Each tries to set window.owned, or to fetch something from a port where nobody listens.
ATTACKS = (
    "<script>window.owned=1</script>",
    "</script><script>window.owned=1</script>",
    '"></bdi><img src=http://127.0.0.1:9/x onerror="window.owned=1">',
    "<svg/onload=window.owned=1>",
    '<a href="javascript:window.owned=1" autofocus onfocus=window.owned=1>click</a>',
    "javascript:window.owned=1",
    "<style>*{display:none;background:url(http://127.0.0.1:9/css)}</style>",
    "</style><link rel=stylesheet href=http://127.0.0.1:9/s.css>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<!-- <script> \u2028\u2029 window.owned=1 //",
    "<iframe srcdoc='<script>parent.owned=1</script>'></iframe>",
    "{{ cycler.__init__.__globals__ }} {% raw %} ${window.owned=1} %{x} %{customdata}",
    "<b>bold</b> &lt;i&gt; &amp;#x3c; <br><sub>x</sub> $x^2$",
    "\x1b[2J\x1b]0;owned\x07 bell and \x01 others \x7f\x9b",
    "abc\u202edcba\u202c \u2066isolated\u2069 \u202bturned",
    "W" * 3_000,
    "'; DROP TABLE items; -- \" ' ` \\",
    "NUL is \\x00, here as a picture: \u2400",
)
HONEST = (
    "退款还没有到账\uff0c已经等了三个星期了。",
    "החבילה לא הגיעה (3 ימים)!",
    "لم تصل الشحنة بعد، أرجو المساعدة.",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 zalgo z\u0335\u0321\u0322a\u0337\u0322l",
)
CLASSES = (
    "</script><script>window.owned=1</script>",
    "<img src=http://127.0.0.1:9/c onerror=window.owned=1>",
    "החזר (כספי)",
    "退款",
    "back\u202ewards",
    "X" * 200,
)
PEOPLE = ('<script>window.owned=1</script>"', "مريم", "ana\u202e\x1b[31m")
FOLDER = "<img src=x onerror=window.owned=1>"
_CONFIG = """\
[batch]
size = 24
overlap = { share = 0.5, annotators = 2 }
[model]
encoder = "hashing"
[budget]
labels = 200
money = 100.0
hourly_rate = 30.0
currency = "<i>EUR</i>"
"""


def rows(n):
    """Return (id, text, label) of n texts, every attack among them with every class."""
    texts = [*ATTACKS, *HONEST]
    for i in range(n):
        label = CLASSES[i % len(CLASSES)]
        yield f"<b>{i}</b>", f"{texts[i % len(texts)]} number {i} {label[:40]}", label


def make(parent, rounds=2, n=120):
    """Make a workspace of hostile texts, classes and people; returns its folder."""
    root = parent / FOLDER
    root.mkdir()
    table = list(rows(n + 60))
    (root / "config.toml").write_text(_CONFIG)
    pool = write(root / "pool.csv", [(i, t) for i, t, _ in table[:n]], ("id", "text"))
    test = write(root / "test.csv", table[n:])
    workspace.init(root, Request(pool, test, Asked(None, None, None, None)))
    gold = {i: label for i, _, label in table}
    oracle = Oracle(gold, mistakes=dict.fromkeys(PEOPLE, 0.2), people=PEOPLE)
    with app.opened(root) as opened:
        for _ in range(rounds):
            machine.run(opened.parts(oracle), opened.config, machine.Options(until="logged"))
    return root
