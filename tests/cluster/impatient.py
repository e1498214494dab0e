"""Snakemake that asks Slurm for its jobs every three seconds; the plugin waits ten seconds more from time to time."""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

if __name__ == "__main__":
    RemoteExecutor.next_seconds_between_status_checks = property(lambda _: 3, lambda *_: None)
    sys.exit(main())
