"""What is known of SMILES that are being written: one row a sequence, one column an atom, ring number or branch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from molgen.represent.grammar_tokens import ATOM, BOND, CLOSE, DOUBLE, END, OPEN, RING, TokenTable

START, AFTER_ATOM, AFTER_OPEN, AFTER_CLOSE, ENDED = range(5)  # ring numbers belong to their atom

# Half bonds of a bond that is not written: aromatic between aromatic atoms, otherwise single.
SINGLE_HALVES, AROMATIC_HALVES = 2, 3

# Tokens that may still be needed, at most: for an open ring two atoms and its number, for a branch `)` and an atom, for
# an aromatic atom outside a ring a ring of its own.
RING_COST, BRANCH_COST, OPENING_COST = 3, 2, 4
NONE_LATER = np.iinfo(np.int16).max
LINKS = 3  # aromatic bonds of an atom, at most


@dataclass
class State:
    """Of a batch of sequences. Atoms are numbered in writing order, so an atom's ancestors have smaller numbers."""

    kind: np.ndarray  # (batch,) what was written last
    waiting: np.ndarray  # (batch,) whether a bond waits for its other end
    pending: np.ndarray  # (batch,) its order, 0 if there is none or it does not say
    atoms: np.ndarray  # (batch,) how many are written
    current: np.ndarray  # (batch,) the atom that the next one is bonded to
    depth: np.ndarray  # (batch,) open branches
    branches: np.ndarray  # (batch, depth) their atoms from place 1 on; -1 at 0
    tokens: np.ndarray  # (batch, atom)
    free: np.ndarray  # (batch, atom) half bonds left; open rings and what must follow a branch are taken off
    neighbours: np.ndarray  # (batch, atom) neighbours left, likewise
    outside: np.ndarray  # (batch, atom) highest order of a bond that is not aromatic
    aromatic: np.ndarray  # (batch, atom)
    unringed: np.ndarray  # (batch, atom) aromatic, and not yet in a ring
    links: np.ndarray  # (batch, atom) aromatic bonds
    linked: np.ndarray  # (batch, atom, LINKS) the atoms at their other ends, -1 for none
    opened: np.ndarray  # (batch, atom) open rings of an aromatic atom whose bond may become aromatic
    bonded: np.ndarray  # (batch, atom) to the current atom, while ring numbers may follow
    ring_atom: np.ndarray  # (batch, ring) the atom that opened it, -1 if it is closed
    ring_bond: np.ndarray  # (batch, ring) order written there, 0 for none or a direction
    ring_depth: np.ndarray  # (batch, ring) open branches there

    @classmethod
    def empty(cls, count: int, longest: int, rings: int) -> State:
        """Nothing written yet, and room for `longest` tokens."""
        row, ring, atom = [count], [count, rings], [count, longest + 1]
        branch = [count, longest // 3 + 2]  # a branch takes three tokens at least
        shapes: dict[Any, dict[str, list[int]]] = {
            np.int16: dict.fromkeys(("kind", "pending", "atoms", "current", "depth"), row)
            | dict.fromkeys(("ring_atom", "ring_depth"), ring)
            | {"tokens": atom, "linked": [*atom, LINKS], "branches": branch},
            np.int8: dict.fromkeys(("free", "neighbours", "outside", "links", "opened"), atom) | {"ring_bond": ring},
            np.bool_: dict.fromkeys(("aromatic", "unringed", "bonded"), atom) | {"waiting": row},
        }
        state = cls(**{name: np.zeros(shape, kind) for kind, of in shapes.items() for name, shape in of.items()})
        state.branches[:] = state.ring_atom[:] = state.linked[:] = -1
        return state

    def of(self, rows: np.ndarray) -> State:
        """The state of `rows` only."""
        return State(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def write(self, table: TokenTable, tokens: np.ndarray) -> None:
        """Writes one token onto each sequence. A sequence that has ended stays as it is."""
        kinds = np.where(self.kind == ENDED, END, table.kind[tokens])
        for kind, write in (
            (ATOM, self._atom),
            (BOND, self._bond),
            (OPEN, self._open),
            (CLOSE, self._close),
            (RING, self._ring),
            (END, self._end),
        ):
            rows = np.flatnonzero(kinds == kind)
            if len(rows):
                write(rows, tokens[rows], table)

    def _atom(self, rows: np.ndarray, tokens: np.ndarray, table: TokenTable) -> None:
        bonds, parent, new = self.kind[rows] != START, self.current[rows], self.atoms[rows]
        aromatic, pending = table.aromatic[tokens], self.pending[rows]
        link = bonds & aromatic & self.aromatic[rows, parent] & (pending == 0)
        halves = bonds * bond_halves(pending, link)
        self.tokens[rows, new] = tokens
        self.free[rows, parent] -= halves
        self.neighbours[rows, parent] -= bonds
        self.free[rows, new] = table.limit[tokens] - halves
        self.neighbours[rows, new] = table.neighbours[tokens] - bonds
        self.aromatic[rows, new] = self.unringed[rows, new] = aromatic
        self.outside[rows, new] = table.outside[tokens]
        self._spend_double(rows, parent, pending)
        self._spend_double(rows, new, pending)
        self._link(rows[link], parent[link], new[link])
        self.bonded[rows] = False
        self.bonded[rows, parent] = bonds
        self.current[rows] = new
        self.atoms[rows] += 1
        self.waiting[rows] = False
        self.pending[rows] = 0
        self.kind[rows] = AFTER_ATOM

    def _bond(self, rows: np.ndarray, tokens: np.ndarray, table: TokenTable) -> None:
        self.waiting[rows] = True
        self.pending[rows] = table.order[tokens]

    def _open(self, rows: np.ndarray, tokens: np.ndarray, table: TokenTable) -> None:
        atom = self.current[rows]
        self.depth[rows] += 1
        self.branches[rows, self.depth[rows]] = atom
        self.free[rows, atom] -= SINGLE_HALVES  # kept for what follows the branch
        self.neighbours[rows, atom] -= 1
        self.kind[rows] = AFTER_OPEN

    def _close(self, rows: np.ndarray, tokens: np.ndarray, table: TokenTable) -> None:
        atom = self.branches[rows, self.depth[rows]]
        self.free[rows, atom] += SINGLE_HALVES
        self.neighbours[rows, atom] += 1
        self.current[rows] = atom
        self.depth[rows] -= 1
        self.kind[rows] = AFTER_CLOSE

    def _ring(self, rows: np.ndarray, tokens: np.ndarray, table: TokenTable) -> None:
        ring = table.ring[tokens]
        opens = self.ring_atom[rows, ring] < 0
        self._open_ring(rows[opens], ring[opens])
        self._close_ring(rows[~opens], ring[~opens])
        self.waiting[rows] = False
        self.pending[rows] = 0

    def _open_ring(self, rows: np.ndarray, ring: np.ndarray) -> None:
        atom, pending = self.current[rows], self.pending[rows]
        may_link = self.aromatic[rows, atom] & (pending == 0)
        self.free[rows, atom] -= bond_halves(pending, may_link)
        self.neighbours[rows, atom] -= 1
        self.opened[rows, atom] += may_link
        self._spend_double(rows, atom, pending)
        self.ring_atom[rows, ring] = atom
        self.ring_bond[rows, ring] = pending
        self.ring_depth[rows, ring] = self.depth[rows]

    def _close_ring(self, rows: np.ndarray, ring: np.ndarray) -> None:
        atom, other = self.current[rows], self.ring_atom[rows, ring]
        written = self.ring_bond[rows, ring]
        order = np.maximum(written, self.pending[rows])
        might_link = self.aromatic[rows, other] & (written == 0)
        link = self.aromatic[rows, atom] & self.aromatic[rows, other] & (order == 0)
        halves = bond_halves(order, link)
        self.free[rows, other] += bond_halves(written, might_link) - halves
        self.free[rows, atom] -= halves
        self.neighbours[rows, atom] -= 1
        self.opened[rows, other] -= might_link
        self._link(rows[link], atom[link], other[link])
        self._spend_double(rows, atom, order)
        self._spend_double(rows, other, order * (written == 0))
        self.bonded[rows, other] = True
        self.ring_atom[rows, ring] = -1
        # The ring holds every atom on the way back to `other`; what lies in between but not on the way is in rings.
        self.unringed[rows] &= np.arange(self.unringed.shape[1]) < other[:, None]

    def _link(self, rows: np.ndarray, atom: np.ndarray, other: np.ndarray) -> None:
        """An aromatic bond. A prompt may hold an atom with more than LINKS of them: the last ones are remembered."""
        for one, two in ((atom, other), (other, atom)):
            self.linked[rows, one, self.links[rows, one].clip(max=LINKS - 1)] = two
            self.links[rows, one] += 1

    def _spend_double(self, rows: np.ndarray, atom: np.ndarray, order: np.ndarray) -> None:
        """An aromatic atom has one double bond to outside at most."""
        self.outside[rows, atom] -= (order == DOUBLE) & self.aromatic[rows, atom]

    def _end(self, rows: np.ndarray, tokens: np.ndarray, table: TokenTable) -> None:
        self.kind[rows] = ENDED


def bond_halves(order: np.ndarray, link: np.ndarray) -> np.ndarray:
    """Half bonds of a bond of `order` (0: not written), aromatic where `link`. int8."""
    return np.where(order > 0, 2 * order, np.where(link, AROMATIC_HALVES, SINGLE_HALVES)).astype(np.int8)


class View(NamedTuple):
    """What several rules ask of a state, row by row."""

    state: State
    rows: np.ndarray
    attached: np.ndarray  # whether the next atom is bonded to the current one (the first is not)
    free: np.ndarray  # of the current atom: half bonds left,
    neighbours: np.ndarray  # neighbours left,
    outside: np.ndarray  # highest order of its bonds that are not aromatic,
    aromatic: np.ndarray  # whether it is
    after_atom: np.ndarray  # ring numbers may follow
    unfinished: np.ndarray  # an atom must follow
    ring_open: np.ndarray  # (batch, ring)
    opener_aromatic: np.ndarray  # (batch, ring)
    any_ring: np.ndarray
    rings_here: np.ndarray  # open rings of this branch
    first_unringed: np.ndarray  # the first aromatic atom of this branch outside a ring, NONE_LATER if there is none
    must_go_on: np.ndarray  # the branch holds an open ring or such an atom
    must_open: np.ndarray  # the current atom is one, and no ring is open that could hold it
    cost: np.ndarray  # tokens that closing all may take, at most; not counted: the atom that a bond waits for

    @classmethod
    def of(cls, state: State) -> View:
        rows = np.arange(len(state.kind))
        kind, current = state.kind, state.current
        ring_open = state.ring_atom >= 0
        rings = ring_open.sum(1)
        rings_here = (ring_open & (state.ring_depth >= state.depth[:, None])).sum(1)
        start = state.branches[rows, state.depth]
        unringed = state.unringed & (np.arange(state.unringed.shape[1]) > start[:, None])
        first = np.where(unringed.any(1), unringed.argmax(1), NONE_LATER)
        must_open = (kind == AFTER_ATOM) & state.unringed[rows, current] & (rings == 0)
        return cls(
            state=state,
            rows=rows,
            attached=kind != START,
            free=state.free[rows, current],
            neighbours=state.neighbours[rows, current],
            outside=state.outside[rows, current],
            aromatic=state.aromatic[rows, current] & (kind != START),
            after_atom=kind == AFTER_ATOM,
            unfinished=state.waiting | (kind == START) | (kind == AFTER_OPEN) | (kind == AFTER_CLOSE),
            ring_open=ring_open,
            opener_aromatic=state.aromatic[rows[:, None], state.ring_atom],
            any_ring=rings > 0,
            rings_here=rings_here,
            first_unringed=first,
            must_go_on=(rings_here > 0) | (first < NONE_LATER),
            must_open=must_open,
            cost=BRANCH_COST * state.depth + RING_COST * rings + OPENING_COST * must_open,
        )
