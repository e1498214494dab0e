"""`rank`: golden rankings by brute force, sources, exclusion, determinism and what is refused."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgen.cli import main as command
from molgen.core.errors import ArtifactError, InputError, SettingsError
from molgen.core.tables import CANDIDATES, MOLECULES, SCORED, read
from molgen.rank import RankSettings, best_of_each_first, rank

GOALS = {name: pa.float64() for name in ("a", "a.desirability", "b.desirability")}


def scored(path: Path, smiles: list[str], seed: int = 0, **columns: list) -> pd.DataFrame:
    """Writes a scored table of made-up values; equal molecules get equal values. Every seventh row failed."""
    rng = np.random.default_rng(seed)
    names = [Chem.CanonSmiles(s) for s in smiles]
    values = {name: rng.integers(0, 20, 2) / 20 for name in dict.fromkeys(names)}
    frame = pd.DataFrame({"smiles": smiles})
    frame["score"] = [values[name].mean() for name in names]
    frame["passed"] = [i % 7 != 6 for i in range(len(smiles))]
    frame["failed"] = [None if p else "MW > 500" for p in frame.passed]
    frame["a"] = frame["a.desirability"] = [values[name][0] for name in names]
    frame["b.desirability"] = [values[name][1] for name in names]
    for name, column in columns.items():
        frame[name] = column
    extra = {**GOALS, **{name: pa.array(column).type for name, column in columns.items()}}
    pq.write_table(pa.Table.from_pandas(frame, SCORED.schema(extra), preserve_index=False), path)
    return frame


def ranked(frame: pd.DataFrame) -> pd.DataFrame:
    """The distinct molecules that passed, in the order of score, then SMILES: by pandas."""
    frame = frame[frame.passed].assign(canonical=[Chem.CanonSmiles(s) for s in frame.smiles[frame.passed]])
    grouped = frame.groupby("canonical").agg(score=("score", "max"), count=("score", "size")).reset_index()
    return grouped.sort_values(["score", "canonical"], ascending=[False, True]).reset_index(drop=True)


@pytest.fixture
def many(smiles: list[str]) -> list[str]:
    """120 molecules, some of them again, written differently."""
    again = [Chem.MolToSmiles(Chem.MolFromSmiles(s), canonical=False, rootedAtAtom=1) for s in smiles[:40]]
    return smiles[:120] + again


def run(*arguments: object, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["molgen", "rank", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        command.main()
    return caught.value.code


def test_by_score(tmp_path: Path, many: list[str]) -> None:
    expected = ranked(scored(tmp_path / "s.parquet", many))
    summary = rank([tmp_path / "s.parquet"], tmp_path / "c.parquet", top=50)
    found = read(tmp_path / "c.parquet", CANDIDATES).to_pandas()
    assert found["rank"].tolist() == list(range(1, 51))
    assert found.smiles.tolist() == expected.canonical[:50].tolist()
    assert found.score.tolist() == expected.score[:50].tolist()
    assert found["count"].tolist() == expected["count"][:50].tolist()
    assert max(found["count"]) > 1
    assert (found["a.desirability"] == found.a).all()
    assert found.scaffold.tolist() == [
        Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(Chem.MolFromSmiles(s)), isomericSmiles=False)
        for s in found.smiles
    ]
    assert summary is not None
    assert (summary.rows, summary.distinct, summary.candidates) == (160, len(expected), 50)


def test_pareto_goes_front_by_front(tmp_path: Path, many: list[str]) -> None:
    scored(tmp_path / "s.parquet", many)
    rank([tmp_path / "s.parquet"], tmp_path / "c.parquet", top=60, settings=RankSettings(diversity="pareto"))
    found = read(tmp_path / "c.parquet").to_pandas()
    values = found[["a.desirability", "b.desirability"]].to_numpy()
    assert found.front.is_monotonic_increasing
    assert found.front.nunique() > 2
    for i, j in np.ndindex(60, 60):
        if (values[i] >= values[j]).all() and (values[i] > values[j]).any():
            assert found.front[i] < found.front[j]
    within = found.groupby("front").score.apply(lambda s: s.is_monotonic_decreasing)
    assert within.all()


def test_clusters_give_their_best_first(tmp_path: Path, many: list[str]) -> None:
    scored(tmp_path / "s.parquet", many)
    settings = RankSettings(diversity="cluster", similarity=0.2)
    rank([tmp_path / "s.parquet"], tmp_path / "c.parquet", top=100, settings=settings)
    found = read(tmp_path / "c.parquet").to_pandas()
    clusters = found.cluster.nunique()
    assert 1 < clusters < len(found)
    assert found.cluster[:clusters].is_unique
    assert found.score[:clusters].is_monotonic_decreasing
    assert best_of_each_first(np.array([0, 0, 1, 0, 1, 2])) == [0, 2, 5, 1, 4, 3]


def test_maxmin_spreads(tmp_path: Path, many: list[str]) -> None:
    expected = ranked(scored(tmp_path / "s.parquet", many))
    by_score, spread = tmp_path / "c.parquet", tmp_path / "m.parquet"
    rank([tmp_path / "s.parquet"], by_score, top=10)
    rank([tmp_path / "s.parquet"], spread, top=10, settings=RankSettings(diversity="maxmin", weight=0.9))
    found = read(spread).to_pandas()
    assert found.smiles[0] == expected.canonical[0]
    assert found.score.is_monotonic_decreasing
    assert _nearest(found.smiles) < _nearest(read(by_score).to_pandas().smiles)


def _nearest(smiles: pd.Series) -> float:
    """Largest similarity within a set."""
    from rdkit import DataStructs

    prints = [Chem.RDKFingerprint(Chem.MolFromSmiles(s)) for s in smiles]
    return max(max(DataStructs.BulkTanimotoSimilarity(p, prints[:i])) for i, p in enumerate(prints) if i)


def test_several_files_name_their_source(tmp_path: Path, many: list[str]) -> None:
    scored(tmp_path / "x.parquet", many[:100], split=["a"] * 100)
    scored(tmp_path / "y.parquet", many[:160:2])
    summary = rank([tmp_path / "x.parquet", tmp_path / "y.parquet"], tmp_path / "c.parquet", top=1000)
    found = read(tmp_path / "c.parquet", CANDIDATES).to_pandas()
    assert set(found.source) == {"x", "y", "x; y"}
    assert found.smiles.is_unique
    assert summary is not None
    assert summary.candidates == summary.distinct == len(found) < 1000
    assert "split" in found


def test_known_molecules_are_left_out(tmp_path: Path, many: list[str]) -> None:
    expected = ranked(scored(tmp_path / "s.parquet", many))
    table, plain = tmp_path / "molecules" / "molecules.parquet", tmp_path / "known.smi"
    table.parent.mkdir()
    rows = {"smiles": expected.canonical[:5].tolist(), "name": [""] * 5, "file": [""] * 5, "line": [1] * 5}
    pq.write_table(pa.table({**rows, "split": ["train"] * 5}, schema=MOLECULES.schema()), table)
    other = [Chem.MolToSmiles(Chem.MolFromSmiles(s), doRandom=True) for s in expected.canonical[5:8]]
    plain.write_text("\n".join([*other, "garbage", "CCCCCCCCC"]))
    summary = rank([tmp_path / "s.parquet"], tmp_path / "c.parquet", top=10, exclude=[table.parent, plain])
    assert summary is not None
    assert summary.excluded == 8
    assert read(tmp_path / "c.parquet").to_pandas().smiles.tolist() == expected.canonical[8:18].tolist()


@pytest.mark.parametrize("diversity", ["none", "maxmin", "cluster", "pareto"])
def test_same_with_any_workers_and_order_of_rows(tmp_path: Path, many: list[str], diversity: str) -> None:
    frame = scored(tmp_path / "s.parquet", many)
    shuffled = tmp_path / "again" / "s.parquet"
    shuffled.parent.mkdir()
    table = pa.Table.from_pandas(frame.sample(frac=1, random_state=1), SCORED.schema(GOALS), preserve_index=False)
    pq.write_table(table, shuffled)
    settings = RankSettings.parse({"diversity": diversity})
    for source, out, workers in (
        (tmp_path / "s.parquet", "one", 1),
        (tmp_path / "s.parquet", "two", 2),
        (shuffled, "three", 1),
    ):
        rank([source], tmp_path / f"{out}.parquet", top=40, settings=settings, workers=workers)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert read(tmp_path / "one.parquet")["smiles"] == read(tmp_path / "three.parquet")["smiles"]


def test_nothing_passed_gives_an_empty_table(tmp_path: Path, smiles: list[str]) -> None:
    frame = scored(tmp_path / "s.parquet", smiles[:10]).assign(passed=False)
    pq.write_table(pa.Table.from_pandas(frame, SCORED.schema(GOALS), preserve_index=False), tmp_path / "s.parquet")
    for diversity in ("none", "maxmin", "cluster", "pareto"):
        out = tmp_path / f"{diversity}.parquet"
        summary = rank([tmp_path / "s.parquet"], out, top=5, settings=RankSettings.parse({"diversity": diversity}))
        assert summary is not None
        assert summary.candidates == read(out, CANDIDATES).num_rows == 0


def test_fewer_than_asked_for_says_so(
    tmp_path: Path, smiles: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scored(tmp_path / "s.parquet", smiles[:10])
    arguments = [tmp_path / "s.parquet", "--top", 20, "--out", tmp_path / "c.parquet"]
    assert run(*arguments, monkeypatch=monkeypatch) == 0
    assert "9 candidates of 9 distinct molecules" in (shown := capsys.readouterr().out)
    assert "fewer than the 20 asked for: all there are" in shown
    assert run(*arguments, monkeypatch=monkeypatch) == 0
    assert "already made" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["s.parquet", "--top", "0"], "top"),
        (["s.parquet", "--diversity", "maxmim"], "diversity = 'maxmim'"),
        (["s.parquet", "--set", "pol=3"], "unknown key 'pol' (did you mean 'pool'"),
        (["absent.parquet"], "absent.parquet: no such file"),
        (["s.smi"], "s.smi: not a whole Parquet file"),
        (["other.parquet"], "not a scored table: no column 'smiles'; it has x"),
        (["s.parquet", "goals.parquet"], "scored under another objective than"),
        (["s.parquet", "--exclude", "absent.smi"], "absent.smi: no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_ends_with_one_line_and_leaves_nothing(
    tmp_path: Path,
    smiles: list[str],
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    frame = scored(tmp_path / "s.parquet", smiles[:10])
    (tmp_path / "s.smi").write_text("\n".join(smiles[:10]))
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    goals = pa.Table.from_pandas(frame, SCORED.schema(GOALS), preserve_index=False).drop_columns(["b.desirability"])
    pq.write_table(goals, tmp_path / "goals.parquet")
    before = set(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    assert run(*arguments, "--out", "out.parquet", monkeypatch=monkeypatch) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("molgen: ")]
    assert len(error) == 1
    assert message in error[0]
    assert set(tmp_path.iterdir()) == before


def test_an_output_of_other_settings_is_refused(tmp_path: Path, smiles: list[str]) -> None:
    scored(tmp_path / "s.parquet", smiles[:10])
    rank([tmp_path / "s.parquet"], tmp_path / "c.parquet", top=3)
    with pytest.raises(ArtifactError, match="top: 3 there, 4 asked for"):
        rank([tmp_path / "s.parquet"], tmp_path / "c.parquet", top=4)
    with pytest.raises(InputError, match=r"must end in \.parquet"):
        rank([tmp_path / "s.parquet"], tmp_path / "c.csv", top=4)


def test_settings_out_of_range() -> None:
    for values in ({"weight": 2}, {"similarity": 0}, {"pool": 0}):
        with pytest.raises(SettingsError, match=next(iter(values))):
            RankSettings.parse(values)
