"""The journal of a screen: which chunks are done, as folders that appear whole, and blocks of chunks joined to one.

Chunks are numbered in the order of the library. Worker processes write them, in any order; what a kill leaves behind is
at most the chunk that each was at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path

from molgen.core.artifacts import remove
from molgen.screening.part import Part, join
from molgen.screening.settings import Plan

BLOCK = 256  # chunks


class Journal:
    """Finished work in a folder that may have been there before."""

    def __init__(self, work: Path, plan: Plan) -> None:
        self.chunks, self.blocks, self._plan = work / "chunks", work / "blocks", plan
        for folder in (self.chunks, self.blocks):
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(".*.part"):
                remove(leftover)
        self._joined = len(list(self.blocks.iterdir()))  # they are made in order
        self._done = {int(path.name) for path in self.chunks.iterdir()}
        for number in [n for n in self._done if n < self._joined * BLOCK]:  # killed after a block was made of them
            remove(self._chunk(number).folder)
            self._done.remove(number)

    def is_done(self, number: int) -> bool:
        """Whether the chunk needs not be done again."""
        return number in self._done or number < self._joined * BLOCK

    def parts(self) -> list[Part]:
        """All that is done, in the order of the library."""
        blocks = [self._block(number) for number in range(self._joined)]
        return [*blocks, *(self._chunk(number) for number in sorted(self._done))]

    def add(self, number: int) -> Part:
        """Takes note of a chunk that a worker has written; they come in order."""
        self._done.add(number)
        return self._chunk(number)

    def join_up_to(self, number: int) -> None:
        """Joins the whole blocks among the chunks below `number`, which are all done."""
        while (self._joined + 1) * BLOCK <= number:
            self._join((self._joined + 1) * BLOCK)

    def finish(self, count: int) -> list[Part]:
        """The blocks of all `count` chunks, the last of which may have fewer."""
        self.join_up_to(count)
        if self._joined * BLOCK < count:
            self._join(count)
        return self.parts()

    def _join(self, end: int) -> None:
        numbers = range(self._joined * BLOCK, end)
        block = self._block(self._joined).folder
        with appearing(block) as aside:
            join([self._chunk(number) for number in numbers], aside, self._plan)
        self._joined += 1
        for number in numbers:
            remove(self._chunk(number).folder)
            self._done.discard(number)

    def _chunk(self, number: int) -> Part:
        return Part(self.chunks / f"{number:09}")

    def _block(self, number: int) -> Part:
        return Part(self.blocks / f"{number:06}")


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """An empty folder that gets its final name when the block ends without an error, unless that is there by then."""
    aside = folder.parent / f".{folder.name}.{getpid()}.part"
    remove(aside)
    aside.mkdir(parents=True)
    try:
        yield aside
        if not folder.exists():
            aside.rename(folder)
    finally:
        remove(aside)
