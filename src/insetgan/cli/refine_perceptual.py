"""What `perceptual=auto` means: PartsNet knows rendered people, so other generators are compared by LPIPS."""

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.metrics.perceptual import find_backbone
from insetgan.runtime.errors import UserError
from insetgan.weights.store import EMBEDDED

_LPIPS = {"_target_": "insetgan.metrics.perceptual.LpipsFeatures", "net": "vgg", "path": None}


def settle_perceptual(config: DictConfig) -> list[str]:
    """Put LPIPS or PartsNet in the place of `perceptual=auto` of refine.py; see `settle_perceptual_of`."""
    return settle_perceptual_of(
        config, [(each.generator, each.weights) for each in (config.canvas, *config.parts.values())]
    )


def settle_perceptual_of(config: DictConfig, generators: Sequence[tuple[Any, str | None]]) -> list[str]:
    """Put LPIPS or PartsNet in the place of `perceptual=auto`, so that all who read the settings see the same.

    PartsNet stays where all generators are embedded ones, or where another PartsNet is named. Else LPIPS takes its place, if
    its backbone is on this machine.

    Args:
        config: which is changed.
        generators: of the user's own, or None, and weights of each.

    Returns:
        The line that says what was chosen; nothing for the embedded generators and for any other `perceptual=`.
    """
    node = config.perceptual
    if not OmegaConf.is_dict(node) or "otherwise" not in node:
        return []
    kept = {name: value for name, value in node.items() if name != "otherwise"}
    config.perceptual = kept
    if node.name_or_path != "parts" or all(own is None and weights in EMBEDDED for own, weights in generators):
        return []
    try:
        find_backbone("vgg")
    except UserError as error:
        return [f"perceptual=parts_net, which knows rendered people, since there is no LPIPS: {error}"]
    config.perceptual = _LPIPS
    return ["perceptual=lpips, since a generator is not an embedded one; perceptual=parts_net for PartsNet's features"]
