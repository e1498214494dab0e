# in:  results/RUN/molecules/
# out: results/RUN/features/ (the feature store: token and graph arrays, vocabulary, properties, splits)


rule featurize:
    input:
        f"{RUN}/molecules",
    output:
        directory(f"{RUN}/features"),
    log:
        f"{RUN}/logs/featurize.log",
    benchmark:
        f"{RUN}/benchmarks/featurize.tsv"
    threads: 16
    resources:
        mem_mb=grows(8000),
        runtime=grows(120),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen featurize {input} --out {output} --workers {threads} |& keep {log}"
