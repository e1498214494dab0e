"""The page as a server: `molgen review`, where several chemists decide on one run and every decision is kept."""
