"""Artifacts: files and folders that appear whole or not at all, know what they were made from, and are not made twice.

An artifact's *identity* is the verb, its settings, its seed and the content of its inputs. Time, host, command line,
number of workers and library versions stand beside it in `provenance.json` and are not part of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from molgen import __version__
from molgen.core.errors import ArtifactError, InputError

FORMAT = 1  # raised when artifacts of earlier code can no longer be read
PROVENANCE = "provenance.json"
NOT_CONTENT = {PROVENANCE, "tensorboard", ".snakemake_timestamp"}  # inside a folder, but outside its identity
LIBRARIES = (
    *("rdkit", "numpy", "numkong", "usearch", "pandas", "pyarrow"),
    *("torch", "torch-geometric", "dgl", "lightning-fabric", "snakemake"),
)


@dataclass(frozen=True)
class Identity:
    """What an artifact is made from. Two artifacts of equal identity have equal content."""

    verb: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    seed: int | None = None

    @classmethod
    def of(
        cls, verb: str, settings: Mapping[str, Any], inputs: Mapping[str, Path | str], seed: int | None = None
    ) -> Identity:
        """The identity with each input path replaced by the hash of its content."""
        return cls(verb, settings, {name: fingerprint(Path(path)) for name, path in inputs.items()}, seed)

    def values(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "format": FORMAT,
            "verb": self.verb,
            "settings": dict(self.settings),
            "inputs": dict(self.inputs),
            "seed": self.seed,
        }

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that name it."""
        return hashlib.sha256(json.dumps(self.values(), sort_keys=True).encode()).hexdigest()[:12]


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's content, or of a folder's files (names and content) without its provenance."""
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")):
            relative = file.relative_to(path)
            if file.is_file() and relative.parts[0] not in NOT_CONTENT:
                digest.update(f"{relative.as_posix()}\0{fingerprint(file)}\n".encode())
        return digest.hexdigest()
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def already_made(out: Path, identity: Identity, *, option: str = "--out") -> bool:
    """True if `out` is finished and of this identity; an ArtifactError if something else stands there.

    `option` is the one that names `out`, for the message.
    """
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir():
        raise ArtifactError(f"{above}: a file, where the folder of {option} is to be; choose another {option}")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    record = read_provenance(out)
    if record is None:
        raise ArtifactError(f"{out}: exists and molgen did not finish it; remove it or choose another {option}")
    if record.get("key") == identity.key:
        return True
    what = difference(record.get("identity", {}), identity.values())
    raise ArtifactError(f"{out}: exists with other settings ({what}); remove it or choose another {option}")


@contextmanager
def building(
    out: Path, identity: Identity, *, workers: int | None = None, keep: bool = False, **how: Any
) -> Iterator[Path]:
    """A path beside `out` to build a file or folder at; renamed to `out`, with its provenance, when the block ends.
    The provenance also says `how` it was made: what may differ between machines.

    On an error it is removed, unless `keep` (what a resumable stage has done so far, found again by its identity).
    """
    aside = work_path(out, identity)
    out.parent.mkdir(parents=True, exist_ok=True)
    if not keep:
        remove(aside)
    try:
        yield aside
        if out.is_dir() and not aside.is_dir():
            raise ArtifactError(f"{out}: a folder, where a file is to be written; name a file as --out")
        record = _provenance(identity, {"workers": workers, **how})
        write_json(aside / PROVENANCE if aside.is_dir() else sidecar(out), record)
        aside.replace(out)
    finally:
        if not keep:
            remove(aside)


def work_path(out: Path, identity: Identity) -> Path:
    """Where the unfinished `out` of this identity lies."""
    return out.parent / f".{out.name}.{identity.key}.part"


def sidecar(out: Path) -> Path:
    """The provenance file beside a single-file artifact: `samples.parquet` -> `samples.provenance.json`."""
    return out.with_suffix(f".{PROVENANCE}")


def read_provenance(path: Path) -> dict[str, Any] | None:
    """The provenance of an artifact, or None if it has none."""
    try:
        values = json.loads((path / PROVENANCE if path.is_dir() else sidecar(path)).read_text())
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside `path`, renamed to it when the block ends without an error, and removed otherwise."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_json(path: Path, values: Any) -> None:
    """Writes JSON whole or not at all; NaN becomes null."""
    with whole_file(path) as aside:
        aside.write_text(
            json.dumps(_plain(values), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )


def remove(path: Path) -> None:
    """Removes a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _plain(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {str(k): _plain(v) for k, v in values.items()}
    if isinstance(values, list | tuple):
        return [_plain(v) for v in values]
    if hasattr(values, "item"):
        values = values.item()
    return None if isinstance(values, float) and values != values else values


def _provenance(identity: Identity, how: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": identity.key,
        "identity": identity.values(),
        "made": {
            "molgen": __version__,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": platform.node(),
            "python": platform.python_version(),
            "command": sys.argv,
            **how,
            "libraries": library_versions(),
        },
    }


def library_versions() -> dict[str, str]:
    """Versions of the libraries that results can depend on, without importing them."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The first few keys in which two identities differ, with both values."""
    if old.get("verb") != new["verb"]:
        return f"made by {old.get('verb')!r}, not by {new['verb']!r}"
    before, after = _flat(old), _flat(new)
    found = []
    for key in sorted({*before, *after}, key=lambda key: (key.startswith("inputs."), key)):
        if before.get(key) != after.get(key):
            section, _, name = key.partition(".")
            values = f"{before.get(key)!r} there, {after.get(key)!r} asked for"
            found.append(f"input {name} has changed" if section == "inputs" else f"{name or section}: {values}")
    return "; ".join(found[:3]) or "another format"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
