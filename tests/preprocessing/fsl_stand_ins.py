"""Small programs that keep the contract of FSL's: arguments, outputs, coordinates, failures.

They know the truth from a file and do no work of their own. Options that a real FSL 5.0.9
refuses are refused. ``FSL_FAILURE`` makes them fail in the ways that FSL does.
"""

import json
import os
import signal
import sys
from pathlib import Path

import nibabel
import numpy as np

COMMANDS = ("bet", "fast", "flirt", "fnirt", "invwarp")
# Per command: options with a value and options without, in the words of FSL 5.0.
OPTIONS = {
    "bet": ({"-f", "-g", "-r", "-c"}, {"-m", "-n", "-s", "-o", "-t", "-e", "-R", "-S", "-B", "-v"}),
    "fast": (
        {"--out", "--class", "-t", "-H", "-I", "-l", "-W", "-O"},
        {"--nopve", "-N", "-b", "-B", "-g", "-p", "-v"},
    ),
    "flirt": (
        {"-in", "-ref", "-omat", "-out", "-dof", "-cost", "-searchcost", "-refweight", "-init"},
        {"-usesqform", "-nosearch", "-v"},
    ),
    "fnirt": ({"--in", "--ref", "--aff", "--cout", "--fout", "--iout", "--refmask"}, {"-v"}),
    "invwarp": ({"--warp", "--ref", "--out"}, {"--abs", "--rel", "-v"}),
}


def install(folder: Path) -> None:
    """Make an FSLDIR of stand-ins."""
    (folder / "bin").mkdir(parents=True)
    (folder / "etc").mkdir()
    (folder / "etc/fslversion").write_text("5.0.9\n")
    for command in COMMANDS:
        script = folder / "bin" / command
        here = str(Path(__file__).parent)
        script.write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {here!r})\n"
            f"import fsl_stand_ins\nfsl_stand_ins.main({command!r}, sys.argv[1:])\n"
        )
        script.chmod(0o755)


def main(command: str, words: list[str]) -> None:
    """Be the program `command`."""
    with Path(os.environ["FSL_CALLS"]).open("a") as calls:
        calls.write(json.dumps([command, *words]) + "\n")
    if os.environ.get("FSLOUTPUTTYPE") != "NIFTI_GZ":
        sys.exit("ERROR:: Environment variable FSLOUTPUTTYPE is not set!")
    options, rest = parse(command, words)
    failure = os.environ.get("FSL_FAILURE", "")
    if failure == "signal":
        os.kill(os.getpid(), signal.SIGKILL)
    if failure == "status":
        print("some progress")
        sys.exit("Cannot open volume x for reading!")
    if failure == "silent":
        return
    globals()[command](options, rest)
    if failure == "reported":
        print("Image Exception : #22 :: Failed to read volume head", file=sys.stderr)
    if failure == "damaged":
        for path in [*Path(options["folder"]).glob("*.mat"), *Path(options["folder"]).glob("*_*")]:
            path.write_bytes(path.read_bytes()[:40])


def parse(command: str, words: list[str]) -> tuple[dict, list[str]]:
    """Read options strictly; refuse what FSL refuses."""
    with_value, without = OPTIONS[command]
    options: dict = {}
    rest = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=")
        if word in without:
            options[word] = True
        elif name in with_value and name.startswith("--") and equals:
            options[name] = value
        elif word in with_value and not word.startswith("--"):
            options[word] = waiting.pop(0)
        elif word.startswith("-"):
            sys.exit(f"{command}: unrecognised option {word}")
        else:
            rest.append(word)
    return options, rest


def truth() -> dict:
    """What the test knows."""
    return dict(np.load(os.environ["FSL_TRUTH"]))


def save(path: str, array: np.ndarray, like: nibabel.Nifti1Image) -> None:
    """Write an image as FSL does: the suffix is added."""
    nibabel.save(nibabel.Nifti1Image(array, like.affine), path.removesuffix(".nii.gz") + ".nii.gz")


def fsl_coordinates(image: nibabel.Nifti1Image) -> np.ndarray:
    """Voxel index to FSL's coordinates, from the definition (4 x 4)."""
    sizes = np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))
    matrix = np.diag([*sizes, 1.0])
    if np.linalg.det(image.affine[:3, :3]) > 0:
        matrix[0, 0] = -sizes[0]
        matrix[0, 3] = (image.shape[0] - 1) * sizes[0]
    return matrix


def bet(options: dict, rest: list[str]) -> None:
    """Write the true brain as a mask."""
    source, stem = rest
    options["folder"] = str(Path(stem).parent)
    image = nibabel.load(source)
    brain = (truth()["tissues"] > 0) & (truth()["tissues"] < 4)
    if "-m" in options:
        save(f"{stem}_mask", brain.astype(np.int16), image)
    if "-n" not in options:
        save(stem, np.where(brain, image.get_fdata(), 0), image)


def fast(options: dict, rest: list[str]) -> None:
    """Write the true tissues, numbered from dark to bright, or the other way for T2."""
    image = nibabel.load(rest[0])
    array = image.get_fdata()
    options["folder"] = str(Path(options["--out"]).parent)
    tissues = np.where(array > 0, truth()["tissues"], 0)
    order = sorted((1, 2, 3), key=lambda tissue: array[tissues == tissue].mean())
    if options.get("-t", "1") == "2":
        order.reverse()
    stem = options["--out"]
    for number, tissue in enumerate(order):
        if "--nopve" not in options:
            save(f"{stem}_pve_{number}", (tissues == tissue).astype(np.float32), image)
    if "-b" in options:
        field = np.ones_like(array) if "-N" in options else truth()["field"]
        save(f"{stem}_bias", np.where(tissues > 0, field, 1).astype(np.float32), image)


def flirt(options: dict, rest: list[str]) -> None:
    """Write the true map of points, from the reference to the input, as FLIRT does."""
    source, target = nibabel.load(options["-in"]), nibabel.load(options["-ref"])
    options["folder"] = str(Path(options["-omat"]).parent)
    there = np.linalg.inv(truth()["points"])
    voxels = np.linalg.inv(target.affine) @ there @ source.affine
    matrix = fsl_coordinates(target) @ voxels @ np.linalg.inv(fsl_coordinates(source))
    lines = ["  ".join(f"{value:.10g}" for value in row) + "  " for row in matrix]
    Path(options["-omat"]).write_text("\n".join(lines) + "\n")


def bump(points: np.ndarray) -> np.ndarray:
    """A smooth displacement (3, n) in FSL's mm of the reference."""
    shift = np.array([[3.0], [-2.0], [4.0]])
    return shift * np.exp(-((points - 90) ** 2).sum(axis=0) / (2 * 40**2))


def fnirt(options: dict, rest: list[str]) -> None:
    """Write the bump, then the affine, as a field of relative displacements."""
    target = nibabel.load(options["--ref"])
    options["folder"] = str(Path(options["--fout"]).parent)
    back = np.linalg.inv(np.loadtxt(options["--aff"]))
    index = np.indices(target.shape).reshape(3, -1)
    points = fsl_coordinates(target)[:3, :3] @ index + fsl_coordinates(target)[:3, 3:]
    found = back[:3, :3] @ (points + bump(points)) + back[:3, 3:]
    field = np.moveaxis((found - points).reshape(3, *target.shape), 0, -1)
    save(options["--fout"], field.astype(np.float32), target)
    save(options["--cout"], np.zeros((4, 4, 4, 3), np.float32), target)


def invwarp(options: dict, rest: list[str]) -> None:
    """Invert the field by fixed-point steps, in FSL's coordinates of both images."""
    from scipy import ndimage

    warp, target = nibabel.load(options["--warp"]), nibabel.load(options["--ref"])
    vectors = np.moveaxis(warp.get_fdata(), -1, 0)
    grid = nibabel.Nifti1Image(np.zeros(vectors.shape[1:]), warp.affine)
    to_fsl, to_index = fsl_coordinates(grid), np.linalg.inv(fsl_coordinates(grid))

    def warped(points: np.ndarray) -> np.ndarray:
        index = to_index[:3, :3] @ points + to_index[:3, 3:]
        shift = [ndimage.map_coordinates(axis, index, order=1, mode="nearest") for axis in vectors]
        return points + np.stack(shift)

    own = fsl_coordinates(target)
    goal = own[:3, :3] @ np.indices(target.shape).reshape(3, -1) + own[:3, 3:]
    corners = to_fsl[:3, :3] @ np.indices(grid.shape).reshape(3, -1) + to_fsl[:3, 3:]
    ones = np.vstack([corners, np.ones(corners.shape[1])])
    linear = np.linalg.lstsq(ones.T, warped(corners).T, rcond=None)[0].T
    points = np.linalg.solve(linear[:, :3], goal - linear[:, 3:])
    for _ in range(8):
        points -= np.linalg.solve(linear[:, :3], warped(points) - goal)
    field = np.moveaxis((points - goal).reshape(3, *target.shape), 0, -1)
    save(options["--out"], field.astype(np.float32), target)
