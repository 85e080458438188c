"""The methods section of a paper, made from what ran: preprocessing, training, evaluation."""

import json
from collections.abc import Collection, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import mribench
from mribench.config import Study
from mribench.files import read_json, write_text
from mribench.provenance import canonical
from mribench.report.answer import counted
from mribench.report.citations import find_keys, reference, to_bibtex
from mribench.report.executed import TEMPLATE, Step, Use, read_steps
from mribench.report.forms import markdown_text
from mribench.report.latex import latex_text
from mribench.report.protocol import (
    data_sentence,
    evaluation_sentence,
    listing,
    split_sentence,
)
from mribench.report.results import Results

OWN = "mribench"
DONE = {
    "conform_image": "All images were brought into one orientation",
    "correct_bias": "The bias field of every contrast was corrected",
    "strip_skull": "The brain was found in the {anatomy}",
    "register_to_reference": "{moved} was registered to {reference}",
    "register_to_template": f"The stripped {{anatomy}} was registered to the template {TEMPLATE}",
    "segment_tissues": "Grey matter, white matter and cerebrospinal fluid were segmented on the "
    "{anatomy}",
    "measure_volumes": "Volumes of the tissues, of the brain mask and of the reference labels were "
    "measured",
    "resample_images": "Images, brain mask, tissues and labels were resampled once, through all "
    "transforms together",
    "normalise_intensity": "Intensities were normalised",
}
LEFT_OUT = {
    ("correct_bias", "none"): "No bias field was corrected",
    ("strip_skull", "none"): "The images came stripped",
    ("strip_skull", "whole field of view"): "No skull was stripped",
    ("register_to_reference", "none"): "{moved} and {reference} were taken as aligned by the "
    "scanner",
    ("segment_tissues", "none"): "No tissues were segmented",
}
"""What is said of a stage whose tool did nothing, by its name."""


class Part(NamedTuple):
    """A piece of text and the keys of what is cited behind it."""

    text: str
    keys: tuple[str, ...] = ()


Sentence = list[Part]


class Paragraph(NamedTuple):
    """A title and the sentences under it."""

    title: str
    sentences: list[Sentence]


class Numbered(NamedTuple):
    """A piece of text with its citations as numbers and keys, as a page shows it."""

    text: str
    citations: list[tuple[int, str]]


def compose(study: Study, results: Results) -> list[Paragraph]:
    """Return the methods section of a study.

    Preprocessing comes from the sidecars that its stages left, data, training and evaluation
    from the configuration, the index and the records of the runs.
    """
    data = untitled(data_sentence(study, results))
    first = Paragraph("Data", [cited(data, [study.dataset.recipe])])
    return [
        first,
        *describe_preprocessing(study, results),
        Paragraph("Methods and training", describe_training(study, results)),
        Paragraph("Evaluation", describe_evaluation(study)),
        Paragraph("Software", describe_software(results)),
    ]


def cited(text: str, terms: Sequence[str]) -> Sentence:
    """Return a sentence with everything that is to be cited for `terms` before its full stop."""
    return [Part(text.removesuffix("."), find_keys(terms)), Part(".")]


def untitled(sentence: str) -> str:
    """Return a sentence of the page's protocol without the word that it starts with."""
    text = sentence.partition(": ")[2]
    return text[0].upper() + text[1:]


def describe_preprocessing(study: Study, results: Results) -> list[Paragraph]:
    """Return one paragraph per variant that a method reads; later ones name what differs."""
    cases = sorted(results.scans["case"].unique())
    used = {method.variant for method in study.methods.values()}
    paragraphs: list[Paragraph] = []
    said: list[Sentence] = []
    for variant in (name for name in study.variants if name in used):
        steps = read_steps(study, variant, results.folder, cases)
        made = [describe_step(study, variant, step) for step in steps]
        fresh = [sentence for sentence in made if sentence not in said]
        if said and len(fresh) < len(made):
            start = "All steps but these were those of the variants above."
            fresh = [[Part(start)], *fresh]
        if fresh:
            paragraphs.append(Paragraph(f"Preprocessing, variant {variant}", fresh))
        said += made
    return paragraphs


def describe_step(study: Study, variant: str, step: Step) -> Sentence:
    """Return the sentence of an executed stage."""
    chosen = study.variants[variant]
    moved = [contrast for contrast in study.dataset.contrasts if contrast != chosen.reference]
    names = {
        "anatomy": chosen.anatomy,
        "reference": chosen.reference,
        "moved": " and ".join(moved),
    }
    left_out = LEFT_OUT.get((step.stage, step.uses[0].software))
    if left_out and len(step.uses) == 1:
        return [Part(left_out.format(**names)), Part(".")]
    parts = [Part(f"{DONE[step.stage].format(**names)} by ")]
    for place, use in enumerate(step.uses):
        parts += [Part(", and by ")] if place else []
        parts += describe_use(use, step)
    return [*parts, Part(".")]


def describe_use(use: Use, step: Step) -> list[Part]:
    """Return tool, version, settings, seed and threads of one way in which a stage was run."""
    settings = {key: value for key, value in use.parameters.items() if key != "backend"}
    program = use.software == step.stage or use.software == "none"
    name = OWN if program and use.package == OWN else use.software
    version = use.version if name == use.package else f"{use.package} {use.version}"
    extent = [f"seed {use.seed}"] if use.seed is not None else []
    extent.append(counted(use.threads, "thread"))
    extent += [counted(use.files, "file")] if len(step.uses) > 1 else []
    details = [version, *([listing(settings)] if settings else []), *extent]
    extra = [TEMPLATE] if step.stage == "register_to_template" else []
    return [Part(name, find_keys([*use.terms, *extra])), Part(f" ({'; '.join(details)})")]


def describe_training(study: Study, results: Results) -> list[Sentence]:
    """Return how the methods were trained: the protocol, then the settings of every method."""
    split = untitled(split_sentence(study, results.splits))
    sentences = [cited(split, [study.protocol.split.scheme])]
    for name, method in study.methods.items():
        settings = method.model_dump(mode="json", exclude={"method", "variant", "contrasts"})
        contrasts = ", ".join(method.contrasts or study.dataset.contrasts)
        reads = f" read {contrasts} of variant {method.variant} ({listing(settings)})."
        sentences.append([Part(name, find_keys([method.method])), Part(reads)])
    return sentences + describe_scales(results)


def describe_scales(results: Results) -> list[Sentence]:
    """Return on how many training cases the runs fitted the intensity scales that they read."""
    readers: dict[str, list[str]] = {}
    counts: dict[str, set[int]] = {}
    for run in results.runs():
        path = run.folder / "intensity.json"
        scale = read_json(path) if path.is_file() else {}
        if "training" in scale:
            settings = canonical(scale["settings"])
            readers.setdefault(settings, []).append(run.method)
            counts.setdefault(settings, set()).add(len(scale["training"]))
    return [
        describe_scale(json.loads(settings), list(dict.fromkeys(methods)), counts[settings])
        for settings, methods in readers.items()
    ]


def describe_scale(
    settings: dict[str, Any], methods: Sequence[str], counts: Collection[int]
) -> Sentence:
    """Return the sentence of an intensity scale that was fitted anew in every run."""
    fitted = settings["method"]
    details = {key: value for key, value in settings.items() if key != "method"}
    cases = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else f"{min(counts)}"
    start = f"The intensity scale of {' and '.join(methods)} was fitted in every run by {fitted}"
    end = f" ({listing(details)}), on the training cases of its fold alone ({cases} cases)."
    return [Part(start, find_keys([fitted])), Part(end)]


def describe_evaluation(study: Study) -> list[Sentence]:
    """Return how predictions were scored and compared."""
    chosen = study.evaluation
    terms = [chosen.preset, chosen.test, chosen.correction]
    interval = "Intervals are 95 % bootstrap intervals of the mean."
    return [cited(untitled(evaluation_sentence(study)), terms), cited(interval, ["bootstrap"])]


def describe_software(results: Results) -> list[Sentence]:
    """Return the versions of the workflow and of the packages that the runs recorded."""
    found = {
        f"{name} {version}"
        for run in results.runs()
        for name, version in read_json(run.folder / "run.json")["versions"].items()
    }
    snakemake = f"Snakemake {metadata.version('snakemake')}"
    workflow = f"All steps were run by mribench {mribench.__version__} on {snakemake}; "
    parts = [Part(workflow.removesuffix("; "), find_keys(["Snakemake"])), Part("; ")]
    parts.append(Part("files follow the Brain Imaging Data Structure", find_keys(["BIDS"])))
    for name in sorted(found):
        parts += [Part(", " if len(parts) > 3 else ". Methods ran with "), Part(name)]
        parts[-1] = Part(name, find_keys([name]))
    return [[*parts, Part(".")]]


def cited_keys(paragraphs: Sequence[Paragraph]) -> list[str]:
    """Return the keys that a text cites, in the order of their first citation."""
    found = [
        key
        for paragraph in paragraphs
        for sentence in paragraph.sentences
        for part in sentence
        for key in part.keys
    ]
    return list(dict.fromkeys(found))


def to_markdown(paragraphs: Sequence[Paragraph]) -> str:
    """Return the text in Markdown with citations as pandoc reads them: ``[@key; @key]``."""
    blocks = []
    for title, sentences in paragraphs:
        text = " ".join("".join(map(_markdown_part, sentence)) for sentence in sentences)
        blocks.append(f"**{markdown_text(title)}.** {text}")
    return "\n\n".join(blocks) + "\n"


def _markdown_part(part: Part) -> str:
    keys = "; ".join(f"@{key}" for key in part.keys)
    return markdown_text(part.text) + (f" [{keys}]" if keys else "")


def to_latex(paragraphs: Sequence[Paragraph]) -> str:
    r"""Return the text in LaTeX with ``\cite``; the sources stand in ``methods.bib``."""
    blocks = ["% \\input this file; the sources are in methods.bib"]
    for title, sentences in paragraphs:
        lines = ["".join(map(_latex_part, sentence)) for sentence in sentences]
        blocks.append("\n".join([rf"\paragraph{{{latex_text(title)}}}", *lines]))
    return "\n\n".join(blocks) + "\n"


def _latex_part(part: Part) -> str:
    cite = rf"~\cite{{{','.join(part.keys)}}}" if part.keys else ""
    return latex_text(part.text) + cite


def to_page(paragraphs: Sequence[Paragraph]) -> list[tuple[str, list[Numbered]]]:
    """Return titles and pieces of text with numbered citations."""
    numbers = {key: number for number, key in enumerate(cited_keys(paragraphs), start=1)}
    return [
        (
            paragraph.title,
            [
                Numbered(part.text, [(numbers[key], key) for key in part.keys])
                for sentence in paragraph.sentences
                for part in (*sentence, Part(" "))
            ],
        )
        for paragraph in paragraphs
    ]


def references(paragraphs: Sequence[Paragraph]) -> list[tuple[str, str]]:
    """Return key and plain text of every source cited, in the order of the numbers."""
    return [(key, reference(key)) for key in cited_keys(paragraphs)]


def write_methods(study: Study, folder: Path, markdown: Path, latex: Path, bibtex: Path) -> None:
    """Write the methods section in its three forms.

    Parameters
    ----------
    study
        The configuration.
    folder
        The study's results.
    markdown, latex, bibtex
        The files to write.
    """
    paragraphs = compose(study, Results(folder, tuple(study.methods)))
    write_text(markdown, to_markdown(paragraphs))
    write_text(latex, to_latex(paragraphs))
    write_text(bibtex, to_bibtex(cited_keys(paragraphs)))
