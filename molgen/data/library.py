"""A library: any number of molecule files as one stream of batches of rows, or one shard of them.

What `prepare` and `screen` share. Where batches and shards are cut depends on the files alone, and shards are cut
without reading them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from molgen.core.artifacts import fingerprint
from molgen.core.errors import InputError, SettingsError
from molgen.data.readers import Columns, Reader, Row

MAX_CHARACTERS = 1 << 22  # of a batch's rows together: endless lines and mol blocks must not fill the memory
SPLITTABLE = {(".smi", ""), (".smiles", ""), (".txt", ""), (".parquet", "")}  # by lines, or by row groups


class Batch(NamedTuple):
    """Consecutive rows of one file. `read` is the fraction of the library that has been read with them."""

    number: int
    file: str
    blocks: bool
    rows: list[Row]
    read: float


class Piece(NamedTuple):
    """A file, or what of it begins in the bytes from `start` up to `end`; `label` is its name in the tables."""

    path: Path
    label: str
    start: int = 0
    end: int | None = None

    def content(self) -> str:
        """SHA-256 of the bytes."""
        if self.end is None:
            return fingerprint(self.path)
        digest = hashlib.sha256(f"{self.start}-{self.end}\n".encode())
        with self.path.open("rb") as stream:
            stream.seek(self.start)
            left = self.end - self.start
            while left > 0 and (data := stream.read(min(left, 1 << 20))):
                digest.update(data)
                left -= len(data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Shard:
    """One of `of` parts of a library, of about equal size; `number` counts from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From `3/100`."""
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise SettingsError(f"--shard {text}: expected I/N with I from 1 to N, as 3/100")
        return cls(int(number), int(of))


def labels(inputs: Sequence[Path], verb: str) -> list[str]:
    """What the tables call each file: its name, or the path as given where names repeat."""
    if not inputs:
        raise InputError(f"{verb}: no input files; name at least one")
    names = [path.name for path in inputs]
    found = names if len(set(names)) == len(names) else [path.as_posix() for path in inputs]
    if len(set(found)) != len(found):
        raise InputError(f"{max(found, key=found.count)}: named twice; name each input once")
    return found


def pieces(inputs: Sequence[Path], verb: str) -> list[Piece]:
    """Each file whole, in order."""
    return [Piece(path, label) for path, label in zip(inputs, labels(inputs, verb), strict=True)]


def shards(whole: Sequence[Piece], count: int) -> list[list[Piece]]:
    """The files cut into `count` shards at equal distances of bytes, in order; a shard may be empty.

    A line belongs to the shard in which its first byte lies, a row group of a .parquet likewise. Other formats cannot
    be cut: such a file goes whole to the shard in which it begins.
    """
    sizes = [_size(piece.path) for piece in whole]
    found: list[list[Piece]] = [[] for _ in range(count)]
    edges = [sum(sizes) * number // count for number in range(count + 1)]
    begin, first = 0, 0
    for piece, size in zip(whole, sizes, strict=True):
        while first + 1 < count and edges[first + 1] <= begin:
            first += 1
        if _splittable(piece.path):
            for number in range(first, count):
                start, end = max(edges[number] - begin, 0), min(edges[number + 1] - begin, size)
                if start < end:
                    found[number].append(piece._replace(start=start, end=end))
                if edges[number + 1] >= begin + size:
                    break
        else:
            found[first].append(piece)
        begin += size
    return found


def _splittable(path: Path) -> bool:
    reader = Reader(path)
    return (reader.format, reader.compression) in SPLITTABLE


def _size(path: Path) -> int:
    Reader(path)  # says what is wrong with the name
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path}: the file is empty; name one with molecules in it")
    return size


class Library:
    """The batches of some pieces of files. While it is read, `damage`, `blank` and `lines` gather what was met."""

    def __init__(self, chosen: Sequence[Piece], columns: Columns, size: int) -> None:
        self._pieces, self._columns, self._size = chosen, columns, size
        self._readers: list[Reader] = []
        self.batches = 0
        for piece in chosen:  # what is wrong with the beginning of any file is told before any work
            next(iter(Reader(piece.path, columns)))

    @property
    def damage(self) -> list[str]:
        """Which files could not be read to their ends."""
        return [reader.damage for reader in self._readers if reader.damage]

    @property
    def blank(self) -> int:
        """Blank lines."""
        return sum(reader.blank for reader in self._readers)

    @property
    def lines(self) -> dict[str, int]:
        """Lines, or records, of each piece."""
        return {piece.label: reader.lines for piece, reader in zip(self._pieces, self._readers, strict=False)}

    def __iter__(self) -> Iterator[Batch]:
        self._readers, self.batches, before = [], 0, 0
        sizes = [(p.end or p.path.stat().st_size) - p.start for p in self._pieces]
        for piece, size in zip(self._pieces, sizes, strict=True):
            reader = Reader(piece.path, self._columns, piece.start, piece.end)
            self._readers.append(reader)
            for rows in batches(reader, self._size):
                read = min(max(reader.position - piece.start, 0), size)
                yield Batch(self.batches, piece.label, reader.blocks, rows, (before + read) / max(sum(sizes), 1))
                self.batches += 1
            before += size


def batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows in order, `size` at a time, or fewer where these are very long."""
    batch: list[Row] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row.text)
        if len(batch) == size or characters >= MAX_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
