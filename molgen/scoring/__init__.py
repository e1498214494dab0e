"""Scoring: components (molecule -> number), transforms (number -> 0 to 1), and the objective that joins them."""
