"""Several annotators at once."""

import hashlib
import hmac
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from urllib.parse import urlsplit

from al_loop.people.person import Decide, Person
from al_loop.server import LocalServer, invite_link


def join_local(server: LocalServer, names: Sequence[str]) -> list[Person]:
    """Sign people up on a local server; run again it logs the same people in."""
    public = invite_link(server)
    invite = urlsplit(public)._replace(netloc=urlsplit(server.url).netloc).geturl()
    return [Person.join(invite, name, _password(server, name)) for name in names]


def answer_all(
    people: Sequence[Person],
    project: int,
    decide: Decide,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Let everybody answer at once until nobody is offered a task; return the answers given.

    `progress` gets the number of answers so far.

    Raises:
        ServerError: a call failed for good; the others stop after the task they have.

    """
    stop, counting = threading.Event(), threading.Lock()
    done = 0

    def work(person: Person) -> None:
        nonlocal done
        classes, candidates = person.page(project)
        while not stop.is_set():
            task = person.next_task(project, classes, candidates)
            if task is None:
                return
            person.submit(project, task, decide(person, task))
            with counting:
                done += 1
                progress(done)

    with ThreadPoolExecutor(max_workers=max(1, len(people))) as pool:
        try:
            for finished in as_completed([pool.submit(work, person) for person in people]):
                finished.result()
        finally:
            stop.set()
    return done


def _password(server: LocalServer, name: str) -> str:
    """Make a password that nobody has to store: only this server's folder can tell it again."""
    return hmac.new(server.password.encode(), name.encode(), hashlib.sha256).hexdigest()[:24]
