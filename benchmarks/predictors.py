"""Predictors on the splits that others publish on: RMSE with its interval, coverage, CPU seconds.

    python benchmarks/predictors.py esol.csv --target "measured log solubility in mols per litre"
    python benchmarks/predictors.py drd3.csv --target "y [pEC50/pKi]" --split-column split --kinds forest network

Without a split column the split is MoleculeNet's by scaffold, as DeepChem makes it: Murcko scaffolds, the most frequent
first (of equals, the one whose first molecule stands last in the table), to training while it has at most 80 %, then to
validation while both have at most 90 %, the others to test. Validation molecules are left out, as nothing is chosen.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgen.predictor.run import Columns, cross_validate
from molgen.predictor.settings import PredictorSettings
from molgen.predictor.table import read_frame, smiles_column

TRAIN, VALID = 0.8, 0.9


def moleculenet(smiles: list[str]) -> list[str]:
    """`train`, `valid` or `test` for each molecule; '' where RDKit cannot read it."""
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    groups: dict[str, list[int]] = {}
    for row, mol in enumerate(mols):
        if mol is not None:
            groups.setdefault(MurckoScaffold.MurckoScaffoldSmiles(mol=mol), []).append(row)
    out, train, valid = [""] * len(mols), 0, 0
    for rows in sorted(groups.values(), key=lambda rows: (len(rows), rows[0]), reverse=True):
        if train + len(rows) <= TRAIN * len(mols):
            name, train = "train", train + len(rows)
        elif train + valid + len(rows) <= VALID * len(mols):
            name, valid = "valid", valid + len(rows)
        else:
            name = "test"
        for row in rows:
            out[row] = name
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--target", required=True)
    parser.add_argument("--split-column")
    parser.add_argument("--kinds", nargs="+", default=["forest", "boosted"])
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    frame = read_frame(args.table)
    column = args.split_column or "molecules of"
    if args.split_column is None:
        frame[column] = moleculenet(frame[smiles_column(frame, args.table, None)].tolist())
        frame = frame[frame[column].isin(["train", "test"])]
    print(f"{'kind':<9} {'seed':>4} {'molecules':>9} {'RMSE':>6}  {'95 %':<14} {'R2':>6} {'coverage':>8} {'CPU s':>6}")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        frame.to_csv(table, index=False)
        for kind in args.kinds:
            errors = []
            for seed in range(args.seeds):
                out, before = Path(folder) / f"{kind}-{seed}.json", time.process_time()
                settings = PredictorSettings(kind=kind)
                columns = Columns(args.target, split=column)
                found = cross_validate(table, columns, out, settings, how="column", folds=1, seed=seed)
                cpu, rmse, r2 = time.process_time() - before, found["metrics"]["RMSE"], found["metrics"]["R2"]
                errors.append(rmse["value"])
                interval = f"{rmse['low']:.3f} to {rmse['high']:.3f}"
                print(f"{kind:<9} {seed:>4} {found['molecules']:>9,} {rmse['value']:>6.3f}  {interval:<14}", end=" ")
                print(f"{r2['value']:>6.3f} {found['coverage']:>8.3f} {cpu:>6.0f}", flush=True)
            if len(errors) > 1:
                print(f"{kind:<9} mean {np.mean(errors):.3f}, deviation {np.std(errors, ddof=1):.3f}", flush=True)


if __name__ == "__main__":
    main()
