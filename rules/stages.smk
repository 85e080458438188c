"""Helpers of the preprocessing rules: which files of a case each stage reads and makes."""


def case_rows(wildcards):
    """The rows of the index that belong to a case, by contrast."""
    return indexed().of_case[case_of(wildcards)]


def raw_images(wildcards):
    """The images of a case as they came, in the order of the contrasts."""
    rows = case_rows(wildcards)
    return [BIDS_ROOT / rows[contrast]["path"] for contrast in CONTRASTS]


def raw_label(wildcards):
    """The reference label of a case as it came, if it has one."""
    label = next(iter(case_rows(wildcards).values()))["labels"]
    return [] if label == "n/a" else [BIDS_ROOT / label]


@cache
def given_column(variant, stage):
    """The column of the index with the file of the data set's own that a stage reads, if any."""
    return stages.given_column(STUDY.variants[variant], stage)


def given_row(wildcards, stage):
    """The file of the data set's own that a stage reads of a case, and its checksum, if any."""
    column = given_column(wildcards.variant, stage)
    row = next(iter(case_rows(wildcards).values()))
    return (BIDS_ROOT / row[column], row[f"{column}_checksum"]) if column else None


def given_file(stage):
    """An input function: the file of the data set's own that a stage reads, if any."""
    return lambda wildcards: (given_row(wildcards, stage) or ([],))[0]


def given_checksum(stage):
    """The checksum of that file, as a function of the wildcards."""
    return lambda wildcards: (given_row(wildcards, stage) or ("", ""))[1]


def stage_environment(stage, default):
    """The conda environment of a stage: that of its back end where it needs its own."""
    files = {
        name: f"../envs/{stages.stage_environment(variant, stage, default)}.yaml"
        for name, variant in STUDY.variants.items()
    }
    # Snakemake works out only once what is no function of the wildcards.
    if len(set(files.values())) == 1:
        return files.popitem()[1]
    return lambda wildcards: ROOT / "rules" / files[wildcards.variant]


def per_contrast(pattern):
    """One output per contrast of the study."""
    return expand(pattern, contrast=CONTRASTS, allow_missing=True)


def stage_output(stage, end, contrasts=None):
    """An input function: a stage's output of the case, wherever its owner keeps it."""

    def fill(wildcards):
        owner = owner_of(wildcards.variant, stage)
        known = {**wildcards, "variant": owner, "owner": owner}
        files = [
            f"{ANAT}{end}".format(**{**known, **({"contrast": contrast} if contrast else {})})
            for contrast in contrasts or [None]
        ]
        return files if contrasts else files[0]

    return fill


def anatomy_output(stage, end):
    """An input function: a stage's output on the grid of the variant's anatomical contrast."""

    def fill(wildcards):
        anatomy = STUDY.variants[wildcards.variant].anatomy
        return stage_output(stage, f"_space-{anatomy}_{end}.nii.gz")(wildcards)

    return fill


def transform_file(wildcards, before, after):
    """The transform file from one space of a case to another."""
    template = TEMPLATE in (before, after)
    is_field = STUDY.variants[wildcards.variant].template.is_deformable
    stage = "register_to_template" if template else "register_to_reference"
    kind = "nii.gz" if template and is_field else "txt"
    end = f"_from-{before}_to-{after}_mode-image_xfm.{kind}"
    return stage_output(stage, end)(wildcards)


def variant_transforms(wildcards):
    """All transforms that bring a case's contrasts onto the grid of a variant."""
    links = variant_links(STUDY.variants[wildcards.variant], CONTRASTS)
    return [transform_file(wildcards, *link) for link in links]


def variants_with_reference(reference):
    """A wildcard constraint: the variants whose reference contrast this is."""
    return "|".join(n for n, variant in STUDY.variants.items() if variant.reference == reference)


def stage_spec(stage, **upstream):
    """The spec of a preprocessing stage: its settings and the back end chosen by name."""

    def settings(wildcards):
        chosen = dict(settings_of(wildcards.variant, stage))
        if stage == "resample_images":
            contrast = next(iter(case_rows(wildcards).values()))["labels_contrast"]
            chosen["label_contrast"] = None if contrast == "n/a" else contrast
        return chosen

    def module(wildcards):
        return next(iter(stage_modules(wildcards.variant, stage)), None)

    return spec(stage, settings, module, **upstream)


def derivative_settings(wildcards):
    """What the description of a variant's derivatives names."""
    raw = STUDY.dataset.source if STUDY.dataset.recipe == "bids" else "../../dataset/bids"
    return {"variants": list(STUDY.variants), "raw": raw}


def described_variants(wildcards=None):
    """The descriptions of all derivative data sets, and the volumes of those that are read."""
    described = [f"<study>/preproc/{name}/dataset_description.json" for name in STUDY.variants]
    return [*described, *(f"<study>/preproc/{name}/volumes.tsv" for name in VARIANTS)]


def preprocessed_variants(wildcards):
    """The target `preprocess`: all that methods read, described and reviewed."""
    last = f"{ANAT}_space-{{variant}}_desc-preproc_{CONTRASTS[0]}.nii.gz"
    reviews = [f"<study>/preproc/{name}/review/index.html" for name in VARIANTS]
    return [*described_variants(), *reviews, *case_files(last, VARIANTS)(wildcards)]


def review_settings(wildcards):
    """What the review of a case reads of the configuration."""
    return report_settings.review_settings(STUDY, wildcards.variant)


def review_files(wildcards):
    """What the review of a case looks at."""
    return report_settings.review_files(STUDY, owner_of, **wildcards)


def atlas_transforms(wildcards):
    """The transforms that bring every case to the template, where the study has them."""
    atlas = report_settings.find_atlas(STUDY)
    labels = {row["case"]: row["labels_contrast"] for row in indexed().rows} if atlas else {}
    return [
        f"<study>/{atlas.file(case, *link)}"
        for case, contrast in labels.items()
        if contrast != "n/a"
        for link in onto_variant(contrast, atlas.reference, atlas.anatomy, "template")
    ]
