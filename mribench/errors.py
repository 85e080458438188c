"""The errors that mribench shows to people.

Every message says which subject or key, which file, what was found, what was
expected and what to do. :mod:`mribench.command` prints them without traceback.
"""


class MribenchError(Exception):
    """Base of all errors that are meant for the user."""

    exit_status = 1
    """What the script that ends with the error gives back."""


class ConfigError(MribenchError):
    """The study's configuration is wrong; one line per problem."""


class DataError(MribenchError):
    """An image, label or table of the data set cannot be used as it is."""


class GeometryError(DataError):
    """Two images that should share a grid do not."""


class StageError(MribenchError):
    """A preprocessing stage ran but its output failed the stage's checks."""


class ToolError(MribenchError):
    """An external program is missing or failed."""


class TrainingError(MribenchError):
    """Training cannot go on: diverged, wrong shapes, or unusable cases."""


class StoppedError(TrainingError):
    """Training was asked to stop and has saved its state: the same command goes on from there.

    The exit status is ``EX_TEMPFAIL`` of sysexits.h, the one for "try again later".
    """

    exit_status = 75


def describe(*, subject: str, file: object, found: str, expected: str, remedy: str) -> str:
    """Return the house's one-line error text.

    Parameters
    ----------
    subject
        Case, subject or key that the problem belongs to.
    file
        The file in question, or any object that prints as its path.
    found, expected, remedy
        What is there, what should be there, and what the user can do.
    """
    return f"{subject}: {file}: found {found}; expected {expected}; {remedy}"
