"""Molecules as a chemist handles them. RDKit lives here; nothing here knows what a model is."""
