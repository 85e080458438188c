"""mribench: from raw brain MRI to a defended results table.

``snakemake --cores all`` runs the study in ``config.yaml``; name another one with
``--configfile studies/<study>.yaml``. Stages are targets: ``snakemake preprocess``.
"""

from snakemake.utils import min_version

min_version("9.19")


if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"


report: "report/workflow.rst"


pathvars:
    study=f"results/{STUDY.study}",


wildcard_constraints:
    variant="|".join(STUDY.variants),
    method="|".join(STUDY.methods),
    case="sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?",
    case_dir="sub-[A-Za-z0-9]+(/ses-[A-Za-z0-9]+)?",
    contrast="|".join(CONTRASTS),
    kind="txt|nii[.]gz",
    fold="[0-9]+",
    seed="[0-9]+",


include: "rules/dataset.smk"
include: "rules/preprocess.smk"
include: "rules/methods.smk"
include: "rules/evaluate.smk"
include: "rules/aggregate.smk"
include: "rules/publish.smk"
include: "rules/monitor.smk"


rule all:
    default_target: True
    input:
        "<study>/report/index.html",
        "<study>/agreement.csv",
        # Named so that they are made again where they were deleted because of damage.
        "<study>/metrics.csv",
        run_files("metrics.csv"),
        described_variants(),


rule preprocess:
    input:
        preprocessed_variants,


rule train:
    input:
        run_files("model.safetensors"),


rule evaluate:
    input:
        run_files("metrics.csv"),


rule tables:
    input:
        "<study>/tables/leaderboard.csv",
        "<study>/agreement.csv",
