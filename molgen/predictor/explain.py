"""Which atoms a prediction rests on: how much it changes without the environments that hold an atom, as a picture.

The weights are those of similarity maps (Riniker & Landrum, J. Cheminform. 2013, 5, 43), here for count fingerprints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem

from molgen.chem.parse import BadMolecule, parse
from molgen.core.artifacts import whole_file
from molgen.core.errors import InputError
from molgen.predictor.model import Predictor
from molgen.predictor.table import clean
from molgen.scoring.source import Source

RAISES, LOWERS = (0.00, 0.45, 0.70), (0.90, 0.49, 0.00)  # blue and orange, which colour-blind people tell apart
COLUMNS, WIDE, HIGH = 4, 320, 280


class Explained(NamedTuple):
    """A molecule, its prediction and what each atom adds to it, in its unit; atoms as in `smiles`."""

    smiles: str
    mol: Chem.Mol
    value: float
    low: float
    high: float
    inside: bool
    atoms: np.ndarray


def explain(predictor: Predictor, smiles: list[str]) -> list[Explained]:
    """The predictions for some molecules, which must be readable, atom by atom."""
    texts = [clean(text) for text in smiles]
    mols = [parse(text) for text in texts]
    found = predictor.predict(mols)
    columns = zip(texts, mols, found.mean, found.low, found.high, found.inside, strict=True)
    return [
        Explained(text, mol, float(value), float(low), float(high), bool(inside), predictor.kind.attributions(mol))
        for text, mol, value, low, high, inside in columns
    ]


def explain_file(folder: Path, file: Path, out: Path, n: int) -> list[Explained]:
    """The picture `out` (.svg or .png) of the first `n` molecules of a file; rows without a molecule are passed by."""
    if out.suffix not in (".svg", ".png"):
        raise InputError(f"--out {out}: a picture is .svg or .png")
    predictor, texts = Predictor.load(folder), []
    for chunk in Source(file).chunks():
        texts += [text for text in chunk["smiles"].to_pylist() if _readable(text)]
        if len(texts) >= n:
            break
    if not texts:
        raise InputError(f"{file}: no molecules in it")
    found = explain(predictor, texts[:n])
    with whole_file(out) as aside:
        aside.write_bytes(picture(found, out.suffix, predictor.classes))
    return found


def picture(found: list[Explained], suffix: str, classes: bool) -> bytes:
    """A grid of drawings with coloured atoms; the strongest contribution of all has the full colour."""
    from rdkit.Chem.Draw import rdMolDraw2D

    columns = min(COLUMNS, len(found))
    rows = -(-len(found) // columns)
    kind: Any = rdMolDraw2D.MolDraw2DSVG if suffix == ".svg" else rdMolDraw2D.MolDraw2DCairo
    canvas = kind(columns * WIDE, rows * HIGH, WIDE, HIGH)
    strongest = max(float(np.abs(e.atoms).max()) for e in found) or 1.0
    colours = [{i: _colour(x / strongest) for i, x in enumerate(e.atoms.tolist())} for e in found]
    canvas.drawOptions().useBWAtomPalette()
    canvas.drawOptions().legendFontSize = 15
    canvas.DrawMolecules(
        [e.mol for e in found],
        legends=[_legend(e, classes) for e in found],
        highlightAtoms=[list(own) for own in colours],
        highlightBonds=[[] for _ in found],
        highlightAtomColors=colours,
        highlightAtomRadii=[dict.fromkeys(own, 0.42) for own in colours],
    )
    canvas.FinishDrawing()
    drawn = canvas.GetDrawingText()
    return drawn if isinstance(drawn, bytes) else drawn.encode()


def _legend(e: Explained, classes: bool) -> str:
    said = f"p = {e.value:.2f}" if classes else f"{e.value:.2f} ({e.low:.2f} to {e.high:.2f})"
    return said if e.inside else f"{said}, outside the domain"


def _colour(share: float) -> tuple[float, float, float]:
    """From white to the full colour."""
    full = RAISES if share > 0 else LOWERS
    red, green, blue = (1 + abs(share) * (part - 1) for part in full)
    return red, green, blue


def _readable(text: str | None) -> bool:
    try:
        return text is not None and parse(clean(text)) is not None
    except BadMolecule:
        return False
