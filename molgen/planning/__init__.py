"""What a run costs: estimated before it runs, measured after it."""
