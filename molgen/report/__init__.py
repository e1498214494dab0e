"""The page a chemist decides on: one front end, as a self-contained file here and as a server in `molgen.review`."""
