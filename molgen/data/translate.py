"""A feature store seen in another vocabulary: that of the model a training starts from."""

from __future__ import annotations

import numpy as np

from molgen.data.store import ARRAYS, Store
from molgen.represent.tokens import UNKNOWN, Vocabulary


def in_vocabulary(store: Store, vocabulary: Vocabulary) -> Store:
    """The store with its tokens in the ids of `vocabulary`; a token that it lacks becomes UNKNOWN.

    The tokens (a byte each) are held in memory; the other arrays stay memory maps.
    """
    if store.vocabulary.tokens == vocabulary.tokens:
        return store
    ids = {token: i for i, token in enumerate(vocabulary.tokens)}
    lookup = np.array([ids.get(token, UNKNOWN) for token in store.vocabulary.tokens], np.uint8)
    tokens = lookup[np.asarray(store.tokens)]
    arrays = {name: getattr(store, name) for name in ARRAYS} | {"tokens": tokens}
    unknown = int((tokens == UNKNOWN).sum())
    header = store.header | {"vocabulary": list(vocabulary.tokens), "unknown_tokens": unknown}
    return Store(store.folder, header, arrays)
