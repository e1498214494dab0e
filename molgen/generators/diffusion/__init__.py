"""`graph-diffusion`: molecules drawn as whole graphs, by removing noise from all atoms and bonds at once."""
