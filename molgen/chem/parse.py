"""The one door for SMILES: text in, a sanitized molecule or the reason why not."""

from __future__ import annotations

from rdkit import Chem, rdBase

MAX_SMILES = 2_000  # characters; a longer line is not a small molecule, and parsing it can take minutes

rdBase.DisableLog("rdApp.*")  # RDKit's reasons are asked for below; its log would repeat them on stderr


class BadMolecule(Exception):  # noqa: N818 (data, not a failure)
    """Why a text is not a molecule: `reason` is a fixed phrase that can be counted, `detail` is about this text."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


def parse(smiles: str) -> Chem.Mol:
    """The sanitized molecule that a SMILES describes; BadMolecule with the reason if it describes none."""
    if not smiles or smiles.isspace():
        raise BadMolecule("empty SMILES")
    if len(smiles) > MAX_SMILES:
        raise BadMolecule("SMILES too long", f"{len(smiles)} characters, at most {MAX_SMILES}")
    mol = Chem.MolFromSmiles(smiles) if " " not in smiles and "\0" not in smiles else None
    if mol is None:
        raise _diagnosis(smiles)
    if mol.GetNumAtoms() == 0:
        raise BadMolecule("no atoms")
    return mol


def canonical(smiles: str) -> str:
    """The canonical SMILES of one whole molecule: sanitizes, one fragment, no repair. Otherwise BadMolecule."""
    mol = parse(smiles)
    text: str = Chem.MolToSmiles(mol)
    if "." in text:
        raise BadMolecule("several fragments", text[:80])
    return text


_REASONS = {
    "AtomValenceException": "valence",
    "KekulizeException": "kekulization",
    "AtomKekulizeException": "aromatic atom outside a ring",
}


def _diagnosis(smiles: str) -> BadMolecule:
    """Why RDKit refused: the second, slow look, at the failures only."""
    text = smiles.replace("\0", " ")
    mol = Chem.MolFromSmiles(smiles, sanitize=False) if " " not in text else None
    if mol is None:
        return BadMolecule("SMILES syntax", smiles[:80])
    problems = Chem.DetectChemistryProblems(mol)
    if not problems:
        return BadMolecule("chemistry", smiles[:80])
    return BadMolecule(_REASONS.get(problems[0].GetType(), "chemistry"), problems[0].Message().strip())
