"""The page a chemist decides on: one self-contained HTML file, with the candidates as SDF and CSV beside it."""
