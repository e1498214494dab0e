"""ctrl-C that no library swallows.

RDKit takes SIGINT for itself while it searches for substructures, embeds and more: a ctrl-C that comes in meanwhile
ends only that call, with an answer that is incomplete, and Python never hears of it. After calls from several threads
RDKit's handler even stays (rdkit issue 9381). So SIGINT is blocked in every thread, where no handler of C ever sees it,
and one thread waits for it and has Python's handler run in the main thread.
"""

from __future__ import annotations

import _thread
import signal
import threading

_begun = threading.Event()


def guard_interrupts() -> None:
    """From now on ctrl-C reaches Python's handler of SIGINT, whatever is being computed.

    Threads started earlier are not guarded; where a platform has no signal masks, nothing changes.
    """
    if _begun.is_set() or not hasattr(signal, "pthread_sigmask"):
        return
    _begun.set()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGURG, lambda *_: None)
    threading.Thread(target=_hand_on, daemon=True).start()


def _hand_on() -> None:
    main = threading.main_thread().ident
    assert main is not None
    while True:
        signal.sigwait({signal.SIGINT})
        _thread.interrupt_main()
        signal.pthread_kill(main, signal.SIGURG)  # the main thread may be waiting in the system, which this ends
