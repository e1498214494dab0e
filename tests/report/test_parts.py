"""Drawings, charts and exports on their own."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from molgen.chem.fingerprints import morgan, morgan_bits
from molgen.report.charts import curves, histogram, short, steps, ticks
from molgen.report.drawings import COLOURS, drawing
from molgen.report.evaluation import evaluation_table
from molgen.report.exports import csv_text, harmless, sdf_text
from molgen.report.maps import chemical_map
from molgen.report.neighbours import changed_atoms
from molgen.report.report import report
from molgen.report.run import Run


@pytest.mark.parametrize(
    "smiles", ["C", "[Na+]", "CC(=O)Oc1ccccc1C(=O)O", "C[C@H](N)C(=O)O", "FC(Cl)(Br)I", "CS(=O)(=O)NP(C)C", "[13CH4]"]
)
def test_a_drawing_is_small_whole_and_coloured_by_class_only(smiles):
    text = drawing(Chem.MolFromSmiles(smiles))
    tree = ElementTree.fromstring(text)
    paths = list(tree)
    assert paths
    assert all(p.attrib.keys() == {"class", "d"} for p in paths)
    assert {p.attrib["class"].split()[1] for p in paths} <= set(COLOURS.values())
    assert len({p.attrib["class"] for p in paths}) == len(paths)
    assert "#" not in text
    assert len(text) < 6_000


def test_heteroatoms_have_their_colours():
    text = drawing(Chem.MolFromSmiles("FC(Cl)(Br)CS(=O)N"))
    for name in ("n", "o", "s", "f", "cl", "br"):
        assert f'class="a {name}"' in text, name


def test_the_drawing_keeps_every_line_of_rdkit():
    from rdkit.Chem.Draw import rdMolDraw2D

    canvas = rdMolDraw2D.MolDraw2DSVG(-1, -1)
    canvas.drawOptions().clearBackground = False
    mol = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    canvas.DrawMolecule(mol)
    canvas.FinishDrawing()
    assert drawing(mol).count("M") == canvas.GetDrawingText().count("M ")


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_lie_inside_and_are_evenly_spaced(low, span):
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 11
    assert all(low - 1e-6 * span - 1e-9 <= t <= low + span + 1e-6 * span + 1e-9 for t in found)
    gaps = [b - a for a, b in pairwise(found)]
    assert all(g == pytest.approx(gaps[0], rel=1e-3) for g in gaps)


def test_axis_numbers_are_short():
    assert [short(v) for v in (0.0, 2.5, 400, 20_000, 1_500_000)] == ["0", "2.5", "400", "20k", "1.5M"]


def test_a_histogram_outline_has_area_one():
    points = steps([0, 1, 3, 4], [1, 2, 1])
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))
    assert area == pytest.approx(1)


def test_charts_are_well_formed_and_escaped():
    sets = {"edges": [0, 1, 2], "counts": [1, 0]}
    for text in (
        histogram("<b>&", "x <", sets, [("a", sets)]),
        curves("<i>", {"train": [(1.0, 2.0)], "valid": [(1.0, 2.0)]}),
    ):
        tree = ElementTree.fromstring(text)
        assert tree.tag == "svg"
        assert "nan" not in text
    assert histogram("x", "x", None, []) == histogram("x", "x", None, [("a", None)]) == ""


def test_a_line_keeps_its_colour_where_another_family_has_none():
    sets = {"edges": [0, 1, 2], "counts": [1, 0]}
    for families in ([("a", sets), ("b", sets)], [("a", None), ("b", sets)], [("a", sets), ("a", sets), ("b", sets)]):
        text = histogram("x", "x", None, families)
        assert text.count('class="line s1"') == 1
        assert text.count('class="line s0"') == len([s for name, s in families if name == "a" and s])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"])
def test_a_formula_is_disarmed(text):
    assert harmless(text) == "'" + text


def test_other_cells_are_left_alone():
    assert harmless("CCO") == "CCO"
    assert harmless(-1.5) == "-1.5"
    assert harmless(None) == ""
    assert harmless("O=C=O") == "O=C=O"


def test_hostile_values_do_not_break_the_files(tmp_path):
    value = '=HYPERLINK("x")\n> <score>\n1\n\n$$$$'
    rows = [{"rank": 1, "smiles": s, "score": 0.5, "note": n} for s, n in (("CCO", value), ("C", 'a,b"c'))]
    (tmp_path / "c.csv").write_text(csv_text(rows), newline="")
    with (tmp_path / "c.csv").open(newline="") as stream:
        assert [r["note"] for r in csv.DictReader(stream)] == ["'" + value, 'a,b"c']
    (tmp_path / "c.sdf").write_text(sdf_text(rows))
    mols = list(Chem.SDMolSupplier(str(tmp_path / "c.sdf")))
    assert [Chem.MolToSmiles(m) for m in mols] == ["CCO", "C"]
    assert mols[0].GetProp("score") == "0.5"


def test_molecules_of_a_scaffold_are_drawn_alike_when_asked():
    from molgen.report.payload import picture_of

    scaffold = "c1ccc2[nH]ccc2c1"
    smiles = ["Cc1ccc2[nH]ccc2c1", "Cc1cccc2[nH]ccc12", "O=C(O)CCc1c[nH]c2ccccc12"]
    template = Chem.MolFromSmiles(scaffold)

    def directions(aligned: str) -> list[list[float]]:
        """The scaffold's atoms relative to its first one, in each drawing."""
        found = []
        for text in smiles:
            places = picture_of(text, aligned).split('data-xy="')[1].split('"')[0].split()
            points = [tuple(map(float, p.split(","))) for p in places]
            match = Chem.MolFromSmiles(text).GetSubstructMatch(template)
            found.append([c - o for atom in match for c, o in zip(points[atom], points[match[0]], strict=True)])
        return found

    first, *others = directions(scaffold)
    assert all(other == pytest.approx(first, abs=2) for other in others)  # places are whole pixels
    first, *others = directions("")
    assert any(other != pytest.approx(first, abs=2) for other in others)


def test_atoms_with_other_surroundings_are_the_changed_ones():
    toluene, phenol = Chem.MolFromSmiles("Cc1ccccc1"), Chem.MolFromSmiles("Oc1ccccc1")
    assert changed_atoms(toluene, phenol) == [0, 1]  # the methyl group and the carbon that carries it
    assert changed_atoms(toluene, toluene) == []
    assert changed_atoms(Chem.MolFromSmiles("C"), Chem.MolFromSmiles("N")) == [0]


def test_the_map_is_the_principal_components_of_the_fingerprints(zinc_smiles):
    mols = [Chem.MolFromSmiles(s) for s in zinc_smiles[:60]]
    found = chemical_map(morgan(mols))
    bits = morgan_bits(mols).astype(float)
    bits -= bits.mean(axis=0)
    left, sizes, _ = np.linalg.svd(bits, full_matrices=False)
    for axis in range(2):
        mine, theirs = found[:, axis], left[:, axis] * sizes[axis]
        assert mine == pytest.approx(theirs * np.sign(mine @ theirs), abs=2e-3)
    assert (chemical_map(morgan(mols[:2])) == 0).all()


def test_the_evaluation_has_intervals_and_the_training_set_beside_the_models(tmp_path):
    record = {"n": 50, "metrics": {"FCD/Test": 1.5, "odd": 2.0}, "intervals": {"FCD/Test": [1.25, 1.75]}}
    floors = [{"n": 40, "metrics": {"FCD/Test": 0.5}}, {"n": 50, "metrics": {"FCD/Test": 0.25}}]
    run = Run(tmp_path, metrics={name: {**record, "floor": f} for name, f in zip("ab", floors, strict=True)})
    text = evaluation_table(run)
    assert text.count('1.500 <span class="quiet">(1.250 to 1.750)</span>') == 2
    assert '<td class="num quiet">50</td>' in text
    assert '<td class="num quiet">0.250</td>' in text
    assert "<a " not in text
    run.comparison = "compare.html"
    assert '<a href="compare.html">' in evaluation_table(run)
    assert "training set" not in evaluation_table(Run(tmp_path, metrics={"a": record})).casefold()


def test_a_page_of_the_models_in_the_run_is_linked_from_where_the_report_lies(tmp_path):
    (tmp_path / "run/metrics").mkdir(parents=True)
    (tmp_path / "run/metrics/a.json").write_text('{"n": 5, "metrics": {"valid": 0.5}}')
    report(tmp_path / "run", tmp_path / "run/report.html")
    assert "compare.html" not in (tmp_path / "run/report.html").read_text()
    (tmp_path / "run/compare.html").write_text("<p>")
    report(tmp_path / "run", tmp_path / "pages/report.html")
    assert '<a href="../run/compare.html">' in (tmp_path / "pages/report.html").read_text()


def test_a_known_molecule_is_drawn_as_the_candidate_lies():
    from molgen.report.drawings import beside
    from molgen.report.neighbours import common_atoms

    def places(svg: str) -> np.ndarray:
        return np.array([[float(v) for v in p.split(",")] for p in svg.split('data-xy="')[1].split('"')[0].split()])

    one = Chem.MolFromSmiles("COc1ccc(CNS(=O)(=O)c2cc(C)oc2C)cc1F")
    two = Chem.MolFromSmiles("FC(F)(F)Oc1ccccc1S(=O)(=O)NCc1cccc(OC)c1")
    pairs = common_atoms(one, two)
    assert len(pairs) >= 11  # the ring, CH2, NH and SO2
    assert len(dict(pairs)) == len({b for _, b in pairs}) == len(pairs)
    for a, b in pairs:
        assert one.GetAtomWithIdx(a).GetAtomicNum() == two.GetAtomWithIdx(b).GetAtomicNum()
    here, there = places(drawing(one)), places(beside(one, two, pairs))
    moved = here[[a for a, _ in pairs]] - there[[b for _, b in pairs]]
    assert np.ptp(moved, axis=0).max() <= 2  # moved as a whole; places are whole pixels
    assert beside(one, Chem.MolFromSmiles("CC"), common_atoms(one, Chem.MolFromSmiles("CC"))).startswith("<svg")
