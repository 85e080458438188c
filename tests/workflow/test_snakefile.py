"""The Snakefile starts quickly, is clean, and refuses wrong studies in one line."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

SNAKEMAKE = Path(sys.executable).parent / "snakemake"


def snakemake(root, directory, *arguments):
    command = [SNAKEMAKE, "--snakefile", root / "Snakefile", "--directory", directory, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=root)


@pytest.fixture
def demo(root):
    return yaml.safe_load((root / "config.yaml").read_text())


def write(folder, content):
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_parses_in_under_two_seconds(root, tmp_path):
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        run = snakemake(root, tmp_path, "--list", "--configfile", root / "config.yaml")
        seconds.append(time.perf_counter() - start)
        assert run.returncode == 0, run.stderr
    bare = time.perf_counter()
    subprocess.run([SNAKEMAKE, "--version"], capture_output=True, check=True)
    bare = time.perf_counter() - bare
    assert min(seconds) < max(2.0, 4 * bare)


@pytest.mark.parametrize("study", ["config.yaml", "studies/open_ms_data.yaml"])
@pytest.mark.parametrize("profile", [None, "slurm"])
def test_dry_run_plans_the_start_of_every_study(root, tmp_path, study, profile):
    (tmp_path / "open_ms_data").mkdir()
    arguments = ["-n", "--configfile", root / study, "--config", f"source={tmp_path}/open_ms_data"]
    arguments += ["--profile", root / "slurm"] if profile else ["--cores", "2"]
    run = snakemake(root, tmp_path, *arguments)
    assert run.returncode == 0, run.stderr
    assert "index_dataset" in run.stdout + run.stderr


def test_the_driver_rests_between_jobs(root, tmp_path):
    """Without a rate limit it looks for work when a job ends, not every second for each of them."""
    target = "results/demo/preproc/native/dataset_description.json"
    config = root / "config.yaml"
    run = snakemake(root, tmp_path, "--cores", "1", "--verbose", target, "--configfile", config)
    assert run.returncode == 0, run.stderr
    selected = [line for line in run.stderr.splitlines() if "Resources after job selection" in line]
    assert selected
    assert all(f"'_job_count': {sys.maxsize}" in line for line in selected)


def test_a_limit_that_is_named_holds(root, tmp_path):
    target = "results/demo/preproc/native/dataset_description.json"
    named = ["--configfile", root / "config.yaml", "--max-jobs-per-timespan", "20/1s"]
    run = snakemake(root, tmp_path, "--cores", "1", "--verbose", target, *named)
    assert run.returncode == 0, run.stderr
    assert "'_job_count': 20" in run.stderr


STUDIES = ("wmh_scp", "lits_scp", "ms_resolution", "spatial_dependency", "peers")


@pytest.mark.parametrize("size", ["full", "small"])
@pytest.mark.parametrize("study", STUDIES)
def test_dry_run_plans_both_sizes_of_every_study(root, tmp_path, study, size, monkeypatch):
    programs = tmp_path / "nnunet/bin"
    programs.mkdir(parents=True)
    for name in ("nnUNetv2_train", "python"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("NNUNET_ENVIRONMENT", str(programs.parent))
    given = [] if size == "small" or study == "peers" else [f"source={tmp_path}"]
    arguments = ["-n", "--cores", "1", "--configfile", root / f"studies/{study}.yaml"]
    run = snakemake(root, tmp_path, *arguments, "--config", f"size={size}", *given)
    shown = run.stdout + run.stderr
    assert run.returncode == 0, shown
    suffix = "_small" if size == "small" else ""
    assert f"results/{study}{suffix}/dataset/scans.tsv" in shown
    assert ("simulate_phantoms" in shown) is (size == "small" or study == "peers")


def test_peers_without_nnunet_stop_in_one_line(root, tmp_path, monkeypatch):
    monkeypatch.setenv("NNUNET_ENVIRONMENT", str(tmp_path))
    run = snakemake(
        root, tmp_path, "-n", "--cores", "1", "--configfile", root / "studies/peers.yaml"
    )
    shown = run.stdout + run.stderr
    assert run.returncode == 1
    assert "Traceback" not in shown
    assert "run `make nnunet`" in shown


def test_command_line_study_replaces_the_demo(root, tmp_path):
    """A study named with --configfile is not mixed with the demo's methods."""
    run = snakemake(
        root,
        tmp_path,
        "-n",
        "--cores",
        "1",
        "--configfile",
        root / "studies/open_ms_data.yaml",
        "--config",
        f"source={tmp_path}",
    )
    assert "results/open_ms_data/dataset/scans.tsv" in run.stdout + run.stderr
    assert "simulate_phantoms" not in run.stdout + run.stderr


def test_a_wrong_key_is_one_line_without_traceback(root, tmp_path, demo):
    demo["methods"]["scp"]["learnig_rate"] = 1
    run = snakemake(root, tmp_path, "-n", "--configfile", write(tmp_path, demo))
    shown = run.stdout + run.stderr
    assert run.returncode != 0
    assert "methods.scp.learnig_rate: unknown key, did you mean learning_rate?" in shown
    assert "Traceback" not in shown


def test_missing_data_set_is_named(root, tmp_path, demo):
    demo["dataset"] = {"recipe": "bids", "source": str(tmp_path / "nowhere")}
    run = snakemake(root, tmp_path, "-n", "--configfile", write(tmp_path, demo))
    shown = run.stdout + run.stderr
    assert run.returncode != 0
    assert "nowhere" in shown
    assert "Traceback" not in shown


def test_results_folder_that_cannot_be_written(root, tmp_path, demo):
    (tmp_path / "results").symlink_to("/proc/sys")
    run = snakemake(root, tmp_path, "-n", "--configfile", write(tmp_path, demo))
    shown = run.stdout + run.stderr
    assert run.returncode != 0
    assert "results/demo" in shown
    assert "make the folder writable" in shown
    assert "Traceback" not in shown


def test_profile_keys_and_rules_exist(root):
    """A misspelt nested key of a profile is dropped silently by Snakemake: not by us."""
    options = subprocess.run([SNAKEMAKE, "--help"], capture_output=True, text=True, check=True)
    known = set(re.findall(r"--([a-z][a-z-]+)", options.stdout))
    text = "".join(path.read_text() for path in (root / "rules").glob("*.smk"))
    rules = set(re.findall(r"^\s*(?:rule|checkpoint) (\w+):", text, re.M))
    for file in (root / "slurm/profile.yaml", root / "profiles/default/profile.yaml"):
        content = yaml.safe_load(file.read_text())
        assert set(content) <= known, set(content) - known
        assert set(content.get("set-resources", {})) <= rules
    default = yaml.safe_load((root / "profiles/default/profile.yaml").read_text())
    assert not {"resources", "default-resources", "set-resources"} & set(default)


def rule_blocks(root):
    for path in [root / "Snakefile", *sorted((root / "rules").glob("*.smk"))]:
        text = path.read_text()
        for match in re.finditer(
            r"^( *)(?:rule|checkpoint) (\w+):\n((?:\1    .*\n|\n)*)", text, re.M
        ):
            yield match[2], match[3].rstrip().splitlines()


def test_rules_follow_the_house(root):
    blocks = dict(rule_blocks(root))
    assert len(blocks) > 15
    for name, lines in blocks.items():
        body = "\n".join(lines)
        if "shell:" not in body:
            continue
        assert len(lines) <= 27, (name, len(lines))
        for directive in ("log:", "params:", "conda:", "resources:"):
            assert directive in body, (name, directive)
        indent, parameters = re.search(
            r"^( +)params:\n((?:\1    .*\n)*)", body + "\n", re.M
        ).groups()
        assert re.findall(rf"^{indent}    (\w+)=", parameters, re.M) == ["spec"], name
        shell = body[body.index("shell:") :]
        assert f"python -m scripts.{name} " in shell
        unquoted = re.findall(r"\{(?!threads)[\w.\[\]]+(?!:q)\}", shell)
        assert not unquoted, (name, unquoted)
    assert len((root / "Snakefile").read_text().splitlines()) < 80


def test_environment_files_exist_and_are_pinned(root):
    text = "".join(path.read_text() for path in (root / "rules").glob("*.smk"))
    named = set(re.findall(r"\.\./envs/(\w+\.yaml)", text))
    named |= {path.name for path in (root / "envs").glob("*.yaml")}
    assert named >= {"ants.yaml", "fsl.yaml", "nipype.yaml"}
    run, nnunet = (read_lock(root / f"requirements/{name}.txt") for name in ("run", "nnunet"))
    for name in named:
        locked = run | nnunet if name == "nnunet.yaml" else run
        content = yaml.safe_load((root / "envs" / name).read_text())
        for requirement in content["dependencies"][-1]["pip"]:
            package, version = requirement.split("==")
            assert locked[package.lower()] == version, (name, package)


def read_lock(path):
    """Return the versions of a requirements file by package, in small letters."""
    lines = path.read_text().lower().split()
    return dict(line.split("==") for line in lines if "==" in line)


def test_no_machine_paths_or_registries(root):
    files = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, cwd=root, check=True
    )
    words = ("/" + "work/", "pypi" + ".org", "registry.npmjs" + ".org", "deb.debian" + ".org")
    for name in files.stdout.split("\n"):
        path = root / name
        if (
            name
            and path.is_file()
            and path.suffix in {".py", ".md", ".smk", ".yaml", ".toml", ".txt", ".sh", ""}
        ):
            text = path.read_text(errors="ignore")
            assert not [word for word in words if word in text], name


def test_a_missing_program_is_told_at_the_start(root, tmp_path, demo, monkeypatch):
    pytest.importorskip("fsl.wrappers")
    monkeypatch.delenv("FSLDIR", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    demo["variants"]["native"]["strip"] = {"backend": "fsl"}
    run = snakemake(root, tmp_path, "-n", "--cores", "1", "--configfile", write(tmp_path, demo))
    assert run.returncode != 0
    shown = [line for line in (run.stdout + run.stderr).splitlines() if "FSLDIR" in line]
    assert len(shown) == 1
    assert "variants.native.strip.backend: fsl: found FSL with FSLDIR not set" in shown[0]
    assert "Traceback" not in run.stdout + run.stderr
