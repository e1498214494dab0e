"""Lines of a file, plain or compressed, in bounded memory; what can be read of a damaged file is read."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from molgen.core.errors import InputError

MAX_LINE = 1 << 20  # bytes; what is longer is cut there and its rest skipped
_BLOCK, _COMPRESSED_BLOCK = 1 << 17, 1 << 14
_MAGIC = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
_DAMAGE = (EOFError, zlib.error, zstandard.ZstdError)


def extension(path: Path) -> tuple[str, str]:
    """A file name's format and compression: `a.csv.gz` -> (".csv", ".gz")."""
    suffixes = [s.lower() for s in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in _MAGIC else ""
    return suffixes[-1] if suffixes else "", compression


class Lines:
    """Lines as text, without their ends, numbered from 1 by their order. A byte-order mark is taken off.

    After the last line `damage` says why the file could not be read to its end, or is None.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: str | None = None

    def __iter__(self) -> Iterator[str]:
        with self._open() as raw:
            number = 0
            while True:
                try:
                    line = self._line(raw)
                except _DAMAGE as error:
                    self._damaged(number, error)
                    return
                if not line:
                    return
                number += 1
                if number == 1:
                    line = self._first(line)
                yield line.decode("utf-8", errors="replace").rstrip("\r\n")

    def _line(self, raw: BinaryIO) -> bytes:
        line = raw.readline(MAX_LINE)
        rest = line
        while len(rest) == MAX_LINE and not rest.endswith(b"\n"):
            rest = raw.readline(MAX_LINE)
        return line

    def _first(self, line: bytes) -> bytes:
        if b"\0" in line:
            raise InputError(f"{self.path}: a binary file; a text file with one molecule a line is expected")
        return line.removeprefix(b"\xef\xbb\xbf")

    def _damaged(self, number: int, error: Exception) -> None:
        if number == 0:
            raise InputError(f"{self.path}: cannot be decompressed; is it complete, and what its name says?") from None
        what = "ends too early" if isinstance(error, EOFError) else "is damaged"
        self.damage = f"{self.path}: the compressed file {what}; the {number:,} lines before that were used"

    def _open(self) -> BinaryIO:
        compression = extension(self.path)[1]
        try:
            with self.path.open("rb") as probe:
                start = probe.read(4)
            if not start:
                raise InputError(f"{self.path}: the file is empty; name one with molecules in it")
            if compression and not start.startswith(_MAGIC[compression][: len(start)]):
                raise InputError(f"{self.path}: not a {compression} file, though its name says so")
            if compression:
                stream = _Decompressed(self.path.open("rb"), _gzip if compression == ".gz" else _zstd)
                return cast(BinaryIO, io.BufferedReader(stream, _BLOCK))
            return self.path.open("rb", buffering=_BLOCK)
        except FileNotFoundError:
            raise InputError(f"{self.path}: no such file; check the path") from None
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from None


class _Decompressed(io.RawIOBase):
    """A gzip or zstd file as a stream that gives all that can be decompressed before it raises.

    The libraries' own streams lose up to a buffer of good data before the place where a file breaks off (gzip), or take
    that place for the end (zstandard).
    """

    def __init__(self, file: BinaryIO, start: Callable[[], Any]) -> None:
        self._file, self._start = file, start
        self._part: Any = None  # a gzip member or zstd frame; a file may hold several
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        while not self._ready:
            data = self._part.unused_data if self._part is not None and self._part.eof else b""
            if self._part is not None and self._part.eof:
                self._part = None
            data = data or self._file.read(_COMPRESSED_BLOCK)
            if self._part is None:
                data = data.lstrip(b"\0")  # padding between parts
                if not data and not (data := self._file.read(_COMPRESSED_BLOCK)):
                    return 0
                self._part = self._start()
            elif not data:
                raise EOFError
            self._ready = self._part.decompress(data)
        count = min(len(view), len(self._ready))
        view[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _gzip() -> Any:
    return zlib.decompressobj(wbits=31)


def _zstd() -> Any:
    return zstandard.ZstdDecompressor().decompressobj()
