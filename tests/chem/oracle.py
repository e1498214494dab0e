"""Everything that a profile holds, from RDKit's own functions."""

import sys
from functools import cache

import numpy as np
from rdkit import Chem, RDConfig
from rdkit.Chem import QED, Descriptors, Lipinski, rdFingerprintGenerator, rdMolDescriptors
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams
from rdkit.Chem.Scaffolds import MurckoScaffold

sys.path.append(RDConfig.RDContribDir)
from SA_Score import sascorer

STRICT = rdMolDescriptors.NumRotatableBondsOptions.Strict
FUNCTIONS = {
    "MW": Descriptors.MolWt,
    "logP": Descriptors.MolLogP,
    "TPSA": Descriptors.TPSA,
    "QED": QED.qed,
    "SA": sascorer.calculateScore,
    "HBD": Lipinski.NumHDonors,
    "HBA": Lipinski.NumHAcceptors,
    "rotatable_bonds": lambda mol: rdMolDescriptors.CalcNumRotatableBonds(mol, STRICT),
    "rings": Lipinski.RingCount,
    "aromatic_rings": Lipinski.NumAromaticRings,
    "fsp3": Lipinski.FractionCSP3,
    "stereocentres": lambda mol: len(Chem.FindMolChiralCenters(mol, includeUnassigned=True)),
    "heavy_atoms": lambda mol: sum(atom.GetAtomicNum() > 1 for atom in mol.GetAtoms()),
    "charge": lambda mol: sum(atom.GetFormalCharge() for atom in mol.GetAtoms()),
}
_fingerprints = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)


@cache
def catalog(part: str) -> FilterCatalog:
    """One of RDKit's catalogs, by our name for it."""
    names = {name.upper(): name for name in FilterCatalogParams.FilterCatalogs.names}
    return FilterCatalog(FilterCatalogParams(getattr(FilterCatalogParams.FilterCatalogs, names[part])))


def alerts(mol: Chem.Mol, parts: list[str]) -> list[tuple[str, set[tuple[int, ...]]]]:
    """Each alert's name, and the atoms of its matches."""
    found: dict[str, set[tuple[int, ...]]] = {}
    for part in parts:
        for entry in catalog(part).GetMatches(mol):
            matches = entry.GetFilterMatches(mol)
            places = {tuple(atom for _, atom in match.atomPairs) for match in matches}
            found.setdefault(f"{part}: {entry.GetDescription()}", set()).update(places)
    return list(found.items())


def everything(smiles: str, parts: list[str]) -> dict:
    """The values by name; the texts, the fingerprint and the alerts of the chosen catalogs besides."""
    marked = {"QED", "SA", "stereocentres"}  # these leave marks on a molecule or use what others left
    mol = Chem.MolFromSmiles(smiles)
    return {
        **{name: FUNCTIONS[name](mol) for name in FUNCTIONS if name not in marked},
        **{name: FUNCTIONS[name](Chem.MolFromSmiles(smiles)) for name in sorted(marked)},
        "smiles": Chem.MolToSmiles(mol),
        "scaffold": MurckoScaffold.MurckoScaffoldSmiles(mol=mol),
        "inchikey": Chem.MolToInchiKey(mol),
        "fingerprint": np.packbits(_fingerprints.GetFingerprintAsNumPy(mol)).tobytes(),
        "alerts": alerts(mol, parts),
    }
