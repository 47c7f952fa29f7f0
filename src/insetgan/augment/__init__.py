"""StyleGAN2-ADA's augmentation of pictures and the control of its probability."""

from insetgan.augment.controller import AdaptiveController
from insetgan.augment.pipe import SETS, AugmentPipe

__all__ = ["SETS", "AdaptiveController", "AugmentPipe"]
