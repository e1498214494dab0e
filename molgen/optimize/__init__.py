"""Search for molecules under an objective and a budget of scored molecules."""
