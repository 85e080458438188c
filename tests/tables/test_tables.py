"""The forms of a table: the same numbers in all four, and text that cannot break them."""

import csv
import html
import io
import re
from html.parser import HTMLParser

import pytest
from statistics_for_tables import study_rows
from whole_study import all_tables

from mribench.config import Evaluation
from mribench.report.forms import FORMS, to_csv, to_markdown, write_forms
from mribench.report.html_table import html_fragment, to_html
from mribench.report.latex import latex_text, to_latex
from mribench.report.leaderboard import make_leaderboard, mark_of, mean_rank
from mribench.report.statistics_tables import make_comparison_table, make_ranking_table
from mribench.report.tables import Cell, Column, Table, fixed, probability

BRACKET = re.compile(r"([][])")
SLASHED = r"\\\1"
NUMBER = re.compile(r"(?<![A-Za-z\d])[+-]?\d+(?:\.\d+)?")


class Rows(HTMLParser):
    """The texts of a page's table cells, row by row, and which are strong."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.strong, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.inside = tag if tag in ("td", "th", "strong", "sup") else self.inside

    def handle_endtag(self, tag):
        self.inside = "td" if tag in ("strong", "sup") else ""

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data
        if self.inside == "strong":
            self.strong.append(data)


def markdown_rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in (lines[0], *lines[2:])]


def latex_rows(text):
    bodies = [part.split("\\bottomrule")[0] for part in text.split("\\midrule\n")[1:]]
    lines = [line for body in bodies for line in body.strip().splitlines()]
    lines = [line for line in lines if not line.startswith((r"\multicolumn", r"\addlinespace"))]
    return [line.removesuffix(" \\\\").split(" & ") for line in lines]


def numbers(cells):
    return [found for cell in cells for found in NUMBER.findall(cell)]


@pytest.fixture(params=[1, 3], ids=["one seed", "three seeds"])
def tables(request, tmp_path):
    ranking, comparisons = study_rows(tmp_path, seeds=request.param)
    evaluation = Evaluation()
    return [
        make_leaderboard(ranking, comparisons, evaluation, "Trial"),
        make_ranking_table(ranking, evaluation, "Trial"),
        make_comparison_table(comparisons, evaluation, "Trial"),
    ]


@pytest.fixture(scope="module")
def every_table(tmp_path_factory):
    return all_tables(tmp_path_factory.mktemp("study"))


def test_all_forms_carry_the_same_numbers(tables):
    for table in tables:
        compare_forms(table)
        assert all(len(numbers(cell.text for cell in row)) > 3 for row in table.rows)


def test_all_forms_of_every_table_of_a_study_carry_the_same_numbers(every_table):
    assert len({table.name for table in every_table}) == len(every_table) == 18
    for table in every_table:
        compare_forms(table)
        compare_csv(table)
        assert numbers(cell.text for row in table.rows for cell in row)


def compare_forms(table):
    """Markdown, LaTeX and HTML show the numbers of the table's cells, row by row."""
    page = Rows(to_html(table)).rows[1:]
    marked, text = markdown_rows(to_markdown(table))[1:], to_latex(table)
    typeset = latex_rows(text)
    assert len(page) == len(marked) == len(typeset) == len(table.rows)
    roles = [column.role for column in table.columns]
    for place, row in enumerate(table.rows):
        expected = numbers(cell.text for cell in row)
        assert numbers(page[place]) == expected
        assert numbers(cell.replace("\\", "") for cell in marked[place]) == expected
        kept = [cell.text for cell, role in zip(row, roles, strict=True) if not role]
        found = [re.sub(r"\\textsuperscript{\d+}", "", cell) for cell in typeset[place]]
        assert numbers(found) == numbers(kept)
        for cell, role in zip(row, roles, strict=True):
            assert not role or latex_text(cell.text) in text


def test_csv_splits_the_numbers_that_the_others_show(tables):
    for table in tables:
        compare_csv(table)


def compare_csv(table):
    """The CSV form has the cells' numbers, one per column."""
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert len(rows) == len(table.rows)
    for row, cells in zip(rows, table.rows, strict=True):
        for column, cell in zip(table.columns, cells, strict=True):
            plain = re.sub(r" [↑↓]$", "", column.title)
            if not column.parts:
                assert row[column.title] == cell.text
                continue
            values = [row[f"{plain} {part}"] for part in column.parts]
            assert row[f"{plain} best"] == ("yes" if cell.best else "")
            assert row[f"{plain} mark"] == cell.mark
            shown = numbers([cell.text])
            if values[0] != "n/a":
                assert shown == [value for value in values if value != "n/a"][: len(shown)]
            assert len(shown) >= len([value for value in values if value != "n/a"]) - 1


def test_numbers_are_those_of_the_ranking(tmp_path):
    ranking, comparisons = study_rows(tmp_path, seeds=3)
    table = make_leaderboard(ranking, comparisons, Evaluation(), "Trial")
    rows = {row["Method"]: row for row in csv.DictReader(io.StringIO(to_csv(table)))}
    heads = {"dice": "Dice (wmh2017)", "hd95": "HD95 (mm, wmh2017)"}
    assert len(ranking) == 6
    for entry in ranking:
        row, head, digits = rows[entry["method"]], heads[entry["metric"]], 3
        digits = 3 if entry["metric"] == "dice" else 2
        for part, key in (("mean", "mean"), ("sd", "sd"), ("seed sd", "seed_sd")):
            assert row[f"{head} {part}"] == f"{float(entry[key]):.{digits}f}"
        assert row[f"{head} n"] == entry["n"]


def test_the_best_is_bold_in_every_form(tables):
    table = tables[0]
    best = [cell.text for row in table.rows for cell in row if cell.best]
    assert len(best) == 2
    assert Rows(to_html(table)).strong == best
    for text in best:
        assert f"**{BRACKET.sub(SLASHED, text)}**" in to_markdown(table)
        bold = text.split(" [")[0].replace("±", r"\pm")
        assert rf"\bfseries {bold}" in to_latex(table)


def test_marks_are_the_comparisons_with_the_best(tmp_path):
    ranking, comparisons = study_rows(tmp_path)
    best = next(r["method"] for r in ranking if r["metric"] == "dice" and r["rank"] == "1")
    for row in ranking:
        if row["metric"] != "dice":
            continue
        mark = mark_of(row, ranking, comparisons)
        pair = [
            c
            for c in comparisons
            if c["metric"] == "dice" and {c["first"], c["second"]} == {best, row["method"]}
        ]
        decisions = {"true": "*", "false": "", "n/a": "†"}
        assert mark == (decisions[pair[0]["significant"]] if pair else "")
    assert {mark_of(r, ranking, comparisons) for r in ranking} == {"", "*", "†"}


def test_methods_stand_in_the_order_of_their_mean_rank(tmp_path):
    ranking, comparisons = study_rows(tmp_path)
    table = make_leaderboard(ranking, comparisons, Evaluation(), "Trial")
    order = [row[0].text for row in table.rows]
    ranks = [mean_rank(ranking, method) for method in order]
    assert ranks == sorted(ranks)
    assert [row[-2].text for row in table.rows] == [f"{rank:.2f}" for rank in ranks]


def test_a_method_without_values_ranks_last(tmp_path):
    rows = [{"method": m, "rank": r} for m, r in (("a", "1"), ("b", "n/a"), ("c", "2"))]
    assert mean_rank(rows, "b") == 3


def test_several_labels_get_a_column(tmp_path):
    ranking, comparisons = study_rows(tmp_path)
    double = [{**row, "label": label} for label in ("grey", "white") for row in ranking]
    table = make_leaderboard(double, comparisons, Evaluation(), "Trial")
    assert [column.title for column in table.columns][:2] == ["Method", "Label"]
    assert [row[1].text for row in table.rows] == ["grey"] * 3 + ["white"] * 3


def test_undefined_cases_are_printed_in_every_form(tmp_path):
    ranking, comparisons = study_rows(tmp_path, undefined=2)
    table = make_leaderboard(ranking, comparisons, Evaluation(), "Trial")
    assert sum("(n = 10)" in cell.text for row in table.rows for cell in row) == 1
    note = "HD95, lesion, a: 10 of 12 cases defined (undefined: 2 prediction empty)."
    assert note in table.notes
    assert note in to_markdown(table)
    assert note in to_latex(table)
    assert note in to_html(table)


NASTY = Table(
    name="nasty",
    title="<b>R&D_1</b> 100% $x$ {y} ~ ^ \\ # | `*`",
    columns=[Column("Method"), Column('"a" & <b>', ("mean",), numbers=True)],
    rows=[[Cell("<script>alert(1)</script>"), Cell("a|b, _c_ & 5% # ~", ("1,5",), mark="*")]],
    notes=["</ul><img src=x>"],
)


def test_html_escapes_every_text():
    page = to_html(NASTY)
    assert not re.search(r"<(script|b|img)\b", html_fragment(NASTY))
    assert page.count("<script>") == 1
    assert html.escape(NASTY.title) in page
    assert not re.search(r"https?:|src=|import", page.replace(html.escape("<img src=x>"), ""))
    assert html_fragment(NASTY) in page
    assert Rows(page).rows[1] == ["<script>alert(1)</script>", "a|b, _c_ & 5% # ~*"]


def test_markdown_keeps_its_columns():
    rows = markdown_rows(to_markdown(NASTY))
    assert [len(row) for row in rows] == [2, 2]
    assert rows[1][1] == r"a\|b, \_c\_ & 5% # ~ \*"


def test_latex_has_no_command_that_the_text_brought():
    text = to_latex(NASTY)
    assert r"\textbackslash{}" in text
    row = next(line for line in text.splitlines() if "alert" in line)
    assert len(re.findall(r"(?<!\\)&", row)) == 1
    assert not re.search(r"(?<!\\)[%#]", row)
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{")


def test_csv_quotes_what_holds_a_comma():
    (row,) = csv.reader(io.StringIO(to_csv(NASTY).split("\n", 1)[1]))
    assert row == ["<script>alert(1)</script>", "1,5", "", "*"]


def test_files_are_written_twice_alike(tmp_path, tables):
    for folder in ("first", "second"):
        for table in tables:
            write_forms(table, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    expected = [f"{n}.{s}" for n in ("comparisons", "leaderboard", "ranking") for s in FORMS]
    assert names == sorted(expected)
    for name in names:
        first, second = (tmp_path / folder / name for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("text", "digits", "sign", "expected"),
    [
        ("0.12345", 3, False, "0.123"),
        ("-0.0004", 3, False, "0.000"),
        ("-0.0004", 3, True, "+0.000"),
        ("12.5", 0, False, "12"),
        ("n/a", 2, False, "n/a"),
    ],
)
def test_fixed_decimals(text, digits, sign, expected):
    assert fixed(text, digits, sign) == expected


def test_probabilities():
    texts = ["0.04951", "0.0009", "1.0", "n/a", "0.001"]
    assert [probability(t) for t in texts] == ["0.050", "<0.001", "1.000", "n/a", "0.001"]
