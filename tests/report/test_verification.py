"""Whatever was altered in a published study is found and named."""

import json
import shutil
import stat
import subprocess
import sys
import zipfile

import archives
import pytest
from fake_study import METHODS, score_runs, write_statistics

from mribench.config import load_study
from mribench.errors import DataError
from mribench.files import seal_of
from mribench.metrics.columns import METRIC_COLUMNS
from mribench.report import crate_archive, verification
from mribench.report.crate import publish_study
from mribench.report.crate_archive import unpack_archive
from mribench.statistics.formats import write_tidy
from scripts.verify_publication import Workflow

WEIGHTS = "runs/unet2d/fold-1_seed-0/model.safetensors"


@pytest.fixture
def check(tmp_path):
    """Verify an archive of some files by itself and return the findings as text."""

    def verify(files):
        path = archives.write(tmp_path / "altered.zip", files)
        sums = unpack_archive(path, tmp_path / "unpacked")
        publication = verification.Publication(tmp_path / "unpacked", sums)
        report = verification.verify_archive(publication, Workflow(), tmp_path)
        return [str(finding) for finding in report.findings]

    return verify


@pytest.fixture
def files(archive):
    return archives.read(archive)


def test_an_untouched_archive_agrees(check, files):
    assert check(archives.repair(files)) == []


def test_one_digit_of_a_table_is_named(check, files):
    name, column = "tables/leaderboard.csv", "Dice (wmh2017) mean"
    old = read_cell(files[name], column)
    files[name] = archives.change_cell(files[name], column)
    new = read_cell(files[name], column)
    method = read_cell(files[name], "Method")
    found = check(archives.repair(files))
    place = f"{name}, line 2 ({method}), {column}"
    assert found == [f"{place}: found {new!r}; recomputed {old!r}"]


@pytest.mark.parametrize("form", ["md", "tex", "html"])
def test_one_digit_of_any_form_is_named(check, files, form):
    name = f"tables/comparisons.{form}"
    text = files[name].decode()
    place = text.index("0.", text.index("scp"))
    line = text[:place].count("\n") + 1
    digit = (int(text[place + 2]) + 1) % 10
    files[name] = (text[: place + 2] + str(digit) + text[place + 3 :]).encode()
    found = check(archives.repair(files))
    assert len(found) == 1
    assert found[0].startswith(f"{name}, line {line}: found ")


def test_one_digit_of_the_scores_is_found_whatever_the_checksums_say(check, files):
    files["metrics.csv"] = archives.change_cell(files["metrics.csv"], "value", row=7)
    row = files["metrics.csv"].decode().splitlines()[8].split(",")
    repaired = check(archives.repair(files))
    assert not [line for line in repaired if "SHA-256" in line]
    assert any(
        line.startswith("ranking.csv, line ") and f"({row[7]}, lesion, {row[0]}), mean" in line
        for line in repaired
    )


@pytest.mark.parametrize("name", ["metrics.csv", "dataset/splits.tsv", "tables/leaderboard.md"])
def test_a_changed_file_does_not_have_its_checksum(check, files, name):
    files[name] = files[name].replace(b"1", b"2", 1)
    assert check(files)[0].startswith(f"{name}: found SHA-256 ")


def test_one_split_is_named_whatever_the_checksums_say(check, files):
    name = "dataset/splits.tsv"
    rows = [line.split("\t") for line in files[name].decode().splitlines()]
    train = next(place for place, row in enumerate(rows) if row[3] == "train")
    files[name] = archives.change_cell(files[name], "role", "test", train - 1)
    found = check(archives.repair(files))
    case = rows[train][1]
    place = f"{name}, line {train + 1} (0, {case}), role"
    assert f"{place}: found 'test'; recomputed 'train'" in found
    assert (
        f"{name}: found {case} of fold 0 in the test set, but never scored; metrics.csv disagrees"
        in found
    )


def test_splits_of_the_users_own_must_fit_the_scores(check, configuration, mini, figures, tmp_path):
    raw = configuration.model_dump(mode="json", by_alias=True)
    raw["protocol"]["split"] |= {"scheme": "file", "file": "mine.tsv"}
    publish_study(load_study(raw), mini.folder, "{}", tmp_path / "mini.zip")
    content = archives.read(tmp_path / "mini.zip")
    content["dataset/splits.tsv"] = content["dataset/splits.tsv"].replace(b"\ttest", b"\ttrain", 1)
    assert "scored, but not in the test set" in check(archives.repair(content))[0]


@pytest.mark.parametrize(
    "name", ["tables/leaderboard.tex", "figures/lesion_load.svg", "metrics.csv", "checksums.tsv"]
)
def test_a_removed_file_is_named(check, files, name):
    del files[name]
    assert any(
        line.startswith(f"{name}: found no such file in the archive") for line in check(files)
    )


def test_a_foreign_file_is_named(check, files):
    files["tables/better.csv"] = b"Method,Dice\nmine,1.0\n"
    found = check(files)
    assert "tables/better.csv: found a file that nobody announced" in found[0]
    assert "tables/better.csv: found a table; nothing in the archive recomputes it" in found


def test_weights_in_the_archive_are_checked(check, configuration, mini, figures, tmp_path):
    raw = configuration.model_dump(mode="json", by_alias=True)
    raw["publish"] = {"weights": True}
    publish_study(load_study(raw), mini.folder, "{}", tmp_path / "mini.zip")
    content = archives.read(tmp_path / "mini.zip")
    content[WEIGHTS] = b"x" + content[WEIGHTS][1:]
    assert [line.split(":")[0] for line in check(content)] == [WEIGHTS, WEIGHTS]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[1, 2]"),
        ("environment.json", b"null"),
        ("metrics.csv", b"method,value\nscp,1\n"),
        ("metrics.csv", b""),
        ("ro-crate-metadata.json", b"[]"),
        ("ro-crate-metadata.json", b'{"@graph": [{"@type": "File"}]}'),
        ("checksums.tsv", b"\xff\xfe"),
        ("dataset/splits.tsv", b"nothing"),
        ("dataset/inputs.tsv", b""),
    ],
)
def test_records_that_cannot_be_read_are_findings(check, files, name, content):
    files[name] = content
    assert check(files)


@pytest.mark.parametrize(
    "name",
    ["../outside.csv", "/etc/outside.csv", "a/../../outside.csv", "a\\b.csv", "C:evil.csv", "./a"],
)
def test_names_that_lead_elsewhere_are_refused(files, tmp_path, name):
    path = archives.write(tmp_path / "evil.zip", {**files, name: b"x"})
    with pytest.raises(DataError, match="leads out of the folder"):
        unpack_archive(path, tmp_path / "deep/unpacked")
    assert not list(tmp_path.rglob("outside.csv"))


def test_bombs_links_and_doubles_are_refused(files, tmp_path, monkeypatch):
    path = archives.write(tmp_path / "bomb.zip", {"metrics.csv": bytes(20 * 1024**2)})
    with pytest.raises(DataError, match="grows more than 200 times"):
        unpack_archive(path, tmp_path / "a")
    link = zipfile.ZipInfo("metrics.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="link"):
        unpack_archive(path, tmp_path / "b")
    archives.write(path, {"A.csv": b"1", "a.csv": b"2"})
    with pytest.raises(DataError, match="twice"):
        unpack_archive(path, tmp_path / "c")
    monkeypatch.setattr(crate_archive, "MOST_FILES", 3)
    with pytest.raises(DataError, match="files; expected at most 3"):
        unpack_archive(archives.write(path, files), tmp_path / "d")
    monkeypatch.setattr(crate_archive, "MOST_FILES", 1000)
    monkeypatch.setattr(crate_archive, "MOST_BYTES", 10_000)
    with pytest.raises(DataError, match="bytes unpacked"):
        unpack_archive(path, tmp_path / "e")
    assert not any((tmp_path / name).exists() for name in "abcde")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_what_is_no_archive_is_one_clear_message(root, tmp_path, content):
    path = tmp_path / "none.zip"
    path.write_bytes(content)
    done = archives.verify(root, path)
    assert done.returncode == 1
    assert "found no whole zip file" in done.stderr
    assert "Traceback" not in done.stderr


def test_truncated_archive_and_missing_archive(root, archive, tmp_path):
    path = tmp_path / "cut.zip"
    path.write_bytes(archive.read_bytes()[:-500])
    for name in (path, tmp_path / "nothing.zip"):
        done = archives.verify(root, name)
        assert done.returncode == 1
        assert str(name) in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def scored(mini, figures, configuration, tmp_path_factory):
    """A copy of the miniature whose scores are those of its predictions, and its archive."""
    folder = tmp_path_factory.mktemp("scored") / "mini"
    shutil.copytree(mini.folder, folder)
    runs = [(name, fold, 0) for name in METHODS for fold in range(3)]
    write_tidy(folder / "metrics.csv", score_runs(folder, runs)["metrics"], METRIC_COLUMNS)
    write_statistics(folder)
    publish_study(configuration, folder, "{}", folder.parent / "mini.zip")
    return folder


@pytest.fixture
def at_hand(scored, tmp_path):
    """Verify the archive with a copy of the results that was altered, and return the findings."""

    def verify(alter):
        folder = tmp_path / "results"
        shutil.copytree(scored, folder)
        alter(folder)
        sums = unpack_archive(scored.parent / "mini.zip", tmp_path / "unpacked")
        publication = verification.Publication(tmp_path / "unpacked", sums)
        bids = folder / "dataset/bids"
        report = verification.verify_results(publication, folder, bids, tmp_path)
        return [str(finding) for finding in report.findings]

    return verify


def test_results_at_hand_agree(at_hand):
    assert at_hand(lambda folder: None) == []


def test_a_changed_weight_file_is_named(at_hand):
    found = at_hand(lambda folder: (folder / WEIGHTS).write_bytes(b"other"))
    assert len(found) == 1
    assert found[0].startswith(f"{WEIGHTS}: found SHA-256 ")


def test_a_removed_prediction_is_named(at_hand):
    case = "runs/scp/fold-0_seed-0/predictions/sub-"

    def remove(folder):
        sorted((folder / case).parent.glob("*.nii.gz"))[0].unlink()

    found = at_hand(remove)
    assert found[0].startswith(case)
    assert "no such file in the results" in found[0]
    assert any(line.startswith("scp, fold 0, seed 0: found predictions") for line in found)


def test_another_label_is_named(at_hand):
    def swap(folder):
        labels = sorted((folder / "dataset/bids/derivatives").rglob("*mask.nii.gz"))
        labels[0].write_bytes(labels[1].read_bytes())

    found = at_hand(swap)
    assert found[0].startswith("derivatives/truth/sub-01/anat/sub-01_space-FLAIR_label-lesion")
    assert any("sub-01" in line and line.startswith("metrics.csv, line ") for line in found)


def test_scores_that_no_prediction_has_are_named_by_row(root, scored, tmp_path):
    """A digit in the tidy table, with all tables and checksums made to fit again."""
    copy = tmp_path / "mini"
    shutil.copytree(scored, copy)
    content = (copy / "metrics.csv").read_bytes()
    (copy / "metrics.csv").write_bytes(archives.change_cell(content, "value", row=0))
    seal_of(copy / "metrics.csv").unlink()
    write_statistics(copy)
    made = archives.read(scored.parent / "mini.zip")
    again = [*copy.glob("*.csv"), *(path for path in copy.glob("tables/**/*") if path.is_file())]
    for path in again:
        made[path.relative_to(copy).as_posix()] = path.read_bytes()
    forged = archives.write(tmp_path / "forged.zip", archives.repair(made))
    alone = archives.verify(root, forged)
    assert alone.returncode == 0, alone.stderr
    done = archives.verify(root, forged, "--results", scored, "--output", tmp_path / "found.json")
    assert done.returncode == 1
    row = content.decode().splitlines()[1].split(",")
    place = f"metrics.csv, line 2 ({', '.join([*row[:4], row[5], *row[6:8]])}), value: found"
    assert place in done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found["findings"]) == 1
    assert "every prediction, scored again" in found["checked"]


def test_script_publishes_what_the_package_does(root, archive, configuration, mini, tmp_path):
    from mribench.provenance import make_spec
    from mribench.report.settings import study_settings

    spec = make_spec(study_settings(configuration), [])
    command = [sys.executable, "-m", "scripts.publish", "--spec", spec]
    command += ["--metrics", mini.folder / "metrics.csv", "--output", tmp_path / "mini.zip"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "SHA-256" in done.stderr
    assert archives.verify(root, tmp_path / "mini.zip").returncode == 0


def read_cell(content, column, row=0):
    lines = content.decode().splitlines()
    return lines[row + 1].split(",")[lines[0].split(",").index(column)]


@pytest.mark.parametrize("name", ["sub-01/../../../secret.nii.gz", "/etc/passwd"])
def test_lists_that_lead_out_of_the_data_are_not_followed(scored, tmp_path, name):
    """An archive of a stranger names files that are looked up on this machine."""
    files, listed = archives.read(scored.parent / "mini.zip"), "dataset/inputs.tsv"
    altered = {**files, listed: archives.change_cell(files[listed], "path", name)}
    path = archives.write(tmp_path / "altered.zip", archives.repair(altered))
    sums = unpack_archive(path, tmp_path / "unpacked")
    publication = verification.Publication(tmp_path / "unpacked", sums)
    report = verification.verify_results(publication, scored, scored / "dataset/bids", tmp_path)
    assert [str(finding) for finding in report.findings] == [
        f"{name}: found a name that leads out of the folder; {listed} lists it"
    ]
