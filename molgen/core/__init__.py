"""What every room stands on: errors, seeds, settings, tables, artifacts, progress, workers."""
