"""What every component of an objective promises, tried on each of them."""

import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem

from molgen.chem.fingerprint_kinds import KINDS
from molgen.scoring.component import Scorer
from molgen.scoring.components import COMPONENTS
from molgen.scoring.objective import read_component
from molgen.scoring.preference import Preference

SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C",
    "O=C1C=CC(=O)C=C1",
    "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "[Na+].[Cl-]",
    "C[C@H](N)C(=O)O",
    "CCCCCCCC",
    "O=[N+]([O-])c1ccccc1",
    "C[N+](C)(C)C[C@H](O)[C@H](O)CO",
    "CC(=O)[O-]",
    "CN(CN=[N+]=[N-])[N+](=O)[O-]",  # two hazard motifs
    "C1(C2N=N2)=CS1",  # strained: thiirene, diazirine
]
LENGTHS = "import sys\nfor line in sys.stdin: print(len(line.strip()), flush=True)"
KNOWN = Path(__file__).with_name("known.smi")  # ten alkylbenzenes, aspirin, piperidine
PREFERENCE = tempfile.TemporaryDirectory()
Preference(np.linspace(-1, 1, 1038), np.zeros(14), np.ones(14), 0.0).save(Path(PREFERENCE.name))
PARAMETERS: dict[str, dict[str, Any]] = {
    "shape": {"references": ["CC(=O)Oc1ccccc1C(=O)O"], "conformers": 2},
    "scaffold_novelty": {"reference_file": str(KNOWN)},
    "scaffold_count": {"reference_file": str(KNOWN)},
    "ring_rarity": {"reference_file": str(KNOWN)},
    "preference": {"model_file": PREFERENCE.name},
    "similarity": {"references": ["CC(=O)Oc1ccccc1C(=O)O", "CCCCCCC"]},
    "substructure": {"required": ["a", "[#8]"], "forbidden": ["[N+](=O)[O-]"]},
    "external": {"command": [sys.executable, "-c", LENGTHS], "batch": 3, "timeout": 60},
}


@pytest.fixture(scope="module")
def molecules() -> list[Chem.Mol | None]:
    found = [Chem.MolFromSmiles(smiles) for smiles in SMILES]
    return [*found[:3], None, *found[3:], None]


class Lengths(BaseHTTPRequestHandler):
    """A service that answers how long each SMILES is."""

    def do_POST(self) -> None:
        smiles = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps([len(text) for text in smiles]).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Lengths) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A forest that has seen the weights of a few molecules."""
    from molgen.predictor.fit import fit
    from molgen.predictor.settings import PredictorSettings

    folder = tmp_path_factory.mktemp("predictor")
    texts = [Chem.CanonSmiles(smiles) for smiles in SMILES if smiles not in ("C", "[Na+].[Cl-]")]
    weights = np.array([float(len(smiles)) for smiles in texts])
    fit(texts, weights, "length", PredictorSettings(trees=20, features=1.0), 0).save(folder)
    return str(folder)


FINGERPRINTS = [f"similarity {kind}" for kind in KINDS if kind != "ECFP"]


@pytest.fixture(scope="module", params=[*COMPONENTS, *FINGERPRINTS])
def scorer(request: pytest.FixtureRequest, url: str) -> Scorer:
    kind, *fingerprint = request.param.split()
    own = {**PARAMETERS.get(kind, {}), **({"url": url, "batch": 3} if kind == "http" else {})}
    if kind == "predictor":
        own |= {"predictor_file": request.getfixturevalue("predictor"), "transform": {"type": "none"}}
    if fingerprint:
        own["fingerprint"] = fingerprint[0]
    return COMPONENTS[kind](read_component({"type": kind, **own}, "component 1"))


def test_one_value_a_molecule_and_none_without(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    values = scorer.score(molecules)
    assert values.shape == (len(molecules),)
    assert values.dtype == np.float64
    assert np.isnan(values).tolist() == [mol is None for mol in molecules]


def test_order_is_kept(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    np.testing.assert_array_equal(scorer.score(molecules[::-1]), scorer.score(molecules)[::-1])


def test_the_split_into_batches_does_not_matter(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    whole = scorer.score(molecules)
    for size in (1, 4):
        parts = [scorer.score(molecules[i : i + size]) for i in range(0, len(molecules), size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_an_empty_batch_and_a_batch_of_nothing(scorer: Scorer) -> None:
    assert scorer.score([]).shape == (0,)
    assert np.isnan(scorer.score([None, None])).all()


def test_values_without_need_of_a_transform_lie_in_0_to_1(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    values = scorer.score([mol for mol in molecules if mol is not None])
    inside = bool(((values >= 0) & (values <= 1)).all())
    assert inside if scorer.unit_range else not inside


def test_molecules_are_told_apart(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    values = scorer.score(molecules)
    assert len(set(values[~np.isnan(values)])) > 1


def test_it_says_what_it_is(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    assert scorer.name
    assert isinstance(scorer.unit, str)
    assert scorer.meaning
    assert "\n" not in scorer.meaning
    low, high = scorer.usual
    assert low < high or (np.isnan(low) and np.isnan(high))
    if not scorer.unit_range and not np.isnan(low):  # aspirin and celecoxib are drug-like
        values = scorer.score([molecules[0], molecules[4]])
        assert ((values >= low) & (values <= high)).all()


def test_it_is_the_same_when_made_again(scorer: Scorer, molecules: list[Chem.Mol | None]) -> None:
    np.testing.assert_array_equal(scorer.score(molecules), scorer.score(list(molecules)))
