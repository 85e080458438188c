"""Snakemake's reasons in words; the parser is fed with what Snakemake really prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mribench.monitoring.reruns import compare_specs, explain, flatten, read_jobs, summarise

SNAKEFILE = """
import json
rule all:
    input: "b.txt"
rule first:
    output: "a.txt", "a2.txt"
    params: spec=json.dumps(config["first"], sort_keys=True)
    message: "Make {output}"
    shell: "python -m scripts.first {params.spec:q} >/dev/null; touch {output}"
rule second:
    input: "a.txt"
    output: "b.txt"
    params: spec="{}"
    shell: "python -m scripts.second {params.spec:q} >/dev/null; touch {output}"
"""


@pytest.fixture
def workflow(tmp_path):
    """A workflow of two jobs, run once, and a function that dry-runs it with other settings."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "scripts").mkdir()
    for name in ("__init__", "first", "second"):
        (tmp_path / "scripts" / f"{name}.py").touch()

    def call(first, *arguments):
        (tmp_path / "config.json").write_text(json.dumps({"first": first}))
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "config.json"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # for `python`
        done = subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PATH": path},
        )
        return done.stdout + done.stderr

    return call


def test_what_snakemake_prints_is_understood(workflow):
    before = {"settings": {"epochs": 8, "strip": {"backend": "bet's; own"}}, "sources": "1"}
    made = read_jobs(workflow(before, "--dry-run", "--printshellcmds"))
    assert [job.rule for job in made] == ["first", "second"]
    assert all("not made yet" in explain(job.reason) for job in made)
    workflow(before)
    assert read_jobs(workflow(before, "--dry-run", "--printshellcmds")) == []
    now = {"settings": {"epochs": 9, "strip": {"backend": "bet's; own"}}, "sources": "2"}
    lines = summarise(read_jobs(workflow(now, "--dry-run", "--printshellcmds")))
    assert lines == [
        "first, 1 job (Make a.txt a2.txt): epochs was 8, is 9; the code that it uses has changed",
        "second, 1 job: follows from the above",
    ]


def test_settings_are_compared_key_by_key():
    before = {"settings": {"a": 1, "b": {"c": 2, "d": [1, 2]}}, "data": "x"}
    now = {"settings": {"a": 1, "b": {"d": [2, 1]}, "e": None}, "data": "y"}
    before["packages"] = {"numpy": "2.1", "scipy": "1.15"}
    now["packages"] = {"numpy": "2.2", "edt": "3.0"}
    assert list(compare_specs(before, now)) == [
        "b.c is gone",
        "b.d was [1, 2], is [2, 1]",
        "e is new: null",
        "edt was not used, is 3.0",
        "numpy was 2.1, is 2.2",
        "scipy was 1.15, is not used",
        "its cases have changed: images, labels or preprocessing",
    ]


def test_leaves_keep_their_path():
    assert dict(flatten({"a": {"b": {"c": 1}}, "d": "x"})) == {"a.b.c": "1", "d": '"x"'}


def test_an_unknown_reason_is_shown_as_it_is():
    assert explain("Something new") == "Something new"
