"""All tables of a study: what stands in them, in which studies, and that LaTeX compiles."""

import csv
import re
import shutil
import subprocess

import numpy as np
import pytest
from whole_study import COSTS, METHODS, make_tables, metric_rows, settings

from mribench.errors import DataError
from mribench.files import read_table, write_table
from mribench.report.ablation import find_changes
from mribench.report.forms import FORMS
from mribench.report.paper_tables import scp_value
from mribench.report.study_tables import read_statistics
from mribench.report.volume_tables import make_size_table

COMMON = (
    "comparisons",
    "costs",
    "leaderboard",
    "rank_schemes",
    "ranking",
    "significance",
    "variance",
)
MORE = (
    "ablation",
    "per_load",
    "per_resolution",
    "per_site",
    "resolution_table_2",
    "resolution_table_3",
    "scp_table_1",
    "scp_table_2",
    "sdu_net_table_2",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_tables(tmp_path_factory.mktemp("study"))


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def means(rows, method, metric="dice", chosen=lambda row: True):
    cases = {}
    for row in rows:
        if (row["method"], row["metric"]) == (method, metric) and chosen(row):
            cases.setdefault(row["case"], []).append(row["value"])
    return np.array([np.mean(values) for values in cases.values()])


def test_every_table_stands_in_every_form(study):
    names = sorted(path.name for path in study.iterdir() if path.is_file())
    assert names == sorted(f"{name}.{form}" for name in COMMON for form in FORMS)
    names = sorted(path.name for path in (study / "more").iterdir())
    assert names == sorted(f"{name}.{form}" for name in MORE for form in FORMS)


def test_a_plain_study_has_no_tables_of_papers(tmp_path):
    plain = settings()
    plain["methods"] = {name: {"method": "unet", "width": k} for k, name in enumerate(METHODS)}
    tables = make_tables(tmp_path, chosen=plain)
    names = {path.stem for path in (tables / "more").iterdir()}
    assert names == {"ablation", "per_load", "per_resolution", "per_site"}


def test_tables_of_an_earlier_run_do_not_stay(tmp_path):
    stale = tmp_path / "tables/more/scp_table_9.csv"
    stale.parent.mkdir(parents=True)
    stale.touch()
    make_tables(tmp_path)
    assert not stale.exists()


def test_per_site_numbers_are_those_of_the_sites_cases(study):
    rows = metric_rows()
    table = rows_of(study / "more/per_site.csv")
    assert len(table) == 2 * len(METHODS)
    for line in table:
        values = means(rows, line["Method"], chosen=lambda row, s=line["Site"]: row["site"] == s)
        assert line["Dice (wmh2017) mean"] == f"{values.mean():.3f}"
        assert line["Dice (wmh2017) sd"] == f"{values.std(ddof=1):.3f}"
        assert line["Dice (wmh2017) n"] == "9"
    best = [line["Method"] for line in table if line["Dice (wmh2017) best"]]
    assert best == ["adaptive", "adaptive"]


def test_costs_are_ratios_to_the_reference(study, tmp_path):
    table = rows_of(study / "costs.csv")
    for place, line in enumerate(table):
        assert line["Parameters (M) ratio"] == f"{place + 1:.2f}"
        assert float(line["Parameters (M) value"]) == pytest.approx(0.49 * (place + 1), abs=0.006)
        assert float(line["Training (s) value"]) == COSTS["training_seconds"] * (place + 1)
    other = rows_of(make_tables(tmp_path, reference="scp128") / "costs.csv")
    assert [line["Parameters (M) ratio"] for line in other] == [
        "0.50",
        "1.00",
        "1.50",
        "2.00",
        "2.50",
    ]


def test_changes_of_one_key_are_found():
    found = find_changes(METHODS, None)
    assert [(c.base, c.other, c.key, c.before, c.after) for c in found] == [
        ("base128", "scp128", "head", "base", "scp"),
        ("scp128", "scp256", "n_c", "128", "256"),
    ]
    assert find_changes(METHODS, "scp256")[1].base == "scp256"


def test_the_ablation_is_second_minus_first(study):
    line = rows_of(study / "more/ablation.csv")[0]
    rows = metric_rows()
    difference = (means(rows, "scp128") - means(rows, "base128")).mean()
    assert line["Δ Dice (wmh2017) difference"] == f"{difference:+.3f}"
    low, high = (float(line[f"Δ Dice (wmh2017) {end}"]) for end in ("low", "high"))
    assert low < difference < high
    assert line["Δ Dice (wmh2017) best"] == "yes"


def test_scp_table_has_the_papers_rows_columns_and_ratios(study):
    lines = rows_of(study / "more/scp_table_1.csv")
    assert list(lines[0]) == [
        *("N_c", "Model", "Dice (%)", "L-TPR (%)", "FLOPs ratio", "Parameter ratio"),
    ]
    assert [(line["N_c"], line["Model"]) for line in lines] == [
        ("128", "Base"),
        ("128", "SCP"),
        ("256", "SCP"),
    ]
    assert [line["Parameter ratio"] for line in lines] == ["1.00", "2.00", "3.00"]
    expected = 100 * means(metric_rows(), "base128").mean()
    assert lines[0]["Dice (%)"] == f"{expected:.2f}"
    assert list(rows_of(study / "more/scp_table_2.csv")[0]) == list(lines[0])[:4]
    marked = (study / "more/scp_table_1.md").read_text()
    assert marked.count("**") == 2 + 2 * 2


def test_the_papers_f1_is_the_harmonic_mean_of_the_means(tmp_path):
    rows = [
        {"method": "a", "metric": "lesion_precision", "mean": "0.5848"},
        {"method": "a", "metric": "lesion_recall", "mean": "0.5662"},
        {"method": "a", "metric": "lesion_f1", "mean": "0.1"},
    ]
    # Base (128) of the paper's Table 1: L-PPV 58.48, L-TPR 56.62, L-F1 57.53.
    assert scp_value(rows, "a", "L-F1 (%)", ("lesion_f1",)).text in ("57.53", "57.54")


def test_resolution_table_marks_what_beats_all_others(study):
    lines = {line["Model"]: line for line in rows_of(study / "more/resolution_table_3.csv")}
    assert list(lines) == list(METHODS)
    rows = metric_rows()
    for method, line in lines.items():
        values = means(rows, method)
        assert line["all mean"] == f"{values.mean():.2f}"
        values = means(rows, method, chosen=lambda row: int(row["case"][-2:]) % 3 == 2)
        assert (line["2D mean"], line["2D sd"]) == (
            f"{values.mean():.2f}",
            f"{values.std(ddof=1):.2f}",
        )
    assert lines["adaptive"]["all best"] == "yes"
    assert lines["adaptive"]["all mark"] == "*"
    assert {line["all mark"] for name, line in lines.items() if name != "adaptive"} == {""}


def test_resolution_table_by_training_data_takes_its_folds_only(study):
    lines = rows_of(study / "more/resolution_table_2.csv")
    trained = list(dict.fromkeys(line["Training data"] for line in lines))
    assert trained == ["1.0 mm", "0.5 mm", "0.5 mm and 1.0 mm"]
    for line in lines:
        fold = trained.index(line["Training data"])
        own = means(metric_rows(), line["Model"], chosen=lambda row, f=fold: row["fold"] == f)
        assert line["all mean"] == f"{own.mean():.2f}"
        assert line["2D mean"] == f"{own[2::3].mean():.2f}"


def test_sdu_table_is_mean_and_spread_over_seeds(study):
    (line,) = (r for r in rows_of(study / "more/sdu_net_table_2.csv") if r["Model"] == "sdu")
    rows = metric_rows()
    by_seed = [means(rows, "sdu", chosen=lambda row, s=s: row["seed"] == s).mean() for s in (0, 1)]
    assert line["lesion Dice (%) mean"] == f"{100 * np.mean(by_seed):.2f}"
    assert line["lesion Dice (%) sd over runs"] == f"{100 * np.std(by_seed, ddof=1):.2f}"


def test_lesions_by_size_and_agreement_stand_beside(tmp_path):
    sizes = ((0, 10, 4, 1), (10, None, 8, 6))
    detection = [
        {"label": "lesion", "preset": "wmh2017", "method": method, "low_mm3": low}
        | {"high_mm3": high, "reference": count, "found": found + better}
        | {"recall": (found + better) / count, "predicted": 0, "true": 0, "precision": None}
        for low, high, count, found in sizes
        for method, better in (("a", 0), ("b", 1))
    ]
    write_table(tmp_path / "detection.csv", detection, list(detection[0]))
    table = make_size_table(read_table(tmp_path / "detection.csv"), "Trial")
    texts = [[cell.text for cell in row] for row in table.rows]
    assert texts[0] == ["lesion", "under 10 mm3", "a", "0.250", "1/4", "n/a", "0/0"]
    assert texts[3] == ["lesion", "10 mm3 and more", "b", "0.875", "7/8", "n/a", "0/0"]
    assert [row[3].best for row in table.rows] == [False, True, False, True]
    made = make_tables(tmp_path / "study", detection=tmp_path / "detection.csv")
    assert (made / "more/per_size.html").exists()


def test_the_significance_map_mirrors_itself(study):
    lines = {(r["Metric"], r["Method"]): r for r in rows_of(study / "significance.csv")}
    for (metric, first), line in lines.items():
        assert line[first] == ""
        for second in METHODS:
            assert line[second] == lines[metric, second][first]


def test_a_table_of_an_older_version_is_refused_by_name(tmp_path):
    make_tables(tmp_path)
    rows = [
        {k: v for k, v in r.items() if k != "format"} for r in read_table(tmp_path / "variance.csv")
    ]
    write_table(tmp_path / "variance.csv", rows, list(rows[0]))
    with pytest.raises(DataError, match=r"variance.csv: found a table without .*older version"):
        read_statistics(tmp_path)


@pytest.mark.parametrize("test", ["t_test", "permutation"])
def test_the_notes_name_the_test_and_the_interval(tmp_path, test):
    tables = make_tables(tmp_path, test=test, interval="bca")
    named = {"t_test": "t-test", "permutation": "sign-flip permutation test"}[test]
    for name in ("leaderboard", "comparisons", "significance"):
        assert f"paired {named}" in (tables / f"{name}.md").read_text()
    assert "accelerated (BCa) bootstrap" in (tables / "ranking.md").read_text()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(lambda row: row | {"case": "sub-00", "subject": "sub-00"}, id="one case"),
        pytest.param(lambda row: row | {"value": 0.5}, id="all ties"),
        pytest.param(
            lambda row: row | {"value": 0.5 + list(METHODS).index(row["method"]) / 16},
            id="constant differences",
        ),
        pytest.param(lambda row: row | {"value": None, "note": "both empty"}, id="all undefined"),
    ],
)
@pytest.mark.parametrize("test", ["wilcoxon", "t_test", "permutation"])
def test_poor_data_give_tables_that_say_so(tmp_path, values, test):
    rows = list(map(values, metric_rows()))
    unique = {
        tuple(r[k] for k in ("method", "seed", "case", "metric")): r | {"fold": 0} for r in rows
    }
    tables = make_tables(tmp_path, rows=list(unique.values()), test=test)
    pairs = rows_of(tables / "comparisons.csv")
    assert len(pairs) == 20
    for pair in pairs:
        assert (pair["Significant"] == "not testable") == pair["Note"].startswith("not testable")
        assert pair["Note"] or pair["p"] != "n/a"


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("pdflatex"), reason="needs pdflatex with siunitx (texlive-science)"
)
@pytest.mark.parametrize("options", ["", "twocolumn"])
def test_latex_compiles_and_fits_the_page(study, tmp_path, options):
    files = sorted(study.rglob("*.tex"))
    inputs = "\n".join(rf"\input{{{path}}}\clearpage" for path in files)
    document = (
        rf"\documentclass[{options}]{{article}}\usepackage{{booktabs,graphicx,siunitx}}"
        rf"\begin{{document}}{inputs}\end{{document}}"
    )
    (tmp_path / "all.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    log = (tmp_path / "all.log").read_text()
    assert "Overfull" not in log
    assert "too large for page" not in log
    assert "Undefined" not in log
    pages = re.search(r"Output written on all.pdf \((\d+) pages", log)
    assert int(pages[1]) >= len(files)
