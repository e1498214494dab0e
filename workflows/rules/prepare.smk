# in:  the files of config `data`, or the named data set that it stands for
# out: results/RUN/molecules/ (molecules.parquet, rejects.parquet, summary.json)


rule prepare:
    input:
        config["data"] if isinstance(config["data"], list) else f"results/data/{config['data']}",  # fetched, as a whole
    output:
        directory(f"{RUN}/molecules"),
    params:
        files=raw_files(config["data"]),
        settings=options(config["prepare"]),
        seed=SEED,
    log:
        f"{RUN}/logs/prepare.log",
    benchmark:
        f"{RUN}/benchmarks/prepare.tsv"
    threads: 16
    resources:
        mem_mb=grows(8000),
        runtime=grows(240),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen prepare {params.files} --out {output} --seed {params.seed} --workers {threads} {params.settings}"
        " |& keep {log}"
