"""The preprocessing stages: what each depends on, and which variants share one.

Variants that agree in all settings up to a stage share that stage's outputs: they
stand in the folder of the first such variant, the stage's *owner*.
"""

from typing import Any

from mribench import programs
from mribench.config import Study, Variant

REQUIRES: dict[str, tuple[str, ...]] = {
    "correct_bias": (),
    "strip_skull": ("correct_bias",),
    "register_to_reference": ("correct_bias",),
    "register_to_template": ("strip_skull",),
    "segment_tissues": ("strip_skull",),
    "resample_images": ("register_to_reference", "register_to_template", "segment_tissues"),
}
BACKEND_OF = {
    "correct_bias": ("correct_bias", "bias"),
    "strip_skull": ("strip_skull", "strip"),
    "register_to_reference": ("register", "register"),
    "register_to_template": ("register", "template"),
    "segment_tissues": ("segment_tissues", "tissues"),
    "resample_images": ("normalise_intensity", "intensity"),
}
# The columns of scans.tsv with what the back end `given` of a stage reads.
GIVEN_FILE = {"strip_skull": "brain_mask", "segment_tissues": "tissues"}
# Back ends, recipes and methods that call programs (mribench.programs); conda environments.
PROGRAM_OF = {
    "fsl": "FSL",
    "spm": "SPM",
    "synthstrip": "FreeSurfer",
    "dicom": "dcm2niix",
    "nnunet": "nnU-Net",
}
ENVIRONMENT_OF = {"fsl": "fsl", "spm": "nipype", "dicom": "nipype", "nnunet": "nnunet"}
IN_ENVIRONMENT = ("FSL", "dcm2niix", "nnU-Net")


def stage_settings(study: Study, variant: str, stage: str) -> dict[str, Any]:
    """Return the slice of the configuration that one stage of a variant reads."""
    chosen = study.variants[variant].model_dump(by_alias=True, mode="json")
    picked: dict[str, tuple[str, ...]] = {
        "correct_bias": ("bias",),
        "strip_skull": ("strip", "anatomy"),
        "register_to_reference": ("register", "reference"),
        "register_to_template": ("template", "anatomy"),
        "segment_tissues": ("tissues", "anatomy"),
        "resample_images": ("grid", "reference", "anatomy", "intensity"),
    }
    settings = {key: chosen[key] for key in picked[stage]}
    if stage == "segment_tissues" and chosen["tissues"]["backend"] == "given":
        assert study.dataset.tissues is not None
        settings["values"] = study.dataset.tissues.values
    if stage == "resample_images":
        settings["contrasts"] = list(study.dataset.contrasts)
        settings["label"] = study.dataset.label.model_dump(mode="json")
    return settings


def stage_chain(study: Study, variant: str, stage: str) -> dict[str, Any]:
    """Return the settings of a stage and of all stages it requires, by stage."""
    chain = {stage: stage_settings(study, variant, stage)}
    for required in REQUIRES[stage]:
        chain.update(stage_chain(study, variant, required))
    return chain


def stage_owner(study: Study, variant: str, stage: str) -> str:
    """Return the first variant whose settings agree up to `stage`: its folder holds the outputs."""
    wanted = stage_chain(study, variant, stage)
    return next(name for name in study.variants if stage_chain(study, name, stage) == wanted)


def stage_backend(variant: Variant, stage: str) -> str | None:
    """Return the module name of the back end a stage uses, or None for stages without."""
    if stage not in BACKEND_OF:
        return None
    prefix, key = BACKEND_OF[stage]
    settings = variant.model_dump(by_alias=True)[key]
    return f"{prefix}_{settings.get('backend') or settings['method']}"


def given_column(variant: Variant, stage: str) -> str | None:
    """Return the column of ``scans.tsv`` with the file of the data set that a stage reads."""
    backend = stage_backend(variant, stage) or ""
    return GIVEN_FILE.get(stage) if backend.endswith("_given") else None


def stage_environment(variant: Variant, stage: str, default: str) -> str:
    """Return the name of the conda environment (in ``envs/``) that a stage of a variant needs."""
    return ENVIRONMENT_OF.get((stage_backend(variant, stage) or "").rpartition("_")[2], default)


def method_environment(study: Study, method: str) -> str:
    """Return the name of the conda environment (in ``envs/``) that a method runs in."""
    return ENVIRONMENT_OF.get(study.methods[method].method, "torch")


def require_programs(study: Study, use_conda: bool) -> None:
    """Raise where a program is missing that the study calls.

    Parameters
    ----------
    study
        The configuration.
    use_conda
        Whether each rule runs in its conda environment; some bring the program.

    Raises
    ------
    ToolError
        One line: the key of the configuration, the program and how to get it.
    """
    names = {"dataset.recipe": study.dataset.recipe}
    names |= {f"methods.{name}.method": entry.method for name, entry in study.methods.items()}
    for name in sorted({method.variant for method in study.methods.values()}):
        chosen = study.variants[name].model_dump(by_alias=True)
        for _, key in BACKEND_OF.values():
            if chosen[key].get("transform") != "none":
                names[f"variants.{name}.{key}.backend"] = chosen[key].get("backend", "")
    for place, value in names.items():
        program = PROGRAM_OF.get(value)
        if program and not (use_conda and program in IN_ENVIRONMENT):
            with programs.concerning(place, value):
                programs.require(program)
