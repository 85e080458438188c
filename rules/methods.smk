"""From preprocessed cases to predictions on the native grid, and what they cost."""

from mribench.training.pack import packing_settings

RUN = "<study>/runs/{method}/fold-{fold}_seed-{seed}"
RECORDS = multiext(f"{RUN}/", "history.csv", "run.json", "intensity.json", "preprocessing.json")
DEALT = {name: ancient(f"<study>/dataset/{name}.tsv") for name in ("splits", "scans")}
TRAINING_SPEC = spec("train_model", method_settings, method_module, data=training_upstream)
PREDICTION_SPEC = spec("predict_cases", prediction_settings, method_module, data=test_upstream)


rule pack_cases:
    input:
        # One file per case stands for all that its last stage made.
        images=case_files(
            "<study>/preproc/{variant}/{case_dir}/anat/{case}_space-{variant}_desc-preproc_"
            f"{CONTRASTS[0]}.nii.gz"
        ),
        scans="<study>/dataset/scans.tsv",
    output:
        "<study>/store/{variant}/manifest.json",
    log:
        "<study>/logs/pack_cases/{variant}.log",
    benchmark:
        "<study>/benchmarks/pack_cases/{variant}.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        disk_mb=10000,
    params:
        spec=spec("pack_cases", lambda wildcards: packing_settings(STUDY, wildcards.variant)),
    message:
        "Pack variant {wildcards.variant}"
    shell:
        "python -m scripts.pack_cases --spec {params.spec:q} --log {log:q} "
        "--scans {input.scans:q} --output {output:q}"


# The store and the splits are ancient inputs, because they must not trigger a training when they
# are made again. But Snakemake overlooks whatever else changed of a job below one that runs and
# behind an ancient input. The plan depends on nothing that is made again: it carries the change.
rule plan_run:
    input:
        ancient("<study>/dataset/scans.tsv"),
    output:
        f"{RUN}/{{step}}_plan.json",
    log:
        "<study>/logs/plan_run/{method}/fold-{fold}_seed-{seed}_{step}.log",
    wildcard_constraints:
        step="training|prediction|evaluation",
    localrule: True
    conda:
        "../envs/base.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 5 * attempt,
    params:
        spec=plan_spec,
    message:
        "Plan the {wildcards.step} of {wildcards.method}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        "python -m scripts.plan_run --spec {params.spec:q} --log {log:q} --output {output:q}"


rule train_model:
    input:
        **DEALT,
        plan=f"{RUN}/training_plan.json",
        store=ancient(store_of),
    output:
        RECORDS,
        model=f"{RUN}/model.safetensors",
    log:
        "<study>/logs/train_model/{method}/fold-{fold}_seed-{seed}.log",
    benchmark:
        "<study>/benchmarks/train_model/{method}/fold-{fold}_seed-{seed}.tsv"
    conda:
        method_environment
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 1440 * attempt,
        device="auto",
        devices="auto",
    params:
        spec=TRAINING_SPEC,
    message:
        "Train {wildcards.method}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        "python -m scripts.train_model --spec {params.spec:q} --threads {threads} --log {log:q} "
        "--device {resources.device:q} --devices {resources.devices:q} "
        "--name {wildcards.method:q} --store {input.store:q} --splits {input.splits:q} "
        "--fold {wildcards.fold:q} --seed {wildcards.seed:q} --model {output.model:q}"


rule predict_cases:
    input:
        **DEALT,
        plan=f"{RUN}/prediction_plan.json",
        model=f"{RUN}/model.safetensors",
        intensity=f"{RUN}/intensity.json",
        store=ancient(store_of),
    output:
        f"{RUN}/predictions.json",
    log:
        "<study>/logs/predict_cases/{method}/fold-{fold}_seed-{seed}.log",
    benchmark:
        "<study>/benchmarks/predict_cases/{method}/fold-{fold}_seed-{seed}.tsv"
    conda:
        method_environment
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        device="auto",
    params:
        spec=PREDICTION_SPEC,
    message:
        "Predict with {wildcards.method}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        "python -m scripts.predict_cases --spec {params.spec:q} --threads {threads} --log {log:q} "
        "--device {resources.device:q} --model {input.model:q} --store {input.store:q} "
        "--splits {input.splits:q} --fold {wildcards.fold:q} --output {output:q}"


rule measure_cost:
    input:
        run=f"{RUN}/run.json",
        predictions=f"{RUN}/predictions.json",
        store=store_of,
    output:
        f"{RUN}/cost.json",
    log:
        "<study>/logs/measure_cost/{method}/fold-{fold}_seed-{seed}.log",
    conda:
        "../envs/torch.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        spec=spec("measure_cost", method_settings, method_module),
    message:
        "Cost of {wildcards.method}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        "python -m scripts.measure_cost --spec {params.spec:q} --log {log:q} "
        "--store {input.store:q} --run {input.run:q} --predictions {input.predictions:q} "
        "--output {output:q}"
