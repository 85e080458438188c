"""How the values of a metric are written and drawn."""

from mribench.metrics.conventions import Metric


def is_share(metric: Metric) -> bool:
    """Say whether all values lie between 0 and 1."""
    return not metric.unit


def direction(metric: Metric) -> float:
    """Return 1 where higher is better, else -1."""
    return 1.0 if metric.better == "higher" else -1.0


def number(metric: Metric, value: float, sign: bool = False) -> str:
    """Return a value with the metric's digits, and with a true minus sign."""
    return f"{value:{'+' if sign else ''}.{metric.digits}f}".replace("-", "−")
