"""The data set: where images and labels come from."""

from typing import Literal

from pydantic import Field, model_validator

from mribench.config.base import FILLED, Contrast, Model, Name, Positive
from mribench.plugins import plugins, unknown


class Site(Model):
    """How one simulated scanner differs from the others."""

    spacing: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    """Voxel size of FLAIR, T2w and PDw in mm: left-right, posterior-anterior, inferior-superior."""
    t1w_spacing: tuple[Positive, Positive, Positive] | None = None
    """Voxel size of the T1w in mm; null takes `spacing`."""
    noise: float = Field(0.03, ge=0, le=0.5)
    """Standard deviation of the Rician noise, as a share of the mean white-matter signal."""
    bias: float = Field(0.2, ge=0, le=1)
    """Amplitude of the multiplicative bias field: 0.2 means a field from 0.8 to 1.2."""
    contrast: float = Field(1.0, gt=0, le=3)
    """Factor on the tissue contrast around the mean brain signal."""


class Phantoms(Model):
    """Simulated subjects with exact truth, made from MNI152 templates or given anatomy."""

    subjects: int = Field(12, ge=1)
    """Number of subjects, dealt to the sites in turn."""
    sites: dict[Name, Site] = Field({"siteA": Site()}, min_length=1)
    """The scanners, by name."""
    lesion_ml: tuple[Positive, Positive] = (0.3, 50.0)
    """Range of the total lesion load per subject in ml (log-uniform); at most 150 ml."""
    motion_mm: float = Field(1.0, ge=0)
    """Largest translation of the head between contrasts in mm; rotations go to as many degrees."""
    deformation_mm: float = Field(4.0, ge=0)
    """Largest displacement in mm that makes each anatomy; 0 keeps anatomy and size as given."""
    anatomy: tuple[str, ...] = ()
    """Folders of real people: `dseg.nii.gz` (1 CSF, 2 GM, 3 WM) and `lesion_mask.nii.gz` each."""
    seed: int = Field(0, ge=0)
    """Seed of everything random in the phantoms."""

    @model_validator(mode="after")
    def _load_is_possible(self) -> "Phantoms":
        low, high = self.lesion_ml
        if not low <= high <= 150:
            raise ValueError(f"lesion_ml: give low and high, at most 150, found {low:g}, {high:g}")
        return self


class Label(Model):
    """What is to be segmented, and where its reference masks are."""

    name: Name = "lesion"
    """`lesion` reads `*_label-lesion_mask.nii.gz`, `dseg` reads `*_dseg.nii.gz`."""
    pattern: str | None = None
    """Glob of the label files: `{subject}` is sub-01, `{session}` is ses-01; null: derivatives."""
    values: dict[Name, int] = Field({"lesion": 1})
    """Voxel value of each class in the label files; 0 is background."""
    given: bool = True
    """Whether the data set has reference labels; false looks for none: cases can be preprocessed
    and predicted, not trained on and not scored."""
    ignore: tuple[int, ...] = ()
    """Voxel values left out of training and scoring (2 in the WMH challenge: other pathology)."""

    @model_validator(mode="after")
    def _values_are_distinct(self) -> "Label":
        used = [*self.values.values(), *self.ignore]
        if len(set(used)) < len(used) or not all(0 < value < 255 for value in used):
            raise ValueError("values: give each class and ignored value its own number, 1 to 254")
        return self


class Given(Model):
    """Brain masks that come with the data set, one per case; read by `strip.backend: given`."""

    pattern: str | None = None
    """Glob of the files, as in `label.pattern`; null: `*_desc-brain_mask.nii.gz` in derivatives."""
    contrast: Contrast = "T1w"
    """The contrast on whose grid the files stand; the anatomy of the variants that use them."""


class GivenTissues(Given):
    """Tissue labels that come with the data set, one file per case; read by `tissues.backend`."""

    pattern: str | None = None
    """Glob of the files, as in `label.pattern`; null: `*_dseg.nii.gz` in derivatives."""
    values: dict[Literal["GM", "WM", "CSF"], int] = Field({"GM": 1, "WM": 2, "CSF": 3})
    """Voxel value of each tissue: by default those of BIDS; FAST writes {CSF: 1, GM: 2, WM: 3}."""

    @model_validator(mode="after")
    def _values_are_complete(self) -> "GivenTissues":
        numbers = set(self.values.values())
        if len(numbers) < 3 or min(numbers) < 1:
            raise ValueError("values: give GM, WM and CSF each its own number, 1 or more")
        return self


class Dataset(Model):
    """Where the images come from and what every case must have."""

    recipe: Name = "bids"
    """`bids` reads a data set in place, `phantoms` simulates one, others import a release."""
    source: str | None = None
    """Folder of the BIDS data set or of the public release; not used by `phantoms`."""
    contrasts: tuple[Contrast, ...] = Field(("T1w", "FLAIR"), min_length=1)
    """The contrasts that every case must have."""
    label: Label = Label()
    """The reference segmentation."""
    brain_mask: Given | None = None
    """Brain masks of the data set's own; null where no variant reads any."""
    tissues: GivenTissues | None = None
    """Tissue labels of the data set's own; null where no variant reads any."""
    on_problem: Literal["stop", "drop"] = "stop"
    """Unusable data, or a failed preprocessing, `stop` the study or `drop` the case, named."""
    affine_tolerance_mm: Positive = 0.01
    """Largest distance between the places two affines give one voxel for the grids to be one."""
    phantoms: Phantoms = Phantoms()
    """Settings of the simulation, read by the recipe `phantoms` only."""

    @model_validator(mode="after")
    def _source_is_given(self) -> "Dataset":
        if self.recipe != "phantoms" and not self.source:
            raise ValueError(f"source: give the folder that recipe {self.recipe!r} reads")
        if self.source and set(self.source) & set(FILLED):
            raise ValueError(
                f"source: {self.source!r} has one of {FILLED}, between which Snakemake fills "
                "in names; rename the folder or link to it"
            )
        known = ("bids", "phantoms", *plugins("dataset.recipes"))
        if self.recipe not in known:
            raise ValueError(unknown("recipe", self.recipe, known))
        return self
