"""Class parameters: their start without neighbourhood, and their estimate from moments."""

from dataclasses import dataclass

import numpy as np

LEAST_VARIANCE = 1e-6
LEAST_WEIGHT = 1e-9


@dataclass(frozen=True)
class Classes:
    """Normal distributions of the logarithmic intensities, by class.

    Attributes
    ----------
    means
        (class, contrast).
    covariances
        (class, contrast, contrast).
    """

    means: np.ndarray
    covariances: np.ndarray

    @property
    def variances(self) -> np.ndarray:
        """Variance of each contrast in each class (class, contrast)."""
        return np.diagonal(self.covariances, axis1=1, axis2=2)

    @property
    def precisions(self) -> np.ndarray:
        """Inverse covariances (class, contrast, contrast)."""
        return np.linalg.inv(self.covariances)

    @property
    def constants(self) -> np.ndarray:
        """Logarithm of the normalising factor of each density, without powers of pi (class)."""
        return -0.5 * np.linalg.slogdet(self.covariances)[1]

    def reordered(self, order: np.ndarray) -> "Classes":
        """Return the classes in another order."""
        return Classes(self.means[order], self.covariances[order])


def log_densities(values: np.ndarray, classes: Classes) -> np.ndarray:
    """Return the log density (n, class) of `values` (n, contrast), without powers of pi."""
    result = np.empty((len(values), len(classes.means)))
    roots = np.linalg.cholesky(classes.precisions)
    for k, (mean, root) in enumerate(zip(classes.means, roots, strict=True)):
        result[:, k] = classes.constants[k] - 0.5 * (((values - mean) @ root) ** 2).sum(axis=1)
    return result


def from_moments(moments: np.ndarray) -> Classes:
    """Return maximum likelihood classes from (class, 1 + C + C * C) sums.

    The sums are of the weights, of the weighted values, and of their weighted products,
    whose lower triangle is read.
    """
    contrasts = int((np.sqrt(4 * moments.shape[1] - 3) - 1) / 2)
    weights = np.maximum(moments[:, 0, None], LEAST_WEIGHT)
    means = moments[:, 1 : 1 + contrasts] / weights
    products = (moments[:, 1 + contrasts :] / weights).reshape(-1, contrasts, contrasts)
    lower = np.tril(products - means[:, :, None] * means[:, None, :])
    covariances = lower + np.tril(lower, -1).transpose(0, 2, 1)
    return Classes(means, covariances + LEAST_VARIANCE * np.eye(contrasts))


def sample_moments(values: np.ndarray, posteriors: np.ndarray) -> np.ndarray:
    """Return the sums that `from_moments` reads, of `values` (n, contrast) and (n, class)."""
    products = (values[:, :, None] * values[:, None, :]).reshape(len(values), -1)
    return posteriors.T @ np.column_stack([np.ones(len(values)), values, products])
