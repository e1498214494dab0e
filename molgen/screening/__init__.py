"""Screening: a library of any size and an objective to the best K molecules, in bounded memory, resumable anywhere."""
