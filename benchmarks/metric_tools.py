"""Our metrics and those of other tools behind one signature, for benchmarks/metrics.py.

Each tool is imported when it is called. The arrays are boolean (x, y, z), the spacing is in mm.
"""

import contextlib
import io
from collections.abc import Callable

import numpy as np

PACKAGES = {
    "mribench": "mribench",
    "MONAI": "monai",
    "panoptica": "panoptica",
    "surface-distance": "surface_distance",
    "seg-metrics": "seg_metrics",
    "medpy": "medpy",
    "SimpleITK": "SimpleITK",
    "nnU-Net": "nnunetv2",
}
Numbers = dict[str, float]
Tool = Callable[[np.ndarray, np.ndarray, tuple[float, ...]], Numbers]


def mribench(reference: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]) -> Numbers:
    """Score both presets."""
    from mribench.metrics.conventions import load_preset
    from mribench.metrics.score import score_case

    labels = [mask.astype(np.uint8) for mask in (reference, prediction)]
    found: Numbers = {}
    for name in ("metrics_reloaded", "panoptic"):
        scores = score_case(*labels, spacing, load_preset(name), {"lesion": 1})
        found |= {score.metric: score.value for score in scores if score.value is not None}
    return found


def monai(reference: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]) -> Numbers:
    """Overlap and surface metrics of MONAI."""
    import torch
    from monai import metrics

    truth, made = (torch.from_numpy(mask[None, None]) for mask in (reference, prediction))
    keys = {"include_background": True, "spacing": spacing}
    return {
        "dice": float(metrics.compute_dice(made, truth)),
        "iou": float(metrics.compute_iou(made, truth)),
        "hd95": float(metrics.compute_hausdorff_distance(made, truth, percentile=95, **keys)),
        "assd": float(
            metrics.compute_average_surface_distance(made, truth, symmetric=True, **keys)
        ),
        "nsd": float(metrics.compute_surface_dice(made, truth, [1.0], **keys)),
    }


def panoptica(reference: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]) -> Numbers:
    """Lesion metrics of panoptica: components by cc3d, pairs of IoU 0.5 or more."""
    with contextlib.redirect_stdout(io.StringIO()):
        from panoptica import (
            ConnectedComponentsInstanceApproximator,
            InputType,
            Metric,
            NaiveThresholdMatching,
            Panoptica_Evaluator,
        )

        evaluator = Panoptica_Evaluator(
            expected_input=InputType.SEMANTIC,
            instance_approximator=ConnectedComponentsInstanceApproximator(),
            instance_matcher=NaiveThresholdMatching(),
            instance_metrics=[Metric.IOU],
            global_metrics=[Metric.DSC],
        )
        masks = [mask.astype(np.uint8) for mask in (prediction, reference)]
        (result,) = evaluator.evaluate(*masks, verbose=False).values()
    return {"pq": result.pq, "sq": result.sq, "rq": result.rq, "dice": result.global_bin_dsc}


def surface_distance(
    reference: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]
) -> Numbers:
    """Surface metrics by surface elements."""
    # Version 0.1 still uses a name that numpy 2 has dropped.
    np.Inf = np.inf  # type: ignore[attr-defined]
    import surface_distance as tool

    distances = tool.compute_surface_distances(reference, prediction, spacing)
    averages = tool.compute_average_surface_distance(distances)
    return {
        "hd95": tool.compute_robust_hausdorff(distances, 95),
        "masd": float(np.mean(averages)),
        "nsd": tool.compute_surface_dice_at_tolerance(distances, 1.0),
        "dice": tool.compute_dice_coefficient(reference, prediction),
    }


def seg_metrics(
    reference: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]
) -> Numbers:
    """Overlap and surface metrics of seg-metrics."""
    from seg_metrics import seg_metrics as tool

    names = ["dice", "jaccard", "hd95", "msd"]
    masks = [mask.astype(np.uint8).transpose(2, 1, 0) for mask in (reference, prediction)]
    with contextlib.redirect_stdout(io.StringIO()):
        made = tool.write_metrics(
            labels=[1],
            gdth_img=masks[0],
            pred_img=masks[1],
            metrics=names,
            spacing=spacing[::-1],
            fully_connected=False,
        )
    found = made[0] if isinstance(made, list) else made
    values = {name: float(np.ravel(found[name])[0]) for name in names}
    return {
        "dice": values["dice"],
        "iou": values["jaccard"],
        "hd95": values["hd95"],
        "assd": values["msd"],
    }


def medpy(reference: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]) -> Numbers:
    """Overlap and surface metrics of medpy."""
    from medpy.metric import binary

    return {
        "dice": binary.dc(prediction, reference),
        "iou": binary.jc(prediction, reference),
        "hd95": binary.hd95(prediction, reference, spacing),
        "assd": binary.assd(prediction, reference, spacing),
    }


def simple_itk(
    reference: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]
) -> Numbers:
    """Overlap of SimpleITK."""
    import SimpleITK as sitk  # noqa: N813

    images = [sitk.GetImageFromArray(m.astype(np.uint8)) for m in (reference, prediction)]
    filter_ = sitk.LabelOverlapMeasuresImageFilter()
    filter_.Execute(*images)
    return {"dice": filter_.GetDiceCoefficient(1), "iou": filter_.GetJaccardCoefficient(1)}


def nnunet(reference: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...]) -> Numbers:
    """Overlap as nnU-Net's evaluator counts it."""
    from nnunetv2.evaluation.evaluate_predictions import compute_tp_fp_fn_tn

    hits, false, missed, _ = compute_tp_fp_fn_tn(reference, prediction)
    return {
        "dice": 2 * hits / (2 * hits + false + missed),
        "iou": hits / (hits + false + missed),
    }


TOOLS: dict[str, Tool] = {
    "mribench": mribench,
    "MONAI": monai,
    "panoptica": panoptica,
    "surface-distance": surface_distance,
    "seg-metrics": seg_metrics,
    "medpy": medpy,
    "SimpleITK": simple_itk,
    "nnU-Net": nnunet,
}
