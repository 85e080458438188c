"""What people look at and pass on: figures, review, results page, and the archive for others."""

TEXTS = provenance.digest(report_settings.page_texts(STUDY))
FIGURES = report(
    directory("<study>/figures"),
    patterns=["{figure,[A-Za-z0-9_]+}.png"],
    caption="../report/figure.rst",
    category="Figures",
    labels={"figure": "{figure}"},
)
REVIEW_PAGE = report(
    "<study>/preproc/{variant}/{case_dir}/figures/index.html",
    caption="../report/review.rst",
    category="Preprocessing",
    subcategory="{variant}",
    labels={"case": "{case_dir}"},
)

ARCHIVE = f"<study>/publish/{STUDY.study}.zip"


rule plot_figures:
    input:
        metrics="<study>/metrics.csv",
        tables=["<study>/ranking.csv", "<study>/comparisons.csv", "<study>/costs.csv"],
        scans="<study>/dataset/scans.tsv",
        histories=run_files("history.csv"),
        predictions=run_files("predictions.json"),
        transforms=atlas_transforms,
    output:
        FIGURES,
    log:
        "<study>/logs/plot_figures.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec("plot_figures", report_settings.figure_settings(STUDY), texts=TEXTS),
    message:
        "Plot the figures"
    shell:
        "python -m scripts.plot_figures --spec {params.spec:q} --log {log:q} "
        "--metrics {input.metrics:q} --output {output:q}"


rule review_preprocessing:
    input:
        unpack(review_files),
        label=ancient(raw_label),
    output:
        page=REVIEW_PAGE,
        record="<study>/preproc/{variant}/{case_dir}/figures/review.json",
        thumbnail="<study>/preproc/{variant}/{case_dir}/figures/thumbnail.png",
    log:
        "<study>/logs/review_preprocessing/{variant}/{case_dir}.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=spec("review_preprocessing", review_settings, texts=TEXTS, data=case_checksums),
    shell:
        "python -m scripts.review_preprocessing --spec {params.spec:q} --log {log:q} --case "
        "{wildcards.case_dir:q} --conformed {input.conformed:q} --corrected {input.corrected:q} "
        "--field {input.field:q} --resampled {input.resampled:q} --labels {input.labels:q} --mask "
        "{input.mask:q} --tissues {input.tissues:q} "
        "--reference-label {input.label:q} --transforms {input.transforms:q} --template-transform "
        "{input.template:q} --page {output.page:q} --record {output.record:q} --thumbnail "
        "{output.thumbnail:q}"


rule review_variant:
    input:
        reviews=case_files("<study>/preproc/{variant}/{case_dir}/figures/review.json"),
        scans="<study>/dataset/scans.tsv",
    output:
        page="<study>/preproc/{variant}/review/index.html",
        table="<study>/preproc/{variant}/review/cases.tsv",
    log:
        "<study>/logs/review_variant/{variant}.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=spec("review_variant", {}, texts=TEXTS),
    message:
        "Overview of the preprocessing, variant {wildcards.variant}"
    shell:
        "python -m scripts.review_variant --spec {params.spec:q} --log {log:q} "
        "--variant {wildcards.variant:q} --scans {input.scans:q} "
        "--page {output.page:q} --table {output.table:q}"


rule write_methods:
    input:
        metrics="<study>/metrics.csv",
        splits="<study>/dataset/splits.tsv",
        runs=run_files("run.json"),
        # One file per case stands for all that its last stage made.
        images=ancient(
            case_files(f"{ANAT}_space-{{variant}}_desc-preproc_{CONTRASTS[0]}.nii.gz", VARIANTS)
        ),
    output:
        multiext("<study>/report/methods", markdown=".md", latex=".tex", bibtex=".bib"),
    log:
        "<study>/logs/write_methods.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=spec("write_methods", report_settings.methods_settings(STUDY), texts=TEXTS),
    message:
        "Write the methods section"
    shell:
        "python -m scripts.write_methods --spec {params.spec:q} --log {log:q} "
        "--metrics {input.metrics:q} --markdown {output.markdown:q} --latex {output.latex:q} "
        "--bibtex {output.bibtex:q}"


rule render_report:
    input:
        metrics="<study>/metrics.csv",
        tables=["<study>/tables/leaderboard.csv", "<study>/comparisons.csv", "<study>/costs.csv"],
        strata=["<study>/strata.csv", "<study>/strata_comparisons.csv"],
        figures="<study>/figures",
        splits="<study>/dataset/splits.tsv",
        runs=run_files("run.json"),
        methods="<study>/report/methods.md",
        reviews=expand(
            "<study>/preproc/{variant}/review/cases.tsv", variant=VARIANTS, allow_missing=True
        ),
    output:
        page="<study>/report/index.html",
        figures=directory("<study>/report/figures"),
    log:
        "<study>/logs/render_report.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=spec("render_report", report_settings.study_settings(STUDY), texts=TEXTS),
    shell:
        "python -m scripts.render_report --spec {params.spec:q} --log {log:q} "
        "--metrics {input.metrics:q} --output {output.page:q}"


rule publish:
    input:
        metrics="<study>/metrics.csv",
        page="<study>/report/index.html",
        methods="<study>/report/methods.md",
        figures="<study>/figures",
        runs=run_files("run.json"),
        costs=run_files("cost.json"),
        predictions=run_files("predictions.json"),
    output:
        ARCHIVE,
    log:
        "<study>/logs/publish.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec("publish", report_settings.study_settings(STUDY)),
    message:
        "Put the study into an archive"
    shell:
        "python -m scripts.publish --spec {params.spec:q} --log {log:q} "
        "--metrics {input.metrics:q} --output {output:q}"


rule verify_publication:
    input:
        archive=ARCHIVE,
        metrics="<study>/metrics.csv",
        root=ancient(str(BIDS_ROOT)),
    output:
        "<study>/publish/verification.json",
    log:
        "<study>/logs/verify_publication.log",
    conda:
        "../envs/report.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        spec=spec("verify_publication", {}),
    message:
        "Check the archive against the results"
    shell:
        "python -m scripts.verify_publication {input.archive:q} --spec {params.spec:q} "
        "--log {log:q} --results $(dirname {input.metrics:q}) --bids {input.root:q} "
        "--output {output:q}"
