# in:  a named data set (`molgen data list`)
# out: results/data/NAME/ (SPLIT.smi for each of its files, source.yaml; shared by every run)


rule fetch:
    output:
        directory("results/data/{source}"),
    log:
        "results/data/logs/{source}.log",
    benchmark:
        "results/data/benchmarks/{source}.tsv"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(60),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen data fetch {wildcards.source} --out {output} |& keep {log}"
