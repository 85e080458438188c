"""The methods section says what ran, cites it, and nothing else."""

import re
import shutil

import pytest
from fake_study import CASES, METHODS, write_sidecars

from mribench.config import load_study
from mribench.files import read_json, write_json
from mribench.report.citations import entries, find_keys, plain_text, reference, to_bibtex
from mribench.report.methods_text import compose, to_latex, to_markdown, write_methods
from mribench.report.results import Results

FSL = {
    "desc-biascorrected_T1w": ("none", "mribench", {"backend": "none"}),
    "desc-biascorrected_FLAIR": ("none", "mribench", {"backend": "none"}),
    "space-T1w_desc-brain_mask": ("BET", "fsl", {"backend": "fsl", "fraction": 0.35}),
    "from-T1w_to-FLAIR_mode-image_xfm": ("FLIRT", "fsl", {"backend": "fsl", "dof": 6}),
    "from-T1w_to-MNI152NLin2009aSym_mode-image_xfm": (
        "antsRegistration", "antspyx", {"backend": "ants", "transform": "syn"},
    ),
    "space-T1w_dseg": ("FAST", "fsl", {"backend": "fsl", "note": "50% & #1_a {x} ~^\\"}),
}  # fmt: skip


@pytest.fixture
def study_copy(mini, tmp_path):
    """The miniature without images, to be changed."""
    skip = shutil.ignore_patterns("bids", "figures", "report", "predictions")
    shutil.copytree(mini.folder, tmp_path / "mini", ignore=skip)
    return tmp_path / "mini"


def write(configuration, folder):
    """The three forms of a study's methods section."""
    paths = [folder / f"methods.{end}" for end in ("md", "tex", "bib")]
    write_methods(configuration, folder, *paths)
    return [path.read_text() for path in paths]


def cited(markdown, latex):
    """The keys that both forms cite."""
    first = set(re.findall(r"@(\w+)", markdown))
    found = re.findall(r"\\cite\{([^}]*)\}", latex)
    assert first == {key for keys in found for key in keys.split(",")}
    return first


def keys_of(bibtex):
    return set(re.findall(r"^@\w+\{(\w+),", bibtex, re.M))


def test_everything_cited_is_in_the_bibliography_and_the_other_way_round(configuration, study_copy):
    markdown, latex, bibtex = write(configuration, study_copy)
    assert cited(markdown, latex) == keys_of(bibtex)
    assert keys_of(bibtex) >= {"tustison2010n4itk", "fisch2024deepbet", "zhang2001fast", "holm1979"}
    assert "tools =" not in bibtex


def test_only_tools_that_ran_are_cited(configuration, study_copy):
    ants = keys_of(write(configuration, study_copy)[2])
    for case in CASES:
        write_sidecars(study_copy, case, FSL)
    markdown, _, bibtex = write(configuration, study_copy)
    fsl = keys_of(bibtex)
    assert {"smith2002bet", "jenkinson2001flirt", "jenkinson2012fsl"} <= fsl - ants
    assert {"avants2008syn", "fonov2011"} <= fsl - ants
    assert {"tustison2010n4itk", "fisch2024deepbet"} <= ants - fsl
    assert "No bias field was corrected." in markdown
    assert "fraction 0.35" in markdown


def test_numbers_are_those_of_the_sidecars(configuration, study_copy):
    path = study_copy / "preproc/native/sub-01/anat/sub-01_desc-biascorrected_T1w.json"
    sidecar = read_json(path)
    assert sidecar["Parameters"] == {"backend": "ants", "shrink": 4, "spline_mm": 200.0}
    text = write(configuration, study_copy)[0].replace("\\", "")
    start = text.index("N4BiasFieldCorrection [@tustison2010n4itk; @tustison2021antsx]")
    sentence = text[start : text.index(")", start)]
    assert sentence.endswith("(antspyx 7.8.9; shrink 4, spline_mm 200; 3 threads")
    assert "(antspyx 7.8.9; transform rigid; seed 17; 3 threads)" in text
    assert "numpy 2" not in text
    assert "torch 2.13.0 [@paszke2019pytorch]" in text


def test_cases_that_were_made_differently_are_counted(configuration, study_copy):
    again = ("N4BiasFieldCorrection", "antspyx", {"backend": "ants", "shrink": 2, "spline_mm": 90})
    write_sidecars(study_copy, "sub-03", {"desc-biascorrected_FLAIR": again})
    text = write(configuration, study_copy)[0].replace("\\", "")
    assert "shrink 4, spline_mm 200; 3 threads; 23 files" in text
    assert "and by N4BiasFieldCorrection" in text
    assert "shrink 2, spline_mm 90; 3 threads; 1 file)" in text


def test_volumes_that_were_measured_are_mentioned(configuration, study_copy):
    assert "Volumes of the tissues" not in write(configuration, study_copy)[0]
    measured = (
        "measure_volumes",
        "mribench",
        {"anatomy": "T1w", "label": {"values": {"lesion": 1}}},
    )
    for case in CASES:
        write_sidecars(study_copy, case, {"volumes": measured})
    text = write(configuration, study_copy)[0]
    start = text.index("Volumes of the tissues, of the brain mask and of the reference labels")
    assert text.index("were segmented on the T1w") < start < text.index("Intensities were")
    assert "anatomy T1w, label values lesion 1" in text[start : text.index(").", start)]


def test_scales_that_were_fitted_name_their_training_cases(configuration, study_copy):
    assert "intensity scale" not in write(configuration, study_copy)[0]
    settings = {"method": "nyul", "low": 1.0, "high": 99.0, "landmarks": [50.0]}
    for number, run in enumerate(sorted((study_copy / "runs/unet2d").iterdir())):
        training = list(CASES[: 5 + number % 2])
        scale = {"settings": settings, "contrasts": ["T1w"], "training": training}
        write_json(run / "intensity.json", scale)
    other = study_copy / "runs/scp/fold-0_seed-1/intensity.json"
    write_json(other, {"settings": {"method": "zscore"}, "contrasts": ["T1w"]})
    markdown, latex, bibtex = write(configuration, study_copy)
    assert cited(markdown, latex) == keys_of(bibtex) >= {"nyul2000"}
    text = markdown.replace("\\", "")
    assert (
        "The intensity scale of unet2d was fitted in every run by nyul [@nyul2000] (high 99, "
        "landmarks 50, low 1), on the training cases of its fold alone (5 to 6 cases)."
    ) in text


def test_stages_without_sidecars_are_not_mentioned(configuration, study_copy):
    text = write(configuration, study_copy)[0]
    assert "template" not in text
    shutil.rmtree(study_copy / "preproc")
    assert "Preprocessing" not in write(configuration, study_copy)[0]


def test_a_second_variant_says_what_differs(study_copy):
    names = {"native": {}, "fine": {"intensity": {"method": "zscore"}, "grid": {"spacing": 1}}}
    methods = {name: {"variant": "native"} for name in METHODS}
    methods["scp"] = {"variant": "fine"}
    content = {"study": "mini", "dataset": {"recipe": "phantoms"}}
    study = load_study({**content, "variants": names, "methods": methods})
    for case in CASES:
        folder = study_copy / "preproc/native" / case / "anat"
        target = study_copy / "preproc/fine" / case / "anat"
        target.mkdir(parents=True)
        text = (folder / f"{case}_space-native_desc-preproc_T1w.json").read_text()
        (target / f"{case}_space-fine_desc-preproc_T1w.json").write_text(
            text.replace("zscore", "nyul")
        )
    paragraphs = compose(study, Results(study_copy, METHODS))
    titles = [paragraph.title for paragraph in paragraphs]
    assert titles.index("Preprocessing, variant fine") > titles.index(
        "Preprocessing, variant native"
    )
    markdown = to_markdown(paragraphs)
    assert markdown.count("N4BiasFieldCorrection") == 1
    assert "All steps but these were those of the variants above." in markdown
    assert "@nyul2000" in markdown


def test_special_characters_of_latex_are_escaped(configuration, study_copy):
    write_sidecars(study_copy, "sub-01", FSL)
    latex = write(configuration, study_copy)[1]
    assert r"50\% \& \#1\_a \{x\} \textasciitilde{}\textasciicircum{}\textbackslash{}" in latex
    plain = re.sub(r"\\[%&#_{}$]|\\cite\{[^}]*\}|~\\cite|^%.*$", "", latex, flags=re.M)
    assert not re.search(r"[%&#_$^]", plain)


def test_latex_compiles_in_principle(configuration, study_copy):
    """Braces are balanced and every paragraph has a title."""
    latex = write(configuration, study_copy)[1]
    bare = re.sub(r"\\[{}]", "", latex)
    depth = 0
    for sign in bare:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    assert latex.count(r"\paragraph{") == 5


def test_page_shows_the_text_with_its_sources(page, configuration, mini):
    text = page.read_text()
    section = text[text.index('<section id="methods">') : text.index('<section id="provenance">')]
    keys = re.findall(r'<li id="source-(\w+)">', section)
    assert len(keys) == len(set(keys)) > 8
    assert set(re.findall(r'href="#source-(\w+)"', section)) == set(keys)
    assert "N4BiasFieldCorrection" in section
    latex = to_latex(compose(configuration, Results(mini.folder, METHODS)))
    assert {
        k for found in re.findall(r"\\cite\{([^}]*)\}", latex) for k in found.split(",")
    } == set(keys)


@pytest.mark.parametrize(
    ("term", "key"),
    [
        ("N4BiasFieldCorrection", "tustison2010n4itk"),
        ("antsRegistration, MNI152NLin2009aSym mask", "fonov2011"),
        ("bet", "smith2002bet"),
        ("FSL BET", "jenkinson2012fsl"),
        ("FAST", "zhang2001fast"),
        ("flirt", "jenkinson2002flirt"),
        ("FNIRT", "andersson2007fnirt"),
        ("SPM12", "ashburner2005spm"),
        ("SynthStrip", "hoopes2022synthstrip"),
        ("syn", "avants2008syn"),
        ("nyul", "nyul2000"),
        ("Atropos", "avants2011atropos"),
        ("dcm2niix", "li2016dcm2niix"),
    ],
)
def test_tools_are_found_by_name(term, key):
    assert key in find_keys([term])


def test_parts_of_words_find_nothing():
    assert find_keys(["deepbetter", "breakfast", "synthesis", "none", "zscore"]) == ()


def test_file_of_citations_is_sound():
    keys = [entry.key for entry in entries()]
    assert len(keys) == len(set(keys)) > 25
    for entry in entries():
        assert {"author", "title", "year", "tools"} <= set(entry.fields), entry.key
        assert re.fullmatch(r"\d{4}", entry.fields["year"])
        assert re.fullmatch(r"10\.\d{4,5}/\S+", entry.fields.get("doi", "10.1000/x"))
        assert reference(entry.key).isprintable()
        assert "\\" not in reference(entry.key)
        assert to_bibtex([entry.key]).count("{") == to_bibtex([entry.key]).count("}")


def test_accents_become_letters():
    assert plain_text(r"{\c{C}}i{\c{c}}ek, {\"O}zg{\"u}n and Ny{\'u}l, {\v{Z}}iga") == (
        "Çiçek, Özgün and Nyúl, Žiga"
    )
