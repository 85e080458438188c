"""The preprocessing as it ran: what the JSON sidecars of a study say, stage by stage."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mribench import stages
from mribench.config import Study
from mribench.files import read_json
from mribench.provenance import canonical

TEMPLATE = "MNI152NLin2009aSym"
PART_OF = {"conform_image": "correct_bias", "normalise_intensity": "resample_images"}
"""Steps that a stage takes besides its own."""


class Use(NamedTuple):
    """One way in which a stage was run, and on how many files."""

    software: str
    package: str
    version: str
    parameters: dict[str, Any]
    seed: int | None
    threads: int
    files: int

    @property
    def terms(self) -> list[str]:
        """Everything in it that could name a tool: program, package, parameters."""
        return [self.software, self.package, *_words(self.parameters)]


class Step(NamedTuple):
    """An executed stage and the ways it was run, the most frequent first."""

    stage: str
    uses: list[Use]


def read_steps(study: Study, variant: str, folder: Path, cases: Sequence[str]) -> list[Step]:
    """Return the stages that left sidecars for the cases of a variant, in their order.

    Parameters
    ----------
    study
        The configuration; it says where the stages' outputs stand.
    variant
        The preprocessing variant.
    folder
        The study's results.
    cases
        The cases of the study.
    """
    steps = []
    for stage, ends in sidecar_names(study, variant).items():
        owner = folder / "preproc" / folder_of(study, variant, stage)
        paths = [
            owner / case.replace("_", "/") / "anat" / f"{case}_{end}.json"
            for case in cases
            for end in ends
        ]
        counts = Counter(_record(path) for path in paths if path.exists())
        uses = [Use(**json.loads(text), files=count) for text, count in counts.most_common()]
        if uses:
            steps.append(Step(stage, uses))
    return steps


def folder_of(study: Study, variant: str, step: str) -> str:
    """Return the variant in whose folder a step's sidecars stand."""
    if step == "measure_volumes":
        return variant
    return stages.stage_owner(study, variant, PART_OF.get(step, step))


def sidecar_names(study: Study, variant: str) -> dict[str, list[str]]:
    """Return the ends of the names of every stage's sidecars; one kind of output stands for all."""
    chosen, contrasts = study.variants[variant], study.dataset.contrasts
    anatomy, reference = chosen.anatomy, chosen.reference
    grid = stages.stage_owner(study, variant, "resample_images")
    moved = [contrast for contrast in contrasts if contrast != reference]
    return {
        "conform_image": [f"desc-conformed_{contrast}" for contrast in contrasts],
        "correct_bias": [f"desc-biascorrected_{contrast}" for contrast in contrasts],
        "strip_skull": [f"space-{anatomy}_desc-brain_mask"],
        "register_to_reference": [f"from-{name}_to-{reference}_mode-image_xfm" for name in moved],
        "register_to_template": [f"from-{anatomy}_to-{TEMPLATE}_mode-image_xfm"],
        "segment_tissues": [f"space-{anatomy}_dseg"],
        "measure_volumes": ["volumes"],
        "resample_images": [f"space-{grid}_desc-unstripped_{contrast}" for contrast in contrasts],
        "normalise_intensity": [f"space-{grid}_desc-preproc_{contrast}" for contrast in contrasts],
    }


def _record(path: Path) -> str:
    """Return what a sidecar says about tool and settings, as canonical JSON."""
    content = read_json(path)
    return canonical(
        {
            "software": content["Software"],
            "package": content["SoftwarePackage"],
            "version": content["SoftwareVersion"],
            "parameters": content["Parameters"],
            "seed": content.get("Seed"),
            "threads": content["Threads"],
        }
    )


def _words(value: Any) -> list[str]:
    """Return all text inside nested settings."""
    if isinstance(value, dict):
        return [word for item in value.values() for word in _words(item)]
    if isinstance(value, list):
        return [word for item in value for word in _words(item)]
    return [value] if isinstance(value, str) else []
