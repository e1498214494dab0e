# in:  results/RUN/samples/FAMILY.parquet, results/RUN/molecules/ (the training and held-out splits)
# out: results/RUN/metrics/FAMILY.json


rule evaluate:
    input:
        samples=f"{RUN}/samples/{{family}}.parquet",
        molecules=f"{RUN}/molecules",
    output:
        f"{RUN}/metrics/{{family}}.json",
    params:
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
        " --seed {params.seed} --workers {threads} {params.settings} |& keep {log}"
