"""From raw data to a checked index and the splits."""

BIDS = "<study>/dataset/bids/dataset_description.json"
IMPORT_ENVIRONMENT = stages.ENVIRONMENT_OF.get(STUDY.dataset.recipe, "base")

if STUDY.dataset.recipe == "phantoms":

    rule simulate_phantoms:
        output:
            BIDS,
        log:
            "<study>/logs/simulate_phantoms.log",
        benchmark:
            "<study>/benchmarks/simulate_phantoms.tsv"
        conda:
            "../envs/ants.yaml"
        threads: 2
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * attempt,
            runtime=lambda wildcards, attempt: 60 * attempt,
        params:
            spec=spec("simulate_phantoms", phantom_settings),
        message:
            "Simulate phantoms"
        shell:
            "python -m scripts.simulate_phantoms --spec {params.spec:q} --threads {threads} "
            '--log {log:q} --output "$(dirname {output:q})"'

elif STUDY.dataset.recipe != "bids":

    rule import_dataset:
        output:
            BIDS,
        log:
            "<study>/logs/import_dataset.log",
        conda:
            f"../envs/{IMPORT_ENVIRONMENT}.yaml"
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
            runtime=lambda wildcards, attempt: 120 * attempt,
        params:
            spec=spec(
                "import_dataset",
                dataset_settings,
                f"dataset/recipes/{STUDY.dataset.recipe}",
                release=source_listing,
            ),
        message:
            "Import a public release into BIDS"
        shell:
            "python -m scripts.import_dataset --spec {params.spec:q} --log {log:q} "
            "--output {output:q}"


checkpoint index_dataset:
    input:
        [] if STUDY.dataset.recipe == "bids" else [BIDS],
    output:
        scans="<study>/dataset/scans.tsv",
        sidecar="<study>/dataset/scans.json",
    log:
        text="<study>/logs/index_dataset.log",
        problems="<study>/dataset/problems.tsv",
    conda:
        "../envs/base.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec("index_dataset", dataset_settings, files=source_listing),
    message:
        "Check and index the data set"
    shell:
        "python -m scripts.index_dataset --spec {params.spec:q} --threads {threads} "
        "--log {log.text:q} --problems {log.problems:q} --scans {output.scans:q}"


rule make_splits:
    input:
        "<study>/dataset/scans.tsv",
    output:
        "<study>/dataset/splits.tsv",
    log:
        "<study>/logs/make_splits.log",
    conda:
        "../envs/base.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=spec("make_splits", STUDY.protocol.split.model_dump(mode="json"), table=split_table),
    message:
        "Deal the cases to folds"
    shell:
        "python -m scripts.make_splits --spec {params.spec:q} --log {log:q} "
        "--scans {input:q} --output {output:q}"
