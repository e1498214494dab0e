"""The names of the further metrics: their groups, which way is better, what they say, and what to read them against."""

from __future__ import annotations

from typing import NamedTuple

GROUPS = ("guacamol", "manifold", "parts", "memory", "balance")


class Meaning(NamedTuple):
    """`better`: up, down, or "" where neither is. `beside`: the set whose own figure stands beside it (train, test)."""

    better: str
    says: str
    beside: str = "train"


_SPACES = {"ChemNet": "in ChemNet's space", "Morgan": "by Morgan fingerprints"}
FURTHER: dict[str, Meaning] = {
    "GuacaMol/Valid": Meaning("up", "GuacaMol: draws that RDKit reads", ""),
    "GuacaMol/Unique": Meaning("up", "GuacaMol: distinct molecules among the valid draws, without stereo", ""),
    "GuacaMol/Novel": Meaning("up", "GuacaMol: distinct molecules that are not in the training set", ""),
    "GuacaMol/KL": Meaning("up", "GuacaMol: agreement of ten descriptors' distributions with the training set"),
    "GuacaMol/FCD": Meaning("up", "GuacaMol: exp(-0.2 FCD) to the training set"),
    "KCD/Test": Meaning("down", "kernel ChemNet distance to the test split, in thousandths, unbiased at any n"),
    **{
        f"{name}/{space}": Meaning("up", f"{says} {where}")
        for space, where in _SPACES.items()
        for name, says in {
            "Precision": "draws that lie within the test split",
            "Recall": "test molecules that lie within the draws",
            "Density": "how densely the test split lies around a draw",
            "Coverage": "test molecules with a draw in their neighbourhood",
        }.items()
    },
    "ScafCoverage/Test": Meaning("up", "test molecules' scaffolds that any draw has"),
    "ScafCoverage/TestSF": Meaning("up", "the scaffold test split's scaffolds that any draw has"),
    "GroupCoverage/Test": Meaning("up", "test molecules' functional groups that any draw has"),
    "RingCoverage/Test": Meaning("up", "test molecules' ring systems that any draw has"),
    "RingNovelty": Meaning("", "molecules with a ring system that no training molecule has", "test"),
    "UnusualRings": Meaning("", "molecules with a ring system of fewer than 1 in 10,000 training molecules", "test"),
    "RingRarity": Meaning("", "mean rarity of the rarest ring system, -log10 of its share", "test"),
    "Strained": Meaning("down", "molecules with a strained ring motif", "test"),
    "SAMean": Meaning("", "mean synthetic accessibility, 1 easy to 10 hard", "test"),
    "SAHard": Meaning("down", "molecules of a synthetic accessibility above 6", "test"),
    "NearestTrain": Meaning("", "mean similarity to the nearest training molecule", "test"),
    "NearestTrainTail": Meaning("down", "draws nearer to the training set than 99 % of the test split", "test"),
    "NearestTrainAUC": Meaning("", "how often a draw is nearer to the training set than a test molecule", "test"),
    "Imbalance/size": Meaning("down", "molecules that would have to be of another size"),
    "Imbalance/charge": Meaning("down", "molecules that would have to be of another net charge"),
    "Imbalance/rings": Meaning("down", "molecules that would have to have other kinds of rings"),
    "Imbalance/scaffold": Meaning("down", "molecules that would have to have a more or less frequent scaffold", ""),
    **{
        f"{name}/{split}": Meaning("down", f"{says} of {where}", "")
        for split, where in {
            "Train": "the train split",
            "Test": "the test split",
            "TestSF": "the scaffold test split",
        }.items()
        for name, says in {"Nats": "nats a molecule", "Perplexity": "perplexity of a SMILES token"}.items()
    },
    "MembershipAUC": Meaning("", "how often a training molecule is likelier than a test molecule: 0.5 is expected", ""),
    "OutlierAUC": Meaning("up", "how often a test molecule is likelier than one of the other corpus", ""),
    "OutlierAUC/token": Meaning("up", "the same by likelihood a token, which size does not decide", ""),
}
