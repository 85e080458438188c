"""DICOM series as a scanner would write them, small."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid


def write_series(
    folder: Path,
    volume: np.ndarray,
    directions: np.ndarray,
    spacing: tuple[float, float, float],
    corner: np.ndarray,
    name: str = "Doe^Jane",
) -> None:
    """Write one file per slice.

    Parameters
    ----------
    folder
        Folder to make.
    volume
        uint16 (column, row, slice).
    directions
        Columns: the directions (LPS) in which columns, rows and slices follow each other.
    spacing
        Their distances in mm.
    corner
        Place (LPS, mm) of the first voxel.
    name
        Of the person.
    """
    folder.mkdir(parents=True)
    study, series = generate_uid(entropy_srcs=["study"]), generate_uid(entropy_srcs=[str(folder)])
    for number in range(volume.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(folder), str(number)])
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        item.SOPClassUID, item.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        item.StudyInstanceUID, item.SeriesInstanceUID = study, series
        item.FrameOfReferenceUID = study
        item.Modality, item.Manufacturer = "MR", "SIEMENS"
        item.PatientName, item.PatientID, item.PatientBirthDate = name, "4711", "19700101"
        item.StudyDate, item.StudyTime = "20200102", "101010"
        item.SeriesNumber, item.InstanceNumber, item.AcquisitionNumber = 3, number + 1, 1
        item.SeriesDescription, item.ImageType = "t1_mprage", ["ORIGINAL", "PRIMARY", "M"]
        item.MRAcquisitionType, item.ScanningSequence, item.SequenceVariant = "3D", "GR", "SP"
        item.ScanOptions, item.EchoTime, item.RepetitionTime = "", 2.9, 2300.0
        item.MagneticFieldStrength, item.FlipAngle = 3.0, 9.0
        item.ImageOrientationPatient = [float(v) for v in directions[:, :2].T.ravel()]
        place = corner + directions[:, 2] * spacing[2] * number
        item.ImagePositionPatient = [round(float(v), 6) for v in place]
        item.PixelSpacing = [spacing[1], spacing[0]]
        item.SliceThickness = item.SpacingBetweenSlices = spacing[2]
        item.Rows, item.Columns = volume.shape[1], volume.shape[0]
        item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
        item.BitsAllocated, item.BitsStored, item.HighBit = 16, 16, 15
        item.PixelRepresentation = 0
        item.PixelData = np.ascontiguousarray(volume[:, :, number].T).tobytes()
        pydicom.dcmwrite(folder / f"IM{number:04d}", item, enforce_file_format=True)
