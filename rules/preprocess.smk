"""From raw images to what the methods read: one job per case and stage."""


include: "stages.smk"


LOG = "{variant}/{case}.log"
LABEL_MAPS = {
    "mask": "desc-brain_mask.nii.gz",
    "tissues": "dseg.nii.gz",
    "label": "desc-reference_dseg.nii.gz",
}


rule correct_bias:
    input:
        ancient(raw_images),
    output:
        conformed=per_contrast(f"{ANAT}_desc-conformed_{{contrast}}.nii.gz"),
        images=per_contrast(f"{ANAT}_desc-biascorrected_{{contrast}}.nii.gz"),
        fields=per_contrast(f"{ANAT}_desc-biasfield_{{contrast}}.nii.gz"),
    log:
        f"<study>/logs/correct_bias/{{case_dir}}/{LOG}",
    benchmark:
        "<study>/benchmarks/correct_bias/{variant}/{case_dir}/{case}.tsv"
    conda:
        stage_environment("correct_bias", "ants")
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
        disk_mb=300,
    params:
        spec=stage_spec("correct_bias", images=case_checksums),
    shell:
        "python -m scripts.correct_bias --spec {params.spec:q} --threads {threads} --log {log:q} "
        "--images {input:q} --conformed {output.conformed:q} --outputs {output.images:q} "
        "--fields {output.fields:q}"


rule strip_skull:
    input:
        image=stage_output("correct_bias", "_desc-biascorrected_{contrast}.nii.gz"),
        given=ancient(given_file("strip_skull")),
    output:
        f"{ANAT}_space-{{contrast}}_desc-brain_mask.nii.gz",
    log:
        f"<study>/logs/strip_skull/{{case_dir}}/{{contrast}}/{LOG}",
    benchmark:
        "<study>/benchmarks/strip_skull/{variant}/{case_dir}/{case}_{contrast}.tsv"
    conda:
        stage_environment("strip_skull", "ants")
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=stage_spec("strip_skull", given=given_checksum("strip_skull")),
    shell:
        "python -m scripts.strip_skull --spec {params.spec:q} --threads {threads} --log {log:q} "
        "--image {input.image:q} --given {input.given:q} --output {output:q}"


# A file from A to B could as well be the inverse of one from B to A: only the reference,
# which is fixed here, tells them apart. Nearly all studies have one reference.
for REFERENCE in sorted({variant.reference for variant in STUDY.variants.values()}):

    rule:
        name:
            f"register_to_reference_{REFERENCE}"
        input:
            moving=stage_output("correct_bias", "_desc-biascorrected_{contrast}.nii.gz"),
            fixed=stage_output("correct_bias", f"_desc-biascorrected_{REFERENCE}.nii.gz"),
        output:
            forward=f"{ANAT}_from-{{contrast}}_to-{REFERENCE}_mode-image_xfm.txt",
            inverse=f"{ANAT}_from-{REFERENCE}_to-{{contrast}}_mode-image_xfm.txt",
        log:
            f"<study>/logs/register_to_reference/{{case_dir}}/{{contrast}}/{LOG}",
        benchmark:
            "<study>/benchmarks/register_to_reference/{variant}/{case_dir}/{case}_{contrast}.tsv"
        wildcard_constraints:
            variant=variants_with_reference(REFERENCE),
        conda:
            stage_environment("register_to_reference", "ants")
        resources:
            mem_mb=lambda wildcards, attempt: 3000 * attempt,
            runtime=lambda wildcards, attempt: 60 * attempt,
        params:
            spec=stage_spec("register_to_reference"),
        shell:
            "python -m scripts.register_to_reference --spec {params.spec:q} --threads {threads} "
            "--log {log:q} --moving {input.moving:q} --fixed {input.fixed:q} "
            "--forward {output.forward:q} --inverse {output.inverse:q}"


rule register_to_template:
    input:
        image=stage_output("correct_bias", "_desc-biascorrected_{contrast}.nii.gz"),
        mask=stage_output("strip_skull", "_space-{contrast}_desc-brain_mask.nii.gz"),
    output:
        forward=f"{ANAT}_from-{{contrast}}_to-{TEMPLATE}_mode-image_xfm.{{kind}}",
        inverse=f"{ANAT}_from-{TEMPLATE}_to-{{contrast}}_mode-image_xfm.{{kind}}",
    log:
        f"<study>/logs/register_to_template/{{case_dir}}/{{contrast}}_{{kind}}/{LOG}",
    benchmark:
        "<study>/benchmarks/register_to_template/{variant}/{case_dir}/{case}_{contrast}_{kind}.tsv"
    conda:
        stage_environment("register_to_template", "ants")
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        disk_mb=300,
    params:
        spec=stage_spec("register_to_template"),
    shell:
        "python -m scripts.register_to_template --spec {params.spec:q} --threads {threads} "
        "--log {log:q} --image {input.image:q} --mask {input.mask:q} "
        "--forward {output.forward:q} --inverse {output.inverse:q}"


rule segment_tissues:
    input:
        image=stage_output("correct_bias", "_desc-biascorrected_{contrast}.nii.gz"),
        mask=stage_output("strip_skull", "_space-{contrast}_desc-brain_mask.nii.gz"),
        given=ancient(given_file("segment_tissues")),
    output:
        labels=f"{ANAT}_space-{{contrast}}_dseg.nii.gz",
        lookup=f"{ANAT}_space-{{contrast}}_dseg.tsv",
        maps=multiext(f"{ANAT}_space-{{contrast}}_label-", *TISSUE_MAPS),
    log:
        f"<study>/logs/segment_tissues/{{case_dir}}/{{contrast}}/{LOG}",
    benchmark:
        "<study>/benchmarks/segment_tissues/{variant}/{case_dir}/{case}_{contrast}.tsv"
    conda:
        stage_environment("segment_tissues", "ants")
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=stage_spec("segment_tissues", given=given_checksum("segment_tissues")),
    shell:
        "python -m scripts.segment_tissues --spec {params.spec:q} --threads {threads} --log {log:q} "
        "--image {input.image:q} --mask {input.mask:q} --given {input.given:q} --labels "
        "{output.labels:q} --lookup {output.lookup:q} --probabilities {output.maps:q}"


rule collect_volumes:
    input:
        # The review of a case stands for the table of its volumes, which it writes.
        reviews=case_files("<study>/preproc/{variant}/{case_dir}/figures/review.json"),
        scans="<study>/dataset/scans.tsv",
    output:
        "<study>/preproc/{variant}/volumes.tsv",
    log:
        "<study>/logs/collect_volumes/{variant}.log",
    conda:
        "../envs/base.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 5 * attempt,
    params:
        spec=spec("collect_volumes", {"classes": list(STUDY.dataset.label.values)}),
    shell:
        "python -m scripts.collect_volumes --spec {params.spec:q} --log {log:q} "
        "--scans {input.scans:q} --output {output:q}"


rule resample_images:
    input:
        images=stage_output("correct_bias", "_desc-biascorrected_{contrast}.nii.gz", CONTRASTS),
        mask=anatomy_output("strip_skull", "desc-brain_mask"),
        tissues=anatomy_output("segment_tissues", "dseg"),
        transforms=variant_transforms,
        label=ancient(raw_label),
    output:
        multiext(f"{ANAT}_space-{{variant}}_", **LABEL_MAPS),
        images=per_contrast(f"{ANAT}_space-{{variant}}_desc-unstripped_{{contrast}}.nii.gz"),
        normalised=per_contrast(f"{ANAT}_space-{{variant}}_desc-preproc_{{contrast}}.nii.gz"),
    log:
        f"<study>/logs/resample_images/{{case_dir}}/{LOG}",
    benchmark:
        "<study>/benchmarks/resample_images/{variant}/{case_dir}/{case}.tsv"
    conda:
        "../envs/base.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
        disk_mb=200,
    params:
        spec=stage_spec("resample_images", label=case_checksums),
    shell:
        "python -m scripts.resample_images --spec {params.spec:q} --log {log:q} --images {input.images:q} "
        "--mask {input.mask:q} --tissues {input.tissues:q} --label {input.label:q} --transforms "
        "{input.transforms:q} --outputs {output.images:q} --normalised {output.normalised:q} --output-mask "
        "{output.mask:q} --output-tissues {output.tissues:q} --output-label {output.label:q}"


rule describe_derivatives:
    output:
        description="<study>/preproc/{variant}/dataset_description.json",
        ignored="<study>/preproc/{variant}/.bidsignore",
    log:
        "<study>/logs/describe_derivatives/{variant}.log",
    conda:
        "../envs/base.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 5 * attempt,
    params:
        spec=spec("describe_derivatives", derivative_settings),
    shell:
        "python -m scripts.describe_derivatives --spec {params.spec:q} --log {log:q} "
        "--output {output.description:q}"
