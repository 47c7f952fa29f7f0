"""StyleGAN2-ADA's augmentation of images and the control of its probability."""

from insetgan.training.augment.controller import AdaptiveController
from insetgan.training.augment.pipe import SETS, AugmentPipe

__all__ = ["SETS", "AdaptiveController", "AugmentPipe"]
