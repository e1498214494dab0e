"""`doctor`: what this machine has of what molgen can use, and how to get the rest. Nothing is changed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from molgen import __version__
from molgen.core.machine import free_memory, total_memory
from molgen.core.workers import available_cores

State = Literal["ok", "absent", "broken"]  # absent: something optional; broken: molgen, or a part of it, cannot work
NEEDED = (
    *("rdkit", "numpy", "pandas", "pyarrow", "pydantic", "torch", "torch-geometric", "lightning-fabric"),
    *("safetensors", "usearch", "numkong", "selfies", "zstandard", "tensorboard"),
)
OPTIONAL = {  # distribution -> what it is for, how to get it
    "snakemake": ("the workflow", "pip install -e '.[workflow]'"),
    "snakemake-executor-plugin-slurm": ("the workflow on Slurm", "pip install -e '.[workflow]'"),
    "snakemake-storage-plugin-s3": ("the workflow on an object store", "pip install snakemake-storage-plugin-s3"),
    "dgl": ("faster graph batches on a CPU", "pip install -e '.[dgl]'"),
    "fcd-torch": ("ChemNet's weights, for FCD", "pip install fcd-torch (the weights come inside)"),
}
ROOM = 5e9  # bytes of scratch below which a run of any size is at risk


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do if that is not enough."""

    subject: str
    found: str
    state: State = "ok"
    advice: str = ""


def examine() -> list[Finding]:
    """Everything, in the order in which it is shown."""
    return [*_software(), *_processor(), *_accelerators(), *_scratch(), *_weights(), *_optional(), *_slurm()]


def _software() -> Iterator[Finding]:
    yield Finding("molgen", f"{__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}")
    found = {name: _version(name) for name in NEEDED}
    missing = [name for name, version in found.items() if not version]
    yield Finding("libraries", ", ".join(f"{name} {version}" for name, version in found.items() if version))
    if missing:
        yield Finding("libraries", f"missing: {', '.join(missing)}", "broken", "pip install -r requirements.lock")


FP32 = "train and sample compute in fp32 here, unless told otherwise"


def _processor() -> Iterator[Finding]:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    yield Finding("processor", f"{model[1] if model else platform.machine()}, {available_cores()} cores to use")
    yield Finding("memory", f"{total_memory() / 1e9:.1f} GB, {free_memory() / 1e9:.1f} GB free")
    flags = set(text.split("flags", 1)[-1].split("\n", 1)[0].split())
    fast = [name for flag, name in (("avx512_bf16", "AVX-512"), ("amx_bf16", "AMX")) if flag in flags]
    if fast:
        yield Finding("bf16, CPU", f"in hardware ({', '.join(fast)})")
    else:
        yield Finding("bf16, CPU", "emulated", "absent", FP32)


def _accelerators() -> Iterator[Finding]:
    if not importlib.util.find_spec("torch"):
        return
    try:
        import torch
    except (ImportError, OSError) as error:  # a build for another CUDA, a missing system library
        yield Finding("torch", f"cannot be imported ({error})", "broken", "pip install -r requirements.lock")
        return
    build = f"torch built for CUDA {torch.version.cuda}" if torch.version.cuda else "torch built without CUDA"
    if not torch.cuda.is_available():
        advice = "in a Slurm job ask for one (--gpus=1); otherwise look at nvidia-smi, or install torch's CUDA build"
        yield Finding("GPUs", f"none, {build}", "absent", advice)
        return
    for number in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(number)
        yield Finding(f"GPU {number}", f"{about.name}, {about.total_memory / 1e9:.0f} GB, {build}")
    if torch.cuda.is_bf16_supported(including_emulation=False):
        yield Finding("bf16, GPU", "in hardware")
    else:
        yield Finding("bf16, GPU", "not in hardware", "absent", FP32)


def _scratch() -> Iterator[Finding]:
    places = {"temporary files": tempfile.gettempdir(), "this folder": "."}
    if state := os.environ.get("MOLGEN_STATE"):
        places["unfinished runs"] = state
    for subject, place in places.items():
        folder = next(path for path in (Path(place).absolute(), *Path(place).absolute().parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            yield Finding(subject, f"{place}: not writable ({error.strerror})", "broken", "set TMPDIR, or go elsewhere")
            continue
        free = shutil.disk_usage(folder).free
        low: tuple[State, str] = ("absent", "little room: a MOSES run takes about 2 GB") if free < ROOM else ("ok", "")
        yield Finding(subject, f"{Path(place).absolute()}: writable, {free / 1e9:.1f} GB free", *low)


def _weights() -> Iterator[Finding]:
    folder = Path(str(files("molgen") / "weights"))
    names = sorted(path.parent.name for path in folder.glob("*/weights.safetensors"))
    if names:
        yield Finding("shipped models", ", ".join(names))
    else:
        yield Finding("shipped models", "none", "absent", "they come with the repository, in molgen/weights")


def _optional() -> Iterator[Finding]:
    for name, (purpose, how) in OPTIONAL.items():
        version = _version(name)
        if version:
            yield Finding(name, f"{version}: {purpose}")
        else:
            yield Finding(name, f"not installed: {purpose}", "absent", how)


def _slurm() -> Iterator[Finding]:
    if shutil.which("sbatch") is None:
        yield Finding("Slurm", "no sbatch here", "absent", "on a cluster: its login node, perhaps `module load slurm`")
        return
    asked = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=False)
    age = re.search(r"^MinJobAge\s*=\s*(\d+)", asked.stdout, re.MULTILINE)
    version = re.search(r"^SLURM_VERSION\s*=\s*(\S+)", asked.stdout, re.MULTILINE)
    if age is None or version is None:
        yield Finding("Slurm", "installed, but its controller does not answer", "absent", "ask the cluster's support")
        return
    found = f"{version[1]}, forgets ended jobs after {age[1]} s"
    if int(age[1]) >= 120:
        yield Finding("Slurm", found)
    else:
        advice = "lower slurm-init-seconds-before-status-checks in the profile to a third of that"
        yield Finding("Slurm", found, "absent", advice)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
