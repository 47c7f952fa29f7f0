"""Real images known by statistics alone: clean-fid's published reference files."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from insetgan.metrics.frechet import Moments
from insetgan.metrics.inception import Mode, clean_fid
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder
from insetgan.runtime.paths import read_path
from insetgan.runtime.tensors import read_arrays

_SOURCE = "https://www.cs.cmu.edu/~clean-fid/stats/"


class CleanReference:
    """A data set by clean-fid's reference files: for FID means and covariances, for the rest features.

    Files are named like FFHQ's, "ffhq_clean_trainval_1024.npz" and "ffhq_clean_trainval_1024_kid.npz"; those that
    `cleanfid.fid.make_custom_stats` writes for a user's folder, "mine_clean_custom_na.npz", are found as well. Looked for in
    `folder`, else in ~/.cache/insetgan/stats, else in clean-fid's own folder.

    Args:
        name: of the data set, "FFHQ".
        resolution: of the images, 1024; "na" for a user's own.
        mode: how they were resized, see `inception.CleanFeatures`.
        split: of the data set, "trainval", "train", "test"; "custom" for a user's own.
        folder: where the files lie.
    """

    def __init__(
        self,
        name: str,
        resolution: int | str,
        mode: Mode = "clean",
        split: str = "trainval",
        folder: str | Path | None = None,
    ) -> None:
        self.title = f"{name} {resolution} {split}, clean-fid's {mode} statistics"
        self._stem = f"{name}_{mode}_{split}_{resolution}".lower()
        self._folder = None if folder is None else read_path(folder, key="data.statistics")

    def side(self, key: str) -> Moments | Tensor:
        """What a metric takes for the real side: `Moments` for fid, features float32 [n, 2048] for any other.

        Raises:
            UserError: the file is missing, or it is no such file.
        """
        return self.moments() if key == "fid" else self.features()

    def moments(self) -> Moments:
        """Mean and covariance of the features, for FID.

        Raises:
            UserError: the file is missing, or it is no such file.
        """
        mean, covariance = self._arrays(f"{self._stem}.npz", "mu", "sigma")
        if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
            raise UserError(f"{self._stem}.npz: mu {list(mean.shape)} and sigma {list(covariance.shape)} do not fit")
        return Moments(torch.from_numpy(mean).double(), torch.from_numpy(covariance).double())

    def features(self) -> Tensor:
        """Features of the real images, float32 [n, 2048], for KID.

        Raises:
            UserError: the file is missing, or it is no such file.
        """
        (features,) = self._arrays(f"{self._stem}_kid.npz", "feats")
        if features.ndim != 2:
            raise UserError(f"{self._stem}_kid.npz: feats {list(features.shape)}, must be [n, d]")
        return torch.from_numpy(features).float()

    def _arrays(self, file: str, *keys: str) -> list[np.ndarray]:
        folders = [self._folder] if self._folder else [cache_folder() / "stats", _cleanfids_own()]
        for folder in folders:
            if (folder / file).is_file():
                return _read(folder / file, keys)
        places = " nor ".join(str((folder / file).absolute()) for folder in folders)
        raise UserError(f"reference={self._stem}: no file {places}; get {_SOURCE}{file} and put it there")


def _read(path: Path, keys: tuple[str, ...]) -> list[np.ndarray]:
    try:
        return read_arrays(path, keys)
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
        raise UserError(
            f"{path}: not a file of clean-fid's statistics; it must hold {' and '.join(keys)} ({error})"
        ) from error


def _cleanfids_own() -> Path:
    clean_fid()
    import cleanfid

    return Path(cleanfid.__file__).parent / "stats"
