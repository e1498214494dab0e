"""ChemNet: 512 activations of a molecule's canonical SMILES, on which the Fréchet ChemNet distance is defined.

Preuer et al., J. Chem. Inf. Model. 58:1736 (2018): two strided convolutions and two LSTMs over 350 one-hot characters.
The weights are those of the package `fcd-torch`, read as bare tensors; the network is computed here, with equal results
in less time. A SMILES of 40 characters fills a tenth of the 350, and the convolutions have no bias, so that behind it

- the first LSTM, which runs backwards, meets zeros first: its states there are the same for every SMILES;
- the second LSTM, which runs forwards, gets these same states as input: their part of its gates is computed once.

Molecules that fill equally many positions are computed together.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from molgen.core.progress import progress
from molgen.core.workers import map_ordered

PACKAGE, MEMBER = "fcd-torch", "fcd_torch/ChemNet_v0.13_pretrained.pt"
SHA256 = "a36658cc7c94d3c728eacd7ed2d2f104753bb2fde742c2817daefe9533a28080"
VOCABULARY = [*"CNOHF", "Cl", "P", "B", "Br", "S", "I", "Si", *"#()+-12345678=[]@cnosX."]
NUMBERS = {symbol: number for number, symbol in enumerate(VOCABULARY)}
UNKNOWN, END = NUMBERS["X"], NUMBERS["."]
LENGTH, POSITIONS = 350, 88  # characters; positions after two convolutions of stride 2
WIDTH, BATCH = 512, 512
FEW = 4  # batches that are not worth other processes


class ChemNetMissingError(Exception):
    """The weights are not to be had; the message says what to do."""


def activations(smiles: Sequence[str], *, workers: int = 1, label: str = "ChemNet") -> np.ndarray:
    """Activations of canonical SMILES, float32 (n, 512), in their order. ChemNetMissingError without weights.

    The same, to the last bit, whatever the number of workers: batches depend on the SMILES alone.
    """
    weights_file()  # missing ones are said before any work
    groups = defaultdict[int, list[int]](list)
    for row, text in enumerate(smiles):
        groups[filled(len(characters(text)))].append(row)
    batches = [rows[i : i + BATCH] for _, rows in sorted(groups.items()) for i in range(0, len(rows), BATCH)]
    out = np.empty((len(smiles), WIDTH), np.float32)
    with progress(label, len(smiles), "molecules") as bar:
        texts = ([smiles[row] for row in rows] for rows in batches)
        found = map_ordered(_batch, texts, workers if len(batches) > FEW else 1)
        for rows, values in zip(batches, found, strict=True):
            out[rows] = values
            bar.advance(len(rows))
    return out


def _batch(smiles: list[str]) -> np.ndarray:
    """Activations of SMILES that fill equally many positions."""
    numbers, threads = [characters(text) for text in smiles], torch.get_num_threads()
    torch.set_num_threads(1)  # how a sum is cut among threads changes its last bits
    try:
        with torch.inference_mode():
            return _network()(numbers, filled(len(numbers[0]))).numpy()
    finally:
        torch.set_num_threads(threads)


def characters(smiles: str) -> list[int]:
    """The characters of a SMILES as ChemNet numbers them, and its end: at most 350.

    As in the original, `r`, `i` and `l` always belong to the character before them, and a dot ends the text.
    """
    smiles, found, at = smiles.partition(".")[0], list[int](), 0
    while at < len(smiles) and len(found) < LENGTH - 1:
        size = 2 if smiles[at + 1 : at + 2] in ("r", "i", "l") else 1
        found.append(NUMBERS.get(smiles[at : at + size], UNKNOWN))
        at += size
    return [*found, END]


def filled(count: int) -> int:
    """Positions behind the convolutions that see any of the first `count` characters."""
    first = min(count // 2 + 1, LENGTH // 2)
    return min(first // 2 + 1, POSITIONS)


class _Network:
    """The weights, and the states that all SMILES share."""

    def __init__(self, layers: list) -> None:
        (_, (conv1, _, _)), (_, (conv2, _, _)), (_, (back, _, _)), (_, (forth, _, _)) = layers
        self.kernels = conv1["weight"].float(), conv2["weight"].float()
        self.back, self.forth = _LSTM(back), _LSTM(forth)
        state = self.back.begin(1)
        self.shared = [state]  # of the first LSTM after 0, 1, ... steps over zeros
        for _ in range(POSITIONS):
            state = self.back.step(self.back.bias.expand(1, -1), state)
            self.shared.append(state)
        self.gates = [self.forth.gates(hidden) for hidden, _ in self.shared]

    def __call__(self, numbers: list[list[int]], positions: int) -> Float[Tensor, "batch 512"]:
        """Activations of SMILES that all fill `positions`."""
        outputs, count = self._convolved(numbers, positions), len(numbers)
        hidden, cell = (part.expand(count, -1) for part in self.shared[POSITIONS - positions])
        inputs: list[Tensor] = []
        for position in reversed(range(positions)):
            hidden, cell = self.back.step(self.back.gates(outputs[:, :, position]), (hidden, cell))
            inputs.append(hidden)
        state = self.forth.begin(count)
        for own in reversed(inputs):
            state = self.forth.step(self.forth.gates(own), state)
        for position in range(positions, POSITIONS):
            state = self.forth.step(self.gates[POSITIONS - position].expand(count, -1), state)
        return state[0]

    def _convolved(self, numbers: list[list[int]], positions: int) -> Float[Tensor, "batch 32 positions"]:
        """The convolutions of the filled positions. Both pad one to the left; what they pad to the right is zero."""
        length = min(4 * positions + 8, LENGTH)
        one_hot = torch.zeros(len(numbers), len(VOCABULARY), length)
        for row, found in enumerate(numbers):
            one_hot[row, found, torch.arange(len(found))] = 1 / len(VOCABULARY)
        hidden = functional.selu(functional.conv1d(functional.pad(one_hot, (1, 1)), self.kernels[0], stride=2))
        right = 2 if hidden.shape[2] % 2 else 3
        hidden = functional.selu(functional.conv1d(functional.pad(hidden, (1, right)), self.kernels[1], stride=2))
        return hidden[:, :, :positions]


class _LSTM:
    """An LSTM's step, its gates in the order input, forget, output, cell, so that three share one sigmoid."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        size = weights["weight_hh_l0"].shape[1]
        order = torch.cat([torch.arange(2 * size), torch.arange(3 * size, 4 * size), torch.arange(2 * size, 3 * size)])
        self.size = size
        self.bias = (weights["bias_ih_l0"] + weights["bias_hh_l0"]).float()[order]
        self.of_input = weights["weight_ih_l0"].float()[order].t().contiguous()
        self.of_hidden = weights["weight_hh_l0"].float()[order].t().contiguous()

    def begin(self, count: int) -> tuple[Tensor, Tensor]:
        return torch.zeros(count, self.size), torch.zeros(count, self.size)

    def gates(self, given: Float[Tensor, "batch input"]) -> Float[Tensor, "batch gates"]:
        """What an input adds to the gates."""
        return torch.addmm(self.bias, given, self.of_input)

    def step(self, gates: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        gates = torch.addmm(gates, state[0], self.of_hidden)
        sigmoids = gates[:, : 3 * self.size].sigmoid_()
        candidate = gates[:, 3 * self.size :].tanh_()
        enter, keep, leave = sigmoids.split(self.size, 1)
        cell = torch.addcmul(enter * candidate, keep, state[1])
        return leave * cell.tanh(), cell


@cache
def _network() -> _Network:
    path = weights_file()
    with torch.inference_mode():
        return _Network(torch.load(path, map_location="cpu", weights_only=True))  # tensors only: runs no code


def weights_file() -> Path:
    """ChemNet's weights in the installed package, checked."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(MEMBER)))
        content = path.read_bytes()
    except (PackageNotFoundError, OSError):
        raise ChemNetMissingError(f"ChemNet's weights are missing; pip install {PACKAGE}") from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ChemNetMissingError(
            f"{path}: not the weights of {PACKAGE} 1.0.7; pip install --force-reinstall {PACKAGE}"
        )
    return path
