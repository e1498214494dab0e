"""Which tokens keep the aromatic rings of a SMILES that is being written closable as aromatic rings.

Each aromatic atom needs two aromatic bonds: to the atoms written after it, or through ring numbers. An atom that has
not got them yet *lacks* them; every bond that is lacking ends, some atoms later, in an open ring that an aromatic atom
opened. So there must be as many of these as lacking bonds, in each branch among the rings that are still there when
the branch has been left.

Where the rings of a fused system are closed, the atoms that take part in its double bonds must be even in number: the
last of them is refused unless it can still become what is missing (`n` by a substituent, `c` by `=O`), and then held to
it. An even number does not always have a perfect matching; what is left of kekulization errors comes from that.

What is refused here would not kekulize, with rare exceptions that RDKit does not write.
"""

from __future__ import annotations

import numpy as np

from molgen.represent.grammar_state import AFTER_ATOM, AFTER_OPEN, ENDED, View, bond_halves
from molgen.represent.grammar_tokens import ATOM, BOND, CLOSE, DOUBLE, END, OPEN, RING, UNWRITTEN, Columns, TokenTable

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
        out[:, at[BOND]] = self._bonds(view, leave, link)
        out[:, at[OPEN]] = (total >= lacks)[:, None]
        out[:, at[CLOSE]] = out[:, at[END]] = (lacks == 0)[:, None]
        out[:, at[RING]] = _rings(view, lacks, may_link, spare)
        self._even(view, may_link, out)
        return out

    def _even(self, view: View, may_link: np.ndarray, out: np.ndarray) -> None:
        """Refuses what would leave an odd number of atoms for the double bonds of a fused system, in place."""
        state, at, orders = view.state, self.columns.at, self.columns.orders
        of_ring = state.component[view.rows[:, None], state.ring_atom]
        mine = state.component[view.rows, state.current][:, None]
        alike = (of_ring == mine) & view.aromatic[:, None]
        open_mine = (may_link & alike).sum(1)  # open rings through which the current atom's system may go on
        open_same = (may_link[:, :, None] & (of_ring[:, :, None] == of_ring[:, None, :])).sum(1)  # and each ring's
        last = may_link & (open_same == 1) & view.after_atom[:, None]
        rows = np.flatnonzero((view.aromatic & (open_mine <= 1) | last.any(1)) & (state.kind != ENDED))
        if not len(rows):
            return
        odd_of, held_of = self._systems(view, rows)
        place = np.arange(len(rows))
        alike, last, of_ring, mine = alike[rows], last[rows], of_ring[rows], mine[rows, 0]
        pending, waits = state.pending[rows], may_link[rows]
        aromatic = view.aromatic[rows]
        now, single = self._becomes(view, rows, 0)
        odd = odd_of[place, mine] ^ now & aromatic  # without the current atom
        decided = aromatic & (open_mine[rows] <= 1) & ~held_of[place, mine]
        closed = decided & (open_mine[rows] == 0)
        out[rows, at[CLOSE]] &= (~closed | (now == odd))[:, None]
        out[rows, at[END]] &= (~closed | (now == odd))[:, None]
        child = ~closed | (np.where(pending == DOUBLE, False, single) == odd)
        out[rows, at[ATOM]] &= child[:, None] | self.columns.atoms[-1] & (pending == 0)[:, None]
        bond = np.where(orders == DOUBLE, ~odd[:, None], (single == odd)[:, None])
        out[rows, at[BOND]] &= ~closed[:, None] | bond

        # A ring number: through an aromatic bond that completes one system or joins two, or another that ends one.
        links = aromatic[:, None] & waits & (pending == 0)[:, None]
        both = odd[:, None] ^ (odd_of[place[:, None], of_ring] & ~alike)
        after, then_single = self._becomes(view, rows, 1)
        room = view.neighbours[rows] > 1
        even = (after[:, None] == both) | (room & (view.outside[rows] >= DOUBLE))[:, None] & ~both
        even |= room[:, None] & (then_single[:, None] == both)
        completes = decided[:, None] & last & np.where(alike, True, (open_mine[rows] == 0)[:, None])
        completes &= ~held_of[place[:, None], of_ring]
        ends = waits & ~links & last & ~alike & ~held_of[place[:, None], of_ring]
        opener = self._takes_part(view, rows, state.ring_atom[rows])
        without = odd_of[place[:, None], of_ring] ^ ((pending == DOUBLE)[:, None] & opener)
        ok = np.where(links & completes, even, np.where(ends, ~without, links | child[:, None]))
        out[rows, at[RING]] &= ok | ~view.ring_open[rows]

    def _becomes(self, view: View, rows: np.ndarray, more: int) -> tuple[np.ndarray, np.ndarray]:
        """Whether the current atom with `more` neighbours takes part in a double bond of its rings; and with another.

        With a double bond to outside it never does.
        """
        token = view.state.tokens[rows, view.state.current[rows]]
        count = self.table.neighbours[token] - view.neighbours[rows] + more
        free = view.outside[rows] == self.table.outside[token]
        return self.table.double[token, count] & free, self.table.double[token, count + 1] & free

    def _takes_part(self, view: View, rows: np.ndarray, atoms: np.ndarray) -> np.ndarray:
        """Whether atoms, (rows, n), take part in the double bonds of their rings, as they are."""
        state, at = view.state, (rows[:, None], atoms)
        token = state.tokens[at]
        count = self.table.neighbours[token] - state.neighbours[at]
        return self.table.double[token, count] & (state.outside[at] == self.table.outside[token])

    def _systems(self, view: View, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(rows, atoms) each, for the system that begins with an atom.

        Whether the atoms that take part in its double bonds are odd in number, and whether an atom of an open branch,
        which is not finished, belongs to it.
        """
        state, width = view.state, int(view.state.atoms.max(initial=1))
        atoms = np.broadcast_to(np.arange(width), (len(rows), width))
        double = self._takes_part(view, rows, atoms)
        double &= state.aromatic[rows, :width] & (atoms < state.atoms[rows, None])
        place, atom = np.nonzero(double)
        flat = place * width + state.component[rows[place], atom]
        odd = (np.bincount(flat, minlength=len(rows) * width) % 2).astype(bool).reshape(len(rows), width)
        held = np.zeros((len(rows), width), bool)
        for depth in range(1, int(state.depth[rows].max(initial=0)) + 1):
            inside = np.flatnonzero(state.depth[rows] >= depth)
            branch = state.branches[rows[inside], depth]
            held[inside, state.component[rows[inside], branch]] |= state.aromatic[rows[inside], branch]
        return odd, held

    def _atoms(self, view: View, leave: np.ndarray, link: np.ndarray) -> np.ndarray:
        """(batch, kinds of atom): aromatic bonds where they end in a ring, others where none is lacking."""
        limit, neighbours, _, aromatic = self.columns.atoms
        pending, attached = view.state.pending[:, None], view.attached[:, None]
        links = view.aromatic[:, None] & aromatic & (pending == 0)
        rest = limit - bond_halves(pending, links) * attached
        room = ~aromatic | (rest >= 6) & (neighbours - attached >= NEEDED)  # for two aromatic bonds
        return np.where(links, link[:, None], leave[:, None] & room)

    def _bonds(self, view: View, leave: np.ndarray, link: np.ndarray) -> np.ndarray:
        """(batch, orders of bonds): to an atom, or to the other end of a ring."""
        state, order = view.state, self.columns.orders
        other = (view.ring_open & (state.ring_atom != state.current[:, None]))[:, :, None]
        fits = (state.ring_bond[:, :, None] == order) | (state.ring_bond[:, :, None] == UNWRITTEN)
        closes = (state.kind == AFTER_ATOM)[:, None] & (other & fits).any(1)
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
