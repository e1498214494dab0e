"""Which tokens keep the aromatic rings of a SMILES that is being written closable as aromatic rings.

Each aromatic atom needs two aromatic bonds: to the atoms written after it, or through ring numbers. An atom that has
not got them yet *lacks* them; every bond that is lacking ends, some atoms later, in an open ring that an aromatic atom
opened. So there must be as many of these as lacking bonds, in each branch among the rings that are still there when
the branch has been left.

What is refused here would not kekulize, with rare exceptions that RDKit does not write. That double bonds can then be
placed in the rings is the work of `kekule`.
"""

from __future__ import annotations

import numpy as np

from molgen.represent.grammar_state import AFTER_ATOM, AFTER_OPEN, View, bond_halves
from molgen.represent.grammar_tokens import ATOM, BOND, CLOSE, END, OPEN, RING, UNWRITTEN, Columns, TokenTable

NEEDED = 2  # aromatic bonds of an aromatic atom
PLENTY = 99


class Aromatic:
    """The rules, for the columns of a grammar's mask."""

    def __init__(self, table: TokenTable, columns: Columns) -> None:
        self.table, self.columns = table, columns

    def sensible(self, view: View) -> np.ndarray:
        """(batch, columns): what leaves every aromatic ring closable."""
        state, at = view.state, self.columns.at
        out = np.ones((len(view.rows), len(self.columns.first)), bool)
        lacks = _lacks(view, state.current)
        may_link = view.ring_open & view.opener_aromatic & (state.ring_bond == 0)
        spare = _spare(view, may_link)
        total = spare[view.rows, state.depth]

        in_branch = state.kind == AFTER_OPEN  # something else will follow the current atom
        leave = _may_leave(view, may_link) & (lacks == 0) | in_branch & (lacks <= 1)
        link = np.where(in_branch, total + (lacks > 0), total * (lacks <= 1)) >= 1
        out[:, at[ATOM]] = self._atoms(view, leave, link)
        out[:, at[BOND]] = self._bonds(view, lacks, leave, link)
        out[:, at[OPEN]] = (total >= lacks)[:, None]
        out[:, at[CLOSE]] = out[:, at[END]] = (lacks == 0)[:, None]
        out[:, at[RING]] = _rings(view, lacks, may_link, spare)
        return out

    def _atoms(self, view: View, leave: np.ndarray, link: np.ndarray) -> np.ndarray:
        """(batch, kinds of atom): aromatic bonds where they end in a ring, others where none is lacking."""
        limit, neighbours, _, aromatic = self.columns.atoms
        pending, attached = view.state.pending[:, None], view.attached[:, None]
        links = view.aromatic[:, None] & aromatic & (pending == 0)
        rest = limit - bond_halves(pending, links) * attached
        room = ~aromatic | (rest >= 6) & (neighbours - attached >= NEEDED)  # for two aromatic bonds
        return np.where(links, link[:, None], leave[:, None] & room)

    def _bonds(self, view: View, lacks: np.ndarray, leave: np.ndarray, link: np.ndarray) -> np.ndarray:
        """(batch, orders of bonds): to an atom, or to the other end of a ring."""
        state, order = view.state, self.columns.orders
        other = (view.ring_open & (state.ring_atom != state.current[:, None]))[:, :, None]
        fits = (state.ring_bond[:, :, None] == order) | (state.ring_bond[:, :, None] == UNWRITTEN)
        needed = np.maximum(lacks, view.rings_here > 1)  # of the atom, when it has closed a ring so
        ready = (state.kind == AFTER_ATOM) & (view.neighbours > needed)
        closes = ready[:, None] & (other & fits).any(1)
        return leave[:, None] | closes | ((order == UNWRITTEN) & link[:, None])


def _lacks(view: View, atom: np.ndarray) -> np.ndarray:
    """Aromatic bonds that atoms, (batch,) or (batch, n), still lack."""
    state = view.state
    rows = view.rows if atom.ndim == 1 else view.rows[:, None]
    missing = NEEDED - state.links[rows, atom] - state.opened[rows, atom]
    return np.where(state.aromatic[rows, atom] & (state.atoms > 0 if atom.ndim == 1 else True), missing.clip(0), 0)


def _spare(view: View, may_link: np.ndarray) -> np.ndarray:
    """(batch, depths): open rings to link to, without those that atoms of open branches lack, at each depth."""
    state, deepest = view.state, int(view.state.depth.max(initial=0))
    depths = np.arange(deepest + 1)
    found = np.zeros((len(view.rows), deepest + 1), np.int16)
    for ring in range(may_link.shape[1]):
        found += may_link[:, ring, None] & (state.ring_depth[:, ring, None] <= depths)
    lacks = _lacks(view, state.branches[:, 1 : deepest + 1]) * (depths[1:] <= state.depth[:, None])
    lacking = np.cumsum(lacks, axis=1)
    return found - np.concatenate([lacking, lacking[:, -1:] if deepest else np.zeros_like(found)], axis=1)


def _may_leave(view: View, may_link: np.ndarray) -> np.ndarray:
    """Whether a bond that is not aromatic may go on: a ring that waits for an aromatic end needs a second way back."""
    state = view.state
    waiting = may_link & (state.ring_depth == state.depth[:, None])
    waiting &= state.links[view.rows[:, None], state.ring_atom] < NEEDED
    return ~waiting.any(1) | (may_link.sum(1) > 1)


def _rings(view: View, lacks: np.ndarray, may_link: np.ndarray, spare: np.ndarray) -> np.ndarray:
    """(batch, ring numbers): opening them, or closing them."""
    state, rows = view.state, view.rows[:, None]
    others = (view.neighbours - 1)[:, None]
    lacks = lacks[:, None]
    links = view.aromatic[:, None] & (state.pending == 0)[:, None]  # if the other end is aromatic too
    after = np.where(links & (may_link | ~view.ring_open), (lacks - 1).clip(0), lacks)  # what the atom then lacks
    depths = np.arange(spare.shape[1])
    outer = np.where(depths < state.depth[:, None], spare, PLENTY)
    least = np.minimum.accumulate(outer[:, ::-1], axis=1)[:, ::-1]  # at this depth and deeper ones
    left = least[rows, state.ring_depth.clip(0, spare.shape[1] - 1)] - 1
    enough = (left >= 0) & (spare[rows, state.depth[:, None]] - 1 >= after)
    other = state.ring_atom
    bonds = state.links[rows, other] + state.opened[rows, other] - 1
    branches = state.branches[:, 1 : spare.shape[1]]
    goes_on = (branches[:, :, None] == other[:, None, :]) & (depths[1:] <= state.depth[:, None])[:, :, None]
    bonds = bonds + goes_on.any(1)
    closes = ~may_link | enough & (links | (bonds >= NEEDED))
    return (others >= after) & np.where(view.ring_open, closes, True)
