# From a raw molecule file to a page of ranked candidates. Every rule runs one verb of molgen.
#
#   snakemake --configfile workflows/config/zinc250k.yaml --workflow-profile workflows/profiles/local
#
# Targets: all (the report with everything it shows), candidates (only the ranked molecules), report.
# Without --configfile, the demo's configuration is used.

import os
import sys
from pathlib import Path

from molgen.core.errors import MolgenError
from workflows.configuration import checked, drawing, options, raw_files, training, write_resolved

if not config:

    configfile: "workflows/config/demo.yaml"


try:
    config = checked(config, stages=workflow.is_main_process)
except MolgenError as error:
    sys.exit(f"molgen: {error}")
RUN = f"results/{config['run']}"
FAMILIES = list(config["families"])
SEED = config["seed"]

# Threads that wait do so asleep: jobs that run side by side on the same cores would starve each other otherwise.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Jobs find the `molgen` of the environment that snakemake runs in, activated or not.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

# `molgen ... |& keep {log}`: what a verb says goes to its log and stays visible. A signal that stops the job must
# not end the pipe before the verb has saved its state and said so, hence the trap.
shell.prefix("set -euo pipefail; keep() {{ (trap '' INT TERM USR1; exec tee \"$1\"); }}; ")


report: "workflows/report/run.rst"


wildcard_constraints:
    family="[A-Za-z0-9_-]+",


localrules:
    all,
    candidates,


onstart:
    write_resolved(config, Path(RUN))


onsuccess:
    if Path(RUN, "report.html").exists():
        print(f"Open {RUN}/report.html; the candidates are in {RUN}/candidates.sdf and .csv")


rule all:
    default_target: True
    input:
        f"{RUN}/report.html",
        f"{RUN}/compare.html",
        expand(f"{RUN}/metrics/{{family}}.json", family=FAMILIES),


rule candidates:
    input:
        f"{RUN}/candidates.parquet",


include: "workflows/rules/fetch.smk"
include: "workflows/rules/prepare.smk"
include: "workflows/rules/featurize.smk"
include: "workflows/rules/train.smk"
include: "workflows/rules/sample.smk"
include: "workflows/rules/score.smk"
include: "workflows/rules/rank.smk"
include: "workflows/rules/evaluate.smk"
include: "workflows/rules/compare.smk"
include: "workflows/rules/report.smk"
