"""From raw files to a feature store: readers, sources, prepare, featurize, the store."""
