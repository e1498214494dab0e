"""What no verb can use: one line that says where, what, and what to do; exit code 2; nothing written or touched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import TINY, contents

TRAIN = "train smiles --features run/features --out out"
REFUSED = [
    # the command itself
    ("tran smiles", "unknown verb 'tran' (did you mean 'train'?"),
    ("score good.smi --objektive o.yaml --out out.parquet", "No such option"),
    ("prepare good.smi", "Missing option '--out'"),
    ("prepare --out out", "Missing argument"),
    ("prepare good.smi --out out --workers -1", "'--workers': Input should be greater than or equal to 0"),
    ("prepare good.smi --out out --seed x", "'--seed': Input should be a valid integer"),
    # steer
    ("steer smiles-moses --out out.parquet", "give a condition, such as condition.logP=2.5, or an objective"),
    ("steer smiles-moses --condition lopP=2 --out out.parquet", "'lopP' is no property (did you mean 'logP'?"),
    ("steer smiles-moses --condition rings=2 --out out.parquet", "condition.rings: not what this model knows"),
    ("steer graph-vae-moses --condition logP=2 --within logP=2 --out out.parquet", "expected NAME=LOW:HIGH"),
    ("steer smiles-moses --condition logP=2 --within QED=1: --out out.parquet", "give condition.QED as well"),
    ("steer smiles-moses --condition logP=2 --within logP=3:2 --out out.parquet", "within.logP: 3 is above 2"),
    ("steer smiles-moses --condition logP=2 --guidance 0 --out out.parquet", "guidance: expected weights above 0"),
    ("steer absent --condition logP=2 --out out.parquet", "absent"),
    # data
    ("data fetch zinc250 --out out", "data set 'zinc250' is unknown (did you mean 'zinc250k'?"),
    ("data fech", "No such command 'fech'"),
    ("data list --sources absent.yaml", "absent.yaml: cannot be read (No such file or directory); check the path"),
    ("data list --sources binary.yaml", "binary.yaml: not a text file; a YAML file is expected"),
    ("data list --sources broken.yaml", "broken.yaml:2:5: not valid YAML"),
    ("data list --sources unknown.yaml", "unknown.yaml: limt: expected title, licence and files, found 3"),
    ("data fetch zinc250k --out mine", "mine: exists"),
    # prepare
    ("prepare absent.smi --out out", "absent.smi: no such file; check the path"),
    ("prepare mine --out out", "mine: unknown format '(no extension)'"),
    ("prepare list.yaml --out out", "list.yaml: unknown format '.yaml'; known: .smi"),
    ("prepare good.smi good.smi --out out", "good.smi: named twice; name each input once"),
    ("prepare empty.smi --out out", "empty.smi: the file is empty; name one with molecules in it"),
    ("prepare blank.smi --out out", "blank.smi: holds no molecules"),
    ("prepare empty.csv --out out", "empty.csv: the file is empty"),
    ("prepare empty.sdf --out out", "empty.sdf: the file is empty"),
    ("prepare empty.parquet --out out", "empty.parquet: not a whole Parquet file"),
    ("prepare empty.smi.gz --out out", "empty.smi.gz: the file is empty"),
    ("prepare binary.smi --out out", "binary.smi: no molecule is left of 7 rows"),
    ("prepare binary.csv --out out", "binary.csv: no SMILES column found; name it with --smiles-column"),
    ("prepare binary.tsv --out out", "binary.tsv: no SMILES column found"),
    ("prepare binary.sdf --out out", "binary.sdf: no molecule is left of 1 rows"),
    ("prepare binary.smi.gz --out out", "binary.smi.gz: not a .gz file, though its name says so"),
    ("prepare binary.parquet --out out", "binary.parquet: not a whole Parquet file"),
    ("prepare cut.parquet --out out", "cut.parquet: not a whole Parquet file"),
    ("prepare good.csv --smiles-column SMILES --out out", "good.csv: no column 'SMILES'"),
    ("prepare good.csv --smiles-column SMILES --out out", "Structure, MW"),
    ("prepare good.csv --name-column title --out out", "good.csv: no column 'title'"),
    ("prepare good.csv --split column --out out", "good.csv: no column 'split'; it has Structure, MW"),
    ("prepare good.smi --split files --out out", "split=files needs files named train, valid, test"),
    ("prepare good.smi --set stero=drop --out out", "unknown key 'stero' (did you mean 'stereo'?"),
    ("prepare good.smi --config unknown.yaml --out out", "unknown.yaml: unknown key 'limt' (did you mean 'limit'?"),
    ("prepare good.smi --config absent.yaml --out out", "absent.yaml: cannot be read"),
    ("prepare good.smi --set min_heavy_atoms=0 --out out", "min_heavy_atoms = 0: input should be greater than"),
    ("prepare good.smi --set split=[ --out out", "--set 'split=['"),
    ("prepare good.smi --sample 0 --out out", "sample = 0"),
    ("prepare good.smi --out mine", "mine: exists and molgen did not finish it; remove it or choose another --out"),
    ("prepare good.smi --out good.smi", "good.smi: exists"),
    ("prepare good.smi --out run/molecules", "run/molecules: exists with other settings ("),
    # featurize
    ("featurize absent --out out", "absent: no such file; check the path"),
    ("featurize nothing --out out", "nothing/molecules.parquet: no such file"),
    ("featurize empty.parquet --out out", "empty.parquet: not a whole Parquet file"),
    ("featurize binary.parquet --out out", "binary.parquet: not a whole Parquet file"),
    ("featurize cut.parquet --out out", "cut.parquet: not a whole Parquet file"),
    ("featurize other.parquet --out out", "other.parquet: not a molecules table: no column 'smiles'; it has x, SMILES"),
    ("featurize good.smi --out out", "good.smi: not a whole Parquet file"),
    ("featurize run/molecules --out mine", "mine: exists and molgen did not finish it"),
    (
        "featurize run/molecules --out run/molecules",
        "run/molecules: exists with other settings (made by 'prepare', not by 'featurize')",
    ),
    # train
    ("train smile --features run/features --out out", "unknown family 'smile' (did you mean 'smiles'?"),
    ("train smiles --features absent --out out", "absent: no such folder; make a feature store with `molgen featur"),
    ("train smiles --features run/molecules --out out", "run/molecules: not a whole feature store"),
    ("train smiles --features good.smi --out out", "good.smi: no such folder"),
    (f"{TRAIN} --set model.widht=8", "model: unknown key 'widht' (did you mean 'width'?"),
    (f"{TRAIN} --set training.molecles=8", "unknown key 'training.molecles' (did you mean 'molecules'?"),
    (f"{TRAIN} --set molecules=8", "unknown key 'molecules'"),
    (f"{TRAIN} --set model.width=4", "width = 4: input should be greater than or equal to 8"),
    (f"{TRAIN} --set model.width=16 --set model.heads=3", "model.width = 16: must be a multiple of heads = 3"),
    (f"{TRAIN} --set training.learning_rate=0", "training.learning_rate = 0"),
    (f"{TRAIN} --set training.precision=fp8", "training.precision = 'fp8'"),
    (f"{TRAIN} --set model=3", "model = 3"),
    (f"{TRAIN} --config absent.yaml", "absent.yaml: cannot be read"),
    (f"{TRAIN} --config binary.yaml", "binary.yaml: not a text file"),
    (f"{TRAIN} --config unknown.yaml", "unknown.yaml: unknown key 'limt'"),
    (f"{TRAIN} --max-minutes -1", "'--max-minutes': Input should be greater than or equal to 0"),
    (f"{TRAIN} --accelerator gpuu", "--accelerator gpuu"),
    (f"{TRAIN} --strategy dpp", "--strategy dpp"),
    (f"train smiles --features run/features --out mine {TINY}", "mine: exists and molgen did not finish it"),
    (
        f"train smiles --features run/features --out run/models/smiles {TINY}",
        "run/models/smiles: exists with other settings (training.molecules: 64 there, 1000000 asked for",
    ),
    # sample
    ("sample absent --n 5 --out out.parquet", "absent: no such model"),
    ("sample good.smi --n 5 --out out.parquet", "good.smi: no such model"),
    ("sample nothing --n 5 --out out.parquet", "nothing: not a model folder: no config.yaml in it"),
    ("sample run/molecules --n 5 --out out.parquet", "run/molecules: not a model folder"),
    ("sample run/models/smiles --n 0 --out out.parquet", "'--n': Input should be greater than or equal to 1"),
    ("sample run/models/smiles --n 5 --out out.parquet --device gpuu", "--device gpuu"),
    ("sample run/models/smiles --n 5 --out mine.parquet", "mine.parquet: exists and molgen did not finish it"),
    ("sample run/models/smiles --n 5 --out mine", "give a name that ends in .parquet"),
    ("sample run/models/smiles --n 5 --out run/samples/smiles.parquet", "n: 20 there, 5 asked for"),
    # score
    ("score good.smi --objective absent.yaml --out out.parquet", "absent.yaml: cannot be read (No such file"),
    ("score good.smi --objective binary.yaml --out out.parquet", "binary.yaml: not a text file"),
    ("score good.smi --objective broken.yaml --out out.parquet", "broken.yaml:2:5: not valid YAML"),
    ("score good.smi --objective empty.yaml --out out.parquet", "empty.yaml: key 'components' is missing"),
    ("score good.smi --objective unknown.yaml --out out.parquet", "unknown.yaml: unknown key 'limt'"),
    ("score good.csv --objective run/objective.yaml --out out.parquet", "good.csv: a .smi, .smi.gz or .parquet file"),
    ("score other.parquet --objective run/objective.yaml --out out.parquet", "no column 'smiles'; it has x, SMILES"),
    ("score cut.parquet --objective run/objective.yaml --out out.parquet", "cut.parquet: not a whole Parquet file"),
    ("score good.smi --objective run/objective.yaml --out mine.parquet", "mine.parquet: exists"),
    ("score good.smi --objective run/objective.yaml --out out.csv", "out.csv: --out must end in .parquet"),
    # objective
    ("objective chek run/objective.yaml", "No such command 'chek'"),
    ("objective check absent.yaml", "absent.yaml: cannot be read (No such file"),
    ("objective check unknown.yaml", "unknown.yaml: unknown key 'limt'"),
    ("objective check empty.yaml", "empty.yaml: key 'components' is missing"),
    ("objective plot run/objective.yaml --out out.png", "out.png: --out must end in .svg"),
    ("objective plot run/objective.yaml --out mine.svg", "mine.svg: exists and molgen did not finish it"),
    ("objective count good.smi --out out.parquet", "out.parquet: --out must end in .csv"),
    ("objective count good.smi --of scafold --out out.csv", "--of 'scafold': unknown (did you mean 'scaffold'?"),
    ("objective count absent.smi --out out.csv", "absent.smi: no such file"),
    ("objective count empty.smi --out out.csv", "empty.smi: no molecules in it; a reference needs at least one"),
    # screen
    ("screen good.smi --out out", "screen: --objective is missing; name the YAML file of an objective"),
    ("screen good.smi --objective absent.yaml --out out", "absent.yaml: cannot be read (No such file"),
    ("screen absent.smi --objective run/objective.yaml --out out", "absent.smi: no such file"),
    ("screen good.smi empty.smi --objective run/objective.yaml --out out", "empty.smi: the file is empty"),
    ("screen binary.smi --objective run/objective.yaml --out out", "binary.smi: no molecule in "),
    ("screen good.smi good.smi --objective run/objective.yaml --out out", "good.smi: named twice"),
    ("screen blank.smi --objective run/objective.yaml --out out", "blank.smi: holds no molecules"),
    ("screen other.parquet --objective run/objective.yaml --smiles-column x1 --out out", "no column 'x1'; it has x, S"),
    ("screen good.smi --objective run/objective.yaml --diversity leaders --out out", "diversity = 'leaders'"),
    ("screen good.smi --objective run/objective.yaml --set diversty=none --out out", "(did you mean 'diversity'?"),
    ("screen good.smi --objective run/objective.yaml --shard 3/2 --out out", "--shard 3/2: expected I/N"),
    ("screen good.smi --objective run/objective.yaml --out mine", "mine: exists and molgen did not finish it"),
    ("screen good.smi --merge --out out", "good.smi: not a finished shard"),
    ("screen run --merge --top 3 --out out", "--merge: objective, top and settings are those of the shards"),
    # rank
    ("rank absent.parquet --out out.parquet", "absent.parquet: no such file"),
    ("rank binary.parquet --out out.parquet", "binary.parquet: not a whole Parquet file"),
    ("rank empty.parquet --out out.parquet", "empty.parquet: not a whole Parquet file"),
    (
        "rank run/samples/smiles.parquet --out out.parquet",
        "not a scored table: no column 'score'; it has index, smiles",
    ),
    ("rank run/scored/smiles.parquet --exclude good.csv --out out.parquet", "good.csv: a .smi"),
    ("rank run/scored/smiles.parquet --exclude nothing --out out.parquet", "nothing/molecules.parquet: no such file"),
    ("rank run/scored/smiles.parquet --config unknown.yaml --out out.parquet", "unknown.yaml: unknown key 'limt'"),
    ("rank run/scored/smiles.parquet --out mine.parquet", "mine.parquet: exists"),
    ("rank run/scored/smiles.parquet --top 6 --out run/candidates.parquet", "top: 5 there, 6 asked for"),
    # neighbors
    ("neighbors CCO --library absent.smi", "absent.smi: no such file; check the path"),
    ("neighbors CCO --library empty.smi", "empty.smi: the file is empty"),
    ("neighbors CCO --library binary.smi", "binary.smi: no molecule is left of 7 rows"),
    ("neighbors CCO --library cut.parquet", "cut.parquet: not a whole Parquet file"),
    ("neighbors CCO --library mine", "mine: a folder, but no index of a library"),
    ("neighbors CCO --library run/features", "run/features: a folder, but no index of a library"),
    ("neighbors CCO --library good.smi --out out.txt", "out.txt: --out must end in .parquet or .csv"),
    ("neighbors CCO --library good.smi --index mine", "choose another --index"),
    ("neighbors CCO --library good.smi --bits 100", "bits = 100: input should be a multiple of 64"),
    ("neighbors CCO --library good.smi --set kk=1", "unknown key 'kk' (did you mean 'k'?"),
    ("neighbors CC(C --library good.smi", "query 'CC(C': not a molecule (SMILES syntax), and no such file"),
    ("neighbors absent.smi --library good.smi", "absent.smi: no such file"),
    # cluster
    ("cluster absent.smi --out out.parquet", "absent.smi: no such file"),
    ("cluster binary.smi --out out.parquet", "binary.smi: no molecule is left of 7 rows"),
    ("cluster good.smi --out out.csv", "out.csv: --out must end in .parquet"),
    ("cluster good.smi --method butna --out out.parquet", "method = 'butna'"),
    ("cluster good.smi --similarity 0 --out out.parquet", "similarity = 0"),
    ("cluster good.smi --out mine.parquet", "mine.parquet: exists"),
    # evaluate
    ("evaluate absent.smi --reference run/molecules --out out.json", "absent.smi: no such file"),
    ("evaluate empty.smi --reference run/molecules --out out.json", "empty.smi: holds no rows"),
    ("evaluate binary.smi --reference run/molecules --out out.json", "binary.smi: not a text file"),
    ("evaluate binary.parquet --reference run/molecules --out out.json", "binary.parquet: not a whole Parquet file"),
    ("evaluate other.parquet --reference run/molecules --out out.json", "no column 'smiles'; it has x, SMILES"),
    ("evaluate good.csv --reference run/molecules --out out.json", "good.csv: a .smi or .parquet file is expected"),
    ("evaluate mine --reference run/molecules --out out.json", "mine: a .smi or .parquet file is expected"),
    ("evaluate good.smi --reference nothing --out out.json", "nothing: holds no molecules.parquet"),
    ("evaluate good.smi --reference good.smi --out out.json", "--reference good.smi: no such folder"),
    ("evaluate good.smi --reference run/molecules --out mine.json", "mine.json: exists"),
    ("evaluate good.smi --reference run/molecules --out out", "out: --out must end in .json"),
    # report
    ("report absent --out out.html", "absent: no such folder"),
    ("report nothing --out out.html", "nothing: holds nothing to report on"),
    ("report good.smi --out out.html", "good.smi: no such folder"),
    ("report run --out out.html --set titel=x", "unknown key 'titel' (did you mean 'title'?"),
    ("report run --out out.html --set show=0", "show = 0: input should be greater than or equal to 1"),
    ("report run --out mine.html", "mine.html: exists"),
    ("report run --out out", "out: --out must end in .html"),
    # models
    ("models show absent", "absent: no such model"),
    ("models show nothing", "nothing: not a model folder"),
    ("models show good.smi", "good.smi: no such model"),
    ("models lst", "No such command 'lst'"),
]
UNREADABLE = [
    "prepare unreadable.smi --out out",
    "prepare unreadable.csv --out out",
    "prepare unreadable.sdf --out out",
    "prepare unreadable.parquet --out out",
    "prepare good.smi --config unreadable.yaml --out out",
    "featurize unreadable.parquet --out out",
    "score unreadable.smi --objective run/objective.yaml --out out.parquet",
    "score good.smi --objective unreadable.yaml --out out.parquet",
    "rank unreadable.parquet --out out.parquet",
    "rank run/scored/smiles.parquet --exclude unreadable.smi --out out.parquet",
    "evaluate unreadable.smi --reference run/molecules --out out.json",
    "evaluate unreadable.parquet --reference run/molecules --out out.json",
]
BELOW_A_FILE = [
    "data fetch zinc250k --out good.smi/out",
    "prepare good.csv --smiles-column Structure --out good.smi/out",
    "featurize run/molecules --out good.smi/deep/out",
    f"train smiles --features run/features --out good.smi/out {TINY}",
    "sample run/models/smiles --n 3 --out good.smi/out.parquet",
    "score run/known.smi --objective run/objective.yaml --out good.smi/out.parquet",
    "rank run/scored/smiles.parquet --out good.smi/out.parquet",
    "cluster run/known.smi --out good.smi/out.parquet",
    "evaluate run/known.smi --reference run/molecules --out good.smi/out.json",
    "report run --out good.smi/out.html",
]


@pytest.mark.skipif(
    not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read, here of Linux' /proc"
)
@pytest.mark.parametrize("line", UNREADABLE)
def test_a_file_that_cannot_be_read(line, place, molgen):
    before = contents(place)
    code, _, messages = molgen(line)
    assert len(messages) == 1, messages
    assert re.match(r"molgen: unreadable\.\w+: cannot be read \(Input/output error\)", messages[0])
    assert code == 2
    assert contents(place) == before


@pytest.mark.parametrize("line", BELOW_A_FILE)
def test_an_output_below_a_file_is_refused_before_any_work(line, place, molgen):
    before = contents(place)
    code, _, messages = molgen(line)
    assert messages == [
        f"molgen: {place / 'good.smi'}: a file, where the folder of --out is to be; choose another --out"
    ]
    assert code == 2
    assert contents(place) == before


@pytest.mark.parametrize(("line", "message"), REFUSED, ids=lambda value: value[:60])
def test_refused_in_one_line_with_nothing_written(line, message, place, molgen):
    before = contents(place)
    code, _, messages = molgen(line)
    assert len(messages) == 1, messages
    assert messages[0].startswith("molgen: ")
    assert message in messages[0]
    assert code == 2
    assert contents(place) == before
