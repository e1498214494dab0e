"""Signals to snakemake, passed on to what it runs."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

import psutil

PASSED_ON = (signal.SIGTERM, signal.SIGUSR1)


def pass_on() -> None:
    """From now on SIGTERM and SIGUSR1 reach everything that this process has started, too; to be called once.

    A batch system may signal only the first process of a step: the snakemake within the job. That would wait
    for a training which knows of nothing, until both are killed; and SIGUSR1 would end it.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    # Numbers are read from a pipe, since the scheduler puts a handler of its own for SIGTERM into the place of ours.
    for number in PASSED_ON:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_pass_on, args=(reader,), daemon=True).start()


def _pass_on(reader: int) -> None:
    while number := os.read(reader, 1):
        if number[0] in PASSED_ON:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.send_signal(number[0])
