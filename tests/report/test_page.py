"""The results page is whole, escaped, and stands on its own."""

import re
import shutil
from html.parser import HTMLParser

import pytest
from fake_study import CASES, METHODS

from mribench.files import read_table, seal_of
from mribench.report.leaderboard import make_leaderboard
from mribench.report.page import SECTIONS, write_page
from mribench.report.results import Results

POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'self'"
)
VOID = {"meta", "link", "img", "br", "input"}


class Outline(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def values(self, tag, attribute):
        return [found[attribute] for name, found in self.tags if name == tag and attribute in found]


@pytest.fixture(scope="session")
def outline(page):
    return Outline(page.read_text(encoding="utf-8"))


def test_all_sections_are_there_and_linked(outline):
    anchors = [anchor for anchor, _ in SECTIONS]
    assert outline.values("section", "id") == anchors
    assert [link[1:] for link in outline.values("a", "href") if link in {f"#{a}" for a in anchors}]


def test_names_of_the_study_cannot_become_markup(outline, page):
    assert len(outline.values("meta", "http-equiv")) == 1
    assert sum(tag == "script" for tag, _ in outline.tags) == 1
    assert "&lt;script&gt;alert(&#39;title&#39;)&lt;/script&gt; &amp; more" in page.read_text()


def test_names_of_strangers_cannot_become_markup(outline, page, mini, overview):
    """Sites come from participants.tsv."""
    assert "&lt;img src=x onerror" in page.read_text()
    assert not [found for _, found in outline.tags if "onerror" in found]
    pages = [overview, *mini.folder.rglob("*.html"), *mini.folder.rglob("*.svg")]
    assert len(pages) > 20
    for other in pages:
        assert "<img src=x" not in other.read_text(), other
    tables = list((mini.folder / "tables").rglob("*.md"))
    assert any(r"\<img src=x onerror" in table.read_text() for table in tables)
    assert not any(re.search(r"(?<!\\)<img", table.read_text()) for table in tables)


def test_policy_forbids_everything_from_elsewhere(outline, page):
    has_niivue = (page.parent / "figures/niivue.js").is_file()
    meta = next(found for tag, found in outline.tags if "http-equiv" in found)
    assert meta["content"] == POLICY.removesuffix("" if has_niivue else " 'self'")
    assert not re.search(r"(https?:)?//[a-z]", page.read_text())


def test_pictures_and_links_lead_to_files_inside_the_results(outline, page, mini):
    sources = outline.values("img", "src")
    assert len(sources) == len(CASES) * (2 * len(METHODS) + 1) + len(
        list(page.parent.glob("figures/*.png"))
    )
    for source in [*sources, *outline.values("p", "data-volumes")]:
        assert (page.parent / source).is_file()
        assert not source.startswith(("/", ".."))
    for link in outline.values("a", "href"):
        if link.startswith(".."):
            assert (page.parent / link).resolve().parent.is_relative_to(mini.folder)
        elif not link.startswith("#"):
            assert (page.parent / link).is_file()


def test_pictures_have_alternative_texts(outline):
    assert all(found.get("alt") for tag, found in outline.tags if tag == "img")


def test_leaderboard_shows_the_numbers_of_the_table(outline, mini, configuration):
    rows = [read_table(mini.folder / f"{name}.csv") for name in ("ranking", "comparisons")]
    table = make_leaderboard(*rows, configuration.evaluation, "any")
    section = " ".join(outline.text).split("Leaderboard")[2]
    places = [section.index(row[0].text) for row in table.rows]
    assert places == sorted(places)
    assert all(cell.text in section for row in table.rows for cell in row)
    assert all(note in section for note in table.notes[:4])


def test_warnings_count_dropped_and_undefined_cases(outline):
    text = " ".join(" ".join(outline.text).split())
    assert "1 case dropped because of unusable data." in text
    assert "sub-13 (drop): sub-13/anat/sub-13_FLAIR.nii.gz: found no FLAIR" in text
    assert "HD95 (lesion) is undefined, reference empty: flair_threshold 1 case" in text
    rule = "Lesion recall (lesion) has the value that the preset gives to such cases, both empty:"
    assert f"{rule} flair_threshold 1 case, unet2d 1 case, scp 1 case." in text


def test_suspicious_case_is_first_and_marked(page):
    text = page.read_text()
    rows = re.findall(r'<td><a href="\.\./preproc/native/([^/]+)/', text)
    assert rows[0] == "sub-12"
    assert sorted(rows) == sorted(CASES)
    first = re.search(r"<tr>\s*<td><a href=.*?>sub-12<.*?</tr>", text, re.S)[0]
    assert first.count('class="flag"') == text.count('class="flag"') > 0
    assert "brain volume low (z -" in first


def test_hosts_and_times_stand_in_the_provenance_only(page):
    before, after = page.read_text().split('<section id="provenance">')
    assert "bench-01" not in before
    assert "2025-01-01" not in before
    assert "bench-01" in after


def test_page_repeats_its_bytes_and_drops_old_figures(page, configuration, mini):
    content, stale = before_provenance(page), page.parent / "figures/old.png"
    stale.write_bytes(b"")
    write_page(configuration, mini.folder, page)
    assert before_provenance(page) == content
    assert not stale.exists()


def before_provenance(page):
    """Return the page without the section that names commit, hosts and times."""
    return page.read_text().split('<section id="provenance">')[0]


def test_missing_scores_and_untested_pairs_are_warned_of(page, configuration, mini, tmp_path):
    copy = tmp_path / "mini"
    shutil.copytree(mini.folder, copy, ignore=shutil.ignore_patterns("bids", "runs"))
    shutil.copytree(mini.folder / "runs", copy / "runs")
    results = Results(copy, METHODS)
    metrics = results.metrics
    metrics[~((metrics.method == "scp") & (metrics.case == "sub-03"))].to_csv(
        copy / "metrics.csv", index=False, na_rep="n/a"
    )
    table = results.comparisons
    table.loc[0, "p_adjusted"] = None
    table.loc[0, "note"] = "not testable: no case is defined for both"
    table.to_csv(copy / "comparisons.csv", index=False, na_rep="n/a")
    for name in ("metrics", "comparisons"):
        seal_of(copy / f"{name}.csv").unlink()
    write_page(configuration, copy, copy / "report/index.html")
    text = (copy / "report/index.html").read_text()
    assert "scp has no scores for 1 case: sub-03." in text
    assert "is not testable: no case is defined for both." in text
