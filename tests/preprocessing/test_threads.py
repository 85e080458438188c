"""Stages compute with as many threads as they are told: no more, and more where they can."""

import json
import subprocess
import sys
import threading

import numpy as np
import pytest

from mribench.config import Strip, Tissues
from mribench.files import make_image, write_image
from mribench.preprocessing.backends.segment_tissues_hmrf import segment_tissues
from mribench.preprocessing.backends.strip_skull_deepbet import find_brain
from mribench.preprocessing.hmrf.lattice import Workers

# Runs a script and reports how many threads used the processor for more than LEAST_S.
WATCH = """
import json, os, runpy, sys, threading, time
LEAST_S = 0.15
used, ended = {}, threading.Event()
def look():
    while not ended.wait(0.02):
        for task in os.listdir("/proc/self/task"):
            try:
                fields = open(f"/proc/self/task/{task}/stat").read().rpartition(")")[2].split()
            except OSError:
                continue
            used[task] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
watcher = threading.Thread(target=look)
watcher.start()
own = str(watcher.native_id)
module, result = sys.argv[1], sys.argv[2]
sys.argv = [module, *sys.argv[3:]]
try:
    runpy.run_module(module, run_name="__main__")
finally:
    ended.set()
    watcher.join()
    busy = [task for task, seconds in used.items() if seconds > LEAST_S and task != own]
    open(result, "w").write(json.dumps(sorted(int(task) - os.getpid() for task in busy)))
"""


def busy_workers(folder, module, threads, *arguments):
    """Return how many threads besides the main one were busy."""
    result = folder / "busy.json"
    command = [sys.executable, "-c", WATCH, module, str(result), "--threads", str(threads)]
    subprocess.run([*command, *map(str, arguments)], check=True, capture_output=True)
    return len([offset for offset in json.loads(result.read_text()) if offset])


@pytest.fixture(scope="module")
def image(head, tmp_path_factory):
    """The synthetic head at 1.3 mm, so that the stage takes long enough to be seen."""
    affine = head.affine @ np.diag([1 / 3, 1 / 3, 1 / 3, 1])
    array = np.kron(head.images["T1w"].get_fdata(dtype=np.float32), np.ones((3, 3, 3)))
    noise = np.random.default_rng(0).normal(0, 2, array.shape)
    path = tmp_path_factory.mktemp("threads") / "sub-01_T1w.nii.gz"
    write_image(path, make_image(np.abs(array + noise).astype(np.float32), affine))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_n4_honours_the_number_of_threads(image, tmp_path, threads):
    names = {"conformed": "c", "outputs": "a", "fields": "b"}
    files = [(f"--{key}", tmp_path / f"sub-01_{name}.nii.gz") for key, name in names.items()]
    outputs = [part for file in files for part in file]
    busy = busy_workers(tmp_path, "scripts.correct_bias", threads, "--images", image, *outputs)
    assert busy <= threads
    assert (busy >= 2) == (threads == 2)


@pytest.mark.parametrize("threads", [1, 3])
def test_hmrf_works_with_as_many_threads_as_it_is_told(head, monkeypatch, threads):
    identities = set()

    class Watched(Workers):
        def run(self, kernel, slabs, *arguments):
            together = threading.Barrier(self.threads)

            def meet(part, *rest):
                together.wait(timeout=30)
                identities.add(threading.get_ident())
                kernel(part, *rest)

            before = len(identities)
            identities.clear()
            super().run(meet, slabs, *arguments)
            assert before in (0, threads)

    monkeypatch.setattr("mribench.preprocessing.hmrf.segmentation.Workers", Watched)
    segment_tissues(head.images["T1w"], head.brain, "T1w", Tissues(), threads)
    assert len(identities) == threads


@pytest.mark.parametrize("threads", [1, 2])
def test_deepbet_honours_the_number_of_threads(head, monkeypatch, threads):
    import torch

    seen = []

    class Network:
        def __init__(self, no_gpu):
            assert no_gpu

        def run_model(self, array):
            seen.append(torch.get_num_threads())
            return array

        def postprocess(self, mask):
            return mask

    monkeypatch.setattr("deepbet.bet.BrainExtraction", Network)
    find_brain(head.images["T1w"], Strip(), threads)
    assert seen == [threads]
