"""External component: any program that reads one SMILES a line and answers one number (or `nan`) a line, in order.

The program is started once and kept, so that a model is loaded once; it must flush its answers when it has read all
that was waiting. When answers do not come (a crash, a hang) it is started anew and what is missing is asked again, one
molecule at a time, so that only the molecule that stops it loses its value. What has no answer in the end is NaN.
"""

from __future__ import annotations

import contextlib
import queue
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from multiprocessing.util import Finalize
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator
from rdkit import Chem

from molgen.scoring.component import BOUNDS, NO_VALUE, ComponentSettings, Molecules


class ExternalSettings(ComponentSettings):
    """`command` is run without a shell: a program and its arguments, as one line or a list."""

    command: tuple[str, ...] = Field(min_length=1)
    timeout: float = Field(default=300.0, gt=0)  # seconds that one batch may take, or one molecule asked again
    retries: int = Field(default=2, ge=0, le=100)  # how often it is started again within a batch
    batch: int = Field(default=256, ge=1)  # SMILES a batch
    unit: str = ""

    @field_validator("command", mode="before")
    @classmethod
    def _split(cls, command: object) -> object:
        return tuple(shlex.split(command)) if isinstance(command, str) else command

    @field_validator("command")
    @classmethod
    def _found(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if command and shutil.which(command[0]) is None:
            raise ValueError(f"no program {command[0]!r} on this machine; check the name or give its path")
        return command


class External:
    """What the program answers to each molecule's canonical SMILES."""

    unit_range: ClassVar[bool] = False
    default_bounds: ClassVar[BOUNDS] = {}
    settings_class: ClassVar[type[ComponentSettings]] = ExternalSettings
    usual = (NO_VALUE, NO_VALUE)

    def __init__(self, settings: ExternalSettings) -> None:
        self.name, self.unit = settings.name, settings.unit
        self.meaning = f"what the program {settings.command[0]!r} answers"
        self._settings = settings
        self._program: _Program | None = None
        self._answers = True  # whether it answered anything of the last batch

    def score(self, molecules: Molecules) -> np.ndarray:
        """The answers, in order."""
        values = np.full(len(molecules), NO_VALUE)
        there = [i for i, mol in enumerate(molecules) if mol is not None]
        for start in range(0, len(there), self._settings.batch):
            batch = there[start : start + self._settings.batch]
            answers = self._ask_again([Chem.MolToSmiles(molecules[i]) for i in batch])
            values[batch] = [_number(answer) for answer in answers]
        return values

    def close(self) -> None:
        """Ends the program, if it runs."""
        if self._program is not None:
            self._program.end()
            self._program = None

    def _ask_again(self, smiles: list[str]) -> list[str]:
        """An answer to each line; "" where the program gave none, however often it was started again.

        After a batch without any answer the next one gets no second start: a program that never answers costs no hours.
        """
        starts = self._settings.retries if self._answers else 0
        answers = self._ask(smiles)
        while len(answers) < len(smiles):
            if self._program is None:
                if starts == 0:
                    break
                starts -= 1
            answers += self._ask([smiles[len(answers)]]) or [""]
        self._answers = any(answers)
        return answers + [""] * (len(smiles) - len(answers))

    def _ask(self, smiles: list[str]) -> list[str]:
        if self._program is None:
            self._program = _Program(self._settings.command)
            Finalize(self, self._program.end, exitpriority=1)  # also when a worker process ends
        answers = self._program.ask(smiles, self._settings.timeout)
        if len(answers) < len(smiles):  # crashed or hanging: a late answer must not be taken for a later molecule's
            self.close()
        return answers


class _Program:
    """A running program, with a thread that reads its answers so that neither side waits for a full pipe."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, lines: Sequence[str], timeout: float) -> list[str]:
        """The answers to the lines: fewer than there are lines if the program ends or the time runs out."""
        deadline = time.monotonic() + timeout
        threading.Thread(target=self._write, args=["".join(f"{line}\n" for line in lines)], daemon=True).start()
        answers: list[str] = []
        with contextlib.suppress(queue.Empty):
            while len(answers) < len(lines):
                answer = self._answers.get(timeout=max(deadline - time.monotonic(), 0.0))
                if answer is None:
                    break
                answers.append(answer)
        return answers

    def end(self) -> None:
        """Kills the program: it has nothing left to say that is wanted."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()

    def _write(self, text: str) -> None:
        with contextlib.suppress(
            OSError, ValueError
        ):  # it ended before it had read everything: answers will be missing
            if self._process.stdin:
                self._process.stdin.write(text)
                self._process.stdin.flush()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stdout or ():
                self._answers.put(line)
        self._answers.put(None)


def _number(answer: str) -> float:
    try:
        value = float(answer)
    except ValueError:
        return NO_VALUE
    return value if np.isfinite(value) else NO_VALUE
