# in:  results/RUN/features/
# out: results/RUN/models/FAMILY/ (config.yaml, weights.safetensors, metrics.csv, provenance.json)
#
# Without a GPU (`gpus: 0`) it trains on the CPU. `gpus` are those of a node, of which there may be several (`nodes`, on
# Slurm). A few minutes before its time is up, and on SIGTERM, the job saves its state and ends with code 75: the rule
# fails, and its retry (a profile's `retries`) goes on from there. The state lies beside the output (or in $MOLGEN_STATE),
# where snakemake does not remove it. No `retries` here: the snakemake within a Slurm job would heed it as well.


rule train:
    input:
        f"{RUN}/features",
    output:
        directory(f"{RUN}/models/{{family}}"),
    params:
        settings=lambda wildcards: options(training(config["families"][wildcards.family])),
        seed=SEED,
    log:
        f"{RUN}/logs/train.{{family}}.log",
    benchmark:
        f"{RUN}/benchmarks/train.{{family}}.tsv"
    threads: 16
    resources:
        mem_mb=grows(16000),
        runtime=1440,
        gpu=config["gpus"] * config["nodes"],
        nodes=config["nodes"],
        # What the Slurm plugin must know of a job on several nodes; a resource that is None is not there.
        mpi=lambda wildcards: "srun" if config["nodes"] > 1 else None,
        tasks=lambda wildcards: config["nodes"] * max(config["gpus"], 1) if config["nodes"] > 1 else None,
        tasks_per_gpu=lambda wildcards: 1 if config["nodes"] > 1 and config["gpus"] else None,
    conda:
        "../../environment.yml"
    shell:
        "devices=$(({resources.gpu} / {resources.nodes})) limit={resources.runtime};"
        " on {resources.nodes} $((devices > 1 ? devices : 1)) {threads}"
        " molgen train {wildcards.family} --features {input} --out {output} --set training.seed={params.seed}"
        " {params.settings} --devices $devices --nodes {resources.nodes}"
        " --max-minutes $((limit > 25 ? limit - 5 : (4 * limit + 4) / 5))"
        " |& keep {log}"
