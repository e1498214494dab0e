# in:  results/RUN/scored/FAMILY.parquet of every family, results/RUN/molecules/ (known molecules are no candidates)
# out: results/RUN/candidates.parquet (the best, over all families)


rule rank:
    input:
        scored=expand(f"{RUN}/scored/{{family}}.parquet", family=FAMILIES),
        molecules=f"{RUN}/molecules",
    output:
        f"{RUN}/candidates.parquet",
    params:
        top=config["rank"]["top"],
        settings=options({key: value for key, value in config["rank"].items() if key != "top"}),
    log:
        f"{RUN}/logs/rank.log",
    benchmark:
        f"{RUN}/benchmarks/rank.tsv"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(30),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen rank {input.scored} --exclude {input.molecules} --top {params.top} --out {output}"
        " --workers {threads} {params.settings} |& keep {log}"
