"""PyTorch Lightning, imported behind the torchvision guard. All other modules take Lightning's names from here."""

# ruff: noqa: E402 - the guard has to run before Lightning imports torchmetrics, and torchmetrics imports torchvision
from insetgan.runtime.torchvision_guard import guard

guard()

import pytorch_lightning as pl
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.plugins import MixedPrecision
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.strategies import DDPStrategy

__all__ = [
    "CPUAccelerator",
    "Callback",
    "DDPStrategy",
    "Logger",
    "MixedPrecision",
    "TorchCheckpointIO",
    "WandbLogger",
    "pl",
]
