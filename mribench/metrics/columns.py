"""The form of a run's tables.

``metrics.csv`` has one row per run, case, label and metric; ``volumes.csv`` one per run, case
and label; ``lesion_sizes.csv`` one per run, case, label and size of lesions.
"""

PERSON_COLUMNS = ("method", "fold", "seed", "case", "subject", "site", "label")
METRIC_COLUMNS = (*PERSON_COLUMNS, "metric", "preset", "value", "note")
VOLUME_COLUMNS = (*PERSON_COLUMNS, "preset", "reference_ml", "prediction_ml")
LESION_SIZE_COLUMNS = (
    *PERSON_COLUMNS,
    "preset",
    "low_mm3",
    "high_mm3",
    "reference",
    "found",
    "predicted",
    "true",
)
