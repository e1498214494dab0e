# in:  results/RUN/samples/FAMILY.parquet, the objective
# out: results/RUN/scored/FAMILY.parquet (every component's value and desirability)


rule score:
    input:
        samples=f"{RUN}/samples/{{family}}.parquet",
        objective=config["objective"],
    output:
        f"{RUN}/scored/{{family}}.parquet",
    log:
        f"{RUN}/logs/score.{{family}}.log",
    benchmark:
        f"{RUN}/benchmarks/score.{{family}}.tsv"
    threads: 16
    resources:
        mem_mb=grows(8000),
        runtime=grows(240),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen score {input.samples} --objective {input.objective} --out {output} --workers {threads} |& keep {log}"
