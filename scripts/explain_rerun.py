"""Say what Snakemake would run now, and why, in words.

All arguments go to Snakemake: ``python -m scripts.explain_rerun --configfile studies/mine.yaml``.
Nothing is run.
"""

import subprocess
import sys

from mribench.monitoring.reruns import read_jobs, summarise

COMMAND = ("snakemake", "--cores", "1", "--dry-run", "--printshellcmds")


def main(arguments: list[str]) -> int:
    """Print the explanation; return Snakemake's exit status."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    done = subprocess.run(
        [sys.executable, "-m", *COMMAND, *arguments], capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    if done.returncode:
        print(output, file=sys.stderr)
        return done.returncode
    print("\n".join(summarise(read_jobs(output))) or "Nothing would run.")
    if "checkpoint jobs" in output:
        print("More jobs become known when the data set is indexed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
