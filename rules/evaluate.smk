"""Scoring every run on the native grid of the labels."""

from mribench.metrics.conventions import scoring_conventions

SCORING = {
    "preset": STUDY.evaluation.preset,
    "label": STUDY.dataset.label.model_dump(mode="json"),
    "affine_tolerance_mm": STUDY.dataset.affine_tolerance_mm,
}
SCORING_SPEC = spec(
    "evaluate_predictions",
    SCORING,
    conventions=scoring_conventions(STUDY.evaluation.preset),
    data=lambda wildcards: indexed().fold_digest(wildcards.fold, ("test",)),
)


rule evaluate_predictions:
    input:
        plan=f"{RUN}/evaluation_plan.json",
        predictions=f"{RUN}/predictions.json",
        scans=ancient("<study>/dataset/scans.tsv"),
        splits="<study>/dataset/splits.tsv",
        root=ancient(str(BIDS_ROOT)),
    output:
        metrics=f"{RUN}/metrics.csv",
        volumes=f"{RUN}/volumes.csv",
        lesion_sizes=f"{RUN}/lesion_sizes.csv",
    log:
        "<study>/logs/evaluate_predictions/{method}/fold-{fold}_seed-{seed}.log",
    benchmark:
        "<study>/benchmarks/evaluate_predictions/{method}/fold-{fold}_seed-{seed}.tsv"
    conda:
        "../envs/metrics.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=SCORING_SPEC,
    shell:
        "python -m scripts.evaluate_predictions --spec {params.spec:q} --log {log:q} "
        "--predictions {input.predictions:q} --scans {input.scans:q} --splits {input.splits:q} "
        "--root {input.root:q} --method {wildcards.method:q} --fold {wildcards.fold:q} "
        "--seed {wildcards.seed:q} --output {output.metrics:q}"
