# in:  results/RUN/models/FAMILY/
# out: results/RUN/samples/FAMILY.parquet (exactly n draws, unfiltered)
#
# Draws are made in shards, each a job, named by the draws that they hold: those that are there stay when `n` grows.


rule sample:
    input:
        f"{RUN}/models/{{family}}",
    output:
        f"{RUN}/samples/{{family}}/{{first}}-{{last}}.parquet",
    params:
        n=lambda wildcards: int(wildcards.last) - int(wildcards.first),
        settings=lambda wildcards: options(drawing(config, wildcards.family)),
        seed=SEED,
    log:
        f"{RUN}/logs/sample.{{family}}.{{first}}-{{last}}.log",
    benchmark:
        f"{RUN}/benchmarks/sample.{{family}}.{{first}}-{{last}}.tsv"
    threads: 16
    resources:
        mem_mb=grows(8000),
        runtime=grows(240),
        gpu=min(config["gpus"], 1),
    conda:
        "../../environment.yml"
    shell:
        "molgen sample {input} --first {wildcards.first} --n {params.n} --seed {params.seed} --out {output}"
        " --workers {threads} {params.settings} |& keep {log}"


rule join:
    input:
        model=f"{RUN}/models/{{family}}",
        draws=lambda wildcards: [
            f"{RUN}/samples/{wildcards.family}/{shard}.parquet" for shard in shards(config, wildcards.family)
        ],
    output:
        f"{RUN}/samples/{{family}}.parquet",
    params:
        n=lambda wildcards: drawn(config, wildcards.family)["n"],
        folder=lambda wildcards, input: Path(input.draws[0]).parent,
        settings=lambda wildcards: options(drawing(config, wildcards.family)),
        seed=SEED,
    log:
        f"{RUN}/logs/join.{{family}}.log",
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
        gpu=0,
    conda:
        "../../environment.yml"
    shell:
        "molgen sample {input.model} --n {params.n} --seed {params.seed} --join {params.folder} --out {output}"
        " {params.settings} |& keep {log}"
