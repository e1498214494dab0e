# in:  results/RUN/models/FAMILY/
# out: results/RUN/guided/FAMILY.parquet (draws under the wishes of the section `guide`, and plain ones beside them)


rule guide:
    input:
        model=f"{RUN}/models/{{family}}",
        **wish_files(config),
    output:
        f"{RUN}/guided/{{family}}.parquet",
    params:
        settings=lambda wildcards: options(steering(config, wildcards.family)),
        seed=SEED,
    log:
        f"{RUN}/logs/guide.{{family}}.log",
    benchmark:
        f"{RUN}/benchmarks/guide.{{family}}.tsv"
    threads: 16
    resources:
        mem_mb=grows(8000),
        runtime=grows(240),
        gpu=min(config["gpus"], 1),
    conda:
        "../../environment.yml"
    shell:
        "molgen steer {input.model} --out {output} --seed {params.seed} --workers {threads} {params.settings} |& keep {log}"
