"""The slices of the configuration that the rules of the report depend on, and their files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mribench import stages
from mribench.config import Contrast, Dataset, Label, Model, Name, Study, load_study

TEMPLATES = Path(__file__).parent / "templates"
CITATIONS = Path(__file__).parent / "citations.bib"
PRESETS = Path(__file__).parents[1] / "metrics/presets"
TEMPLATE = "MNI152NLin2009aSym"
OwnerOf = Callable[[str, str], str]
COVARIANT = ("scp", "scp3d")


class Atlas(Model):
    """Where the transforms of the cases to the template stand."""

    anatomy: Contrast
    """The contrast that was registered to the template."""
    reference: Contrast
    """The contrast that the others were registered to."""
    suffix: str
    """Suffix of the transforms to the template."""
    template_folder: Name
    """The variant that owns the transforms to the template."""
    reference_folder: Name
    """The variant that owns the transforms between contrasts."""

    def file(self, case: str, before: str, after: str) -> str:
        """Return a transform's file under the study's results."""
        template = after == TEMPLATE
        folder = self.template_folder if template else self.reference_folder
        suffix = self.suffix if template else "txt"
        name = f"{case}_from-{before}_to-{after}_mode-image_xfm.{suffix}"
        return f"preproc/{folder}/{case.replace('_', '/')}/anat/{name}"


class FigureSettings(Model):
    """What the figures read."""

    dataset: Dataset
    """Where images and labels stand, and what the label's values mean."""
    methods: tuple[Name, ...]
    """The methods in the order of the configuration."""
    preset: Name
    """Metric conventions; the first metric chooses the cases to show."""
    atlas: Atlas | None = None
    """The way to the template; null where the study knows none."""
    covariant: tuple[Name, ...] = ()
    """The methods that are SCP, whose weights are drawn."""


class ReviewSettings(Model):
    """What the preprocessing review reads."""

    variant: Name
    """The preprocessing variant."""
    contrasts: tuple[Contrast, ...]
    """All contrasts, in the order of the files."""
    anatomy: Contrast
    """The contrast that was stripped and segmented."""
    reference: Contrast
    """The contrast that the others were registered to."""
    label: Label = Label()
    """Voxel values of the classes of the reference label."""


def study_settings(study: Study) -> dict[str, Any]:
    """Return the whole configuration, and the order of its methods, which a spec does not keep."""
    return {"study": study.model_dump(mode="json", by_alias=True), "methods": list(study.methods)}


def methods_settings(study: Study) -> dict[str, Any]:
    """Return what the methods section says: all but the title."""
    return study_settings(study.model_copy(update={"title": ""}))


def restore_study(settings: dict[str, Any]) -> Study:
    """Return the configuration that :func:`study_settings` was made from."""
    content = settings["study"]
    methods = {name: content["methods"][name] for name in settings["methods"]}
    return load_study({**content, "methods": methods})


def figure_settings(study: Study) -> dict[str, Any]:
    """Return the fields of :class:`FigureSettings`."""
    return {
        "dataset": study.dataset.model_dump(mode="json", exclude={"phantoms"}),
        "methods": list(study.methods),
        "preset": study.evaluation.preset,
        "atlas": atlas.model_dump() if (atlas := find_atlas(study)) else None,
        "covariant": [name for name, entry in study.methods.items() if entry.method in COVARIANT],
    }


def find_atlas(study: Study) -> Atlas | None:
    """Return the way to the template by the first method whose variant has one."""
    for method in study.methods.values():
        name, variant = method.variant, study.variants[method.variant]
        if variant.template.transform != "none":
            return Atlas(
                anatomy=variant.anatomy,
                reference=variant.reference,
                suffix="nii.gz" if variant.template.is_deformable else "txt",
                template_folder=stages.stage_owner(study, name, "register_to_template"),
                reference_folder=stages.stage_owner(study, name, "register_to_reference"),
            )
    return None


def review_settings(study: Study, variant: str) -> dict[str, Any]:
    """Return the fields of :class:`ReviewSettings`."""
    chosen = study.variants[variant]
    return {
        "variant": variant,
        "contrasts": list(study.dataset.contrasts),
        "anatomy": chosen.anatomy,
        "reference": chosen.reference,
        "label": study.dataset.label.model_dump(mode="json"),
    }


def table_settings(study: Study) -> dict[str, Any]:
    """Return the fields of :class:`mribench.report.study_tables.TableSettings`."""
    return {
        "title": study.title or study.study,
        "evaluation": study.evaluation.model_dump(mode="json"),
        "order": list(study.methods),
        "methods": {name: entry.model_dump(mode="json") for name, entry in study.methods.items()},
    }


def table_texts() -> dict[str, str]:
    """Return what the tables depend on besides code: the script of their HTML pages."""
    return {"table.js": (TEMPLATES / "table.js").read_text(encoding="utf-8")}


def page_texts(study: Study) -> dict[str, str]:
    """Return what the report depends on besides code: templates, citations, metric preset."""
    templates = [path for path in TEMPLATES.iterdir() if path.suffix in (".j2", ".css", ".js")]
    data = [CITATIONS, PRESETS / f"{study.evaluation.preset}.json"]
    files = [*sorted(templates), *data]
    return {path.name: path.read_text(encoding="utf-8") for path in files}


def review_files(study: Study, owner_of: OwnerOf, variant: str, case_dir: str) -> dict[str, Any]:
    """Return the files that the review of a case looks at, by the name of their argument.

    The maps of the tissues stand beside their labels.

    Parameters
    ----------
    study
        The configuration.
    owner_of
        Says of a variant and a stage in whose folder the outputs stand: a function that
        remembers, since thousands of cases ask (see :func:`mribench.stages.stage_owner`).
    variant
        The preprocessing variant; what it shares stands in the folder of the stage's owner.
    case_dir
        ``sub-01`` or ``sub-01/ses-02``.
    """
    chosen, contrasts = study.variants[variant], study.dataset.contrasts
    case = case_dir.replace("/", "_")

    def of(stage: str, end: str) -> str:
        owner = owner_of(variant, stage)
        return f"<study>/preproc/{owner}/{case_dir}/anat/{case}_{end}"

    grid = owner_of(variant, "resample_images")
    space = f"space-{chosen.anatomy}"
    files: dict[str, Any] = {
        "conformed": [of("correct_bias", f"desc-conformed_{c}.nii.gz") for c in contrasts],
        "corrected": [of("correct_bias", f"desc-biascorrected_{c}.nii.gz") for c in contrasts],
        "field": [of("correct_bias", f"desc-biasfield_{c}.nii.gz") for c in contrasts],
        "resampled": [
            of("resample_images", f"space-{grid}_desc-unstripped_{c}.nii.gz") for c in contrasts
        ],
        "labels": of("resample_images", f"space-{grid}_dseg.nii.gz"),
        "mask": of("strip_skull", f"{space}_desc-brain_mask.nii.gz"),
        "tissues": of("segment_tissues", f"{space}_dseg.nii.gz"),
        "transforms": [
            of("register_to_reference", f"from-{c}_to-{chosen.reference}_mode-image_xfm.txt")
            for c in contrasts
            if c != chosen.reference
        ],
        "template": [],
    }
    if chosen.template.transform != "none":
        end = f"from-{chosen.anatomy}_to-{TEMPLATE}_mode-image_xfm"
        suffix = "nii.gz" if chosen.template.is_deformable else "txt"
        files["template"] = of("register_to_template", f"{end}.{suffix}")
    return files
