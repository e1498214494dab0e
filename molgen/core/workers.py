"""Work spread over processes, with results in the order of the items whatever the number of workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from molgen.core.errors import MachineError

Item = TypeVar("Item")
Result = TypeVar("Result")

QUEUED_PER_WORKER = 3


def available_cores() -> int:
    """Cores that this process may use (cgroup and affinity respected where the platform tells)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_ordered(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """`function` over `items`, in order, with bounded memory: at most a few items a worker are in flight.

    `function` must be importable (a module-level function or a `functools.partial` of one). With one worker it runs
    in this process. A worker that dies (out of memory, killed) is a MachineError.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupt)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= workers * QUEUED_PER_WORKER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise MachineError("a worker process died, probably out of memory; try fewer --workers") from None
    except BaseException:  # ctrl-C, a signal, an error: what is under way is not wanted any more
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)  # a worker left behind while it starts prints a traceback


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C goes to the parent, which stops the workers
    os.environ.setdefault("OMP_NUM_THREADS", "1")
