"""From the scores of all runs to tables for people."""

from mribench.statistics.collect import run_grid

STATISTICS = [
    f"<study>/{table}.csv"
    for table in (
        "comparisons",
        "rank_schemes",
        "rank_draws",
        "variance",
        "strata",
        "strata_comparisons",
    )
]
NAMES = ["ranking", "comparisons", "rank_schemes", "significance", "variance", "costs"]
TABLES = [f"<study>/tables/{name}.{form}" for name in NAMES for form in ("csv", "md", "tex")]
PAGES = [table_page(f"<study>/tables/{name}.html", name) for name in ("leaderboard", *NAMES)]
MORE_TABLES = table_page(directory("<study>/tables/more"), "{table}", patterns=["{table}.html"])
# Inputs of the tables, so that runs of new methods are not overlooked where stores are made again.
STORES = expand("<study>/store/{variant}/manifest.json", variant=VARIANTS, allow_missing=True)
PRESET = load_preset(STUDY.evaluation.preset).model_dump(mode="json")
EVALUATION = STUDY.evaluation.model_dump(mode="json", exclude={"reference"})
TABLES_SPEC = spec(
    "render_tables",
    report_settings.table_settings(STUDY),
    texts=report_settings.table_texts(),
    preset=PRESET,
)


rule aggregate_metrics:
    input:
        metrics=run_files("metrics.csv"),
        volumes=run_files("volumes.csv"),
        lesion_sizes=run_files("lesion_sizes.csv"),
        predictions=run_files("predictions.json"),
        costs=run_files("cost.json"),
        stores=STORES,
    output:
        metrics="<study>/metrics.csv",
        volumes="<study>/volumes.csv",
        lesion_sizes="<study>/lesion_sizes.csv",
        failed="<study>/failed_cases.tsv",
        costs="<study>/costs.csv",
    log:
        "<study>/logs/aggregate_metrics.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=spec("aggregate_metrics", lambda wildcards: run_grid(runs())),
    message:
        "Put the tables of all runs together"
    shell:
        "python -m scripts.aggregate_metrics --spec {params.spec:q} --log {log:q} "
        "--metrics {output.metrics:q} --costs {output.costs:q}"


rule compare_methods:
    input:
        metrics="<study>/metrics.csv",
        scans=ancient("<study>/dataset/scans.tsv"),
        splits="<study>/dataset/splits.tsv",
    output:
        STATISTICS,
        ranking="<study>/ranking.csv",
    log:
        "<study>/logs/compare_methods.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=spec("compare_methods", EVALUATION, preset=PRESET),
    message:
        "Rank and compare the methods"
    shell:
        "python -m scripts.compare_methods --spec {params.spec:q} --log {log:q} "
        "--metrics {input.metrics:q} --scans {input.scans:q} --ranking {output.ranking:q}"


rule assess_agreement:
    input:
        volumes="<study>/volumes.csv",
        lesion_sizes="<study>/lesion_sizes.csv",
    output:
        agreement="<study>/agreement.csv",
        detection="<study>/detection.csv",
    log:
        "<study>/logs/assess_agreement.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=spec("assess_agreement", {}),
    message:
        "Agreement of volumes, and lesions found by size"
    shell:
        "python -m scripts.assess_agreement --spec {params.spec:q} --log {log:q} "
        "--volumes {input.volumes:q} --lesion-sizes {input.lesion_sizes:q} "
        "--agreement {output.agreement:q} --detection {output.detection:q}"


rule render_tables:
    input:
        statistics=STATISTICS,
        ranking="<study>/ranking.csv",
        costs="<study>/costs.csv",
        agreement="<study>/agreement.csv",
        detection="<study>/detection.csv",
        failed="<study>/failed_cases.tsv",
    output:
        TABLES,
        PAGES,
        MORE_TABLES,
        "<study>/tables/leaderboard.md",
        "<study>/tables/leaderboard.tex",
        csv="<study>/tables/leaderboard.csv",
    log:
        "<study>/logs/render_tables.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=TABLES_SPEC,
    shell:
        "python -m scripts.render_tables --spec {params.spec:q} --log {log:q} "
        "--ranking {input.ranking:q} --costs {input.costs:q} --output {output.csv:q} "
        "--agreement {input.agreement:q} --detection {input.detection:q} --failed {input.failed:q}"
