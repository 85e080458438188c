"""What every script shares: arguments, threads, log, and errors for people.

A script declares its arguments on the parser that :func:`parser` makes and hands
its ``main`` to :func:`run`.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mribench.errors import MribenchError, StoppedError
from mribench.memory import keep_freed_memory

THREAD_VARIABLES = (
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
Main = Callable[[argparse.Namespace], None]


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments that all scripts share.

    Parameters
    ----------
    description
        The script's module text; its first paragraph heads ``--help``.
    """
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--spec", default="{}", help="settings as JSON (default: all defaults)")
    made.add_argument("--threads", type=int, default=1, help="threads (default: 1)")
    made.add_argument("--log", type=Path, help="file that the messages are also written to")
    return made


def run(main: Main, made: argparse.ArgumentParser, argv: Sequence[str] | None = None) -> None:
    """Parse, prepare and call `main`; a :class:`MribenchError` becomes one clear message.

    Thread counts and the seed of ANTs go to the environment here, before any back end
    is imported, because ITK reads them only once. Exits with 1 after an error, with 75 where
    the work was asked to stop and goes on from there when it is called again.
    """
    arguments = made.parse_args(argv)
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(arguments.threads)
    os.environ["ANTS_RANDOM_SEED"] = "1"
    keep_freed_memory()
    try:
        start_log(arguments.log)
        main(arguments)
    except StoppedError as error:
        logging.getLogger("mribench").warning("%s", error)
        sys.exit(error.exit_status)
    except MribenchError as error:
        logging.getLogger("mribench").error("%s", error)
        sys.exit(error.exit_status)
    except OSError as error:
        logging.getLogger("mribench").error("%s", describe_os_error(error))
        sys.exit(1)


def reach_package(root: Path) -> None:
    """Make child processes find this Python and the package at `root`.

    The rules call ``python``: it must be the one that runs Snakemake, also where its
    environment is not active or the package not installed.
    """
    here = Path(sys.executable).parent
    os.environ["PATH"] = os.pathsep.join([str(here), os.environ["PATH"]])
    os.environ["PYTHONPATH"] = str(root)


def start_log(path: Path | None) -> None:
    """Send messages to the terminal and, where `path` is given, to a fresh file."""
    # Without room for the log, the message on the terminal must not drown in tracebacks.
    logging.raiseExceptions = False
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s: %(message)s", handlers=handlers, force=True
    )
    logging.getLogger("mribench").setLevel(logging.INFO)


def describe_os_error(error: OSError) -> str:
    """Say which file could not be used, why, and what usually helps."""
    remedy = {
        "ENOSPC": "free some space or put results on another disk",
        "EACCES": "make the folder writable or choose another one",
        "EROFS": "make the folder writable or choose another one",
    }
    name = _errno_name(error)
    return f"{error.filename}: {error.strerror}; {remedy.get(name, 'check the path')}"


def _errno_name(error: OSError) -> str:
    import errno

    return errno.errorcode.get(error.errno or 0, "")
