"""Molecules as arrays: SMILES tokens, molecular graphs."""
