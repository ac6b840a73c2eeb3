"""Play runs in processes of their own, each stored by the process that played it."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from al_loop import simulate
from al_loop.compare import shelf
from al_loop.config import Config
from al_loop.errors import AlLoopError
from al_loop.simulate import Plan, World
from al_loop.store import items

#: The matrices are small: one thread a process, as many processes as cores.
_ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB", "NUMEXPR")
}
#: loky's tracker of semaphores reports those of a killed process, which it takes away itself.
_HUSH = "ignore::UserWarning:joblib.externals.loky.backend.resource_tracker"
_LOOK = 0.5  # seconds between two looks at whether the parent lives
_TICK = 1.0  # seconds after which a caller hears that time has passed


@dataclass(frozen=True, slots=True)
class Task:
    """A run to play, and the file that it is stored in."""

    plan: Plan
    path: Path


def play_all(
    tasks: Sequence[Task], world: Path, config: Config, jobs: int
) -> Generator[dict[str, Any] | None, None, None]:
    """Yield the runs as they are finished and stored, and None when a second has passed.

    world: a file that `World.save` wrote; each process opens it once.
    jobs: processes at a time; 1 plays in this one.

    Raises:
        AlLoopError: a run failed, or a process died. What was finished is stored.
    """
    jobs = min(jobs, len(tasks))
    if jobs == 1:
        for task in tasks:
            yield None
            yield _play(task, world, config)
        return
    from joblib.externals.loky import ProcessPoolExecutor

    _hush()
    pool = ProcessPoolExecutor(jobs, env=_ONE_THREAD, initializer=_serve, initargs=(os.getpid(),))
    waiting, playing = deque(tasks), set[Future[dict[str, Any]]]()
    try:
        with _without_ctrl_c():
            playing.add(pool.submit(_play, waiting.popleft(), world, config))  # starts them all
        while waiting or playing:
            while waiting and len(playing) < jobs:
                playing.add(pool.submit(_play, waiting.popleft(), world, config))
            done, playing = wait(playing, timeout=_TICK, return_when=FIRST_COMPLETED)
            yield from map(_result, done)
            yield None
    finally:
        pool.shutdown(wait=True, kill_workers=True)  # what is not stored is played again


def _hush() -> None:
    others = os.environ.get("PYTHONWARNINGS", "")
    if _HUSH not in others:
        os.environ["PYTHONWARNINGS"] = f"{others},{_HUSH}".lstrip(",")


def processors() -> int:
    """Return how many processors this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


def _play(task: Task, world: Path, config: Config) -> dict[str, Any]:
    """Play a run and store it."""
    plan, opened = task.plan, _open(world)
    try:
        run = simulate.run(opened, config, plan)
    except AlLoopError as e:
        if type(e) is not AlLoopError:  # what was asked for can't be, with any seed
            raise
        hint = "finished runs are stored: run the same command again when that is mended"
        raise AlLoopError(f"seed {plan.seed}: {e.message}", hint=hint) from e
    except (Exception, SystemExit) as e:  # a strategy of anybody's can raise anything
        raise AlLoopError(
            f"{plan.strategy}, seed {plan.seed}: {type(e).__name__}: {e}",
            hint=f"al-loop simulate --strategy {plan.strategy} keeps the whole error in a file;"
            " finished runs are stored",
        ) from e
    texts = {role: items.count(opened.store, role) for role in ("pool", "test")}
    shelf.put(task.path, run, texts)
    return run


@lru_cache(maxsize=1)
def _open(world: Path) -> World:
    return World.open(world)


def _result(future: "Future[dict[str, Any]]") -> dict[str, Any]:
    try:
        return future.result()
    except BrokenProcessPool as e:
        raise AlLoopError(
            "a process that played runs died, perhaps for want of memory",
            hint="run the same command again, with --jobs 1: finished runs are stored",
        ) from e


def _serve(parent: int) -> None:
    """Prepare a worker: it ends soon after its parent, however that ends."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Ignore Ctrl-C while workers are started: they inherit that, and the parent ends them.

    Otherwise each would print a traceback of its own, since a terminal tells all processes. Only
    then, since one that is pressed meanwhile is lost.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
