"""The one training loop of all neural families."""
