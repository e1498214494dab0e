"""A mask for drawing SMILES token by token that leaves no error of syntax, rings or valence possible.

The automaton writes what RDKit writes: a ring is closed by a descendant of the atom that opened it (so within the
branch in which it was opened), ring numbers stand straight behind their atom, something follows each branch. Every
token it allows leads to a text that can be ended in time: an atom without room for more bonds is refused while a ring
is open behind it, a branch is opened only where its atom has room for two, and near the end of the length only what
closes is left.

Aromatic atoms are held to lie in rings. That these close as aromatic rings is the work of `aromatic`, and that they
kekulize the work of `kekule`; both refuse only as long as that leaves anything. Bonds are counted in halves (see
`grammar_tokens`).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from molgen.represent.aromatic import Aromatic
from molgen.represent.grammar_state import (
    AFTER_ATOM,
    AFTER_CLOSE,
    AROMATIC_HALVES,
    BRANCH_COST,
    ENDED,
    OPENING_COST,
    RING_COST,
    SINGLE_HALVES,
    State,
    View,
    bond_halves,
)
from molgen.represent.grammar_tokens import ATOM, BOND, CLOSE, DOUBLE, END, OPEN, RING, Columns, TokenTable
from molgen.represent.kekule import Kekule
from molgen.represent.tokens import EOS, Vocabulary


class Grammar:
    """What may follow, for a batch of SMILES written from a vocabulary, each at most `longest` tokens long."""

    def __init__(self, vocabulary: Vocabulary, longest: int) -> None:
        self.table, self.longest = TokenTable(vocabulary), longest
        self.columns = Columns.of(self.table)
        self._aromatic = Aromatic(self.table, self.columns)
        self._kekule = Kekule(self.table, self.columns)

    def start(self, count: int) -> State:
        """Nothing written yet."""
        return State.empty(count, self.longest, self.table.rings)

    def keep(self, state: State, rows: np.ndarray) -> State:
        """The state of `rows` only (which may repeat one)."""
        return state.of(rows)

    def advance(self, state: State, tokens: np.ndarray) -> None:
        """Writes one token, an allowed one, onto each sequence, in place. One that has ended stays as it is."""
        state.write(self.table, tokens)

    def allowed(self, state: State, left: int) -> np.ndarray:
        """(batch, vocabulary): which tokens may be written next, when `left` may be, EOS included. At least one is.

        An ended sequence may be given EOS again.
        """
        view = View.of(state)
        at = self.columns.at
        out = np.zeros((len(state.kind), len(self.columns.first)), bool)
        out[:, at[BOND]] = self._bonds(view, left)
        out[:, at[OPEN]], out[:, at[CLOSE]], out[:, at[END]] = (column[:, None] for column in _branches(view, left))
        closes, opens = _rings(view, left)
        out[:, at[RING]] = closes | opens
        out[:, at[ATOM]] = self._atoms(view, left, np.logical_not(closes.any(1)))
        out = _where_any(out & self._aromatic.sensible(view), out)
        out = _where_any(self._kekule.kekulizes(view, out), out)
        return out[:, self.columns.of_token]

    def along(self, tokens: Int[np.ndarray, "batch length"]) -> Bool[np.ndarray, "batch length vocabulary"]:
        """Which tokens may stand at each place of given texts (EOS included, then anything).

        Any may behind the end of a text, and from the first of its own tokens on that the grammar forbids.
        """
        out = np.ones((*tokens.shape, len(self.columns.of_token)), bool)
        state, rows = self.start(len(tokens)), np.arange(len(tokens))
        for place, written in enumerate(tokens.T):
            allowed = self.allowed(state, self.longest + 1 - place)
            follows = allowed[np.arange(len(rows)), written[rows]]
            out[rows[follows], place] = allowed[follows]
            on = np.flatnonzero(follows & (written[rows] != EOS))
            state, rows = self.keep(state, on), rows[on]
            if not len(rows):
                break
            self.advance(state, written[rows])
        return out

    def _atoms(self, view: View, left: int, none_closes: np.ndarray) -> np.ndarray:
        """(batch, kinds of atom)"""
        limit, neighbours, outside, aromatic = self.columns.atoms
        pending, attached = view.state.pending[:, None], view.attached[:, None]
        halves = bond_halves(pending, view.aromatic[:, None] & aromatic & (pending == 0)) * attached
        rest, others = limit - halves, neighbours - attached
        ok = (rest >= 0) & (others >= 0) & ((view.free[:, None] >= halves) & (view.neighbours > 0)[:, None] | ~attached)
        ok &= pending <= outside
        full = (rest < SINGLE_HALVES) | (others < 1)
        ok &= ~(full & (view.must_go_on[:, None] | aromatic))
        alone = aromatic & ~view.any_ring[:, None]  # it must open a ring, and go on
        ok &= ~alone | ((rest >= AROMATIC_HALVES + SINGLE_HALVES) & (others > 1))
        in_time = view.cost[:, None] + OPENING_COST * alone + 2 <= left
        # Two fillers make a place for closing any ring, so they are allowed however near the end is.
        in_time[:, self.columns.filler] |= none_closes & (view.must_go_on | view.unfinished)
        return ok & in_time & (~view.must_open & (view.state.kind != ENDED))[:, None]

    def _bonds(self, view: View, left: int) -> np.ndarray:
        """(batch, orders of bonds)"""
        order = self.columns.orders
        alone = view.must_open[:, None]  # a bond to the atom that will close its ring, and one to go on with
        ok = (view.free[:, None] >= 2 * order.clip(1) + SINGLE_HALVES * alone) & (view.neighbours[:, None] > alone)
        ok &= order <= np.where(view.must_open, np.minimum(view.outside, DOUBLE), view.outside)[:, None]
        ready = ~view.state.waiting & view.attached & (view.state.kind != ENDED)
        return ok & (ready & (view.cost + 3 <= left))[:, None]


def _where_any(stricter: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The stricter mask in the rows where it leaves anything."""
    return np.where(np.any(stricter, axis=1, keepdims=True), stricter, out)


def _branches(view: View, left: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(batch,) each: whether a branch may be opened, closed, and the text ended."""
    state = view.state
    ready = ~state.waiting & ~view.must_open
    room = (view.free >= 2 * SINGLE_HALVES) & (view.neighbours > 1) & (state.depth < state.branches.shape[1] - 1)
    opens = ready & room & ((state.kind == AFTER_ATOM) | (state.kind == AFTER_CLOSE))
    opens &= view.cost + BRANCH_COST + 3 <= left
    done = ready & view.after_atom & ~view.must_go_on
    return opens, done & (state.depth > 0), (done & (state.depth == 0)) | (state.kind == ENDED)


def _rings(view: View, left: int) -> tuple[np.ndarray, np.ndarray]:
    """(batch, ring numbers) each: whether a number may close its ring, and whether it may open one."""
    state, rows = view.state, view.rows[:, None]
    pending, free, neighbours = state.pending[:, None], view.free[:, None], view.neighbours[:, None]
    ready = view.after_atom[:, None] & (pending <= DOUBLE)  # triple bonds in rings are written along the chain
    aromatic = view.aromatic[:, None]

    opens = ready & ~view.ring_open & (neighbours > 1)
    opens &= free >= bond_halves(pending, aromatic) + SINGLE_HALVES
    opens &= (view.cost[:, None] + RING_COST + 2 <= left) | view.must_open[:, None]

    other, written = state.ring_atom, state.ring_bond
    order = np.maximum(written, pending)
    link = aromatic & view.opener_aromatic & (order == 0)
    ready = ready & (order <= view.outside[:, None]) & ((order <= state.outside[rows, other]) | (written > 0))
    halves = bond_halves(order, link)
    closes = ready & view.ring_open & ((written == 0) | (pending == 0) | (written == pending))
    closes &= (neighbours > 0) & (free >= halves)
    closes &= state.free[rows, other] + bond_halves(written, view.opener_aromatic) >= halves
    closes &= (other != state.current[:, None]) & ~state.bonded[rows, other]
    full = (free - halves < SINGLE_HALVES) | (neighbours < 2)
    others_here = view.rings_here[:, None] > (state.ring_depth == state.depth[:, None])
    closes &= ~(full & (others_here | (view.first_unringed[:, None] < other)))
    return closes, opens
