# in:  results/RUN/metrics/*.json, results/RUN/samples/*.parquet
# out: results/RUN/compare.html, compare.csv


rule compare:
    input:
        expand(f"{RUN}/metrics/{{family}}.json", family=FAMILIES),
        expand(f"{RUN}/samples/{{family}}.parquet", family=FAMILIES),
    output:
        page=report(f"{RUN}/compare.html", caption="../report/compare.rst", category="Models"),
        csv=report(f"{RUN}/compare.csv", caption="../report/metrics.rst", category="Models"),
    params:
        run=lambda wildcards, output: Path(output.page).parent,
        seed=SEED,
    log:
        f"{RUN}/logs/compare.log",
    benchmark:
        f"{RUN}/benchmarks/compare.tsv"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(30),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen compare {params.run} --out {output.page} --seed {params.seed} |& keep {log}"
