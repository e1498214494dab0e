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

    Of a plain file, `start` and `end` choose the lines whose first byte lies between these offsets. After the last line
    `damage` says why the file could not be read to its end, or is None.
    """

    def __init__(self, path: Path, start: int = 0, end: int | None = None) -> None:
        self.path, self.start, self.end = path, start, end
        self.damage: str | None = None
        self._file: BinaryIO | None = None

    @property
    def position(self) -> int:
        """How many bytes of the file, as it lies on the disk, have been read so far."""
        return self._file.tell() if self._file is not None and not self._file.closed else 0

    def __iter__(self) -> Iterator[str]:
        with self._open() as raw:
            number, at = 0, self._begin(raw)
            while self.end is None or at < self.end:
                try:
                    line, length = self._line(raw)
                except _DAMAGE as error:
                    self._damaged(number, error)
                    return
                if not line:
                    return
                number, at = number + 1, at + length
                if number == 1 and self.start == 0:
                    line = self._first(line)
                yield line.decode("utf-8", errors="replace").rstrip("\r\n")

    def _begin(self, raw: BinaryIO) -> int:
        """Goes to the first line that begins at `start` or behind it; the offset of that line."""
        if self.start == 0:
            return 0
        raw.seek(self.start - 1)
        return self.start - 1 + self._line(raw)[1]

    def _line(self, raw: BinaryIO) -> tuple[bytes, int]:
        """A line, cut if it is endless, and how many bytes it takes in the file."""
        line = rest = raw.readline(MAX_LINE)
        length = len(line)
        while len(rest) == MAX_LINE and not rest.endswith(b"\n"):
            rest = raw.readline(MAX_LINE)
            length += len(rest)
        return line, length

    def _first(self, line: bytes) -> bytes:
        if b"\0" in line:
            raise InputError(f"{self.path}: a binary file; a text file with one molecule a line is expected")
        return line.removeprefix(b"\xef\xbb\xbf")

    def _damaged(self, number: int, error: Exception) -> None:
        if number == 0:
            raise InputError(f"{self.path}: cannot be decompressed; is it complete, and what its name says?") from None
        if isinstance(error, EOFError):
            what = f"ends too early, at byte {self.position:,}"
        else:
            what = f"is damaged near byte {max(self.position - _COMPRESSED_BLOCK, 0):,}"
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
                self._file = self.path.open("rb")
                stream = _Decompressed(self._file, _gzip if compression == ".gz" else _zstd)
                return cast(BinaryIO, io.BufferedReader(stream, _BLOCK))
            self._file = self.path.open("rb", buffering=_BLOCK)
            return self._file
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
