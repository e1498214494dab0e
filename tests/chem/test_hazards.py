"""Hazard flags: each motif on a medicine, a reagent or a text-book case that has it, and on what has none.

The oracle is the published listing of the substance, named beside it, not the pattern.
"""

import re

import pytest
from rdkit import Chem

from molgen.chem.alerts import alerts
from molgen.chem.hazards import alerts_and_flags, flags, hazards, kinds, motifs
from molgen.scoring.drugs import DRUGS

MARKED = [
    ("CCCN=[N+]=[N-]", ["organic azide"]),  # 1-azidopropane
    ("CCOC(=O)C=[N+]=[N-]", ["diazo compound"]),  # ethyl diazoacetate
    ("N#[N+]c1ccccc1", ["diazonium"]),
    ("CC(C)(C)OO", ["organic peroxide"]),  # tert-butyl hydroperoxide
    ("Cc1c(cc(cc1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]", ["three or more nitro groups"]),
    ("O[C@@H]1CO[C@H]2[C@@H]1OC[C@H]2O[N+](=O)[O-]", ["nitrate ester"]),  # isosorbide mononitrate
    ("CN(C)[N+](=O)[O-]", ["nitramine"]),
    ("CN(C)Cl", ["N-halogen amine"]),
    ("C[N+](C)(C)C.[O-]Cl(=O)(=O)=O", ["chlorate or perchlorate"]),
    ("NNN=NN", ["five contiguous nitrogens"]),
    ("[Cu]C#Cc1ccccc1", ["metal acetylide"]),
    ("CC(C)OP(=O)(F)OC(C)C", ["phosphorus(V) fluoride, nerve-agent-like"]),  # isoflurophate, an eye drop once
    ("CCOP(=O)(C#N)OCC", ["phosphorus(V) cyanide, nerve-agent-like"]),  # DEPC, a coupling reagent
    ("CCOP(=O)(OCC)SCC[N+](C)(C)C", ["aminoethyl phosphorothiolate, nerve-agent-like"]),  # echothiophate, an eye drop
    ("O=P(Cl)(Cl)Cl", ["phosphorus(V) chloride"]),
    ("CSCCCl", ["sulfur mustard-like"]),
    ("O=C(O)CCCc1ccc(N(CCCl)CCCl)cc1", ["nitrogen mustard-like"]),  # chlorambucil
    ("Cl/C=C/[As](C)C", ["lewisite-like"]),
    ("CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1", ["fentanyl-like"]),
    ("CCN(CC)CCn1c(Cc2ccccc2)nc2ccccc12", ["nitazene-like"]),
    ("CN1CC[C@]23[C@@H]4[C@H]1CC5=C2C(=C(C=C5)O)O[C@H]3[C@H](C=C4)O", ["morphinan"]),  # morphine
    ("CN1C2CCC1CC(C2)OC(=O)c1ccccc1", ["tropane benzoate (cocaine-like)"]),  # tropacocaine
    ("C[C@H](N)Cc1ccccc1", ["amphetamine-like"]),  # dexamfetamine
    ("CC(NC(C)(C)C)C(=O)c1cccc(Cl)c1", ["cathinone-like"]),  # bupropion, a medicine of that class
    ("COc1ccc(OC)c(CCN)c1", ["2,5-dimethoxyphenethylamine"]),
    ("CNS(=O)(=O)Cc1ccc2[nH]cc(CCN(C)C)c2c1", ["N,N-dialkyltryptamine"]),  # sumatriptan
    ("O=C(N(CC)CC)[C@H]1CN(C)[C@@H]2Cc3c[nH]c4cccc(C2=C1)c34", ["N,N-dialkyltryptamine", "lysergamide"]),
    ("CCCCCc1cc(c2c(c1)OC([C@H]3[C@H]2C=C(CC3)C)(C)C)O", ["tetrahydrocannabinol-like"]),  # dronabinol
    ("CCCCCn1cc(C(=O)c2cccc3ccccc23)c2ccccc12", ["synthetic cannabinoid-like"]),
    ("CCC1(C(=O)NC(=O)NC1=O)c1ccccc1", ["barbiturate"]),  # phenobarbital
    ("CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21", ["5-aryl-benzodiazepine"]),  # diazepam
    ("Cc1nnc2n1-c1ccc(Cl)cc1C(c1ccccc1)=NC2", ["5-aryl-benzodiazepine"]),  # alprazolam
    ("CNC1(CCCCC1=O)c1ccccc1Cl", ["arylcyclohexylamine"]),  # ketamine
    ("COC(=O)C(c1ccccc1)C1CCCCN1", ["methylphenidate-like"]),
]
INNOCENT = [
    "O=[N+]([O-])c1ccccc1",  # one nitro group
    "CCCCc1nc(Cl)c(CO)n1Cc1ccc(-c2ccccc2-c2nnn[nH]2)cc1",  # losartan: a tetrazole
    "CN(C)CC1CCCCC1(O)c1cccc(OC)c1",  # tramadol
    "CCOP(=O)(OCC)OCC",  # a phosphate ester
    "CN1C2CCC1CC(C2)OC(=O)C(CO)c1ccccc1",  # atropine
    "NCCc1ccc(O)c(O)c1",  # dopamine
    "NCCc1c[nH]c2ccc(O)cc12",  # serotonin
    "N[C@@H](Cc1ccccc1)C(=O)O",  # phenylalanine
    "CC(=O)NC(C)Cc1ccccc1",  # an amide
    "NC(=O)N=NC(N)=O",
]


@pytest.mark.parametrize(("smiles", "names"), MARKED)
def test_known_cases_are_flagged(smiles, names):
    assert [found.name for found in hazards(Chem.MolFromSmiles(smiles))] == names


def test_every_motif_has_a_case_and_its_source():
    assert {motif.name for motif in motifs()} == {name for _, names in MARKED for name in names}
    assert all(motif.source and motif.kind in kinds() for motif in motifs())
    assert not [motif.name for motif in motifs() if ";" in motif.name]  # the column `alerts` is joined by it


@pytest.mark.parametrize("smiles", [*DRUGS.values(), *INNOCENT])
def test_others_are_not(smiles):
    assert flags(Chem.MolFromSmiles(smiles)) == []


def test_flags_are_rare_among_screening_compounds(mols):
    assert sum(bool(flags(mol)) for mol in mols) < 0.02 * len(mols)


def test_flags_stand_behind_the_alerts_whatever_the_sets():
    mol = Chem.MolFromSmiles("CCCN=[N+]=[N-]")
    assert alerts_and_flags(mol, ("BRENK",)) == [*alerts(mol, ("BRENK",)), "HAZARD: organic azide (explosive)"]
    assert re.fullmatch(r"HAZARD: [^;]+ \(explosive\)", flags(mol)[0])
