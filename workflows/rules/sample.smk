# in:  results/RUN/models/FAMILY/
# out: results/RUN/samples/FAMILY.parquet (exactly n draws, unfiltered)


rule sample:
    input:
        f"{RUN}/models/{{family}}",
    output:
        f"{RUN}/samples/{{family}}.parquet",
    params:
        n=lambda wildcards: drawing(config, wildcards.family)["n"],
        settings=lambda wildcards: options({k: v for k, v in drawing(config, wildcards.family).items() if k != "n"}),
        seed=SEED,
    log:
        f"{RUN}/logs/sample.{{family}}.log",
    benchmark:
        f"{RUN}/benchmarks/sample.{{family}}.tsv"
    threads: 16
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=min(config["gpus"], 1),
    conda:
        "../../environment.yml"
    shell:
        "molgen sample {input} --n {params.n} --seed {params.seed} --out {output} --workers {threads} {params.settings}"
        " |& keep {log}"
