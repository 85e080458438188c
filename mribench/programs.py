"""External programs: whether they are here, how to get them, and running them.

The programs that mribench calls often fail with exit status 0 and without an output, or
with their reason buried in pages of text. So what counts is that the outputs are there,
and the line that tells why they are not is found and quoted.
"""

import importlib.util
import logging
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mribench.errors import ToolError, describe

LOG = logging.getLogger("mribench")
# Words with which programs report that they failed, even those that exit with 0.
FAILED = re.compile(
    r"\berror\s*[:!]|^\W*error\b|\bexception\b|\babort(ed|ing)\b|segmentation fault"
    r"|command not found|no such file|cannot open|not in matlab path",
    re.IGNORECASE,
)
LONGEST_QUOTE = 240


class Program(NamedTuple):
    """A program or suite: its commands, the Python package that drives it, how to get it.

    `home` is the environment variable that names its folder, whose ``bin`` holds the
    commands and where `version_file` lies. A program without one is found on the PATH.
    `place` is where the Makefile of the project puts it, for when the variable is not set.
    """

    commands: tuple[str, ...]
    package: str | None
    remedy: str
    home: str | None = None
    version_file: str = ""
    place: Path | None = None


PROGRAMS = {
    "FSL": Program(
        ("bet", "fast", "flirt", "fnirt", "invwarp"),
        "fslpy",
        "install FSL (https://fsl.fmrib.ox.ac.uk/fsl/docs/#/install) and set FSLDIR to its folder",
        "FSLDIR",
        "etc/fslversion",
    ),
    "FreeSurfer": Program(
        ("mri_synthstrip",),
        None,
        "install FreeSurfer 7.3 or later (https://surfer.nmr.mgh.harvard.edu) and source its "
        "SetUpFreeSurfer.sh",
        "FREESURFER_HOME",
        "build-stamp.txt",
    ),
    "SPM": Program(
        ("matlab",),
        "nipype",
        "put MATLAB with SPM12 on its path on the PATH, or set FORCE_SPMMCR=1 and SPMMCRCMD to "
        "the command of SPM standalone (https://www.fil.ion.ucl.ac.uk/spm)",
    ),
    "dcm2niix": Program(
        ("dcm2niix",),
        "nipype",
        "install it with `apt install dcm2niix` or `conda install -c conda-forge dcm2niix`",
    ),
    "nnU-Net": Program(
        ("nnUNetv2_train", "python"),
        None,
        "run `make nnunet`, or set NNUNET_ENVIRONMENT to the folder of an environment with "
        "nnunetv2 and safetensors",
        "NNUNET_ENVIRONMENT",
        place=Path(__file__).parent.parent / ".venv-nnunet",
    ),
}
MODULES = {"fslpy": "fsl", "nipype": "nipype"}


class ProgramError(ToolError):
    """A program is missing or failed; :func:`concerning` says on which file."""

    def __init__(self, program: str, found: str, expected: str, remedy: str) -> None:
        self.program, self.found, self.expected, self.remedy = program, found, expected, remedy
        super().__init__(f"{program}: found {found}; expected {expected}; {remedy}")


@contextmanager
def concerning(subject: str, file: object) -> Iterator[None]:
    """Name subject and file in whatever :class:`ProgramError` leaves the block.

    Raises
    ------
    ToolError
        With the whole message.
    """
    try:
        yield
    except ProgramError as error:
        found = f"{error.program} with {error.found}"
        raise ToolError(
            describe(
                subject=subject,
                file=file,
                found=found,
                expected=error.expected,
                remedy=error.remedy,
            )
        ) from error


def require(name: str) -> None:
    """Raise where a program, or the Python package that drives it, is missing.

    Raises
    ------
    ProgramError
        One line that says how to get it.
    """
    program = PROGRAMS[name]
    if program.package and importlib.util.find_spec(MODULES[program.package]) is None:
        found = f"no Python package {program.package}"
        raise ProgramError(name, found, "it", f"run `pip install {program.package}`")
    # nipype asks a server for its newest version otherwise.
    os.environ.setdefault("NIPYPE_NO_ET", "1")
    if name == "SPM" and os.environ.get("FORCE_SPMMCR") and os.environ.get("SPMMCRCMD"):
        return
    if program.home and home(name) is None:
        found, expected = f"{program.home} not set", "the folder of the program in it"
        raise ProgramError(name, found, expected, program.remedy)
    missing = [command for command in program.commands if find(name, command) is None]
    if missing:
        place = f" in {home(name)}/bin" if program.home else " on the PATH"
        raise ProgramError(name, f"no {', '.join(missing)}{place}", "it there", program.remedy)


def home(name: str) -> Path | None:
    """Return a program's folder: as its variable says, the active conda environment, or its place.

    The last two only where they hold the program's first command.
    """
    program = PROGRAMS[name]
    given = os.environ.get(program.home or "")
    if given or program.home is None:
        return Path(given) if given else None
    folders = [Path(os.environ.get("CONDA_PREFIX", "/nowhere")), program.place or Path("/nowhere")]
    return next((f for f in folders if Path(f, "bin", program.commands[0]).exists()), None)


def find(name: str, command: str) -> str | None:
    """Return the path of a program's command, or None."""
    folder = home(name)
    return shutil.which(command, path=str(folder / "bin") if folder else None)


def version(name: str) -> str:
    """Return the version that a program tells, ``unknown`` where it tells none."""
    if name == "SPM":
        from nipype.interfaces.spm import SPMCommand

        return SPMCommand().version or "unknown"
    file = (home(name) or Path()) / PROGRAMS[name].version_file
    if not file.is_file():
        return "unknown"
    return file.read_text(encoding="utf-8", errors="replace").split("\n")[0].strip()


def run(
    name: str,
    command: Sequence[str],
    outputs: Sequence[Path],
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command of a program and return its standard output.

    Parameters
    ----------
    name
        The program, a key of :data:`PROGRAMS`.
    command
        The command and its arguments.
    outputs
        Files that it must leave, none of which exists yet.
    environment
        Variables beside those of this process, which hold the number of threads.

    Raises
    ------
    ProgramError
        If the command cannot be started, dies, exits with another status than 0, reports
        an error, or leaves an output out; with the line of its messages that says most.
    """
    LOG.info("run: %s", " ".join(command))
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except OSError as error:
        raise ProgramError(name, str(error), "a program that starts", remedy(name)) from error
    missing = [path.name for path in outputs if not path.is_file()]
    reported = [line for line in done.stderr.splitlines() if FAILED.search(line)]
    if done.returncode != 0 or missing or reported:
        LOG.info("%s%s", done.stdout, done.stderr)
        raise _failure(name, Path(command[0]).name, done, missing)
    return done.stdout


def remedy(name: str) -> str:
    """Return what to do where a program failed although it is there."""
    return f"run the command of the log by hand, check the installation of {name}, or " + (
        "choose another back end" if name != "dcm2niix" else "convert this series yourself"
    )


def telling_line(text: str) -> str:
    """Return the line of a program's messages that says most about its failure, quoted.

    The first line that reports an error; without any, the last line that is not empty.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = next((line for line in lines if FAILED.search(line)), lines[-1] if lines else "")
    shown = "".join(char if char.isprintable() else " " for char in found)
    return f'"{shown[:LONGEST_QUOTE]}"' if shown else "no message"


def _failure(
    name: str, command: str, done: subprocess.CompletedProcess[str], missing: Sequence[str]
) -> ProgramError:
    quote = telling_line(done.stderr) if done.stderr.strip() else telling_line(done.stdout)
    what = f"exit status {done.returncode}"
    then = remedy(name)
    if done.returncode < 0:
        what = f"death by {signal.Signals(-done.returncode).name}"
        then = f"give it more memory; else {then}"
    without = f" without {', '.join(missing)}" if missing else ""
    expected = "its outputs and no error"
    return ProgramError(name, f"{command}: {what}{without}: {quote}", expected, then)
