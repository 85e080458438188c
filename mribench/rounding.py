"""How many digits the study's tables carry."""

SIGNIFICANT = 10


def significant(value: float) -> float:
    """Return `value` with ten significant digits.

    The digits beyond come from the order in which sums were taken and differ between
    machines; a table that is to be recomputed elsewhere is better off without them.
    """
    return float(f"{value:.{SIGNIFICANT}g}")
