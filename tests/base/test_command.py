"""Scripts show people one clear message, and prepare threads before tools start."""

import os
import subprocess
import sys

import pytest

from mribench import command
from mribench.errors import DataError


def run(main, *arguments):
    command.run(main, command.parser("Text."), arguments)


def fail(_):
    raise DataError("sub-01: a.nii.gz: found NaN; expected numbers; mask it")


def test_an_error_for_people_has_no_traceback(capsys, tmp_path):
    with pytest.raises(SystemExit) as caught:
        run(fail, "--log", str(tmp_path / "deep" / "log.txt"))
    assert caught.value.code == 1
    shown = capsys.readouterr().err
    assert "sub-01: a.nii.gz: found NaN" in shown
    assert "Traceback" not in shown
    assert "sub-01: a.nii.gz" in (tmp_path / "deep" / "log.txt").read_text()


def test_full_disk_says_what_helps(capsys):
    def full(_):
        raise OSError(28, "No space left on device", "results/x.nii.gz")

    with pytest.raises(SystemExit):
        run(full)
    shown = capsys.readouterr().err
    assert "results/x.nii.gz: No space left on device; free some space" in shown


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run(lambda _: 1 / 0)


def test_threads_and_seed_reach_the_environment(monkeypatch):
    for name in (*command.THREAD_VARIABLES, "ANTS_RANDOM_SEED"):
        monkeypatch.setenv(name, "9")
    run(lambda _: None, "--threads", "3")
    assert {os.environ[name] for name in command.THREAD_VARIABLES} == {"3"}
    assert os.environ["ANTS_RANDOM_SEED"] == "1"


@pytest.fixture
def anywhere(root, tmp_path):
    """A folder and an environment in which only the package can be imported, as it is installed."""
    (tmp_path / "site/mribench").parent.mkdir()
    (tmp_path / "site/mribench").symlink_to(root / "mribench")
    return {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(tmp_path / "site")}}


def test_every_script_has_a_rule_or_a_page_and_helps_anywhere(root, anywhere):
    rules = "".join(path.read_text() for path in (root / "rules").glob("*.smk"))
    pages = "".join(path.read_text() for path in (root / "docs").glob("*.md"))
    scripts = sorted((root / "scripts").glob("[a-z]*.py"))
    assert len(scripts) >= 15
    for script in scripts:
        ruled = f"python -m scripts.{script.stem} " in rules
        assert ruled or f"python -m scripts.{script.stem} " in pages, script
        shown = subprocess.run(
            [sys.executable, script, "--help"], capture_output=True, text=True, **anywhere
        )
        assert shown.returncode == 0, shown.stderr
        assert "--spec" in shown.stdout or not ruled
        assert len(script.read_text().splitlines()) <= 150
