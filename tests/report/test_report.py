"""The page, its escaping, the files beside it, and runs in which parts are missing."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import shutil
from collections import Counter

import pyarrow as pa
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molgen.chem.parse import canonical
from molgen.core import tables
from molgen.core.errors import ArtifactError, InputError
from molgen.report.report import ReportSettings, report

from .conftest import Page
from .made import INJECTION, make_run


def test_the_page_is_whole_and_asks_for_nothing(page, written):
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert set(ids.values()) == {1}
    anchors = {a["href"][1:] for t, a in page.tags if t == "a" and (a.get("href") or "").startswith("#")}
    assert anchors <= set(ids)
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed"}
        assert "src" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert re.match(r"#|$", attributes.get("href") or "")
    names = re.compile(r'"http://schemas\.openxmlformats\.org"')  # of the parts of an XLSX: not addresses
    assert not re.search(r"https?://|url\(|@import", names.sub("", page.source))
    assert written.page.stat().st_size < 1_000_000


def test_only_the_pages_own_script_may_run(page):
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_nothing_from_the_run_becomes_markup(page):
    source = page.data["values"]["source"]
    assert source["levels"][source["codes"][0]] == INJECTION  # there, as data
    assert f"note: {INJECTION}" in page.text.replace("'", "")  # there, as text of the settings
    assert INJECTION not in page.source
    assert [t for t, _ in page.tags].count("script") == 2


def test_every_candidate_has_its_values_and_its_drawing(page, written):
    data = page.data
    assert written.candidates == len(data["smiles"]) == 12
    assert data["values"]["rank"] == list(range(1, 13))
    keys = {c["key"] for c in data["columns"]}
    assert {"score", *tables.PROPERTIES, "similarity", "alert_count", "source"} <= keys
    assert data["components"] == ["QED", "SA", "TPSA"]
    assert len(set(data["histograms"])) == len(data["histograms"])
    assert set(data["sliders"]) == {c["key"] for c in data["columns"] if c["kind"] == "number"} - {"rank", "index"}
    assert keys | {f"{name}.desirability" for name in data["components"]} == set(data["values"])
    for row, smiles in enumerate(data["smiles"]):
        mol = Chem.MolFromSmiles(smiles)
        assert data["inchikey"][row] == Chem.MolToInchiKey(mol)
        assert data["values"]["heavy_atoms"][row] == mol.GetNumHeavyAtoms()
        assert data["pictures"][smiles].startswith('<svg class="mol"')
        assert data["pictures"][smiles].split('data-xy="')[1].split('"')[0].count(",") == mol.GetNumAtoms()
        (near,) = data["details"][row]["near"]
        assert near["smiles"] == data["nearest"][row]
        places = near["svg"].split('data-xy="')[1].split('"')[0]
        assert places.count(",") == Chem.MolFromSmiles(near["smiles"]).GetNumAtoms()


def test_alerts_have_their_atoms(tmp_path):
    from molgen.report.sheet import alert_atoms

    mol = Chem.MolFromSmiles("CCN=[N+]=[N-]")
    assert alert_atoms(mol, ["HAZARD: organic azide (explosive)", "BRENK: azido_group", "OTHER: thing"])[2] == []
    nitro = Chem.MolFromSmiles("Cc1ccc([N+](=O)[O-])cc1")
    (atoms,) = alert_atoms(nitro, ["BRENK: nitro_group"])
    assert {nitro.GetAtomWithIdx(a).GetSymbol() for a in atoms} >= {"N", "O"}


def test_files_of_known_molecules_are_looked_up_with_their_names(run, tmp_path):
    from rdkit import DataStructs

    known = tmp_path / "drugs.smi"
    known.write_text("CC(=O)Oc1ccccc1C(=O)O aspirin\nnonsense bad\nCC(=O)Nc1ccc(O)cc1 paracetamol\n")
    written = report(run, tmp_path / "r.html", ReportSettings(show=4, known=(str(known),)))
    data = Page(written.page).data
    assert len(data["details"]) == 4
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    drugs = {n: generator.GetFingerprint(Chem.MolFromSmiles(s)) for s, n in
             (("CC(=O)Oc1ccccc1C(=O)O", "aspirin"), ("CC(=O)Nc1ccc(O)cc1", "paracetamol"))}  # fmt: skip
    for smiles, detail in zip(data["smiles"], data["details"], strict=True):
        (one,) = [n for n in detail["near"] if n["set"] == "drugs"]
        mine = generator.GetFingerprint(Chem.MolFromSmiles(smiles))
        best = {n: DataStructs.TanimotoSimilarity(mine, fp) for n, fp in drugs.items()}
        assert one["similarity"] == pytest.approx(max(best.values()), abs=1e-4)
        assert best[one["name"]] == pytest.approx(max(best.values()), abs=1e-4)
    (tmp_path / "none.smi").write_text("nonsense\n")
    with pytest.raises(InputError, match="no molecules in it"):
        report(run, tmp_path / "n.html", ReportSettings(known=(str(tmp_path / "none.smi"),)))


def test_nearest_training_molecules_equal_brute_force(page, run):
    from rdkit import DataStructs

    table = tables.read(run / "molecules" / "molecules.parquet")
    train = table.filter(pa.compute.equal(table["split"].cast("string"), "train"))["smiles"].to_pylist()
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    known = [generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in train]
    for row, smiles in enumerate(page.data["smiles"]):
        found = DataStructs.BulkTanimotoSimilarity(generator.GetFingerprint(Chem.MolFromSmiles(smiles)), known)
        assert page.data["values"]["similarity"][row] == pytest.approx(max(found), abs=1e-3)
        assert found[train.index(page.data["nearest"][row])] == pytest.approx(max(found))


def test_the_page_says_what_was_done(page):
    assert (
        "12 candidates, picked from 128 molecules drawn by the models graph and smiles, trained on zinc250k."
        in page.text
    )
    # two families of 60 distinct molecules, one repeat, one from the training set and two failures each
    for step in ("Drawn 128", "Valid 124", "Unique 121", "Novel 120", "Shown 12"):
        assert step in page.text
    for name in ("valid", "IntDiv2", "SNN/Test", "Wasserstein-1", "molecules seen", "run.yaml"):
        assert name in page.text
    assert "must not be used for" in page.text
    assert "Missing from this report" not in page.text
    charts = [a["aria-label"] for t, a in page.tags if t == "svg" and a.get("class") == "chart"]
    assert len(charts) == len(tables.PROPERTIES) + 2


def test_the_sdf_holds_the_same_molecules(page, written):
    mols = list(Chem.SDMolSupplier(str(written.sdf)))
    assert [canonical(Chem.MolToSmiles(m)) for m in mols] == page.data["smiles"]
    assert [m.GetProp("_Name") for m in mols] == [f"candidate-{i}" for i in range(1, 13)]
    assert float(mols[0].GetProp("score")) == pytest.approx(page.data["values"]["score"][0], rel=1e-4)
    assert float(mols[0].GetProp("QED.desirability")) <= 1


def test_the_csv_holds_the_same_rows(page, written):
    with written.csv.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [r["smiles"] for r in rows] == page.data["smiles"]
    assert [r["inchikey"] for r in rows] == page.data["inchikey"]
    assert float(rows[0]["MW"]) == pytest.approx(page.data["values"]["MW"][0], rel=1e-4)


def test_the_same_run_gives_the_same_files_and_is_not_made_twice(run, written, tmp_path):
    again = report(run, tmp_path / "report.html", workers=2)
    for one, other in ((written.page, again.page), (written.sdf, again.sdf), (written.csv, again.csv)):
        assert one.read_bytes() == other.read_bytes()
    before = again.page.stat().st_mtime_ns
    assert report(run, again.page).candidates == 12
    assert again.page.stat().st_mtime_ns == before
    with pytest.raises(ArtifactError, match="show: 500 there, 3 asked for"):
        report(run, again.page, ReportSettings(show=3))


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("candidates.parquet", "No candidates yet"),
        ("metrics", "No evaluation yet"),
        ("models", "No training curves"),
        ("molecules", "No training molecules"),
        ("samples", "12 candidates, from the models"),
        ("scored", "12 candidates, picked from"),
        ("run.yaml", "12 candidates, picked from"),
    ],
)
def test_a_missing_part_is_said_and_the_rest_is_shown(missing, sentence, run, tmp_path):
    folder = tmp_path / "part"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("report.*", "candidates.sdf", "candidates.csv"))
    shutil.rmtree(folder / missing) if (folder / missing).is_dir() else (folder / missing).unlink()
    page = Page(report(folder, folder / "report.html").page)
    assert sentence in page.text
    assert "must not be used for" in page.text
    if missing == "candidates.parquet":
        assert page.data["smiles"] == []
        assert (folder / "candidates.sdf").read_text() == ""


def test_damaged_small_files_are_said(run, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("report.*"))
    (folder / "metrics" / "smiles.json").write_text("{")
    (folder / "models" / "graph" / "metrics.csv").write_text("a,b\n1,2\n")
    (folder / "run.yaml").write_text("a: [")
    page = Page(report(folder, folder / "r.html").page)
    for said in ("not a metrics file", "no rows with the columns", "not valid YAML"):
        assert said in page.text


def test_one_family_alone(tmp_path):
    folder = make_run(tmp_path / "one", train=20, drawn=12, top=3)
    page = Page(report(folder, folder / "report.html", ReportSettings(title=INJECTION, neighbours=False)).page)
    assert INJECTION in page.text
    assert INJECTION not in page.source
    assert set(page.data["nearest"]) == {None}
    assert "similarity" not in {c["key"] for c in page.data["columns"]}


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        report(tmp_path / "none", tmp_path / "r.html")
    with pytest.raises(InputError, match="holds nothing to report on"):
        report(tmp_path, tmp_path / "r.html")
