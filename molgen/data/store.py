"""The feature store: a folder of flat arrays, opened as memory maps, from which a batch is one vectorised gather.

header.json         format, counts, vocabulary, atom symbols, names of properties and splits
tokens.npy          (tokens,) uint8 token ids of all molecules end to end, without BOS and EOS
token_offsets.npy   (molecules + 1,) int64
atoms.npy           (atoms,) uint8 ids of atom symbols, in canonical SMILES order
atom_offsets.npy    (molecules + 1,) int64
bonds.npy           (bonds, 3) uint8: begin, end (numbers within the molecule), type
bond_offsets.npy    (molecules + 1,) int64
properties.npy      (molecules, properties) float32
splits.npy          (molecules,) uint8
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from molgen.core.errors import ArtifactError, InputError, nearest
from molgen.represent.graphs import AtomSymbol, GraphArrays
from molgen.represent.notation import notation
from molgen.represent.tokens import Vocabulary

FORMAT = 1
HEADER = "header.json"
ARRAYS = (
    "tokens",
    "token_offsets",
    "atoms",
    "atom_offsets",
    "bonds",
    "bond_offsets",
    "properties",
    "splits",
)
SPLITS = ("train", "valid", "test", "test_scaffolds")


class Store:
    """An open feature store. Rows are molecules; every reader takes an array of row numbers."""

    def __init__(self, folder: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.folder, self.header = folder, header
        self.tokens, self.token_offsets = arrays["tokens"], arrays["token_offsets"]
        self.atoms, self.atom_offsets = arrays["atoms"], arrays["atom_offsets"]
        self.bonds, self.bond_offsets = arrays["bonds"], arrays["bond_offsets"]
        self.properties, self.splits = arrays["properties"], arrays["splits"]

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Opens a store in milliseconds whatever its size; ArtifactError if it is damaged or of another version."""
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; make a feature store with `molgen featurize`")
        try:
            header = json.loads((folder / HEADER).read_text())
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
        except (OSError, ValueError, EOFError) as error:
            raise ArtifactError(
                f"{folder}: not a whole feature store ({error}); run `molgen featurize` again"
            ) from None
        found = header.get("format") if isinstance(header, dict) else None
        if found != FORMAT:
            raise ArtifactError(f"{folder}: feature store of format {found}, this molgen reads {FORMAT}; make it again")
        _check_sizes(folder, arrays)
        return cls(folder, header, arrays)

    def __len__(self) -> int:
        return len(self.splits)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens of the training split."""
        return Vocabulary(self.header["vocabulary"])

    @property
    def notation(self) -> str:
        """What the tokens are: smiles or selfies."""
        return str(self.header.get("notation", "smiles"))

    @cached_property
    def atom_symbols(self) -> tuple[AtomSymbol, ...]:
        """The atom types of the training split; the first stands for any other."""
        return tuple(AtomSymbol(**values) for values in self.header["atom_symbols"])

    @property
    def property_names(self) -> list[str]:
        """Names of the property columns."""
        return list(self.header["properties"])

    def column(self, name: str) -> np.ndarray:
        """One property of all molecules, (molecules,) float32."""
        if name not in self.property_names:
            hint = nearest(name, self.property_names) or "; `molgen prepare` without --no-properties computes them"
            raise InputError(f"{self.folder}: no property {name!r} in this feature store{hint}")
        return self.properties[:, self.property_names.index(name)]

    def known(self, name: str, rows: np.ndarray) -> np.ndarray:
        """A property of some molecules, float32; nan where this store has none, as that of a further training may."""
        return self.column(name)[rows] if name in self.property_names else np.full(len(rows), np.nan, np.float32)

    def rows(self, split: str) -> np.ndarray:
        """Row numbers of a split, in input order."""
        if split not in SPLITS:
            raise InputError(f"unknown split {split!r}{nearest(split, SPLITS)}")
        return np.flatnonzero(np.asarray(self.splits) == SPLITS.index(split))

    def token_lengths(self, rows: np.ndarray) -> np.ndarray:
        """Tokens of each molecule, without BOS and EOS."""
        return self.token_offsets[rows + 1] - self.token_offsets[rows]

    def token_rectangle(self, rows: np.ndarray, *, before: int, after: int, pad: int) -> np.ndarray:
        """Token ids as (rows, longest + 2) uint8: `before`, the tokens, `after`, then `pad`."""
        values, lengths = gather(self.tokens, self.token_offsets, rows)
        width = int(lengths.max(initial=0)) + 2
        place = np.arange(width)
        out = np.full((len(rows), width), pad, np.uint8)
        out[:, 0] = before
        out[(place >= 1) & (place <= lengths[:, None])] = values
        out[np.arange(len(rows)), lengths + 1] = after
        return out

    def smiles(self, rows: np.ndarray) -> list[str]:
        """The SMILES of rows; a token that the vocabulary lacks reads `<unknown>`.

        Empty for a molecule that the store's notation cannot write, and for a SELFIES with such a token.
        """
        to_smiles = notation(self.notation).to_smiles
        values, lengths = gather(self.tokens, self.token_offsets, rows)
        ends = np.cumsum(lengths)
        texts = (self.vocabulary.decode(values[a:b].tolist()) for a, b in zip(ends - lengths, ends, strict=True))
        return [to_smiles(text) for text in texts]

    def graphs(self, rows: np.ndarray) -> GraphArrays:
        """The graphs of rows, laid end to end."""
        atoms, atom_counts = gather(self.atoms, self.atom_offsets, rows)
        bonds, bond_counts = gather(self.bonds, self.bond_offsets, rows)
        out = bonds.astype(np.int64)
        out[:, :2] += np.repeat(np.cumsum(atom_counts) - atom_counts, bond_counts)[:, None]
        return GraphArrays(atoms.astype(np.int64), out, atom_counts, bond_counts)


def _check_sizes(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Refuses arrays that cannot be of one store; looks at the last offsets only."""
    molecules = len(arrays["splits"])
    for name in ("token", "atom", "bond"):
        offsets, values = arrays[f"{name}_offsets"], arrays[f"{name}s"]
        if len(offsets) != molecules + 1 or offsets[-1] != len(values) or len(arrays["properties"]) != molecules:
            raise ArtifactError(
                f"{folder}: not a whole feature store ({name}s.npy does not fit); run `molgen featurize` again"
            )


def gather(flat: np.ndarray, offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of `rows` laid end to end, and how many each row has (int64)."""
    starts, lengths = offsets[rows], offsets[rows + 1] - offsets[rows]
    index = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    index += np.arange(len(index))
    return flat[index], lengths
