"""The MOSES table by unmodified molsets 0.3.1, for `benchmarks/moses_table.py`; run by an interpreter that has molsets.

    PYTHON benchmarks/peers/molsets.py DRAWS.smi --n 30000 [--reference DIR]

The last line printed is `{"metrics": ...}`. molsets is of 2020: what newer numpy, pandas, RDKit and scipy have taken
from it is put back before it is imported. One of these is a repair: its fragment counts are int64, of which scipy's
cosine multiplies two squared lengths; above some 15,000 molecules the product overflows and `Frag` reads 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import types
from pathlib import Path


def put_back() -> None:
    """What molsets imports or calls and what is not there any more."""
    import numpy as np
    import pandas as pd
    import scipy.spatial.distance
    from rdkit import RDLogger
    from rdkit.Chem import AllChem, rdFingerprintGenerator

    RDLogger.DisableLog("rdApp.*")
    for name, value in (("NaN", np.nan), ("bool", bool), ("float", float), ("int", int)):
        if name not in vars(np):
            setattr(np, name, value)
    if not hasattr(pd.DataFrame, "append"):
        pd.DataFrame.append = lambda self, other, sort=False, **_: pd.concat([self, other], sort=sort)
    if not hasattr(AllChem, "GetMorganFingerprintAsBitVect"):

        def morgan(mol, radius, nBits=2048, **_):
            return rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=nBits).GetFingerprint(mol)

        AllChem.GetMorganFingerprintAsBitVect = morgan
    if "rdkit.six" not in sys.modules:
        six, moves = types.ModuleType("rdkit.six"), types.ModuleType("rdkit.six.moves")
        six.iteritems, moves.cPickle, moves.zip = (lambda d: iter(d.items())), __import__("pickle"), zip
        sys.modules |= {"rdkit.six": six, "rdkit.six.moves": moves}
    cosine = scipy.spatial.distance.cosine
    scipy.spatial.distance.cosine = lambda u, v: cosine(np.asarray(u, float), np.asarray(v, float))


def lines(file: Path) -> list[str]:
    """The first word of each line."""
    return [words[0] if (words := line.split()) else "" for line in file.read_text().splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("draws", type=Path)
    parser.add_argument("--n", type=int, default=30_000)
    parser.add_argument("--reference", type=Path, help="a folder of .smi splits; by default the MOSES of the package")
    asked = parser.parse_args()
    put_back()
    import torch
    from moses.metrics import get_all_metrics

    torch.set_num_threads(1)
    splits = {}
    if asked.reference:
        splits = {split: lines(asked.reference / f"{split}.smi") for split in ("train", "test", "test_scaffolds")}
    found = get_all_metrics(lines(asked.draws)[: asked.n], n_jobs=1, batch_size=512, **splits)
    print(json.dumps({"metrics": {name: float(value) for name, value in found.items()}}))


if __name__ == "__main__":
    main()
