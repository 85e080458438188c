"""Methods and protocol in words and tables, from the configuration."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mribench.config import Study
from mribench.report.answer import cases
from mribench.report.grids import Cell, Grid
from mribench.report.results import Results

STAGES = ("bias", "strip", "register", "template", "tissues", "intensity", "grid")
SCHEMES = {
    "kfold": "{folds}-fold cross-validation",
    "holdout": "one split into training, validation and test",
    "leave_one_site_out": "one fold per site, which is then the test set",
    "leave_one_subject_out": "one fold per subject, which is then the test set",
    "file": "the splits of {file}",
}


@dataclass(frozen=True)
class Protocol:
    """Sentences and tables that say what was done."""

    sentences: list[str]
    methods: Grid
    variants: Grid


def describe_protocol(study: Study, results: Results) -> Protocol:
    """Return the protocol of a study from its configuration and its index of the data."""
    sentences = [data_sentence(study, results), split_sentence(study, results.splits)]
    sentences.append(evaluation_sentence(study))
    return Protocol(sentences, methods_grid(study), variants_grid(study))


def data_sentence(study: Study, results: Results) -> str:
    """Return what the data are: cases, subjects, sites, contrasts, label."""
    scans = results.scans
    sites = scans["site"].dropna().nunique()
    places = f" from {sites} sites" if sites > 1 else ""
    contrasts = ", ".join(study.dataset.contrasts)
    origin = study.dataset.recipe
    return (
        f"Data: {cases(scans['case'].nunique())} of {scans['subject'].nunique()} "
        f"subjects{places} with {contrasts} (recipe {origin}); classes: "
        f"{', '.join(study.dataset.label.values)}. Predictions are scored on the grid of the "
        "reference label, whatever grid a method works on."
    )


def split_sentence(study: Study, splits: pd.DataFrame) -> str:
    """Return how the cases were dealt, with the numbers of cases per role."""
    split = study.protocol.split
    scheme = SCHEMES[split.scheme].format(folds=split.folds, file=split.file)
    counts = splits.groupby("role")["case"].count() / splits["fold"].nunique()
    roles = ", ".join(
        f"{counts[role]:.3g} {role}" for role in ("train", "validation", "test") if role in counts
    )
    seeds = ", ".join(map(str, study.protocol.seeds))
    balanced = f", balanced for {' and '.join(split.stratify)}" if split.stratify else ""
    return (
        f"Protocol: {scheme}, grouped by subject{balanced} (seed {split.seed}); on average "
        f"{roles} cases per fold. Every method is trained once per fold and seed "
        f"(seeds: {seeds})."
    )


def evaluation_sentence(study: Study) -> str:
    """Return how predictions were scored and compared."""
    chosen = study.evaluation
    test = chosen.test.removesuffix("_test").capitalize()
    return (
        f"Evaluation: metrics by the conventions of preset {chosen.preset}; paired "
        f"{test} test over the subjects, {chosen.correction.capitalize()} correction, level "
        f"{chosen.alpha:g}."
    )


def methods_grid(study: Study) -> Grid:
    """Return one row per method: its file, variant, contrasts and all other settings."""
    rows = []
    for name, method in study.methods.items():
        settings = method.model_dump(mode="json", exclude={"method", "variant", "contrasts"})
        contrasts = method.contrasts or study.dataset.contrasts
        rows.append(
            [
                Cell(name),
                Cell(method.method, "text"),
                Cell(method.variant, "text"),
                Cell(", ".join(contrasts), "text"),
                Cell(listing(settings), "long"),
            ]
        )
    heads = ("method", "file", "variant", "contrasts", "settings")
    return Grid(heads, rows, frozenset(heads))


def variants_grid(study: Study) -> Grid:
    """Return one row per stage and a column per variant."""
    chosen = {
        name: variant.model_dump(mode="json", by_alias=True)
        for name, variant in study.variants.items()
    }
    rows = [
        [Cell(key), *(Cell(plain(settings[key]), "wrap") for settings in chosen.values())]
        for key in ("anatomy", "reference", *STAGES)
    ]
    heads = ("preprocessing", *chosen)
    return Grid(heads, rows, frozenset(heads))


def listing(settings: dict[str, Any]) -> str:
    """Return settings as ``key value, key value``."""
    return ", ".join(f"{key} {plain(value)}" for key, value in settings.items()) or "none"


def plain(value: Any) -> str:
    """Return a setting's value without brackets and quotes."""
    if isinstance(value, list):
        return " ".join(map(plain, value)) or "none"
    if isinstance(value, dict):
        return listing(value)
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
