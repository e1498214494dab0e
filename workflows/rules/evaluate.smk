# in:  results/RUN/samples/FAMILY.parquet, results/RUN/molecules/ (the training and held-out splits), and of a family
#      that knows likelihoods results/RUN/models/FAMILY/ (those of the splits)
# out: results/RUN/metrics/FAMILY.json


rule evaluate:
    input:
        samples=f"{RUN}/samples/{{family}}.parquet",
        molecules=f"{RUN}/molecules",
        model=lambda wildcards: f"{RUN}/models/{wildcards.family}" if wildcards.family in LIKELIHOODS else [],
    output:
        f"{RUN}/metrics/{{family}}.json",
    params:
        model=lambda wildcards, input: f"--model {input.model}" if input.model else "",
        settings=options(config["evaluate"]),
        seed=SEED,
    log:
        f"{RUN}/logs/evaluate.{{family}}.log",
    benchmark:
        f"{RUN}/benchmarks/evaluate.{{family}}.tsv"
    threads: 16
    resources:
        mem_mb=grows(8000),
        runtime=grows(120),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen evaluate {input.samples} --reference {input.molecules} --out {output}"
        " --seed {params.seed} --workers {threads} {params.model} {params.settings} |& keep {log}"
