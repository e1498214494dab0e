"""The further metrics of an evaluation: which are measured, of which molecules, and what is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from molgen.evaluate.further import balance, guacamol, manifold, memory, parts
from molgen.evaluate.further.context import Context, Subject, of_draws, of_reference
from molgen.evaluate.further.figures import Figure
from molgen.evaluate.further.names import FURTHER
from molgen.evaluate.metrics import Evidence, NotMeasuredError, NotNamedError
from molgen.evaluate.reference import Fetched, Reference

METRICS: dict[str, dict[str, Callable[[Context], Figure]]] = {
    "guacamol": guacamol.METRICS,
    "manifold": manifold.METRICS,
    "parts": parts.METRICS,
    "memory": memory.METRICS,
    "balance": balance.METRICS,
}


@dataclass
class Further:
    """Figures by metric, why there are none, those of reference molecules in the draws' place, and details by group."""

    figures: dict[str, Figure | None] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    beside: dict[str, dict[str, float]] = field(default_factory=dict)  # train or test -> metric -> value
    compared: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def into(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record of an evaluation with these figures in it."""
        values = {name: None if found is None else found.value for name, found in self.figures.items()}
        bounds = {name: list(f.bounds) for name, f in self.figures.items() if f is not None and f.bounds}
        record = {**record, "metrics": record["metrics"] | values, "intervals": record["intervals"] | bounds}
        record["notes"] = record["notes"] | self.notes
        there = record.get("further", {"compared": {}, "beside": {}})
        merged = {name: there[name] | getattr(self, name) for name in ("compared", "beside")}
        record["further"] = there | merged | self.details
        if record.get("floor") and (own := self.beside.get("train")):
            record["floor"] = record["floor"] | {"metrics": record["floor"]["metrics"] | own}
        return record


def measure_further(
    evidence: Evidence, scanned: Reference | Fetched, groups: Sequence[str], n: int, seed: int, *, beside: bool
) -> Further:
    """The groups' metrics of the first n valid draws, against n molecules of the test split and all of the train split.

    With `beside`, also those of reference molecules in the draws' place, which is what to read them against.
    """
    workers = evidence.workers
    everything = scanned.draw("train", None, seed).smiles if scanned.size("train") else []
    test = of_reference(scanned, "test", n, seed, workers)
    chosen, other = (of_reference(scanned, "train", n, seed, workers, half=half) for half in (0, 1))
    context = Context(evidence, of_draws(evidence, n), test, chosen, everything, workers)
    found = Further(compared={"generated": len(context.subject), "test": len(test), "train": len(chosen)})
    for group in groups:
        for name, metric in METRICS[group].items():
            try:
                found.figures[name] = metric(context)
            except NotNamedError as error:
                found.notes[name] = str(error)
            except NotMeasuredError as error:
                found.figures[name], found.notes[name] = None, str(error)
        found.details |= _details(group, context)
    if beside:
        as_many = other.spread(len(context.subject))  # for what depends on n
        found.compared["train beside"] = len(as_many)
        for kind, subject in {"train": as_many, "test": test}.items():
            found.beside[kind] = _beside(context, subject, kind, found.figures)
    return found


def _beside(context: Context, subject: Subject, kind: str, figures: dict[str, Figure | None]) -> dict[str, float]:
    """The metrics of reference molecules in the draws' place."""
    place = Context(
        context.evidence, subject, context.test, context.chosen, context.all_train, context.workers, context.shared
    )
    found = {}
    for functions in METRICS.values():
        for name, metric in functions.items():
            if figures.get(name) is not None and FURTHER[name].beside == kind:
                try:
                    found[name] = metric(place).value
                except (NotMeasuredError, NotNamedError):
                    continue
    return found


def _details(group: str, context: Context) -> dict[str, Any]:
    """What stands behind a group's figures; nothing where it cannot be told."""
    wanted: dict[str, Callable[[], Any]] = {}
    if group == "guacamol":
        wanted["kl"] = lambda: guacamol.nats(context)
    if group == "parts":
        wanted["coverage"] = lambda: parts.missed(context)
        wanted["strained"] = lambda: {
            "generated": parts.motifs(context.drawn()),
            "test": parts.motifs(context.held_out()),
        }
        wanted["SA"] = lambda: {
            s.label: parts.quantiles(parts.accessibility(s)) for s in (context.drawn(), context.held_out())
        }
    if group == "memory":
        wanted["nearest_train"] = lambda: memory.histogram(context)
    if group == "balance":
        wanted |= {f"balance/{kind}": partial(balance.ratios, context, kind) for kind in balance.GROUPS}
    found: dict[str, Any] = {}
    for name, make in wanted.items():
        try:
            value = make()
        except (NotMeasuredError, NotNamedError):
            continue
        section, _, part = name.partition("/")
        if part:
            found.setdefault(section, {})[part] = value
        else:
            found[section] = value
    return found
