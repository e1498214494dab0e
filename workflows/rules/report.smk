# in:  everything in results/RUN/
# out: results/RUN/report.html, candidates.sdf, candidates.csv


rule report:
    input:
        f"{RUN}/candidates.parquet",
        f"{RUN}/molecules",
        expand(f"{RUN}/models/{{family}}", family=FAMILIES),
        expand(f"{RUN}/scored/{{family}}.parquet", family=FAMILIES),
        expand(f"{RUN}/metrics/{{family}}.json", family=FAMILIES),
        f"{RUN}/compare.html",
        GUIDED,
    output:
        page=report(f"{RUN}/report.html", caption="../report/page.rst", category="Candidates"),
        sdf=f"{RUN}/candidates.sdf",
        csv=report(f"{RUN}/candidates.csv", caption="../report/candidates.rst", category="Candidates"),
    params:
        run=lambda wildcards, output: Path(output.page).parent,
    log:
        f"{RUN}/logs/report.log",
    benchmark:
        f"{RUN}/benchmarks/report.tsv"
    threads: 4
    resources:
        mem_mb=grows(4000),
        runtime=grows(30),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen report {params.run} --out {output.page} --workers {threads} |& keep {log}"
