"""LightningModules and callbacks."""

from insetgan.torchvision_guard import guard

guard()  # before anything here imports pytorch_lightning
