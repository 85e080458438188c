"""The preprocessing variants: one model per stage."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mribench.config.base import Contrast, Model, Name, Positive
from mribench.config.dataset import Dataset
from mribench.config.intensity import Intensity, ZScore
from mribench.plugins import backends, settings_read, unknown

Voxels = Annotated[int, Field(ge=1)]
LinearTransform = Literal["rigid", "affine9", "affine"]


class Backend(Model):
    """A stage's tool, by the name of its file in `preprocessing/backends`."""

    backend: Name
    """Name of the back end."""


class Selective(Backend):
    """A stage with settings that only some of its back ends read."""

    stage: ClassVar[str]
    """Name of the stage."""
    common: ClassVar[tuple[str, ...]] = ("backend",)
    """Settings that the stage reads, whatever the back end."""

    def unread(self) -> set[str]:
        """Return the settings that the chosen back end does not read."""
        read = {*self.common, *settings_read(self.stage, self.backend)}
        return set(type(self).model_fields) - read


class Bias(Selective):
    """Bias field correction."""

    stage: ClassVar[str] = "correct_bias"

    backend: Name = "ants"
    """`ants` is N4, `fsl` FAST's field, `spm` SPM12's, `none` leaves the images as they are."""
    shrink: int = Field(4, ge=1)
    """Factor by which N4 shrinks the image to fit the field."""
    spline_mm: Positive = 200.0
    """Distance of N4's B-spline knots in mm."""
    iterations: tuple[int, ...] = Field((50, 50, 50), min_length=1)
    """N4 iterations per resolution level; each level halves the distance of the knots."""


class Strip(Selective):
    """Skull stripping."""

    stage: ClassVar[str] = "strip_skull"
    common: ClassVar[tuple[str, ...]] = ("backend", "rim")

    backend: Name = "consensus"
    """`consensus` (of `deepbet` and `mesh`) and `deepbet` work on a T1w; `mesh` (BET of our own),
    `template`, `fsl` (BET) and `synthstrip` on any contrast; `given`
    reads `dataset.brain_mask`; `none` takes images that are stripped already; `whole` keeps
    the whole field of view, where no brain is looked for."""
    fraction: float = Field(0.5, gt=0, lt=1)
    """Fractional intensity threshold of `consensus`, `mesh` and `fsl`: smaller gives a larger
    brain."""
    rim: Literal["dura", "tissue"] = "dura"
    """Where the mask ends: `dura` where the back end draws it, fluid included, or at the outer
    `tissue` (T1w)."""


class Register(Backend):
    """Registration of the contrasts of a case to its reference contrast."""

    backend: Name = "ants"
    """`ants` is antsRegistration, `fsl` FLIRT, both with mutual information."""
    transform: LinearTransform | Literal["none"] = "rigid"
    """6, 9 or 12 degrees of freedom; `none` trusts the scanner coordinates."""


class Template(Backend):
    """Registration of a case to the MNI template."""

    backend: Name = "ants"
    """`ants` is antsRegistration, `fsl` FLIRT and FNIRT."""
    transform: Literal["affine9", "affine", "syn", "fnirt", "none"] = "affine"
    """9 or 12 degrees of freedom; `syn` (`ants`) and `fnirt` (`fsl`) add a deformation to the
    affine; `none` leaves the stage out where nothing needs it."""

    @property
    def is_deformable(self) -> bool:
        """Whether the transform is a displacement field, not a matrix."""
        return self.transform in ("syn", "fnirt")


class Tissues(Selective):
    """Segmentation of grey matter, white matter and cerebrospinal fluid."""

    stage: ClassVar[str] = "segment_tissues"

    backend: Name = "hmrf"
    """`hmrf` is our own hidden Markov random field like FSL FAST, `atropos` that of ANTs, `fsl`
    FAST itself; `given` reads `dataset.tissues`; `none` leaves the stage out."""
    mrf: float = Field(0.1, ge=0)
    """Weight of the Markov random field."""
    bias_loop: bool = True
    """Whether `hmrf` and `fsl` estimate what is left of the bias field between their steps."""


class Grid(Model):
    """The voxel grid that a method reads."""

    space: Literal["reference", "template"] = "reference"
    """`reference` is the grid of the reference contrast, `template` the MNI template."""
    spacing: Literal["native"] | Positive | tuple[Positive, Positive, Positive] = "native"
    """Voxel size in mm, isotropic or per axis; `native` keeps that of the space."""
    resize: tuple[Voxels | None, Voxels | None, Voxels | None] | None = None
    """Voxels per axis that the whole field of view is resampled to, instead of a `spacing`;
    null keeps an axis as it is."""
    size: tuple[Voxels | None, Voxels | None, Voxels | None] | None = None
    """Voxels per axis after cropping, or padding with zeros; null keeps the whole axis."""
    centre: Literal["grid", "brain"] | tuple[float, float, float] = "grid"
    """What `size` is centred on: the field of view, the brain mask's centre of mass, or a
    position in mm in the coordinates of the space."""
    interpolation: Literal["bspline", "linear"] = "bspline"
    """Interpolation of the images; `bspline` is cubic."""
    label_interpolation: Literal["nearest", "generic"] = "nearest"
    """Interpolation of tissues and training labels: the nearest voxel, or the label with the
    largest sum of linear weights around (GenericLabel of ANTs)."""

    @model_validator(mode="after")
    def _centre_is_read(self) -> "Grid":
        if self.size is None and self.centre != "grid":
            raise ValueError("centre: read only where size is given")
        return self

    @model_validator(mode="after")
    def _one_way_to_resample(self) -> "Grid":
        if self.resize is not None and self.spacing != "native":
            raise ValueError("resize: give a spacing or a number of voxels, not both")
        return self


class Variant(Model):
    """A named preprocessing setting, from the raw images to what a method reads."""

    reference: Contrast = "FLAIR"
    """The contrast whose space all others are brought into."""
    anatomy: Contrast = "T1w"
    """The contrast that is stripped, registered to the template and segmented into tissues."""
    bias: Bias = Bias()
    """Bias field correction."""
    strip: Strip = Strip()
    """Skull stripping."""
    register_: Register = Field(Register(), alias="register")
    """Registration to the reference contrast."""
    template: Template = Template()
    """Registration to the template."""
    tissues: Tissues = Tissues()
    """Tissue segmentation."""
    grid: Grid = Grid()
    """Target grid."""
    intensity: Intensity = ZScore(method="zscore")
    """Intensity normalisation."""


def check_variant(name: str, variant: Variant, dataset: Dataset) -> None:
    """Refuse contrasts and back ends that do not exist, and settings that exclude each other.

    Raises
    ------
    ValueError
        Names the key.
    """
    contrasts = dataset.contrasts
    if name in contrasts:
        raise ValueError(f"variants.{name}: a variant may not be named like a contrast")
    used = {"reference": variant.reference, "anatomy": variant.anatomy}
    for key, contrast in used.items():
        if contrast not in contrasts:
            raise ValueError(f"variants.{name}." + unknown(key, contrast, contrasts))
    chosen = (
        ("correct_bias", "bias.backend", variant.bias.backend),
        ("strip_skull", "strip.backend", variant.strip.backend),
        ("register", "register.backend", variant.register_.backend),
        ("register", "template.backend", variant.template.backend),
        ("segment_tissues", "tissues.backend", variant.tissues.backend),
        ("normalise_intensity", "intensity.method", variant.intensity.method),
    )
    for stage, key, value in chosen:
        known = backends(stage)
        if value not in known:
            raise ValueError(f"variants.{name}.{unknown(key, value, known)}")
    _check_read(name, variant)
    _check_stages_fit(name, variant)
    _check_given(name, variant, dataset)


def _check_read(name: str, variant: Variant) -> None:
    """Refuse settings that were changed although the chosen back end does not read them."""
    stages: dict[str, Selective] = {
        "bias": variant.bias,
        "strip": variant.strip,
        "tissues": variant.tissues,
    }
    for key, chosen in stages.items():
        usual = type(chosen).model_fields
        for setting in sorted(chosen.unread()):
            if getattr(chosen, setting) != usual[setting].default:
                text = f"{key}.{setting}: {key}.backend {chosen.backend} does not read it"
                raise ValueError(f"variants.{name}.{text}; leave it out or choose another back end")


def _check_stages_fit(name: str, variant: Variant) -> None:
    """Refuse settings of stages that cannot work together."""
    if variant.grid.space == "template" and variant.template.transform == "none":
        text = "template.transform: none, but grid.space is template; use affine or syn"
        raise ValueError(f"variants.{name}.{text}")
    strip = variant.strip.backend
    if strip in ("consensus", "deepbet") and not variant.anatomy.endswith("T1w"):
        text = f"strip.backend: {strip} reads T1w, but anatomy is {variant.anatomy}; use template"
        raise ValueError(f"variants.{name}.{text}")
    if variant.strip.rim == "tissue" and not variant.anatomy.endswith("T1w"):
        text = f"strip.rim: tissue needs a T1w, but anatomy is {variant.anatomy}; use dura"
        raise ValueError(f"variants.{name}.{text}")
    _check_tissues(name, variant)
    makers = {"syn": "ants", "fnirt": "fsl"}
    transform, backend = variant.template.transform, variant.template.backend
    if makers.get(transform, backend) != backend:
        text = f"template.transform: {transform} needs template.backend: {makers[transform]}"
        raise ValueError(f"variants.{name}.{text}, found {backend}")


def _check_tissues(name: str, variant: Variant) -> None:
    """Refuse a tissue segmentation of CT, and methods that need one where there is none."""
    backend = variant.tissues.backend
    if variant.anatomy.endswith("CT") and backend not in ("given", "none"):
        text = f"tissues.backend: {backend} knows no tissues of CT; use none or given"
        raise ValueError(f"variants.{name}.{text}")
    if variant.intensity.method == "whitematter" and backend == "none":
        text = "intensity.method: whitematter reads the tissues, but tissues.backend is none"
        raise ValueError(f"variants.{name}.{text}")


def _check_given(name: str, variant: Variant, dataset: Dataset) -> None:
    """Refuse the data set's own masks and tissues where it does not declare fitting ones."""
    wanted = (
        ("strip", variant.strip.backend, "brain_mask", dataset.brain_mask),
        ("tissues", variant.tissues.backend, "tissues", dataset.tissues),
    )
    for stage, backend, key, files in wanted:
        where = f"variants.{name}.{stage}.backend: given"
        if backend == "given" and files is None:
            raise ValueError(f"{where} reads files of the data set; say which in dataset.{key}")
        if backend == "given" and files and files.contrast != variant.anatomy:
            text = f"{where} reads files on the {files.contrast} (dataset.{key}.contrast)"
            raise ValueError(f"{text}, but anatomy is {variant.anatomy}")
