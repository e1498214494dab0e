"""How good samples are: each metric one function, in a literal table (`metrics.METRICS`)."""
