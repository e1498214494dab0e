"""The components there are: a literal table from the `type` in an objective to its class. A new one is one line."""

from __future__ import annotations

from molgen.scoring.alerts import Alerts
from molgen.scoring.component import Scorer
from molgen.scoring.descriptors import Descriptor, UnitDescriptor
from molgen.scoring.external import External
from molgen.scoring.hazards import Hazards
from molgen.scoring.http import Http
from molgen.scoring.np_likeness import NPLikeness
from molgen.scoring.predictor import PredictorComponent
from molgen.scoring.preference import PreferenceScore
from molgen.scoring.ring_rarity import RingRarity
from molgen.scoring.scaffold_count import ScaffoldCount
from molgen.scoring.scaffold_novelty import ScaffoldNovelty
from molgen.scoring.shape import Shape
from molgen.scoring.similarity import Similarity
from molgen.scoring.strain import Strain
from molgen.scoring.substructure import Substructure

COMPONENTS: dict[str, type[Scorer]] = {
    "MW": Descriptor,
    "logP": Descriptor,
    "TPSA": Descriptor,
    "QED": UnitDescriptor,
    "SA": Descriptor,
    "HBD": Descriptor,
    "HBA": Descriptor,
    "rotatable_bonds": Descriptor,
    "rings": Descriptor,
    "aromatic_rings": Descriptor,
    "fsp3": UnitDescriptor,
    "stereocentres": Descriptor,
    "heavy_atoms": Descriptor,
    "charge": Descriptor,
    "np_likeness": NPLikeness,
    "alerts": Alerts,
    "hazards": Hazards,
    "strain": Strain,
    "similarity": Similarity,
    "shape": Shape,
    "substructure": Substructure,
    "scaffold_novelty": ScaffoldNovelty,
    "scaffold_count": ScaffoldCount,
    "ring_rarity": RingRarity,
    "predictor": PredictorComponent,
    "preference": PreferenceScore,
    "external": External,
    "http": Http,
}

# The column `alerts` of a scored table holds the names, so the count is called otherwise.
DEFAULT_NAMES = {"alerts": "alert_count"}
