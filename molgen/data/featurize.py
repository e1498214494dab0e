"""`featurize`: a molecules table to a feature store, in one pass over the SMILES; memory is a few bytes a token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from molgen.core.artifacts import Identity, already_made, building, write_json
from molgen.core.errors import InputError
from molgen.core.progress import progress
from molgen.core.settings import Settings
from molgen.core.tables import MOLECULES, PROPERTIES, opened
from molgen.core.workers import map_ordered
from molgen.data.store import FORMAT, HEADER, SPLITS
from molgen.represent.graphs import UNKNOWN_ATOM, AtomSymbol, graph_of
from molgen.represent.notation import notation
from molgen.represent.tokens import SPECIAL, TOKEN, UNKNOWN, Vocabulary

CHUNK = 2_000  # molecules a work item
PIECE = 3 << 20  # bytes of a flat file rewritten at a time: whole ids and whole bonds


class FeaturizeSettings(Settings):
    """How molecules are written in the store."""

    notation: Literal["smiles", "selfies"] = "smiles"  # of the tokens


class Features(NamedTuple):
    """Arrays of one chunk; ids are places in the chunk's own lists of tokens and atom symbols."""

    tokens: np.ndarray
    token_lengths: np.ndarray
    token_names: list[str]
    atoms: np.ndarray
    atom_lengths: np.ndarray
    atom_symbols: list[AtomSymbol]
    bonds: np.ndarray
    bond_lengths: np.ndarray


def featurize(
    molecules: Path, out: Path, settings: FeaturizeSettings | None = None, *, workers: int = 1
) -> dict[str, Any]:
    """Writes the feature store of a prepared folder (or its molecules table) and returns its header."""
    table = molecules / "molecules.parquet" if molecules.is_dir() else molecules
    settings = settings or FeaturizeSettings()
    # Defaults stay out of the identity: stores made before a setting existed are still the same.
    identity = Identity.of("featurize", settings.model_dump(exclude_defaults=True), {"molecules": table})
    if not already_made(out, identity):
        with building(out, identity, workers=workers) as folder, opened(table, MOLECULES) as file:
            folder.mkdir()
            _write(folder, file, table, settings, workers)
    from molgen.data.store import Store

    return Store.open(out).header


def _write(folder: Path, file: Any, table: Path, settings: FeaturizeSettings, workers: int) -> None:
    properties = [name for name in PROPERTIES if name in file.schema_arrow.names]
    columns, chunks = _Columns(folder), _chunks(file, table, properties)
    splits: list[np.ndarray] = []
    values: list[np.ndarray] = []

    def smiles_only() -> Iterator[list[str]]:
        for smiles, split, chunk_values in chunks:
            splits.append(split)
            values.append(chunk_values)
            yield smiles

    with progress("featurize", file.metadata.num_rows, "molecules") as bar:
        for done, features in enumerate(
            map_ordered(partial(chunk_features, written_in=settings.notation), smiles_only(), workers)
        ):
            columns.add(features, splits[done])
            bar.advance(len(features.token_lengths))
    if not columns.molecules:
        raise InputError(f"{table}: no molecules in it; `molgen prepare` says in rejects.parquet why")
    np.save(folder / "splits.npy", np.concatenate(splits))
    np.save(folder / "properties.npy", np.concatenate(values))
    header = {"format": FORMAT, "splits": _split_counts(np.concatenate(splits)), "properties": properties}
    write_json(folder / HEADER, header | {"notation": settings.notation} | columns.finish())


class _Columns:
    """Appends chunks to the flat arrays under provisional ids; `finish` gives the ids their final order."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.molecules = folder, 0
        self._ids: dict[str, dict[Any, int]] = {"tokens": {}, "atoms": {}}
        self._counts: dict[str, Counter[int]] = {"tokens": Counter(), "atoms": Counter()}
        self._lengths: dict[str, list[np.ndarray]] = {"token": [], "atom": [], "bond": []}
        self._files = {name: (folder / f".{name}.flat").open("wb") for name in ("tokens", "atoms", "bonds")}

    def add(self, features: Features, split: np.ndarray) -> None:
        self.molecules += len(features.token_lengths)
        train = split == SPLITS.index("train")
        for name, ids, lengths, keys in (
            ("tokens", features.tokens, features.token_lengths, features.token_names),
            ("atoms", features.atoms, features.atom_lengths, features.atom_symbols),
        ):
            known = self._ids[name]
            lookup = np.array([known.setdefault(key, len(known)) for key in keys], np.uint16)
            ids = lookup[ids] if len(ids) else ids.astype(np.uint16)
            self._files[name].write(ids.tobytes())
            seen, count = np.unique(ids[np.repeat(train, lengths)], return_counts=True)
            self._counts[name].update(dict(zip(seen.tolist(), count.tolist(), strict=True)))
        self._files["bonds"].write(features.bonds.tobytes())
        for name in self._lengths:
            self._lengths[name].append(getattr(features, f"{name}_lengths"))

    def finish(self) -> dict[str, Any]:
        """Writes the final arrays and returns what the header says about them."""
        for stream in self._files.values():
            stream.close()
        token_counts = self._named_counts("tokens")
        vocabulary = Vocabulary.learn(token_counts)
        atom_counts = self._named_counts("atoms")
        atom_order = sorted(atom_counts, key=lambda key: (-atom_counts[key], key))[:255]
        final_token = {token: i for i, token in enumerate(vocabulary.tokens) if i >= len(SPECIAL)}
        final_atom = {key: i + 1 for i, key in enumerate(atom_order)}
        unknown = self._rewrite("tokens", final_token, UNKNOWN)
        unknown_atoms = self._rewrite("atoms", final_atom, UNKNOWN_ATOM)
        self._save("bonds", (sum(int(n.sum()) for n in self._lengths["bond"]), 3), lambda piece: piece)
        lengths = {name: np.concatenate(pieces) for name, pieces in self._lengths.items()}
        for name, values in lengths.items():
            np.save(self.folder / f"{name}_offsets.npy", np.concatenate([[0], np.cumsum(values)]).astype(np.int64))
        return {
            "molecules": self.molecules,
            "vocabulary": list(vocabulary.tokens),
            "atom_symbols": [AtomSymbol(0).values(), *(symbol.values() for symbol in atom_order)],
            "longest": int(lengths["token"].max()),
            "largest": int(lengths["atom"].max()),
            "unknown_tokens": unknown,
            "unknown_atoms": unknown_atoms,
            "without_tokens": int((lengths["token"] == 0).sum()),
            "without_graph": int((lengths["atom"] == 0).sum()),
            "with_stereo": self._with_stereo(vocabulary, lengths["token"]),
        }

    def _named_counts(self, name: str) -> dict[Any, int]:
        return {key: self._counts[name][i] for key, i in self._ids[name].items() if self._counts[name][i]}

    def _rewrite(self, name: str, final: dict[Any, int], unknown: int) -> int:
        """Provisional to final ids; returns how many are unknown to the training split."""
        lookup = np.full(max(len(self._ids[name]), 1), unknown, np.uint8)
        for key, provisional in self._ids[name].items():
            lookup[provisional] = final.get(key, unknown)
        count = sum(int(n.sum()) for n in self._lengths[name.removesuffix("s")])
        return int(self._save(name, (count,), lambda piece: lookup[piece.view(np.uint16)])[unknown])

    def _save(self, name: str, shape: tuple[int, ...], final: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A flat file to the .npy file (uint8) of its final values; returns how many there are of each."""
        flat, counts = self.folder / f".{name}.flat", np.zeros(256, np.int64)
        with flat.open("rb") as source, (self.folder / f"{name}.npy").open("wb") as target:
            np.lib.format.write_array_header_1_0(target, {"descr": "|u1", "fortran_order": False, "shape": shape})
            while piece := source.read(PIECE):
                values = final(np.frombuffer(piece, np.uint8))
                target.write(values.tobytes())
                counts += np.bincount(values, minlength=256)
        flat.unlink()
        return counts

    def _with_stereo(self, vocabulary: Vocabulary, lengths: np.ndarray) -> int:
        """Molecules whose SMILES holds stereochemistry, which the graph arrays leave out."""
        stereo = np.array([any(mark in token for mark in "@/\\") for token in vocabulary.tokens])
        ids = np.load(self.folder / "tokens.npy", mmap_mode="r")
        return len(np.unique(np.searchsorted(np.cumsum(lengths), np.flatnonzero(stereo[ids]), side="right")))


def chunk_features(smiles: list[str], written_in: str = "smiles") -> Features:
    """Tokens and graphs of some canonical SMILES; no tokens for a molecule that the notation cannot write."""
    token_ids: dict[str, int] = {}
    text = TOKEN.findall("\n".join(notation(written_in).of_smiles(s) or "" for s in smiles))
    flat = np.fromiter((token_ids.setdefault(t, len(token_ids)) for t in text), np.uint16, len(text))
    is_break = flat == token_ids.get("\n", -1)
    ends = np.append(np.flatnonzero(is_break), len(flat))
    token_lengths = np.diff(ends, prepend=-1) - 1
    atom_ids: dict[AtomSymbol, int] = {}
    atoms: list[int] = []
    bonds: list[np.ndarray] = []
    atom_lengths, bond_lengths = np.zeros(len(smiles), np.int64), np.zeros(len(smiles), np.int64)
    for i, graph in enumerate(map(graph_of, smiles)):
        if graph is not None:
            atoms += [atom_ids.setdefault(symbol, len(atom_ids)) for symbol in graph.atoms]
            bonds.append(graph.bonds)
            atom_lengths[i], bond_lengths[i] = len(graph.atoms), len(graph.bonds)
    return Features(
        flat[~is_break],
        token_lengths,
        list(token_ids),
        np.array(atoms, np.uint16),
        atom_lengths,
        list(atom_ids),
        np.concatenate(bonds) if bonds else np.empty((0, 3), np.uint8),
        bond_lengths,
    )


def _chunks(file: Any, table: Path, properties: list[str]) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """SMILES, split ids and property values of a table, piece by piece."""
    for batch in file.iter_batches(CHUNK, columns=["smiles", "split", *properties]):
        smiles, names = (batch.column(name).cast(pa.string()).to_pylist() for name in ("smiles", "split"))
        if not all(smiles) or any("\n" in text for text in smiles):
            raise InputError(f"{table}: rows without a SMILES; `molgen prepare` makes a table of molecules")
        unknown = set(names) - set(SPLITS)
        if unknown:
            raise InputError(f"{table}: split {min(map(str, unknown))!r}; one of {', '.join(SPLITS)} is expected")
        columns = [np.asarray(batch.column(name).to_numpy(zero_copy_only=False), np.float32) for name in properties]
        values = np.stack(columns, axis=1) if columns else np.empty((batch.num_rows, 0), np.float32)
        yield smiles, np.array([SPLITS.index(n) for n in names], np.uint8), values


def _split_counts(splits: np.ndarray) -> dict[str, int]:
    return {name: int((splits == i).sum()) for i, name in enumerate(SPLITS)}
