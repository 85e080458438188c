"""A finished miniature study with its figures and its results page."""

from pathlib import Path

import pandas as pd
import pytest
from fake_review import run_script, write_inputs
from fake_study import CASES, METHODS, FakeStudy, configuration, make_study

from mribench.config import Study
from mribench.metrics.conventions import load_preset
from mribench.report.case_images import Classes
from mribench.report.crate import publish_study
from mribench.report.figures import plot_all
from mribench.report.methods_text import write_methods
from mribench.report.page import write_page
from mribench.report.results import Results
from mribench.report.review_overview import write_overview
from mribench.report.suspicion import read_records


@pytest.fixture(scope="session")
def mini(tmp_path_factory) -> FakeStudy:
    """Tables, runs and images of a study with a space and umlauts in its path."""
    return make_study(tmp_path_factory.mktemp("größe with space"))


@pytest.fixture(scope="session")
def results(mini) -> Results:
    """The study; every method keeps its rank in nine of ten draws and loses it in the tenth."""
    made = Results(mini.folder, METHODS)
    keys = ["metric", "label", "method", "rank"]
    held = made.ranking[keys].assign(scheme="aggregate_then_rank", share=0.9)
    lost = held.assign(rank=held["rank"] % len(METHODS) + 1, share=0.1)
    made.__dict__["rank_draws"] = pd.concat([held, lost])
    return made


@pytest.fixture(scope="session", name="configuration")
def its_configuration() -> Study:
    """The configuration that the miniature claims to come from."""
    return configuration()


@pytest.fixture(scope="session")
def preset():
    return load_preset("wmh2017")


@pytest.fixture(scope="session")
def figures(mini, results, preset) -> Path:
    """The folder of all figures."""
    folder = mini.folder / "figures"
    plot_all(results, mini.bids, Classes((1,), ()), preset.metrics, folder)
    return folder


@pytest.fixture(scope="session")
def page(mini, figures, configuration) -> Path:
    """The results page."""
    path = mini.folder / "report/index.html"
    texts = [path.parent / f"methods.{end}" for end in ("md", "tex", "bib")]
    write_methods(configuration, mini.folder, *texts)
    overview = mini.folder / "preproc/native/review"
    records = read_records(mini.folder, "native", list(CASES))
    write_overview("native", records, overview / "index.html", overview / "cases.tsv")
    write_page(configuration, mini.folder, path)
    return path


@pytest.fixture(scope="session")
def overview(page) -> Path:
    """The overview of the preprocessing of the only variant."""
    return page.parents[1] / "preproc/native/review/index.html"


@pytest.fixture(scope="session")
def archive(mini, figures, page, configuration, tmp_path_factory) -> Path:
    """The published miniature."""
    path = tmp_path_factory.mktemp("archive") / "mini.zip"
    publish_study(configuration, mini.folder, "{}", path)
    return path


@pytest.fixture(scope="session")
def review_inputs(tmp_path_factory) -> Path:
    """The preprocessed files of one case."""
    folder = tmp_path_factory.mktemp("sub-01 anat")
    write_inputs(folder)
    return folder


@pytest.fixture(scope="session")
def review(root, review_inputs, tmp_path_factory) -> Path:
    """The folder of one case's review."""
    folder = tmp_path_factory.mktemp("native") / "sub-01" / "figures"
    transform = ("--template-transform", review_inputs / "template.txt")
    done = run_script(root, review_inputs, folder, *transform)
    assert done.returncode == 0, done.stderr
    return folder
