"""What this process asks of the machine it runs on."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Literal

Precision = Literal["auto", "bf16", "fp32"]

GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def keep_freed_memory() -> None:
    """Tells glibc to keep large freed blocks: otherwise each big tensor is mapped, faulted in and unmapped anew.

    Training a small transformer on a CPU spends a quarter of its time in page faults without it.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent in musl
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3  # numbers of malloc.h
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


def precision_for(asked: str, device: str) -> str:
    """ "bf16" or "fp32": what was asked for or, if that is "auto", bf16 where a device of this type (as in
    `torch.device.type`) multiplies it natively. A CPU without such instructions is thirty times slower in bf16."""
    if asked != "auto":
        return asked
    import torch

    native = False
    if device == "cpu":
        found = torch.cpu.get_capabilities()
        native = any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    elif device == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if native else "fp32"


def total_memory() -> int:
    """Bytes of memory that this process may use: the machine's, or less if its control group is limited."""
    limits = [_bytes(path) for path in GROUP_LIMITS]
    return min([_meminfo("MemTotal"), *(limit for limit in limits if limit)])


def free_memory() -> int:
    """Bytes that could be used now without swapping."""
    return min(_meminfo("MemAvailable"), total_memory())


def _meminfo(name: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def _bytes(path: Path) -> int:
    """The number in a file of the control group, or 0 if there is none."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return 0
