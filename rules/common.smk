"""Helpers of all rules: the validated study, its cases and runs, and specs."""

import atexit
import gc
import os
import sys
from functools import cache, cached_property
from pathlib import Path

# A plan is millions of objects that stay: looking for garbage among them took a quarter of its
# time, and taking them apart one by one at the end another quarter.
gc.set_threshold(200_000, 20, 100)
atexit.register(gc.freeze)

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))
from mribench.command import reach_package

reach_package(ROOT)

from mribench import failures, provenance, stages
from mribench.config import load_study, require_plain
from mribench.dataset import folders, index, splits
from mribench.errors import MribenchError
from mribench.files import checksum, require_writable
from mribench.metrics.conventions import load_preset
from mribench.monitoring.driver_log import read_run_failures
from mribench.monitoring.status import describe_failures
from mribench.preprocessing.grids import TEMPLATE, onto_variant, variant_links
from mribench.report import settings as report_settings

try:
    require_plain(map(Path, workflow.overwrite_configfiles))
    STUDY = load_study(config)
    require_writable(f"results/{STUDY.study}")
    if STUDY.dataset.recipe != "phantoms":
        folders.require_folder(Path(STUDY.dataset.source))
    stages.require_programs(STUDY, bool(workflow.deployment_settings.deployment_method))
except MribenchError as error:
    raise WorkflowError(str(error))

os.environ[failures.POLICY] = STUDY.dataset.on_problem
CONTRASTS = STUDY.dataset.contrasts
BIDS_ROOT = folders.bids_root(STUDY, Path(f"results/{STUDY.study}"))
ANAT = "<study>/preproc/{variant}/{case_dir}/anat/{case}"
TISSUE_MAPS = [f"{tissue}_probseg.nii.gz" for tissue in ("GM", "WM", "CSF")]
CHECKSUMS = tuple(name for name in index.SCAN_COLUMNS if name.endswith("checksum"))
VARIANTS = sorted({method.variant for method in STUDY.methods.values()})


def as_message(function):
    """Let errors for people reach the terminal without a traceback."""

    def wrapped(*arguments):
        try:
            return function(*arguments)
        except MribenchError as error:
            raise WorkflowError(str(error))

    return wrapped


def resolve(value, wildcards):
    """The value itself, or what it returns for the wildcards."""
    return value(wildcards) if callable(value) else value


@cache
def sources(script, *modules):
    """The files that a fingerprint starts from: a script and modules chosen by name."""
    chosen = (ROOT / "mribench" / f"{module}.py" for module in modules)
    return (ROOT / "scripts" / f"{script}.py", *chosen)


@cache
def versions(*files):
    """The versions of the libraries behind some code; with conda its files speak for them."""
    use_conda = workflow.deployment_settings.deployment_method
    return {} if use_conda else provenance.package_versions(*files)


def spec(script, settings, *modules, **upstream):
    """A rule's only parameter, as a function of the wildcards (see mribench.provenance).

    `settings`, each of `modules` and each of `upstream` may be functions of them too.
    """

    @as_message
    def evaluate(wildcards):
        chosen = [resolve(module, wildcards) for module in modules]
        covered = {key: resolve(value, wildcards) for key, value in upstream.items()}
        files = sources(script, *filter(None, chosen))
        chosen_settings = resolve(settings, wildcards)
        return provenance.make_spec(chosen_settings, files, versions(*files), **covered)

    return evaluate


def table_page(output, name, **patterns):
    """An output that `snakemake --report` shows among the tables."""
    labels = {"table": name}
    caption = "../report/tables.rst"
    return report(output, caption=caption, category="Tables", labels=labels, **patterns)


def dataset_settings(wildcards=None):
    """What import and index read of the configuration: all of the data set but the simulation."""
    return STUDY.dataset.model_dump(mode="json", exclude={"phantoms"})


def phantom_settings(wildcards=None):
    """What the simulation reads of the configuration."""
    return {
        "phantoms": STUDY.dataset.phantoms.model_dump(mode="json"),
        "contrasts": list(CONTRASTS),
    }


def source_listing(wildcards=None):
    """Names, sizes and times of the files in the data set's source, where there is one."""
    source = STUDY.dataset.source
    return folders.list_folder(Path(source)) if source else ""


def split_table(wildcards=None):
    """The checksum of the user's own table of splits, where there is one."""
    file = STUDY.protocol.split.file
    return checksum(file) if file and os.path.isfile(file) else ""


class Indexed:
    """An index of the data set, and what thousands of jobs ask of it, worked out once."""

    def __init__(self, path):
        self.rows = as_message(index.read_scans)(path)
        self.cases = index.cases(self.rows)
        self.of_case = {case: {} for case in self.cases}
        for row in self.rows:
            self.of_case[row["case"]][row["contrast"]] = row

    @cached_property
    def splits(self):
        """Who is trained on and who is tested; not needed to preprocess."""
        return as_message(splits.make_splits)(self.rows, STUDY.protocol.split)

    @cache
    def fold_digest(self, fold, roles):
        """A digest of the cases of a fold in the given roles and of their raw data."""
        chosen = [row for row in self.splits if str(row["fold"]) == fold and row["role"] in roles]
        return provenance.digest(
            sorted([r["case"], r["role"], self.checksums(r["case"], CHECKSUMS)] for r in chosen)
        )

    def checksums(self, case, columns=("checksum", "labels_checksum")):
        """What the data of one case are: the checksums of its images and of its label."""
        keys = ("contrast", "labels_contrast", *columns)
        return [[row[key] for key in keys] for row in self.of_case[case].values()]


@cache
def read_index(path, modified):
    return Indexed(path)


@cache
def index_path():
    """Where the index of the data set is; waits for index_dataset."""
    return checkpoints.index_dataset.get().output.scans


def indexed(wildcards=None):
    """The index of the data set."""
    path = index_path()
    return read_index(path, os.stat(path).st_mtime_ns)


def case_of(wildcards):
    """The name of a case; not all rules have it as a wildcard."""
    return "_".join(Path(wildcards.case_dir).parts)


def case_checksums(wildcards):
    """What the data of one case are."""
    return indexed().checksums(case_of(wildcards))


def case_files(pattern, variants=None):
    """An input function: `pattern` filled in for all cases (and variants, where named)."""

    def fill(wildcards=None):
        return [
            pattern.format(
                case=case,
                case_dir=case.replace("_", "/"),
                variant=variant or getattr(wildcards, "variant", ""),
            )
            for variant in (variants or [None])
            for case in indexed().cases
        ]

    return fill


def runs(wildcards=None):
    """All runs of the study: dictionaries with method, fold and seed."""
    folds = sorted({int(row["fold"]) for row in indexed().splits})
    return [
        {"method": method, "fold": fold, "seed": seed}
        for method in STUDY.methods
        for fold in folds
        for seed in STUDY.protocol.seeds
    ]


def run_files(name):
    """An input function: the file called `name` of all runs."""
    pattern = f"<study>/runs/{{method}}/fold-{{fold}}_seed-{{seed}}/{name}"
    return lambda wildcards: [pattern.format(**run) for run in runs()]


def method_settings(wildcards):
    """The entry of a method in the configuration, with the contrasts it reads."""
    entry = STUDY.methods[wildcards.method]
    contrasts = entry.contrasts or CONTRASTS
    return {**entry.model_dump(mode="json"), "contrasts": list(contrasts)}


def prediction_settings(wildcards):
    """The entry of a method, and whether its probabilities are kept for the metrics."""
    keep = load_preset(STUDY.evaluation.preset).needs_probabilities
    return {**method_settings(wildcards), "keep_probabilities": keep}


def method_module(wildcards):
    """The file of a method in the package, without its suffix."""
    return f"methods/{STUDY.methods[wildcards.method].method}"


def method_environment(wildcards):
    """The conda environment of a method: its own where it is a program."""
    return ROOT / "envs" / f"{stages.method_environment(STUDY, wildcards.method)}.yaml"


@cache
def settings_of(variant, stage):
    """The slice of the configuration that one stage of a variant reads."""
    return stages.stage_settings(STUDY, variant, stage)


@cache
def owner_of(variant, stage):
    """The variant in whose folder the outputs of a stage stand."""
    return stages.stage_owner(STUDY, variant, stage)


@cache
def preprocessing_of(variant):
    """Everything that decides what a variant's images are, besides the raw data."""
    chain = stages.stage_chain(STUDY, variant, "resample_images")
    files = {
        stage: sources(stage, *stage_modules(variant, stage)) for stage in [*chain, "pack_cases"]
    }
    code = {stage: provenance.fingerprint(*chosen) for stage, chosen in files.items()}
    packages = {stage: versions(*chosen) for stage, chosen in files.items()}
    return provenance.digest({"settings": chain, "code": code, "packages": packages})


@cache
def stage_modules(variant, stage):
    """The module of the back end that a stage of a variant uses, if it has any."""
    backend = stages.stage_backend(STUDY.variants[variant], stage)
    return [f"preprocessing/backends/{backend}"] if backend else []


def training_upstream(wildcards):
    """What a trained model depends on besides its method: its cases, as they were prepared."""
    variant = STUDY.methods[wildcards.method].variant
    data = indexed().fold_digest(wildcards.fold, ("train", "validation"))
    return [data, preprocessing_of(variant)]


def test_upstream(wildcards):
    """What predictions depend on besides the model: the test cases, as they were prepared."""
    variant = STUDY.methods[wildcards.method].variant
    return [indexed().fold_digest(wildcards.fold, ("test",)), preprocessing_of(variant)]


def plan_spec(wildcards):
    """The spec of the training, the prediction or the evaluation of a run."""
    of_step = {
        "training": TRAINING_SPEC,
        "prediction": PREDICTION_SPEC,
        "evaluation": SCORING_SPEC,
    }
    return of_step[wildcards.step](wildcards)


def store_of(wildcards):
    """The packed store that a method reads."""
    return f"<study>/store/{STUDY.methods[wildcards.method].variant}/manifest.json"
