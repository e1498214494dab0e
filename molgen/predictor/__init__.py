"""Property models from measured values: train, evaluate, predict."""
