"""A real SLURM for the tests of this folder."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "cluster.sh"
PROGRAMS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")


@dataclass(frozen=True)
class Cluster:
    """A running SLURM: pass `environment` to every process that shall use it."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str, check: bool = True) -> str:
        """Output of a command that uses the cluster."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert not check or done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def start(self, daemon: str) -> None:
        """Start one daemon of the cluster again."""
        control("start", self.folder, daemon)

    def stop(self, daemon: str) -> None:
        """Stop one daemon of the cluster; jobs go on."""
        control("stop", self.folder, daemon)


def control(*arguments: str | Path) -> None:
    """Call cluster.sh; its daemons must not hold the pipes of the test."""
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            ["bash", SCRIPT, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=600,
            check=False,
        )
        output.seek(0)
        assert done.returncode == 0, f"cluster.sh {arguments}:\n{output.read()}"


@contextmanager
def stopped_if_killed(folder: Path) -> Iterator[None]:
    """Let the cluster in `folder` end with this process, also where that is killed."""
    watch = 'tail --pid="$1" -f /dev/null; bash "$2" stop "$3"; rmdir "${3%/*}"'
    watcher = subprocess.Popen(
        ["sh", "-c", watch, "watch", str(os.getpid()), SCRIPT, folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(watcher.pid, signal.SIGTERM)
        watcher.wait()


def why_no_slurm() -> str:
    """The reason why no cluster can be started here, or nothing."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    missing = [program for program in PROGRAMS if not shutil.which(program, path=path)]
    if missing:
        return f"SLURM is not installed ({', '.join(missing)}): run tests/slurm/install_slurm.sh"
    return "" if os.geteuid() == 0 else "only root can start the daemons of SLURM"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start a cluster in a folder of its own and stop it at the end."""
    parent = Path(tempfile.mkdtemp(prefix="slurm-"))  # short: sockets stand in it
    parent.chmod(0o755)  # munge wants its socket to be reachable by all
    folder = parent / "cluster"
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"], "/usr/sbin"])
    environment = os.environ | {"SLURM_CONF": str(folder / "etc" / "slurm.conf"), "PATH": path}
    with stopped_if_killed(folder):
        try:
            control("start", folder)
            yield Cluster(folder, environment)
        finally:
            control("stop", folder)
            shutil.rmtree(parent)


def accounting(cluster: Cluster, fields: str, rule: str) -> list[list[str]]:
    """Rows of sacct about the jobs of a rule, oldest first, once all of them have ended."""
    # Without a start, sacct forgets at midnight what ran before.
    since, columns = "--starttime=now-2days", f"--format={fields},State,Comment%100"
    command = ("sacct", "-X", "-n", "--parsable2", since, columns)
    end = time.monotonic() + 60  # the controller reports to the accounting with a delay
    while True:
        rows = [line.split("|") for line in cluster.run(*command).splitlines()]
        chosen = [row[:-1] for row in rows if row[-1].startswith(f"rule_{rule}")]
        if chosen and all(row[-1] not in ("PENDING", "RUNNING") for row in chosen):
            return chosen
        assert time.monotonic() < end, chosen
        time.sleep(0.5)


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen in {seconds} s"
        time.sleep(0.2)
