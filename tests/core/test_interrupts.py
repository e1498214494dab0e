"""ctrl-C while RDKit computes: never lost, whatever handler RDKit has put in place."""

from __future__ import annotations

import subprocess
import sys

SEARCHING = """
import os, signal, threading, time
from concurrent.futures import ThreadPoolExecutor
from rdkit import Chem, RDLogger
from molgen.core.interrupts import guard_interrupts

RDLogger.DisableLog("rdApp.*")
guard_interrupts()
mol = Chem.MolFromSmiles("CC(C)Cc1ccc(cc1)C(C)C(=O)NCCc1ccccc1OCC(=O)N1CCN(CC1)c1ccccn1")
query = Chem.MolFromSmarts("*~*~*~*~*~*~*~*")
with ThreadPoolExecutor(4) as pool:  # leaves RDKit's handler behind
    list(pool.map(lambda _: len(mol.GetSubstructMatches(query)), range(200)))
heard = 0
for _ in range(30):
    timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            mol.GetSubstructMatches(query)
    except KeyboardInterrupt:
        heard += 1
    timer.join()
print(heard)
"""


def test_each_ctrl_c_is_heard_while_rdkit_searches() -> None:
    told = subprocess.run([sys.executable, "-c", SEARCHING], capture_output=True, text=True, check=True).stdout
    assert int(told) == 30


def test_a_waiting_main_thread_is_woken() -> None:
    waiting = (
        "import os, signal, threading, time\n"
        "from molgen.core.interrupts import guard_interrupts\n"
        "guard_interrupts()\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "began = time.monotonic()\n"
        "try:\n    threading.Event().wait(30)\n"
        "except KeyboardInterrupt:\n    print(time.monotonic() - began)\n"
    )
    told = subprocess.run([sys.executable, "-c", waiting], capture_output=True, text=True, check=True).stdout
    assert float(told) < 20


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    ignoring = (
        "import os, signal, time\n"
        "from molgen.core.interrupts import guard_interrupts\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "guard_interrupts()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "time.sleep(0.2)\nprint('on')\n"
    )
    told = subprocess.run([sys.executable, "-c", ignoring], capture_output=True, text=True, check=True).stdout
    assert told == "on\n"
