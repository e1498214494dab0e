"""Which tokens leave the aromatic rings of a SMILES that is being written a Kekulé structure.

Some aromatic atoms *take part* in a double bond of their rings (`c`, and `n` with two neighbours), each in one; others
in none (`o`, `[nH]`, `n` with three neighbours, `c` with `=O`). An atom that takes part and that nothing more will be
bonded to needs a partner among the atoms it is linked to. One that is still open (the current one, one that a branch
or an open ring will go on from) can also find it later. A token is refused if, with what it settles, no choice of
partners serves all that need one, that is, if no matching covers them. For a system whose rings are closed this is
exact; for an open one it refuses only what no continuation can mend.

Rows are looked at one by one, in Python: draws are made under a mask only where a free draw has failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from molgen.represent.grammar_state import AFTER_OPEN, ENDED, View
from molgen.represent.grammar_tokens import ATOM, BOND, CLOSE, DOUBLE, END, OPEN, RING, UNWRITTEN, Columns, TokenTable

Links = Sequence[Sequence[int]]  # the atoms that each atom has an aromatic bond to


class Kekule:
    """The rule, for the columns of a grammar's mask."""

    def __init__(self, table: TokenTable, columns: Columns) -> None:
        self.table, self.columns = table, columns
        self._new_takes_part = table.double[columns.first[columns.at[ATOM]]].any(1)

    def kekulizes(self, view: View, out: np.ndarray) -> np.ndarray:
        """(batch, columns): those of `out` with which a Kekulé structure is possible."""
        state, out = view.state, out.copy()
        closes = out[:, self.columns.at[RING]] & view.ring_open & (view.opener_aromatic | view.aromatic[:, None])
        rows = np.flatnonzero((view.aromatic | closes.any(1)) & (state.kind != ENDED))
        takes_part, open_ends = self._atoms(view, rows)
        for place, row in enumerate(rows.tolist()):
            rings = _Rings(state.linked[row].tolist(), takes_part[place].tolist(), open_ends[place].tolist())
            if view.aromatic[row]:
                self._refuse(view, row, rings, out[row])
            for ring in np.flatnonzero(closes[row]).tolist():
                out[row, self.columns.at[RING].start + ring] = self._may_close(view, row, rings, ring)
        return out

    def _atoms(self, view: View, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(rows, atoms) each: whether an atom takes part as it stands; how many branches and rings go on from it."""
        state, width = view.state, int(view.state.atoms.max(initial=1))
        tokens = state.tokens[rows, :width]
        count = self.table.neighbours[tokens] - state.neighbours[rows, :width]
        takes_part = self.table.double[tokens, count] & (state.outside[rows, :width] == self.table.outside[tokens])
        open_ends = state.opened[rows, :width].copy()
        for depth in range(1, int(state.depth[rows].max(initial=0)) + 1):
            inside = np.flatnonzero(state.depth[rows] >= depth)
            open_ends[inside, state.branches[rows[inside], depth]] += 1
        return takes_part, open_ends * state.aromatic[rows, :width]

    def _outcomes(self, view: View, row: int, rings: _Rings, others: Iterable[int]) -> _Outcomes:
        """What may become of the current atom of a row in its system, and in those of `others`."""
        state, atom = view.state, int(view.state.current[row])
        token = state.tokens[row, atom]
        count = self.table.neighbours[token] - state.neighbours[row, atom]
        free = view.aromatic[row] and state.outside[row, atom] == self.table.outside[token]
        takes_part = self.table.double[token, count : count + 3] & free
        return _Outcomes(*rings.with_and_without(atom, others), *takes_part.tolist())

    def _refuse(self, view: View, row: int, rings: _Rings, out: np.ndarray) -> None:
        """Refuses, in the columns of one row, what ends, branches or goes on from an aromatic atom, in place."""
        state, at, orders = view.state, self.columns.at, self.columns.orders
        now = self._outcomes(view, row, rings, ())
        stays = state.kind[row] == AFTER_OPEN or state.opened[row, state.current[row]] > 0
        out[at[CLOSE]] &= now.may(0, stays)
        out[at[END]] &= now.may(0, stays)
        out[at[OPEN]] &= now.may(2, True)
        out[at[RING]] &= now.without if state.pending[row] == DOUBLE else now.may(2, True)  # and one to go on to
        link = np.where(self._new_takes_part, now.may(1, True), now.may(1, stays))
        other = now.without if state.pending[row] == DOUBLE else now.may(1, stays)
        out[at[ATOM]] &= np.where(self.columns.atoms[-1] & (state.pending[row] == UNWRITTEN), link, other)
        single = np.where(orders == UNWRITTEN, now.may(1, True), now.may(1, stays or view.neighbours[row] > 1))
        out[at[BOND]] &= np.where(orders == DOUBLE, now.without, single)

    def _may_close(self, view: View, row: int, rings: _Rings, ring: int) -> bool:
        """Whether the current atom may close a ring, if one of its two ends is aromatic."""
        state, atom = view.state, int(view.state.current[row])
        opener, written = int(state.ring_atom[row, ring]), int(state.ring_bond[row, ring])
        order = max(written, int(state.pending[row]))
        if not written:
            link = view.aromatic[row] and view.opener_aromatic[row, ring] and not order
            rings = rings.closed(opener, atom if link else None, order == DOUBLE)
        now = self._outcomes(view, row, rings, [opener])
        if order == DOUBLE:
            return now.without
        here = state.ring_depth[row, ring] == state.depth[row]
        if view.rings_here[row] > here or view.first_unringed[row] < opener:  # then the text goes on from the atom
            return now.may(2, True)
        return now.may(1, view.neighbours[row] > 1 or state.opened[row, atom] > 0)


@dataclass(frozen=True)
class _Outcomes:
    """Whether all that need a partner can have one, with the current atom among them or without it."""

    within: bool
    without: bool
    takes_part: bool  # whether it takes part as it stands,
    with_one_more: bool  # with one neighbour more,
    with_two_more: bool

    def may(self, more: int, stays: bool) -> bool:
        """Whether it may get so many more neighbours; `stays`: and can then still find a partner later."""
        takes_part = (self.takes_part, self.with_one_more, self.with_two_more)[more]
        return self.within or (stays and self.without) if takes_part else self.without


@dataclass(frozen=True)
class _Rings:
    """The aromatic atoms of one text."""

    links: Links
    takes_part: Sequence[bool]
    open_ends: Sequence[int]  # branches and rings that will go on from an atom

    def closed(self, opener: int, linked: int | None, double: bool) -> _Rings:
        """With one ring closed: by an aromatic bond to `linked`, or by another, a double one or not."""
        links, takes_part, open_ends = list(self.links), list(self.takes_part), list(self.open_ends)
        open_ends[opener] -= 1
        takes_part[opener] &= not double
        if linked is not None:
            links[opener] = [*links[opener], linked]
            links[linked] = [*links[linked], opener]
        return _Rings(links, takes_part, open_ends)

    def with_and_without(self, atom: int, others: Iterable[int]) -> tuple[bool, bool]:
        """Whether all atoms that need a partner can have one: with `atom` among them, and without it.

        Looked at are the atoms that aromatic bonds connect to `atom` or to one of `others`.
        """
        available = {i for i in self._connected([atom, *others]) if self.takes_part[i]} - {atom}
        needy = {i for i in available if not self.open_ends[i]}
        within = covered(needy | {atom}, available | {atom}, self.links)
        return within, covered(needy, available, self.links)

    def _connected(self, starts: Iterable[int]) -> set[int]:
        found, todo = set[int](), list(starts)
        while todo:
            atom = todo.pop()
            if atom >= 0 and atom not in found:
                found.add(atom)
                todo += self.links[atom]
        return found


def covered(needy: AbstractSet[int], available: AbstractSet[int], links: Links) -> bool:
    """Whether each of `needy` can be paired with an atom of `available` that it is linked to, no atom twice.

    `available` holds `needy`. Those with the fewest partners are paired first, so that hardly a choice is taken back.
    """
    if not needy:
        return True
    partners = {atom: [i for i in links[atom] if i in available] for atom in needy}
    atom = min(partners, key=lambda one: len(partners[one]))
    return any(covered(needy - {atom, i}, available - {atom, i}, links) for i in partners[atom])
