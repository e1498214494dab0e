"""Yield of scaffold- and fragment-constrained draws, on parts of held-out molecules.

    python benchmarks/scaffolds.py MODEL --features FEATURES [--split test] [--parts 20] [--n 200] [--set top_p=0.95]
    python benchmarks/scaffolds.py graph-diffusion-moses --features FEATURES --kinds decorate [--set steps=30]

Parts, the same for the same store and seed: *decorate*, the ring scaffold of a molecule, marked where the molecule is
substituted, as many parts with 1, 2, 3 and 4 points; *grow*, one ring system, unmarked; *link*, the two ends of a
molecule, 1 to 8 atoms apart. For each, N attempts. Prints, by task and number of points: the share of attempts that
are whole molecules with the part in them (yield), of these the share that are different molecules, the share of parts
for which the held-out molecule itself was among the draws, attempts a second (one thread), and the commonest reasons
for the rest. Each molecule is checked once more by RDKit's plain substructure match of the unmarked part. Parts that
the model says it cannot hold are counted at the end, and left out.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgen.core import seeds
from molgen.core.errors import SettingsError
from molgen.core.machine import precision_for
from molgen.core.settings import Settings
from molgen.data.store import Store
from molgen.generators.folder import load_model

CUT = Chem.MolFromSmarts("[*;!#0]-;!@[*;!#0]")  # single bonds outside rings
LONGEST_LINKER = 8  # atoms
KINDS = ("decorate", "grow", "link")


class Task(NamedTuple):
    """What to ask for: `wish` is for the model's Drawing; `parts` are to be found again."""

    kind: str
    wish: dict[str, str]
    parts: list[str]
    molecule: str


class Result(NamedTuple):
    """What came of one task."""

    kind: str
    attempts: int
    found: list[str]
    reasons: Counter[str]
    recovered: bool
    seconds: float


def held_out(features: Path, split: str, seed: int) -> Iterator[str]:
    """The molecules of a split in random order."""
    store = Store.open(features)
    rows = seeds.numpy_generator(seed, "parts").permutation(store.rows(split))
    for start in range(0, len(rows), 1000):
        yield from store.smiles(rows[start : start + 1000])


def decorations(smiles: str) -> Iterator[Task]:
    """The molecule's scaffold, marked where the molecule is substituted."""
    mol = Chem.MolFromSmiles(smiles)
    core = mol.GetSubstructMatch(MurckoScaffold.GetScaffoldForMol(mol))
    inside = set(core)
    bonds = [mol.GetBondBetweenAtoms(*pair) for pair in mol.GetSubstructMatches(CUT)]
    cut = [b.GetIdx() for b in bonds if (b.GetBeginAtomIdx() in inside) != (b.GetEndAtomIdx() in inside)]
    if core and 1 <= len(cut) <= 4:
        part = _pieces(mol, cut)[core[0]]
        yield Task(f"decorate, {len(cut)} point{'s' * (len(cut) > 1)}", {"scaffold": part}, [part], smiles)


def growths(smiles: str) -> Iterator[Task]:
    """The first ring system of the molecule with what is double-bonded to it, without marks."""
    mol = Chem.MolFromSmiles(smiles)
    ring = {a.GetIdx() for a in mol.GetAtoms() if a.IsInRing()}
    bonds = [mol.GetBondBetweenAtoms(*pair) for pair in mol.GetSubstructMatches(CUT)]
    cut = [b.GetIdx() for b in bonds if {b.GetBeginAtomIdx(), b.GetEndAtomIdx()} & ring]
    if cut and ring:
        part = Chem.MolFromSmiles(_pieces(mol, cut)[min(ring)])
        plain = Chem.RemoveHs(
            Chem.ReplaceSubstructs(part, Chem.MolFromSmarts("[#0]"), Chem.MolFromSmarts("[H]"), True)[0]
        )
        text = Chem.CanonSmiles(Chem.MolToSmiles(plain, isomericSmiles=False))
        yield Task("grow", {"scaffold": text}, [text], smiles)


def links(smiles: str) -> Iterator[Task]:
    """The two ends of a molecule, each with a ring, with a linker of a few atoms between them."""
    mol = Chem.MolFromSmiles(smiles)
    bonds = [mol.GetBondBetweenAtoms(*pair).GetIdx() for pair in mol.GetSubstructMatches(CUT)]
    for one in bonds:
        for other in bonds:
            pieces = set(_pieces(mol, [one, other]).values()) if one < other else set()
            ends = sorted(piece for piece in pieces if piece.count("*") == 1)
            linkers = [piece for piece in pieces if piece.count("*") == 2]
            if len(ends) == 2 and linkers and _atoms(linkers[0]) <= LONGEST_LINKER and all("1" in end for end in ends):
                yield Task("link", {"link": ".".join(ends)}, ends, smiles)
                return


def _pieces(mol: Chem.Mol, bonds: list[int]) -> dict[int, str]:
    """For each atom, the SMILES of the piece that it is in when the bonds are cut."""
    cut = Chem.FragmentOnBonds(mol, bonds, dummyLabels=[(0, 0)] * len(bonds))
    texts = [Chem.MolToSmiles(piece) for piece in Chem.GetMolFrags(cut, asMols=True)]
    return {atom: text for text, atoms in zip(texts, Chem.GetMolFrags(cut), strict=True) for atom in atoms}


def _atoms(piece: str) -> int:
    return Chem.MolFromSmiles(piece).GetNumAtoms() - piece.count("*")


def tasks(features: Path, split: str, count: int, seed: int, kinds: Sequence[str] = KINDS) -> list[Task]:
    """`count` decorations (as many of each number of points), growths and links, no part twice."""
    every = {f"decorate, {k} point{'s' * (k > 1)}": -(-count // 4) for k in (1, 2, 3, 4)} | {
        "grow": count,
        "link": count,
    }
    wanted = {kind: number for kind, number in every.items() if kind.startswith(tuple(kinds))}
    found: dict[str, dict[str, Task]] = {kind: {} for kind in wanted}
    for smiles in islice(held_out(features, split, seed), 20_000):
        for task in (*decorations(smiles), *growths(smiles), *links(smiles)):
            if len(found.get(task.kind, ())) < wanted.get(task.kind, 0):
                found[task.kind].setdefault(str(task.wish), task)
        if all(len(found[kind]) == wanted[kind] for kind in wanted):
            break
    return [task for kind in wanted for task in found[kind].values()]


def run(model: Any, task: Task, n: int, seed: int, wishes: dict[str, Any]) -> Result:
    """N attempts; ends with an error if a molecule does not hold its part."""
    start = time.perf_counter()
    samples = model.sample(n, seed=seed, drawing=model.Drawing.parse(wishes | task.wish))
    seconds = time.perf_counter() - start
    found = [smiles for smiles in samples.smiles if smiles is not None]
    bare = [Chem.MolFromSmarts(Chem.MolToSmarts(Chem.MolFromSmiles(part)).replace("[#0]", "*")) for part in task.parts]
    for smiles in found:
        if not all(Chem.MolFromSmiles(smiles).HasSubstructMatch(part) for part in bare):
            raise SystemExit(f"{smiles} does not hold {task.parts}")
    reasons = Counter(reason for reason in samples.reasons if reason is not None)
    return Result(task.kind, n, found, reasons, Chem.CanonSmiles(task.molecule) in found, seconds)


def row(kind: str, results: list[Result]) -> str:
    """One line of the table."""
    attempts, found = sum(r.attempts for r in results), sum(len(r.found) for r in results)
    different = sum(len(set(r.found)) for r in results) / max(found, 1)
    reasons = sum((r.reasons for r in results), Counter()).most_common(3)
    lowest = min(len(r.found) / r.attempts for r in results)
    cells = [
        kind,
        len(results),
        f"{found / attempts:.3f}",
        f"{lowest:.3f}",
        f"{different:.3f}",
        f"{np.mean([r.recovered for r in results]):.2f}",
        f"{attempts / sum(r.seconds for r in results):.0f}",
        ", ".join(f"{reason} {count / attempts:.3f}" for reason, count in reasons) or "-",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--parts", type=int, default=20, help="of each kind")
    parser.add_argument("--n", type=int, default=200, help="attempts a part")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["auto", "bf16", "fp32"], default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the model's Drawing")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(asked.model, device="cpu", precision=precision_for(asked.precision, "cpu"))
    wishes = Settings.overrides(asked.set)
    results: dict[str, list[Result]] = {}
    refused: list[str] = []
    for task in tasks(asked.features, asked.split, asked.parts, asked.seed, asked.kinds):
        try:
            result = run(model, task, asked.n, asked.seed, wishes)
        except SettingsError as error:
            refused.append(str(error))
        else:
            results.setdefault(task.kind, []).append(result)
    print("| task | parts | yield | lowest of a part | different | own molecule found | attempts/s | why not |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, found in results.items():
        print(row(kind, found), flush=True)
    if refused:
        print(f"\n{len(refused)} parts refused; the first: {refused[0]}")


if __name__ == "__main__":
    main()
