"""The map with nine degrees of freedom that is nearest to an affine one."""

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from mribench.preprocessing.transforms import Points


def nearest_with_nine_degrees(matrix: np.ndarray, points: Points) -> np.ndarray:
    """Return the rotation, then scaling along the axes, then shift nearest to an affine map.

    Nearest is the least sum of squared distances between where the two put `points`. The
    scales belong to the axes of the image that the points are mapped into, as in FLIRT
    with 9 degrees of freedom.

    Parameters
    ----------
    matrix
        Affine map of points (4 x 4, RAS mm), without reflection.
    points
        Points (3, n) in RAS mm that count, such as those of the head.

    Returns
    -------
    Map of points (4 x 4, RAS mm) whose 3 x 3 part is ``diag(scales) @ rotation``.
    """
    affine, centre = matrix[:3, :3], points.mean(axis=1)
    # Distances depend on the points through their covariance alone; this is its root.
    spread = np.linalg.cholesky(np.cov(points, bias=True))
    left, stretch, right = np.linalg.svd(affine)
    turn = left @ right

    def part(parameters: np.ndarray) -> np.ndarray:
        rotation = Rotation.from_rotvec(parameters[:3]).as_matrix() @ turn
        return parameters[3:, None] * rotation

    def misfit(parameters: np.ndarray) -> np.ndarray:
        return np.asarray(((part(parameters) - affine) @ spread).ravel())

    start = np.r_[np.zeros(3), np.diag(left * stretch @ left.T)]
    found = part(least_squares(misfit, start, xtol=1e-12, ftol=1e-12, gtol=1e-12).x)
    result = np.eye(4)
    result[:3, :3] = found
    result[:3, 3] = affine @ centre + matrix[:3, 3] - found @ centre
    return result
