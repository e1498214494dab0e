"""Work spread over processes, with results in the order of the items whatever the number of workers."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from types import FrameType
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
    pool = ProcessPoolExecutor(workers, mp_context=_context(), initializer=_begin_worker)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            with _uninterrupted():  # the first ones start a worker each, which must not be left behind half-started
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


def map_threads(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """As `map_ordered`, with threads of this process: for kernels that let other threads run, on arrays in memory."""
    if workers <= 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= workers * QUEUED_PER_WORKER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _context() -> BaseContext:
    """Workers that share nothing with this process. On POSIX their server is started with SIGINT blocked, which they
    inherit from their first instruction on: ctrl-C is for this process, which then stops them."""
    if os.name != "posix":
        return multiprocessing.get_context("spawn")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return multiprocessing.get_context("forkserver")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Holds ctrl-C and SIGTERM back until the block is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[tuple[int, FrameType | None]] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.signal(number, lambda *received: caught.append(received)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
        for received, _ in caught[:1]:
            _thread.interrupt_main(signal.Signals(received))


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C goes to the parent, which stops the workers
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this worker when its parent is gone (killed): nobody would ever tell it that there is no more work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
