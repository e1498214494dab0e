"""Predictors: what they store is what was fitted, intervals hold what they promise, metrics are scikit-learn's."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from scipy.stats import spearmanr
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.metrics import average_precision_score, mean_squared_error, r2_score, roc_auc_score

from molgen.chem.parse import parse
from molgen.chem.scaffolds import murcko
from molgen.core.errors import ArtifactError, InputError, SettingsError
from molgen.core.tables import PREDICTIONS
from molgen.predictor import metrics
from molgen.predictor.features import features
from molgen.predictor.fit import fit
from molgen.predictor.folds import folds_of
from molgen.predictor.kinds import KINDS, Bayes
from molgen.predictor.model import Predictor, conformal_quantile
from molgen.predictor.partition import partitions
from molgen.predictor.run import Columns, cross_validate, evaluate, predict, train
from molgen.predictor.settings import PredictorSettings
from molgen.predictor.table import read_measured
from molgen.predictor.trees import Trees

SMALL = {"trees": 30, "folds": 3, "epochs": 12, "width": 16, "rate": 1e-2}


@pytest.fixture(scope="module")
def measured(table):
    return read_measured(table, "logP")


def test_rows_that_cannot_be_used_are_counted(measured):
    assert len(measured.smiles) == 240
    assert measured.rows == 244
    assert measured.rejects == {"no value": 2, "no molecule: SMILES syntax": 2}


def test_of_several_values_the_median(tmp_path):
    rows = [("CCO", 1.0), ("OCC", 3.0), ("CCO.Cl", 8.0)] + [("C" * n, n) for n in range(3, 13)]
    pd.DataFrame(rows, columns=["smi", "y"]).to_csv(tmp_path / "t.csv", index=False)
    found = read_measured(tmp_path / "t.csv", "y")
    assert dict(zip(found.smiles, found.values, strict=True))["CCO"] == 3.0
    assert found.rejects == {"repeated molecule": 2}


def test_a_molecule_of_both_classes_is_left_out(tmp_path):
    """Its median would be a third value, and the classes a regression."""
    rows = [("CCO", 1), ("OCC", 0), ("CCN", 1), ("NCC", 1)] + [("C" * n, n % 2) for n in range(3, 13)]
    pd.DataFrame(rows, columns=["smi", "y"]).to_csv(tmp_path / "t.csv", index=False)
    found = read_measured(tmp_path / "t.csv", "y")
    assert "CCO" not in found.smiles
    assert set(found.values) == {0, 1}
    assert found.rejects == {"in both classes": 2, "repeated molecule": 1}


def test_an_sdf_is_a_table_too(tmp_path):
    """Its data fields are the columns; hydrogens written out and broken records change nothing for the others."""
    writer = Chem.SDWriter(str(tmp_path / "t.sdf"))
    for n in range(1, 13):
        mol = Chem.AddHs(Chem.MolFromSmiles("C" * n + "O"))
        mol.SetProp("y", f"{n / 10}" if n != 5 else "n/a")
        writer.write(mol)
    writer.close()
    with (tmp_path / "t.sdf").open("a") as file:
        file.write("broken\n\n\n  3  x\nM  END\n>  <y>\n1\n\n$$$$\n")
    found = read_measured(tmp_path / "t.sdf", "y")
    assert found.smiles == ["C" * n + "O" for n in range(1, 13) if n != 5]
    assert found.values.tolist() == [n / 10 for n in range(1, 13) if n != 5]
    assert (found.rows, sum(found.rejects.values())) == (13, 2)
    with pytest.raises(InputError, match=r"t\.sdf: no column 'z'"):
        read_measured(tmp_path / "t.sdf", "z")


@pytest.mark.parametrize("family", [RandomForestRegressor, HistGradientBoostingRegressor])
def test_stored_trees_predict_what_the_library_does(family, measured):
    x = features([parse(s) for s in measured.smiles])
    own = {"n_estimators": 12} if family is RandomForestRegressor else {"max_iter": 12}
    fitted = family(random_state=0, **own).fit(x[:200], measured.values[:200])
    if family is RandomForestRegressor:
        found = Trees.of_forest(fitted).each(x).mean(axis=1)
    else:
        found = Trees.of_boosting(fitted).each(x).sum(axis=1) + fitted._baseline_prediction.item()
    assert found == pytest.approx(fitted.predict(x))


@pytest.mark.parametrize("family", [RandomForestClassifier, HistGradientBoostingClassifier])
def test_stored_trees_of_classes_do_too(family, measured):
    x, y = features([parse(s) for s in measured.smiles]), measured.values > 2.5
    own = {"n_estimators": 12} if family is RandomForestClassifier else {"max_iter": 12}
    fitted = family(random_state=0, **own).fit(x, y)
    if family is RandomForestClassifier:
        found = Trees.of_forest(fitted).each(x).mean(axis=1)
    else:
        found = 1 / (1 + np.exp(-Trees.of_boosting(fitted).each(x).sum(axis=1) - fitted._baseline_prediction.item()))
    assert found == pytest.approx(fitted.predict_proba(x)[:, 1])


@pytest.mark.parametrize(("kind", "active"), [(k, a) for k in KINDS for a in (None, 2.5) if a or k != "bayes"])
def test_a_stored_predictor_is_the_one_that_was_fitted(kind, active, measured, tmp_path):
    settings = PredictorSettings(kind=kind, active=active, **SMALL)
    predictor = fit(measured.smiles[:180], measured.values[:180], "logP", settings, 0)
    predictor.save(tmp_path)
    mols = [parse(s) for s in measured.smiles[180:]]
    first, again = predictor.predict(mols), Predictor.load(tmp_path).predict(mols)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    truth = measured.values[180:]
    if active:
        assert metrics.roc_auc((truth >= 2.5).astype(float), first.mean) > (0.6 if kind == "bayes" else 0.75)
    else:
        assert metrics.r2(truth, first.mean) > 0.4


def test_naive_bayes_is_its_formula(measured):
    mols, y = [parse(s) for s in measured.smiles], (measured.values >= 2.5).astype(float)
    model, _ = Bayes.fit(mols, y, True, PredictorSettings(kind="bayes", folds=3), 0)
    from molgen.chem.fingerprints import morgan_counts

    key = int(model.keys[7])
    have = np.array([key in morgan_counts(mol) for mol in mols])
    assert model.weights[7] == pytest.approx(np.log((y[have].sum() + 1) / (have.sum() * y.mean() + 1)))


def test_bayes_needs_classes(measured):
    with pytest.raises(SettingsError, match="it tells classes apart"):
        fit(measured.smiles, measured.values, "logP", PredictorSettings(kind="bayes"), 0)


def test_metrics_are_those_of_the_library():
    generator = np.random.default_rng(0)
    y, p = (generator.random(200) < 0.3).astype(float), generator.random(200).round(1)
    assert metrics.roc_auc(y, p) == pytest.approx(roc_auc_score(y, p))
    assert metrics.average_precision(y, p) == pytest.approx(average_precision_score(y, p))
    a = generator.normal(size=200)
    assert metrics.rmse(a, p) == pytest.approx(mean_squared_error(a, p) ** 0.5)
    assert metrics.r2(a, p) == pytest.approx(r2_score(a, p))
    assert metrics.spearman(a, p) == pytest.approx(spearmanr(a, p).statistic)
    found = metrics.with_intervals({"RMSE": metrics.rmse}, a, p, 0)["RMSE"]
    assert found["low"] < found["value"] < found["high"]


def test_the_conformal_quantile_is_the_rank_it_must_be():
    assert conformal_quantile(np.arange(1.0, 10.0), 0.8) == 8  # ceil(10 * 0.8)
    assert conformal_quantile(np.array([3.0, 1.0]), 0.99) == 3


@pytest.mark.parametrize("how", ["random", "scaffold"])
@pytest.mark.parametrize("folds", [1, 4])
def test_partitions_cover_and_do_not_share(how, folds, measured):
    parts = partitions(measured, how, folds, 0.25, 0)
    tested = np.concatenate([test for _, test in parts])
    assert len(tested) == len(set(tested.tolist())) == (240 if folds > 1 else pytest.approx(60, abs=6))
    for train_rows, test_rows in parts:
        assert not set(train_rows) & set(test_rows)
        assert len(train_rows) + len(test_rows) == 240
        if how == "scaffold":
            both = [{murcko(parse(measured.smiles[i])) for i in rows} for rows in (train_rows, test_rows)]
            assert not both[0] & both[1]


def test_time_and_column_splits_do_as_they_say(table):
    found = read_measured(table, "logP", time="year", split="part")
    ((_, latest),) = partitions(found, "time", 1, 0.1, 0)
    assert set(found.times[latest]) == set(range(216, 240))
    ((_, tested),) = partitions(found, "column", 1, 0.1, 0)
    assert len(tested) == 48
    with pytest.raises(InputError, match="one partition only"):
        partitions(found, "time", 5, 0.1, 0)


def test_folds_share_the_actives():
    y = (np.arange(100) < 20).astype(float)
    assert [int(y[fold].sum()) for fold in folds_of(y, True, 5, 0)] == [4] * 5


def test_intervals_hold_what_they_promise(table, tmp_path):
    settings = PredictorSettings(confidence=0.8, **SMALL)
    found = cross_validate(table, Columns("logP"), tmp_path / "o.json", settings, how="random", folds=3)
    assert found["molecules"] == 240
    assert 0.7 < found["coverage"] < 0.92
    assert found["metrics"]["R2"]["value"] > 0.5
    classes = cross_validate(table, Columns("high"), tmp_path / "c.json", settings, how="random", folds=3)
    assert 0.7 < classes["coverage"] < 0.95
    assert classes["metrics"]["ROC-AUC"]["value"] > 0.8


def test_a_trained_predictor_predicts_a_file(table, tmp_path):
    said = train(table, Columns("logP"), tmp_path / "model", PredictorSettings(**SMALL))
    assert said["molecules"] == 240
    (tmp_path / "new.smi").write_text("CCO\nC(C\nO=C(O)c1ccccc1.Cl\n" + "[Xe]" * 1 + "\n")
    counts = predict(tmp_path / "model", tmp_path / "new.smi", tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet", schema=PREDICTIONS.schema()).to_pylist()
    assert [row["value"] is None for row in rows] == [False, True, False, False]
    assert rows[1]["reason"] == "no molecule: SMILES syntax"
    assert rows[3]["similarity"] == 0
    assert rows[3]["inside"] is False
    assert counts["molecules"] == 3
    assert all(row["low"] < row["value"] < row["high"] for row in rows if row["value"] is not None)
    with pytest.raises(InputError, match="every molecule of it was trained on"):
        evaluate(tmp_path / "model", table, Columns("logP"), tmp_path / "again.json")


def test_a_component_loses_trust_outside_the_domain(table, tmp_path):
    from molgen.scoring.evaluator import Evaluator
    from molgen.scoring.objective import Objective

    train(table, Columns("logP"), tmp_path / "model", PredictorSettings(**SMALL))
    transform = {"type": "sigmoid", "low": -9, "high": -8}  # everything is good
    part = {
        "type": "predictor",
        "name": "logP model",
        "predictor_file": str(tmp_path / "model"),
        "transform": transform,
    }
    known = Predictor.load(tmp_path / "model").smiles[0]
    mols = [Chem.MolFromSmiles(known), Chem.MolFromSmiles("[Xe]"), None]
    objective = Objective.parse({"components": [part]})
    with Evaluator(objective) as evaluator:
        found = evaluator.evaluate(mols)
        assert np.isnan(found.raw["logP model"][2])
        assert found.desirability["logP model"][:2] == pytest.approx([1, 0], abs=1e-6)
    with Evaluator(Objective.parse({"components": [{**part, "penalty": False}]})) as evaluator:
        assert evaluator.evaluate(mols).desirability["logP model"][:2] == pytest.approx([1, 1], abs=1e-6)
    assert Objective.parse(objective.values()) == objective
    with pytest.raises(SettingsError, match="not a predictor"):
        Objective.parse({"components": [{**part, "predictor_file": str(tmp_path / "none")}]})


def test_what_cannot_be_learnt_is_refused(table, tmp_path):
    with pytest.raises(InputError, match=r"no column 'logp' \(did you mean 'logP'"):
        train(table, Columns("logp"), tmp_path / "m", PredictorSettings())
    pd.DataFrame({"smiles": ["C" * n for n in range(1, 20)], "y": 1.0}).to_csv(tmp_path / "same.csv")
    with pytest.raises(InputError, match="nothing to learn"):
        train(tmp_path / "same.csv", Columns("y"), tmp_path / "m", PredictorSettings())
    with pytest.raises(InputError, match="no such file"):
        train(tmp_path / "none.csv", Columns("y"), tmp_path / "m", PredictorSettings())
    pd.DataFrame({"smiles": ["C", "x"], "y": [1.0, 2.0]}).to_csv(tmp_path / "few.csv")
    with pytest.raises(InputError, match="10 are needed"):
        train(tmp_path / "few.csv", Columns("y"), tmp_path / "m", PredictorSettings())
    assert not (tmp_path / "m").exists()


def test_a_damaged_predictor_is_refused(table, tmp_path):
    train(table, Columns("logP"), tmp_path / "model", PredictorSettings(**SMALL))
    (tmp_path / "model" / "arrays.safetensors").write_bytes(b"short")
    with pytest.raises(ArtifactError, match="not a whole predictor"):
        Predictor.load(tmp_path / "model")
    with pytest.raises(InputError, match="molgen predictor train"):
        Predictor.load(tmp_path)


def test_training_twice_gives_the_same_folder(table, tmp_path):
    for name in ("a", "b"):
        train(table, Columns("high"), tmp_path / name, PredictorSettings(**SMALL), seed=3)
    for file in ("config.yaml", "arrays.safetensors", "metrics.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert json.loads((tmp_path / "a" / "metrics.json").read_text())["classes"] is True
