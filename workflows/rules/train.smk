# in:  results/RUN/features/
# out: results/RUN/models/FAMILY/ (config.yaml, weights.safetensors, metrics.csv, provenance.json)
#
# Without a GPU (`gpus: 0`) it trains on the CPU. A few minutes before its time is up, and on SIGTERM, the job saves its
# state and ends with code 75: the rule fails, and its retry (a profile's `retries`) goes on from there. The state lies
# beside the output, where snakemake does not remove it.


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
        mem_mb=16000,
        runtime=1440,
        gpu=config["gpus"],
    conda:
        "../../environment.yml"
    shell:
        "molgen train {wildcards.family} --features {input} --out {output} --set training.seed={params.seed} {params.settings}"
        " --devices {resources.gpu} --max-minutes $(({resources.runtime} - 5))"
        " |& keep {log}"
