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
from molgen.generators import LIKELIHOODS
from workflows.configuration import checked, drawing, drawn, guided, options, raw_files, shards
from workflows.configuration import steering, training, wish_files, write_resolved
from workflows.resources import grows, without_gpus
from workflows.signals import pass_on

if not config:

    configfile: "workflows/config/demo.yaml"


try:
    config = checked(config, stages=workflow.is_main_process)
except MolgenError as error:
    sys.exit(f"molgen: {error}")
RUN = f"results/{config['run']}"
FAMILIES = list(config["families"])
GUIDED = expand(f"{RUN}/guided/{{family}}.parquet", family=guided(config))
SEED = config["seed"]

pass_on()

# Threads that wait do so asleep: jobs that run side by side on the same cores would starve each other otherwise.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Jobs find the `molgen` of the environment that snakemake runs in, activated or not.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

# `molgen ... |& keep {log}`: what a verb says goes to its log and stays visible. A signal that stops the job reaches
# all of its processes: neither the pipe nor the shell may end before the verb has saved its state, hence the traps.
# `on NODES DEVICES CORES molgen ...` runs a verb once a device of all nodes, where there are several nodes.
shell.prefix(
    "set -euo pipefail; trap : TERM USR1; "
    "keep() {{ (trap '' INT TERM USR1; exec tee \"$1\"); }}; "
    "on() {{ local nodes=$1 each=$2 cores=$3; shift 3; [ $nodes -eq 1 ] || set -- srun --nodes=$nodes "
    "--ntasks-per-node=$each --cpus-per-task=$cores --kill-on-bad-exit=1 \"$@\"; \"$@\"; }}; "
)

# A profile says where GPU jobs go. Without GPUs, those jobs go where the others go.
if not config["gpus"]:
    workflow.resource_settings.overwrite_resources = without_gpus(workflow.resource_settings.overwrite_resources)


report: "workflows/report/run.rst"


wildcard_constraints:
    family="[A-Za-z0-9_-]+",
    first="[0-9]+",
    last="[0-9]+",


localrules:
    all,
    candidates,
    join,


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
include: "workflows/rules/guide.smk"
include: "workflows/rules/score.smk"
include: "workflows/rules/rank.smk"
include: "workflows/rules/evaluate.smk"
include: "workflows/rules/compare.smk"
include: "workflows/rules/report.smk"
