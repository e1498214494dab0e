# A library of any size to its best molecules under an objective: one job a shard, and a merge. Every rule runs one verb.
#
#   snakemake --snakefile workflows/screen.smk --configfile mine.yaml --workflow-profile workflows/profiles/local
#
# in:  the files of `library`, the objective
# out: results/RUN/screened/ (candidates.parquet, rejects.parquet, summary.json), results/RUN/shards/
#
# How many shards there are follows from the sizes of the files: nothing is read before the jobs start. The result is
# that of one run over the whole library.

import os
import sys
from pathlib import Path

# This file lies beside the modules of the workflow, whose folder is looked for from the repository's root.
sys.path.insert(0, str(Path(workflow.basedir).parent))

from molgen.core.errors import MolgenError
from workflows.configuration import options, write_resolved
from workflows.resources import grows
from workflows.screening import checked, numbers
from workflows.signals import pass_on

if not config:

    configfile: "workflows/config/screen/zinc250k.yaml"


try:
    config = checked(config)
    SHARDS, COUNT = numbers(config)
except MolgenError as error:
    sys.exit(f"molgen: {error}")
RUN = f"results/{config['run']}"

pass_on()

# Jobs find the `molgen` of the environment that snakemake runs in, activated or not.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

# `molgen ... |& keep {log}`: what a verb says goes to its log and stays visible, also when a signal stops it. `partly`
# accepts code 1 where the output is there: a damaged file was read as far as that was possible, and the summary says so.
shell.prefix(
    "set -euo pipefail; trap : TERM USR1; keep() {{ (trap '' INT TERM USR1; exec tee \"$1\"); }}; "
    "partly() {{ local out=$1 code=0; shift; \"$@\" || code=$?; [ $code -eq 0 ] || [ $code -eq 1 -a -e $out/summary.json ]; }}; "
)


wildcard_constraints:
    shard="[0-9]+",


localrules:
    screened,


onstart:
    write_resolved(config, Path(RUN))


rule screened:
    default_target: True
    input:
        f"{RUN}/screened",


rule shard:
    input:
        library=config["library"],
        objective=config["objective"],
    output:
        directory(f"{RUN}/shards/{{shard}}"),
    params:
        of=COUNT,
        top=config["top"],
        settings=options(config["screen"]),
    log:
        f"{RUN}/logs/shard.{{shard}}.log",
    benchmark:
        f"{RUN}/benchmarks/shard.{{shard}}.tsv"
    threads: config["threads"]
    resources:
        mem_mb=lambda wildcards, threads, attempt: (500 + 500 * threads) * min(attempt, 3),
        runtime=grows(240),
        gpu=0,
    conda:
        "../environment.yml"
    shell:
        "partly {output} molgen screen {input.library} --objective {input.objective} --top {params.top}"
        " --shard {wildcards.shard}/{params.of} --out {output} --workers {threads} {params.settings} |& keep {log}"


rule merge:
    input:
        expand(f"{RUN}/shards/{{shard}}", shard=SHARDS),
    output:
        directory(f"{RUN}/screened"),
    log:
        f"{RUN}/logs/merge.log",
    benchmark:
        f"{RUN}/benchmarks/merge.tsv"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(240),
        gpu=0,
    conda:
        "../environment.yml"
    shell:
        "partly {output} molgen screen {input} --merge --out {output} |& keep {log}"
