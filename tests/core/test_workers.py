"""Workers: order, bounded memory, errors, and the same results for any number of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from molgen.core.errors import InputError, MachineError
from molgen.core.workers import QUEUED_PER_WORKER, available_cores, map_ordered


def _later_items_first(item: int) -> int:
    time.sleep(0.02 if item % 2 == 0 else 0)
    return item * item


def _refuse(item: int, *, at: int) -> int:
    if item == at:
        raise InputError(f"item {item}: refused; take another")
    return item


def _die(item: int) -> int:
    if item == 3:
        os._exit(9)
    return item


def _pid(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_in_the_order_of_the_items(workers):
    assert list(map_ordered(_later_items_first, range(20), workers)) == [i * i for i in range(20)]


def test_one_worker_is_this_process_and_two_are_others():
    assert set(map_ordered(_pid, range(3), 1)) == {os.getpid()}
    assert os.getpid() not in set(map_ordered(_pid, range(3), 2))


def test_no_more_items_are_taken_than_can_be_under_way():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    results = map_ordered(_later_items_first, items(), 2)
    assert taken == []  # nothing starts before it is asked for
    for done in range(1, 6):
        next(results)
        assert len(taken) <= done - 1 + 2 * QUEUED_PER_WORKER
    results.close()
    assert len(taken) < 20


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_arrives_as_it_was_after_the_results_before_it(workers):
    results = map_ordered(partial(_refuse, at=4), range(50), workers)
    assert list(islice(results, 4)) == [0, 1, 2, 3]
    with pytest.raises(InputError, match=r"^item 4: refused; take another$"):
        next(results)


def test_a_dead_worker_is_one_line():
    with pytest.raises(MachineError, match=r"a worker process died, .*; try fewer --workers"):
        list(map_ordered(_die, range(20), 2))


def test_no_items():
    assert list(map_ordered(_pid, [], 2)) == []


def test_available_cores_respects_affinity():
    assert available_cores() == len(os.sched_getaffinity(0))


FOREVER = """
import os, time
from molgen.core.workers import map_ordered

def work(item):
    time.sleep(0.05)
    return os.getpid()

if __name__ == "__main__":
    for pid in map_ordered(work, range(10_000), 2):
        print(pid, flush=True)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path):
    (tmp_path / "forever.py").write_text(FOREVER)
    process = subprocess.Popen([sys.executable, tmp_path / "forever.py"], stdout=subprocess.PIPE, text=True)
    workers = set()
    while len(workers) < 2:
        workers.add(int(process.stdout.readline()))
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in workers if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()
