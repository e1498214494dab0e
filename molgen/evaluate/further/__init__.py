"""Metrics beyond the MOSES table, in groups that are asked for by name."""
