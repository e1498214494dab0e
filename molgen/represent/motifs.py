"""Cuts a molecular graph into fragments: ring systems, acyclic centres with their terminal groups, single atoms.

A ring system is what its rings' bonds connect (fused and spiro rings stay together). Two kinds of terminal atoms belong
to their neighbour: multiply bonded or charged ones (C=O, S(=O)(=O), C#N, nitro, carboxylate; also on a ring), and the
halogens of an acyclic atom that has two or more (CF3). Ring bonds are never cut here: a decoder that closes rings of
any size is where implausible rings come from (Maziarz et al. 2022, MoLeR, sec. 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from molgen.represent.graphs import AtomSymbol

HALOGENS = frozenset((9, 17, 35, 53))
Neighbours = Sequence[Sequence[tuple[int, int]]]  # for each atom: (neighbour, bond type as in `graphs.BONDS`)


def neighbours_of(count: int, bonds: Iterable[Sequence[int]]) -> list[list[tuple[int, int]]]:
    """For each atom its neighbours and the types of the bonds to them, in the order of the bonds."""
    out: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for begin, end, kind in bonds:
        out[begin].append((end, kind))
        out[end].append((begin, kind))
    return out


def fragments(atoms: Sequence[AtomSymbol], neighbours: Neighbours) -> list[list[int]]:
    """The atoms of each fragment, ascending; fragments in the order of their first atoms."""
    group = ring_systems(neighbours)
    in_ring = [group[i] != i or any(group[j] == i for j, _ in neighbours[i]) for i in range(len(atoms))]
    for i, around in enumerate(neighbours):
        if len(around) == 1:
            (centre, kind), atom = around[0], atoms[i]
            if len(neighbours[centre]) == 1 and centre > i:
                continue  # of two atoms the first is the centre
            if kind or atom.charge or (atom.atomic_number in HALOGENS and _halogenated(centre, i, atoms, neighbours)):
                if atom.atomic_number in HALOGENS and in_ring[centre]:
                    continue
                group[i] = group[centre]
    members: dict[int, list[int]] = {}
    for i, g in enumerate(group):
        members.setdefault(g, []).append(i)
    return list(members.values())


def _halogenated(centre: int, atom: int, atoms: Sequence[AtomSymbol], neighbours: Neighbours) -> bool:
    """True if an atom's neighbour has further terminal halogens."""
    return any(
        j != atom and atoms[j].atomic_number in HALOGENS and len(neighbours[j]) == 1 for j, _ in neighbours[centre]
    )


def ring_systems(neighbours: Neighbours) -> list[int]:
    """For each atom the first atom of its ring system; an atom outside rings stands alone.

    A bond is in a ring if it is no bridge: Tarjan's lowest reachable number, in one depth-first walk.
    """
    count = len(neighbours)
    number = [-1] * count  # order of discovery
    low = [0] * count
    group = list(range(count))
    discovered = 0
    for start in range(count):
        if number[start] >= 0:
            continue
        number[start] = low[start] = discovered
        discovered += 1
        stack = [(start, -1, 0)]
        while stack:
            node, parent, place = stack.pop()
            around = neighbours[node]
            while place < len(around):
                other = around[place][0]
                place += 1
                if other == parent:
                    continue
                if number[other] < 0:
                    number[other] = low[other] = discovered
                    discovered += 1
                    stack.append((node, parent, place))
                    stack.append((other, node, 0))
                    break
                if number[other] < low[node]:
                    low[node] = number[other]
            else:
                if parent >= 0:
                    if low[node] < low[parent]:
                        low[parent] = low[node]
                    if low[node] <= number[parent]:  # no bridge: both ends are in one ring system
                        _unite(group, node, parent)
    return [_root(group, i) for i in range(count)]


def _root(group: list[int], i: int) -> int:
    while group[i] != i:
        i = group[i]
    return i


def _unite(group: list[int], a: int, b: int) -> None:
    a, b = _root(group, a), _root(group, b)
    group[max(a, b)] = min(a, b)
