"""How many ways there are to number the nodes of a graph: a molecule is as likely as all of them together."""

from __future__ import annotations

from math import lgamma, log

import numpy as np


def log_numberings(nodes: np.ndarray, matrix: np.ndarray) -> float:
    """log(n! / automorphisms) of a graph with node classes (n,) and pair classes (n, n).

    The number of automorphisms is a product over the nodes: of node i, how many nodes can take its place while all
    before it stay where they are (the orbit-stabiliser theorem).
    """
    n = len(nodes)
    colours = _refined(nodes, matrix)
    total = 0.0
    for i in range(n):
        images = sum(_extends(i, j, colours, matrix) for j in range(i, n) if colours[j] == colours[i])
        total += log(images)
    return lgamma(n + 1) - total


def _refined(nodes: np.ndarray, matrix: np.ndarray) -> list[int]:
    """Classes that no automorphism leaves: by node, then by the classes of the pairs and neighbours, until stable."""
    colours, count = _numbered([(int(c),) for c in nodes])
    while True:
        keys = [
            (own, *sorted((int(k), colours[j]) for j, k in enumerate(row)))
            for own, row in zip(colours, matrix, strict=True)
        ]
        finer, more = _numbered(keys)
        if more == count:
            return colours
        colours, count = finer, more


def _numbered(keys: list) -> tuple[list[int], int]:
    numbers: dict[object, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys], len(numbers)


def _extends(fixed: int, image: int, colours: list[int], matrix: np.ndarray) -> bool:
    """Whether some automorphism keeps the nodes before `fixed` and takes `fixed` to `image`."""
    places = list(range(fixed))  # where each node goes

    def fits(place: int) -> bool:
        node = len(places)
        out, back = matrix[node, :node] == matrix[place, places], matrix[:node, node] == matrix[places, place]
        return colours[node] == colours[place] and place not in places and bool((out & back).all())

    def extend(candidates: range) -> bool:
        if len(places) == len(colours):
            return True
        for place in candidates:
            if fits(place):
                places.append(place)
                if extend(range(len(colours))):
                    return True
                places.pop()
        return False

    return extend(range(image, image + 1))
