"""Pasted molecules, files and the clipboard, many decisions at once, painting by keys, predictions and the sketcher."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from report.made import INJECTION, zinc

from .test_page import opened, rows, saved, smiles, typed, until

# Rings that RDKit calls aromatic for less obvious reasons, or does not; a direction inside a ring; nitro groups.
HARD = [
    "c1ccc2cccc-2cc1", "O=c1cc[nH]cc1", "c1ccn2cccc2c1", "O=C1C=CC(=O)C=C1", "O=c1cccccc1", "C=C1C=CC=C1", "c1cnoc1",
    "c1ccc2c(c1)[nH]c1ccccc12", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "C[n+]1ccccc1", "[O-][n+]1ccccc1", "c1cc[se]c1",
    "c1cc2ccc3cccc4ccc(c1)c2c34", "C[N+](=O)[O-]", "O=S1(=O)C=CC=C1", "COc1ccc(-n2/c(=N/C(C)=O)[nH]c3ccccc32)cc1",
    "CCn1c(=O)/c(=C\\c2ccccc2)s/c1=C(\\C#N)C(C)=O", "c1ccc(-c2ccccc2)cc1", "C1CCCCC1", "OB1OCc2ccccc21",
]  # fmt: skip


def with_double_bonds(text: str) -> str:
    """A SMILES without aromatic letters, its atoms in another order."""
    mol = Chem.MolFromSmiles(text)
    order = list(range(mol.GetNumAtoms()))
    random.Random(text).shuffle(order)
    mol = Chem.RenumberAtoms(mol, order)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    return Chem.MolToSmiles(mol, kekuleSmiles=True, canonical=False)


def test_pasted_molecules_are_those_of_rdkit(tab: Any, report_file: Path) -> None:
    """Aromatic atoms and all 2,048 bits of the fingerprint, of canonical SMILES and of what drawing programs write."""
    texts = [Chem.CanonSmiles(s) for s in [*zinc(200, seed=4), *HARD]]
    pasted = [*map(with_double_bonds, texts), "[H]C([H])([H])O", "CN(=O)=O"]
    opened(tab, report_file.as_uri())
    found = tab.evaluate(
        "(all) => all.map((text) => { const atoms = readPasted(text), print = morgan(atoms);"
        " return [atoms.filter((atom) => atom.aromatic).length,"
        " [...Array(2048).keys()].filter((bit) => (print[bit >>> 5] >>> (bit & 31)) & 1)]; })",
        [*texts, *pasted],
    )
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    for text, (aromatic, bits) in zip([*texts, *pasted], found, strict=True):
        mol = Chem.MolFromSmiles(text)
        assert aromatic == sum(atom.GetIsAromatic() for atom in mol.GetAtoms()), text
        assert bits == list(generator.GetFingerprint(mol).GetOnBits()), text


@pytest.mark.parametrize("place", ["report", "server"])
@pytest.mark.parametrize(("drawn", "meant"), [("C1=CC=CC=C1", "c1ccccc1"), ("C1=CNN=C1", "c1cnnc1"), ("C1CNCCN1",) * 2])
def test_a_structure_with_double_bonds_finds_aromatic_rings(
    tab: Any, report_file: Path, address: str, place: str, drawn: str, meant: str
) -> None:
    opened(tab, report_file.as_uri() if place == "report" else address)
    typed(tab, "#structure", drawn, "state.structure !== ''")
    wanted = Chem.MolFromSmarts(meant)
    expected = [i for i, s in enumerate(smiles(tab)) if Chem.MolFromSmiles(s).HasSubstructMatch(wanted)]
    assert rows(tab) == expected
    assert expected


def test_a_report_sorts_by_similarity_to_a_pasted_molecule(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in smiles(tab)]
    expected = DataStructs.BulkTanimotoSimilarity(prints[7], prints)
    typed(tab, "#similar", with_double_bonds(smiles(tab)[7]), "columns.has('likeness')")
    assert tab.evaluate("[...columns.get('likeness').values]") == pytest.approx(expected)
    assert rows(tab)[0] == 7
    typed(tab, "#similar", "C1CC", "document.getElementById('similar-said').textContent.includes('not closed')")
    typed(tab, "#similar", "", "!columns.has('likeness')")
    assert rows(tab) == list(range(60))


def test_a_report_writes_sdf_and_copies_tables(tab: Any, report_file: Path, tmp_path: Path) -> None:
    opened(tab, report_file.as_uri())
    tab.evaluate("say(3, 'comment', 'one\\n> <score>\\n$$$$')")
    tab.evaluate("setSort('MW', true)")
    tab.click("#export-menu summary")
    with tab.expect_download() as waiting:
        tab.click("#export-sdf")
    waiting.value.save_as(tmp_path / "out.sdf")
    mols = list(Chem.SDMolSupplier(str(tmp_path / "out.sdf")))
    assert [Chem.MolToSmiles(m) for m in mols] == [smiles(tab)[row] for row in rows(tab)]
    assert mols[0].GetProp("_Name") == f"candidate-{rows(tab)[0] + 1}"
    assert float(mols[0].GetProp("MW")) == pytest.approx(tab.evaluate("Math.max(...columns.get('MW').values)"))
    (noted,) = [m for m in mols if m.HasProp("comment")]
    assert noted.GetProp("comment") == "one <score $$$$"  # one line, and nothing that begins an item
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.check("#export-card")
    tab.click("#copy-table")
    until(tab, "document.getElementById('told').textContent.includes('copied')")
    lines = tab.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0].split("\t")[:4] == ["smiles", "rank", "score", "MW"]
    assert len(lines) == 61


SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def test_a_report_writes_xlsx_with_drawings(tab: Any, report_file: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    opened(tab, report_file.as_uri())
    hostile = "=1+1 <b>&\u0001\ud83d\ude00"
    tab.evaluate("(text) => { say(1, 'comment', text); setSort('MW', true); }", hostile)
    tab.click("#export-menu summary")
    with tab.expect_download() as waiting:
        tab.click("#export-xlsx")
    waiting.value.save_as(tmp_path / "out.xlsx")
    order = rows(tab)
    with zipfile.ZipFile(tmp_path / "out.xlsx") as parts:
        assert parts.testzip() is None  # every checksum holds
        trees = {n: ElementTree.fromstring(parts.read(n)) for n in parts.namelist() if not n.endswith(".png")}
        pictures = [image.open(BytesIO(parts.read(f"xl/media/image{i + 1}.png"))) for i in range(60)]
    for name, tree in trees.items():  # what a part points to is there
        for one in tree.iter("{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"):
            folder = Path(name).parent.parent
            assert (tmp_path / folder / one.attrib["Target"]).resolve().relative_to(tmp_path.resolve()).as_posix() in {
                *trees,
                *(f"xl/media/image{i + 1}.png" for i in range(60)),
            }
    lines = []
    for line in trees["xl/worksheets/sheet1.xml"].iter(f"{SHEET}row"):
        cells = {re.sub(r"\d", "", c.attrib["r"]): "".join(c.itertext()) for c in line}
        lines.append(cells)
    names = {text: column for column, text in lines[0].items()}
    assert [line[names["smiles"]] for line in lines[1:]] == [smiles(tab)[row] for row in order]
    assert [int(line[names["rank"]]) for line in lines[1:]] == [row + 1 for row in order]
    comments = [line.get(names["comment"]) for line in lines[1:]]
    assert [c for c in comments if c] == ["'=1+1 <b>&\U0001f600"]
    assert comments[order.index(1)]
    assert b"<f>" not in ElementTree.tostring(trees["xl/worksheets/sheet1.xml"])
    for picture in pictures:
        assert picture.size == (330, 240)
        assert picture.getpixel((0, 0))[:3] == (255, 255, 255)
        assert any(max(colour) < 40 for _, colour in picture.convert("RGB").getcolors(1 << 16))  # bonds of carbon


def test_all_shown_are_decided_and_taken_back_at_once(tab: Any, address: str) -> None:
    opened(tab, address)
    tab.evaluate("say(0, 'verdict', 'reject')")
    typed(tab, "#structure", "c1ccccc1", "state.structure !== ''")
    shown = rows(tab)
    tab.click("#all-menu summary")
    tab.click("[data-all=Like]")
    saved(tab)
    assert tab.evaluate("report.smiles.map((_, row) => row).filter((row) => myVerdict(row) === 'like')") == shown
    tab.click("#undo")
    saved(tab)
    assert tab.evaluate("report.smiles.map((_, row) => myVerdict(row)).filter(Boolean)") == ["reject"]
    opened(tab, address)
    assert tab.evaluate("report.smiles.map((_, row) => myVerdict(row)).filter(Boolean)") == ["reject"]


def test_agreement_of_two_reviewers(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    for name, verdicts in (
        ("ann", ["like", "like", "reject", "reject"]),
        ("bob", ["like", "reject", "reject", "reject"]),
    ):
        tab.evaluate("(name) => { document.getElementById('reviewer').value = name; }", name)
        for row, verdict in enumerate(verdicts):
            tab.evaluate("([row, verdict]) => say(row, 'verdict', verdict)", [row, verdict])
    tab.click("#reviewers summary")
    # agreement 3/4, by chance 1/2 * 1/4 + 1/2 * 3/4 = 1/2: kappa 1/2
    until(tab, "document.getElementById('agreement').textContent.includes('kappa')")
    assert "ann and bob: 4 molecules judged by both, the same verdict on 75 %, kappa 0.50." in tab.text_content(
        "#agreement"
    )


def test_atoms_are_painted_by_keys(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    tab.locator("[data-place='1']").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog[open] .near svg.mol")
    tab.locator("#paint").focus()
    tab.keyboard.press("Enter")
    tab.locator("#large").focus()
    tab.keyboard.press(" ")
    first = tab.evaluate("myOpinion(1).atoms")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press(" ")
    assert tab.evaluate("opened") == 1  # the arrow moved between atoms, not to the next candidate
    assert len(first) == 1
    assert len(tab.evaluate("myOpinion(1).atoms")) == 2
    assert tab.locator(".large .pointer").count() == 1


def test_a_prediction_says_its_interval_and_whether_it_applies(tab: Any, report_file: Path) -> None:
    opened(tab, report_file.as_uri())
    one = {
        **{"name": INJECTION, "target": "pKi", "classes": False, "confidence": 0.9, "usual": [4, 9], "could_be": None},
        **{"value": 7.1, "low": 6.0, "high": 8.2, "similarity": 0.21, "limit": 0.3, "nearest": "CCO", "inside": False},
    }
    tab.evaluate("(one) => document.body.append(prediction(one))", one)
    text = tab.text_content(".prediction")
    for said in (INJECTION, "7.1", "90 % interval 6 to 8.2", "outside the domain", "0.21 (domain from 0.30)"):
        assert said in text
    tab.evaluate("(one) => document.body.append(prediction(one))", {**one, "classes": True, "could_be": []})
    assert "at 90 % it could be neither" in tab.text_content(".prediction >> nth=1")


STUB = """
export class CanvasEditor {
  constructor(node) { node.textContent = "canvas"; this.text = ""; }
  setOnChangeListener() {}
  setMolecule(molecule) { this.text = molecule.text; }
  clearAll() { this.text = ""; }
  getMolecule() { return { toIsomericSmiles: () => this.text }; }
}
export const Molecule = {
  fromSmiles: (text) => { if (text.includes("[#")) throw new Error("SMARTS"); return { text }; },
};
"""


def test_a_sketcher_fills_the_field_that_stays_editable(
    tab: Any, app_with_sketcher: Any, tmp_path: Path, address: str
) -> None:
    opened(tab, address)
    tab.click("#draw")
    assert "npm install" in tab.text_content("#told")
    (tmp_path / "sketcher.js").write_text(STUB)
    with app_with_sketcher(tmp_path / "sketcher.js") as client:
        opened(tab, f"http://127.0.0.1:{client.port}/")
        typed(tab, "#structure", "c1ccccc1", "state.structure === 'c1ccccc1'")
        tab.click("#draw")
        tab.wait_for_selector("#sketch[open]")
        until(tab, "document.getElementById('sketch-said').textContent === 'c1ccccc1'")
        tab.evaluate("editor.text = 'C1=CC=NC=C1'")
        tab.click("#sketch-take")
        until(tab, "state.structure === 'C1=CC=NC=C1'")
        pyridine = Chem.MolFromSmarts("c1ccncc1")
        assert rows(tab) == [i for i, s in enumerate(smiles(tab)) if Chem.MolFromSmiles(s).HasSubstructMatch(pyridine)]
        typed(tab, "#structure", "[#7]", "state.structure === '[#7]'")
