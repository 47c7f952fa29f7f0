"""The networks of an object that need not be one itself, such as a detector of the user's own."""

from typing import Any

import torch
from torch import nn


def owned_networks(owner: object) -> list[nn.Module]:
    """The object itself where it is a network, else all networks among its attributes, whatever they are called."""
    if isinstance(owner, nn.Module):
        return [owner]
    return [value for value in getattr(owner, "__dict__", {}).values() if isinstance(value, nn.Module)]


def move(owner: Any, device: torch.device) -> None:
    """Move an object that is no network to a device, where it has a method `to`; its networks move by themselves."""
    if not isinstance(owner, nn.Module) and callable(to := getattr(owner, "to", None)):
        to(device)
