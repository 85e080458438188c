"""A study that was really run and published: it is verified, and whatever is altered is named."""

import shutil
import subprocess
import sys
import zipfile

import pytest
from workspace import Workspace

from mribench.report import verification
from mribench.report.crate_archive import unpack_archive

pytestmark = pytest.mark.slow
WEIGHTS = "runs/unet2d/fold-1_seed-0/model.safetensors"
TABLE, SPLITS, SCORES = "tables/leaderboard.csv", "dataset/splits.tsv", "metrics.csv"


@pytest.fixture(scope="module")
def published(root, finished, small_study, tmp_path_factory):
    """The results of the small study with its archive, and what the rules said of it."""
    folder = tmp_path_factory.mktemp("published") / "copy"
    shutil.copytree(finished.folder, folder)
    copy = Workspace(root, folder)
    shown = copy.run(small_study, "publish", "verify_publication")
    return copy.results(small_study), shown


@pytest.fixture
def results(published, tmp_path):
    """A copy of the results, to alter."""
    return shutil.copytree(published[0], tmp_path / "results")


@pytest.fixture
def verify(root, tmp_path):
    """Call the script from elsewhere, as a stranger would."""

    def call(archive, *options):
        command = [sys.executable, root / "scripts/verify_publication.py", archive, *options]
        return subprocess.run(
            list(map(str, command)), capture_output=True, text=True, cwd=tmp_path, check=False
        )

    return call


def alter(archive, target, name, old, new):
    """Copy an archive with the first `old` of one file replaced."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as made:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == name:
                assert old in content
                content = content.replace(old, new, 1)
            made.writestr(entry, content)
    return target


def first_score(archive):
    """The first score with three decimals or more, and the same with another third one."""
    with zipfile.ZipFile(archive) as opened:
        rows = opened.read(SCORES).decode().splitlines()
    place = rows[0].split(",").index("value")
    line = next(n for n, row in enumerate(rows) if len(row.split(",")[place]) > 5 and n)
    cells = rows[line].split(",")
    digit = str((int(cells[place][4]) + 1) % 10)
    changed = [*cells]
    changed[place] = cells[place][:4] + digit + cells[place][5:]
    return line + 1, rows[line].encode(), ",".join(changed).encode()


def test_the_archive_agrees_with_its_results(published):
    assert "checked: every prediction, scored again" in published[1]
    assert "everything agrees" in published[1]


def test_one_digit_is_named(published, verify, tmp_path):
    archive = published[0] / "publish/small.zip"
    line, old, new = first_score(archive)
    done = verify(
        alter(archive, tmp_path / "digit.zip", SCORES, old, new), "--results", published[0]
    )
    assert done.returncode == 1
    assert f"{SCORES}: found SHA-256" in done.stderr
    assert f"{SCORES}, line {line} (" in done.stderr
    with zipfile.ZipFile(archive) as opened:
        cell = next(c for c in opened.read(TABLE).split(b"\n")[1].split(b",") if c[:2] == b"0.")
    other = cell[:2] + str((int(cell[2:3]) + 1) % 10).encode() + cell[3:]
    done = verify(alter(archive, tmp_path / "table.zip", TABLE, cell, other))
    assert done.returncode == 1
    assert f"{TABLE}: found SHA-256" in done.stderr
    assert f"{TABLE}, line 2 (" in done.stderr
    assert f"found '{other.decode()}'; recomputed '{cell.decode()}'" in done.stderr


def test_one_split_is_named(published, results, verify, tmp_path):
    archive = published[0] / "publish/small.zip"
    forged = alter(archive, tmp_path / "split.zip", SPLITS, b"\ttest", b"\ttrain")
    done = verify(forged)
    assert done.returncode == 1
    assert f"{SPLITS}, line " in done.stderr
    assert "scored, but not in the test set" in done.stderr
    splits = results / SPLITS
    splits.write_bytes(splits.read_bytes().replace(b"\ttest", b"\ttrain", 1))
    done = verify(archive, "--results", results, "--bids", published[0] / "dataset/bids")
    assert done.returncode == 1
    assert f"{SPLITS}: found SHA-256" in done.stderr
    assert "findings: 1" in done.stderr


def test_one_weight_file_is_named(published, results, verify):
    weights = results / WEIGHTS
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    archive = published[0] / "publish/small.zip"
    done = verify(archive, "--results", results, "--bids", published[0] / "dataset/bids")
    assert done.returncode == 1
    assert f"{WEIGHTS}: found SHA-256" in done.stderr
    assert "findings: 1" in done.stderr


def test_a_second_run_agrees_and_finds_a_changed_score(published, verify, small_study, tmp_path):
    archive = published[0] / "publish/small.zip"
    done = verify(archive, "--rerun", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    assert "checked: every score, from a second run" in done.stderr
    assert "everything agrees" in done.stderr
    line, old, new = first_score(archive)
    forged = alter(archive, tmp_path / "forged.zip", SCORES, old, new)
    sums = unpack_archive(forged, tmp_path / "unpacked")
    publication = verification.Publication(tmp_path / "unpacked", sums)
    again = tmp_path / "again/results" / small_study["study"]
    (finding,) = verification.verify_rerun(publication, again).findings
    assert str(finding).startswith(f"{SCORES}, line {line} (")
