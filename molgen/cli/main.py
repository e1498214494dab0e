"""`molgen`: finds the verb, runs it, and turns every way of ending into one line and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from molgen import __version__
from molgen.core.errors import MolgenError, Stopped, nearest
from molgen.core.interrupts import guard_interrupts

# verb -> first line of its help. A verb's module (molgen.cli.VERB) is imported when the verb is called.
VERBS = {
    "data": "List and fetch named data sets.",
    "prepare": "Raw molecule files to a clean molecules table.",
    "featurize": "A molecules table to a feature store.",
    "train": "Train a generator on a feature store.",
    "guide": "Train a predictor that guides a graph-diffusion model.",
    "sample": "Draw molecules from a trained generator.",
    "steer": "Ask for properties, and see what the draws have.",
    "likelihood": "How likely a generator is to write given molecules.",
    "latent": "Use a model's latent space: vectors, neighbours, paths.",
    "objective": "Explain, check and draw an objective.",
    "score": "Score molecules under an objective.",
    "screen": "Find the best molecules of a library of any size.",
    "optimize": "Search for the best molecules within a budget of scored ones.",
    "predictor": "Property models from measured values.",
    "rank": "Pick the best candidates of a scored table.",
    "neighbors": "The most similar molecules of a library.",
    "cluster": "Group molecules by similarity; count their scaffolds.",
    "evaluate": "Measure samples against reference molecules.",
    "compare": "Put the models of runs side by side.",
    "report": "Write the page a chemist decides on.",
    "feedback": "Learn what chemists like from their decisions.",
    "review": "Serve the page on which chemists decide.",
    "doctor": "What this machine has of what molgen can use.",
    "plan": "What a run will cost, before it runs.",
    "cost": "What a run has cost, beside its plan.",
    "models": "List what can be trained and what is trained.",
}


BATCH_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)  # a batch system's ways to say that time is up
# How a run ends after a signal, whatever error it ran into on the way: a signal to a whole group of processes also ends
# workers and programs that this one then misses.
_SIGNAL_ERRORS: dict[int, BaseException] = {
    signal.SIGTERM: Stopped("stopped by a signal; run the same command again"),
    signal.SIGUSR1: Stopped("stopped by a signal; run the same command again"),
    signal.SIGINT: KeyboardInterrupt(),
}
_received: list[int] = []


class _Verbs(TyperGroup):
    """Verbs whose modules are imported only when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in VERBS:
            ctx.fail(f"unknown verb {name!r}{nearest(name, VERBS)}")
        if sys.argv[1:2] != [name]:  # shown in `molgen --help`: its name and line are enough
            return typer.core.TyperCommand(name, help=VERBS[name])
        app = import_module(f"molgen.cli.{name}").app
        command = typer.main.get_command(app)
        command.name = name
        return command


app = typer.Typer(
    cls=_Verbs, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


def _version(asked: bool) -> None:
    if asked:
        print(f"molgen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """From a raw molecule file to ranked candidates."""


def main() -> NoReturn:
    """Runs a verb and exits with the code of how it ended (docs/verbs/README.md)."""
    _received.clear()
    for number in BATCH_SIGNALS:
        signal.signal(number, _stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where ctrl-C is ignored: a background job
        signal.signal(signal.SIGINT, _stop)
    guard_interrupts()
    try:
        code = app(standalone_mode=False) or 0
        if code == 130:  # the parser catches ctrl-C and only returns its code
            raise KeyboardInterrupt
    except (Exception, KeyboardInterrupt) as error:
        for number in BATCH_SIGNALS:  # one is enough
            signal.signal(number, lambda *_: None)
        code = _ended(_SIGNAL_ERRORS[_received[0]] if _received else error)
    sys.exit(code if isinstance(code, int) else 0)


def _ended(error: BaseException) -> int:
    """Says how a run ended and returns its exit code; an error of ours that nobody foresaw is raised again."""
    if isinstance(error, MolgenError):
        return _say(str(error), error.exit_code)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return _say("interrupted; run the same command again", 130)
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, OSError):
        return _say(_machine_failure(error), 1)
    if not hasattr(error, "format_message"):  # not one of the parser's own errors about options
        raise error
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
        print(error.format_message())
        return 2
    return _say(error.format_message(), 2)


def _say(message: str, code: int) -> int:
    print(f"molgen: {message}", file=sys.stderr)
    return code


def _stop(number: int, _: object) -> None:
    _received.append(number)
    raise _SIGNAL_ERRORS[number]


def _machine_failure(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{place}the disk is full; nothing half-written was left, free some room and run the same command again"
    return f"{place}{error.strerror or error}"


if __name__ == "__main__":
    main()
