# in:  results/RUN/scored/FAMILY.parquet of every family
# out: results/RUN/candidates.parquet (the best, over all families)


rule rank:
    input:
        expand(f"{RUN}/scored/{{family}}.parquet", family=FAMILIES),
    output:
        f"{RUN}/candidates.parquet",
    params:
        top=config["rank"]["top"],
    log:
        f"{RUN}/logs/rank.log",
    benchmark:
        f"{RUN}/benchmarks/rank.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen rank {input} --top {params.top} --out {output} |& keep {log}"
