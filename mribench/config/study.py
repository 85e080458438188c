"""The whole study: variants, methods, protocol and evaluation come together."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, ValidationError, model_validator

from mribench.config.base import Contrast, Model, Name
from mribench.config.dataset import Dataset
from mribench.config.sizes import choose_size
from mribench.config.variants import Variant, check_variant
from mribench.errors import ConfigError, describe
from mribench.plugins import method_settings, preset_problem, presets, unknown
from mribench.suggestions import describe_validation

TEMPLATE_KEY = "__use_yte__"


class Method(Model):
    """What every method's entry has; each file in `mribench/methods` adds its own keys."""

    method: Name
    """Name of the file in `mribench/methods`."""
    variant: Name
    """The preprocessing variant that the method reads."""
    contrasts: tuple[Contrast, ...] | None = None
    """The contrasts that the method reads, in this order; null takes all of the data set."""


class Split(Model):
    """How cases are dealt to training, validation and test."""

    scheme: Literal["kfold", "holdout", "leave_one_site_out", "leave_one_subject_out", "file"] = (
        "kfold"
    )
    """k folds, one split, one fold per site or subject, or a table of the user's own."""
    folds: int = Field(5, ge=2)
    """Number of folds of `kfold`."""
    validation: float = Field(0.2, ge=0, lt=1)
    """Share of the subjects outside the test set that early stopping looks at; at least one
    of two or more. Without any, it looks at the training cases."""
    test: float = Field(0.2, gt=0, lt=1)
    """Share of the subjects in the test set of `holdout`."""
    stratify: tuple[Literal["site", "load"], ...] = ("site", "load")
    """What the folds are balanced for: site, lesion load."""
    file: str | None = None
    """Table (TSV) with the columns fold, case, role (train, validation, test, unused), for the
    scheme `file`."""
    seed: int = Field(0, ge=0)
    """Seed of the shuffling."""

    @model_validator(mode="after")
    def _file_is_given(self) -> "Split":
        if self.scheme == "file" and not self.file:
            raise ValueError("file: give the table that scheme 'file' reads")
        return self


class Protocol(Model):
    """The rules of the tournament, the same for all methods."""

    task: Literal["segmentation"] = "segmentation"
    """What a prediction is."""
    split: Split = Split()
    """Training, validation and test."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field((0,), min_length=1)
    """Each method is trained once per fold and seed."""


class Evaluation(Model):
    """How predictions are scored and methods compared."""

    preset: Name = "wmh2017"
    """Named set of metric conventions."""
    test: Literal["wilcoxon", "t_test", "permutation"] = "wilcoxon"
    """Paired test over the subjects."""
    correction: Literal["holm", "bonferroni"] = "holm"
    """Correction for the number of pairs compared."""
    alpha: float = Field(0.05, gt=0, lt=1)
    """Level of significance."""
    interval: Literal["percentile", "bca"] = "percentile"
    """Kind of the bootstrap intervals; `bca` is bias-corrected and accelerated."""
    reference: Name | None = None
    """The method whose costs count as 1 and that ablations start from; null takes the first
    network."""


class Publish(Model):
    """What the archive of `snakemake publish` holds besides tables, figures and records."""

    weights: bool = False
    """Include the trained weights of every run, and what `apply_model` reads beside them."""
    predictions: bool = False
    """Include the predicted label maps of every run."""
    licence: str = Field("CC-BY-4.0", pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]*$")
    """Licence of the archive's content, by its SPDX identifier."""


class Study(Model):
    """One tournament: everything it makes stands in ``results/<study>/``."""

    study: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    """Name of the study and of its results folder."""
    source: str | None = None
    """Short form of `dataset.source` for the command line: `--config source=/data/bids`."""
    size: Literal["full", "small"] = Field("full", exclude=True)
    """`small` lays the section `small` over the rest, mostly from the command line:
    `--config size=small`. The results go to `results/<study>_small/`."""
    small: dict[str, Any] = Field(default_factory=dict, exclude=True)
    """What changes with `size: small`, in the same shape as the study itself: sections are
    merged, null removes a key, other values replace."""
    title: str = ""
    """Title of the report; empty takes the name."""
    dataset: Dataset
    """Images and labels."""
    variants: dict[Name, Variant] = Field(min_length=1)
    """Preprocessing settings by name."""
    methods: dict[Name, SerializeAsAny[Method]] = Field(min_length=1)
    """The competing methods by name."""
    protocol: Protocol = Protocol()
    """Folds and seeds."""
    evaluation: Evaluation = Evaluation()
    """Metrics and statistics."""
    publish: Publish = Publish()
    """The archive for others."""

    @model_validator(mode="after")
    def _names_exist(self) -> "Study":
        for name, method in self.methods.items():
            if method.variant not in self.variants:
                text = unknown("variant", method.variant, self.variants)
                raise ValueError(f"methods.{name}.{text}")
            for contrast in set(method.contrasts or ()) - set(self.dataset.contrasts):
                text = unknown("contrast", contrast, self.dataset.contrasts)
                raise ValueError(f"methods.{name}.{text}")
        for name, variant in self.variants.items():
            check_variant(name, variant, self.dataset)
        if self.evaluation.preset not in presets():
            text = unknown("preset", self.evaluation.preset, presets())
            raise ValueError(f"evaluation.{text}")
        reference = self.evaluation.reference
        if reference is not None and reference not in self.methods:
            text = unknown("reference", reference, self.methods)
            raise ValueError(f"evaluation.{text}")
        label = self.dataset.label
        problem = preset_problem(self.evaluation.preset, label.values, label.ignore)
        if problem:
            raise ValueError(f"evaluation.preset: {problem}")
        return self


def load_study(raw: Mapping[str, Any]) -> Study:
    """Validate a configuration.

    Parameters
    ----------
    raw
        The configuration as read from YAML.

    Returns
    -------
    The study at the size that is asked for, with all defaults filled in; each method's
    entry has the type that its own file declares.

    Raises
    ------
    ConfigError
        One line per problem: ``methods.scp.learnig_rate: unknown key, did you
        mean learning_rate?``
    """
    content = choose_size(raw)
    if content.get("source") and isinstance(content.get("dataset"), Mapping):
        content["dataset"] = {**content["dataset"], "source": content["source"]}
    methods, problems = _load_methods(content.get("methods") or {})
    content["methods"] = methods
    try:
        study = Study.model_validate(content)
    except ValidationError as error:
        lines = describe_validation(error, Study)
        problems += [line for line in lines if methods or not line.startswith("methods:")]
        problems = problems or ["methods: missing; name at least one method"]
    if problems:
        raise ConfigError("\n".join(problems))
    return study


def require_plain(files: Iterable[Path]) -> None:
    """Raise where a configuration is a template whose expressions Snakemake runs as code.

    By then Snakemake has run them; but no study that is passed on can need them.

    Raises
    ------
    ConfigError
        Names the file.
    """
    for file in files:
        if TEMPLATE_KEY in file.read_text(encoding="utf-8", errors="replace"):
            raise ConfigError(
                describe(
                    subject="configuration",
                    file=file,
                    found=f"the key {TEMPLATE_KEY}, with which Snakemake runs code in it",
                    expected="plain YAML",
                    remedy="write the values themselves; if the file is a stranger's, look at "
                    "what it did",
                )
            )


def _load_methods(entries: Mapping[str, Any]) -> tuple[dict[str, Method], list[str]]:
    methods: dict[str, Method] = {}
    problems: list[str] = []
    for name, entry in entries.items():
        keys = {"method": name, **(entry or {})}
        try:
            model = method_settings(str(keys["method"]))
        except ValueError as error:
            problems.append(f"methods.{name}.{error}")
            continue
        try:
            methods[name] = model.model_validate(keys)
        except ValidationError as error:
            problems += describe_validation(error, model, f"methods.{name}")
    return methods, problems
