"""Settings of refine.py that have no effect beside the others."""

from omegaconf import DictConfig

_GIVEN = ("invert", "image_detector")
"""Settings of images that are given."""


def idle(config: DictConfig) -> dict[str, str]:
    """Settings that have no effect beside the others, each with the reason.

    Args:
        config: of refine.py, checked.
    """
    found: dict[str, str] = {}
    nodes = {"canvas": config.canvas, **{f"parts.{name}": part for name, part in config.parts.items()}}
    images = {key: node for key, node in nodes.items() if node.image is not None}
    if not images:
        found |= dict.fromkeys(_GIVEN, "belongs to canvas.image=, parts.NAME.image= and faces=")
    elif list(images) == ["canvas"] and "canvas" not in config.mode.optimise:
        found["canvas.encoder"] = "the canvas stands still, so its image is not inverted"
    elif config.invert.steps == 0:
        found["invert.projector"] = "belongs to invert.steps of 1 or more"
    for key, node in nodes.items():
        found |= _of_generator(config, key, node)
    if "mask" not in (config.region, config.composite):
        found["segmenter"] = "belongs to region=mask and composite=mask"
    for side in ("canvas", "inset"):
        if side not in config.mode.optimise:
            found[f"mode.{side}_rate"] = f"mode={config.mode.name} does not optimise the {side}"
    if config.shards is None:
        found["shard_images"] = "belongs to shards="
    if config.walk is not None:
        found["batch_size"] = "the images of a walk follow each other one by one"
    return found


def _of_generator(config: DictConfig, key: str, node: DictConfig) -> dict[str, str]:
    found: dict[str, str] = {}
    if node.box is not None:
        found[f"{key}.align"] = f"{key}.box= says which piece is taken"
    if node.image is not None and config.invert.start == "mean":
        found[f"{key}.encoder"] = "belongs to invert.start=encoder"
    if node.image is not None or node.start == "mean" or config.resume_from is not None:
        found[f"{key}.trunc"] = "is of start latents that are drawn, and these are given"
    return found
