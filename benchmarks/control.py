"""How near draws come to the properties asked for: mean absolute error over held-out targets, one draw each.

    python benchmarks/control.py smiles-moses FEATURES [--n 1000] [--guidance 1 1.5 2] [--split test] [--set moves=10]
    python benchmarks/control.py GRAPH-DIFFUSION FEATURES --properties logP QED [--set steps=50] [--predictor GUIDE]

The targets are property values of molecules drawn from a split of a feature store that the model was not trained on.
Each property is asked for alone, then all together; or what `--properties` says, as in `logP QED logP+QED`. Beside each
error stands that of unconditional draws against the same targets, their ratio, and of the draws how many are valid, how
many of those differ, and their internal diversity (1 - mean Tanimoto similarity). An invalid draw has no properties: it
is left out of the error and counted under valid.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rdkit import Chem

from molgen.chem.descriptors import DESCRIPTORS
from molgen.chem.fingerprints import morgan, tanimoto
from molgen.chem.parse import BadMolecule, canonical
from molgen.core import seeds
from molgen.core.machine import precision_for
from molgen.core.settings import Settings
from molgen.data.store import Store
from molgen.generators.diffusion.model import GraphDiffusion
from molgen.generators.diffusion.settings import DiffusionDrawing
from molgen.generators.folder import load_model, model_folder, read_config
from molgen.generators.smiles import SmilesModel
from molgen.generators.smiles_settings import SmilesDrawing

ALL = ["logP", "QED", "SA", "TPSA", "MW"]

Draw = Callable[[np.ndarray, float], list[str | None]]
"""One draw a row of the values asked for (nan: not asked) at a guidance: canonical SMILES, or null."""


def of_graphs(model: GraphDiffusion, names: list[str], plain: DiffusionDrawing, seed: int) -> Draw:
    """The draws of a graph-diffusion model, by its own conditions or by a predictor."""

    def draw(asked: np.ndarray, guidance: float) -> list[str | None]:
        wanted = {name: values for name, values in zip(names, asked.T, strict=True) if np.isfinite(values).any()}
        if not wanted:
            without = plain.model_copy(update={"predictor": None})
            return model.sample(len(asked), seed=seed, drawing=without).smiles
        how = plain.model_copy(update={"guidance": guidance})
        return model.sample(len(asked), seed=seed, drawing=how, asked=wanted).smiles

    return draw


def drawn(model: SmilesModel, asked: np.ndarray, guidance: float, plain: SmilesDrawing, seed: int) -> list[str | None]:
    """One draw a row of `asked`: canonical SMILES, or null."""
    moves = plain.moves if np.isfinite(asked).any() else 0  # nothing to walk to
    how, batch, out = plain.model_copy(update={"guidance": guidance, "moves": moves}), model.config.sampling_batch, []
    for start in range(0, len(asked), batch):
        rows = np.arange(start, min(start + batch, len(asked)))
        for text in model.draw_texts(rows, seed, how, asked=asked[rows]):
            try:
                out.append(canonical(text) if text is not None else None)
            except BadMolecule:
                out.append(None)
    return out


def drawing_of(model: object, options: argparse.Namespace) -> tuple[list[str], Draw]:
    """The properties that can be asked for, and how draws are made."""
    if isinstance(model, GraphDiffusion):
        how = DiffusionDrawing.parse(Settings.overrides(options.set))
        how = how.model_copy(update={"predictor": options.predictor})
        conditions = model.conditions.names if model.conditions is not None else []
        names = list(read_config(model_folder(options.predictor))["scales"]) if options.predictor else conditions
        return names, of_graphs(model, names, how, options.seed)
    if not isinstance(model, SmilesModel) or model.conditions is None:
        raise SystemExit(f"{options.model}: not a model that can be asked for properties")
    plain = SmilesDrawing.parse(Settings.overrides(options.set))
    return model.conditions.names, lambda asked, guidance: drawn(model, asked, guidance, plain, options.seed)


def obtained(smiles: list[str | None], names: list[str]) -> np.ndarray:
    """Property values of each molecule, (n, properties); nan where there is none."""
    mols = [Chem.MolFromSmiles(s) if s is not None else None for s in smiles]
    return np.array([[DESCRIPTORS[n](m) if m is not None else np.nan for n in names] for m in mols])


def variety(smiles: list[str | None]) -> tuple[float, float, float]:
    """Shares of valid and (of these) distinct molecules, and internal diversity."""
    valid = [s for s in smiles if s is not None]
    prints = morgan([Chem.MolFromSmiles(s) for s in valid])
    similarity = tanimoto(prints, prints)
    return len(valid) / len(smiles), len(set(valid)) / len(valid), float(1 - similarity.mean())


def main() -> None:
    """Prints one line for each property of each set that is asked for, and each guidance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("features", type=Path)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, 1.5, 2.0])
    parser.add_argument("--split", default="test")
    parser.add_argument("--properties", nargs="+", default=[*ALL, "+".join(ALL)])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["auto", "bf16", "fp32"], default="auto")
    parser.add_argument("--predictor", help="of a graph-diffusion model: what is asked, in the place of the model")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of a draw, such as moves=10")
    options = parser.parse_args()
    model = load_model(options.model, precision=precision_for(options.precision, "cpu"))
    store = Store.open(options.features)
    known, draw = drawing_of(model, options)
    rows = seeds.numpy_generator(options.seed, "targets").permutation(store.rows(options.split))[: options.n]
    targets = np.column_stack([store.column(name)[rows] for name in known])
    plain = draw(np.full_like(targets, np.nan), 1.0)
    base = np.nanmean(np.abs(obtained(plain, known) - targets), 0)
    print(
        f"{'asked':<10}{'guidance':>9}{'property':>10}{'MAE':>9}{'plain':>9}{'ratio':>7}{'valid':>7}{'uniq':>7}{'div':>7}"
    )
    print(f"{'nothing':<10}{'':>44}{''.join(f'{v:7.3f}' for v in variety(plain))}")
    for wanted in (text.split("+") for text in options.properties):
        columns = [known.index(name) for name in wanted]
        asked = np.full_like(targets, np.nan)
        asked[:, columns] = targets[:, columns]
        label = wanted[0] if len(wanted) == 1 else f"{len(wanted)} of them"
        for guidance in options.guidance:
            smiles = draw(asked, guidance)
            errors = np.nanmean(np.abs(obtained(smiles, known) - targets), 0)
            for column in columns:
                print(
                    f"{label:<10}{guidance:>9g}{known[column]:>10}"
                    f"{errors[column]:9.4g}{base[column]:9.4g}{errors[column] / base[column]:7.3f}"
                    + "".join(f"{v:7.3f}" for v in variety(smiles)),
                    flush=True,
                )


if __name__ == "__main__":
    main()
