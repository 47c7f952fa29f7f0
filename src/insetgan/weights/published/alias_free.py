"""NVIDIA's stream of a StyleGAN3 generator, configurations T and R."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from insetgan.networks.alias_free import OUTPUT_SCALE, SMALLEST
from insetgan.networks.alias_free_layers import HEADROOM, TAPS, AliasFreeLayer
from insetgan.networks.alias_free_signals import (
    CRITICAL,
    FIRST_CUTOFF,
    FIRST_STOPBAND,
    LAST_STOPBAND,
    LAYERS,
    MARGIN,
    Signal,
    signals,
    steps,
)
from insetgan.runtime import limits
from insetgan.weights.published.architecture import refuse_contradiction, shape_of
from insetgan.weights.published.modules import Module
from insetgan.weights.published.network import PublishedNetwork
from insetgan.weights.published.records import Numbers
from insetgan.weights.published.refused import constructor
from insetgan.weights.published.said import clamp_of, inner_arguments, known_of, refuse_values

CLASS = "insetgan.networks.alias_free.AliasFreeGenerator"
_CLAMP = 256
_NAME = re.compile(r"synthesis\.(L(\d{1,2})_(\d{1,5})_(\d{1,5}))\.weight")
_BUILT: dict[str, tuple[Any, ...]] = {
    "num_layers": (LAYERS,),
    "num_critical": (CRITICAL,),
    "first_cutoff": (FIRST_CUTOFF,),
    "first_stopband": (FIRST_STOPBAND,),
    "last_stopband_rel": (LAST_STOPBAND,),
    "margin_size": (MARGIN,),
    "output_scale": (OUTPUT_SCALE,),
    "filter_size": (TAPS,),
    "lrelu_upsampling": (HEADROOM,),
}
"""Arguments of which one value is built, which is their default."""


def is_network(tensors: Mapping[str, Numbers]) -> bool:
    """Whether tensors are of an alias-free generator: it begins with Fourier features."""
    return any(name.startswith("synthesis.input.") for name in tensors)


def network(modules: Mapping[str, Module], tensors: Mapping[str, Numbers], size: int) -> PublishedNetwork:
    """A generator of its modules and tensors.

    Args:
        modules: by their paths.
        tensors: by their names.
        size: bytes of the file.

    Raises:
        ValueError: it is one that ours do not build.
    """
    said = constructor(modules[""])
    mapping = inner_arguments(said, "mapping_kwargs")
    synthesis = {**said, **inner_arguments(said, "synthesis_kwargs")}
    refuse_values(synthesis, _BUILT)
    refuse_values(mapping, {"lr_multiplier": (0.01,)})
    architecture = _architecture(tensors)
    refuse_contradiction(
        {**architecture, "img_resolution": architecture["height"], "num_layers": architecture["mapping_layers"]},
        {
            **{name: said.get(name) for name in ("z_dim", "w_dim", "c_dim", "img_channels", "img_resolution")},
            "num_layers": mapping.get("num_layers"),
            "conv_kernel": synthesis.get("conv_kernel"),
            "radial_filters": synthesis.get("use_radial_filters"),
        },
    )
    architecture["conv_clamp"] = clamp_of(modules, {"conv_clamp": _CLAMP, **synthesis})
    return PublishedNetwork("generator", architecture, tensors, known_of(modules), bytes=size, class_name=CLASS)


def _architecture(tensors: Mapping[str, Numbers]) -> dict[str, Any]:
    """Keywords of `networks.alias_free.AliasFreeGenerator`, but for conv_clamp.

    Raises:
        ValueError: naming what is not as ours.
    """
    layers = sorted(
        (int(match[2]), match[1], int(match[3]), int(match[4])) for match in map(_NAME.fullmatch, tensors) if match
    )
    if [layer[0] for layer in layers] != list(range(LAYERS + 1)):
        raise ValueError(f"has {len(layers)} layers, StyleGAN3 has {LAYERS + 1}")
    resolution, colours = layers[-1][2:]
    if not SMALLEST <= resolution <= limits.ARCHITECTURE_OTHERS or resolution & (resolution - 1):
        raise ValueError(f"draws {resolution} x {resolution}, must be a power of two from {SMALLEST}")
    # The last layer before the colours has the band of half the resolution, so its maps give the base.
    channels = {"channel_base": layers[-2][3] * resolution, "channel_max": max(layer[3] for layer in layers)}
    found = signals(resolution, img_channels=colours, **channels)
    for (_, theirs, *_), (ours, _, _) in zip(layers, steps(found), strict=True):
        if theirs != ours:
            raise ValueError(f"has a layer {theirs} where a StyleGAN3 of this size has {ours}")
    first = f"synthesis.{layers[0][1]}"
    kernel = shape_of(tensors, f"{first}.weight", 4)[3]
    radial = f"{first}.down_filter" in tensors and len(tensors[f"{first}.down_filter"].shape) == 2
    if kernel not in (1, 3):
        raise ValueError(f"has convolutions of {kernel} x {kernel}, must have 3 x 3 (T) or 1 x 1 (R)")
    _refuse_filters(tensors, found, kernel, radial)
    w_dim, columns = shape_of(tensors, "mapping.fc0.weight", 2)
    c_dim = shape_of(tensors, "mapping.embed.weight", 2)[1] if "mapping.embed.weight" in tensors else 0
    return {
        "height": resolution,
        "width": resolution,
        "z_dim": columns - (w_dim if c_dim else 0),
        "w_dim": w_dim,
        "c_dim": c_dim,
        "img_channels": colours,
        "mapping_layers": sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in tensors),
        **channels,
        "conv_kernel": kernel,
        "radial_filters": radial,
    }


def _refuse_filters(tensors: Mapping[str, Numbers], found: list[Signal], kernel: int, radial: bool) -> None:
    """Refuse filters that are not those of the sampling rates and bands of the layers."""
    for name, taken, given in list(steps(found))[:-1]:
        flat = Signal(given.cutoff, given.half_width, given.rate, given.size, 1)
        ours = AliasFreeLayer(
            Signal(taken.cutoff, taken.half_width, taken.rate, taken.size, 1),
            flat,
            w_dim=1,
            kernel=kernel,
            radial=radial and given.cutoff < given.rate / 2,
            colours=False,
            clamp=None,
        )
        for kind, wanted in (("up_filter", ours.up_filter), ("down_filter", ours.down_filter)):
            full = f"synthesis.{name}.{kind}"
            if full not in tensors or tensors[full].shape != tuple(wanted.shape):
                raise ValueError(f"{full} is missing, or not {list(wanted.shape)}")
            if not np.allclose(tensors[full].read(), wanted.numpy(), atol=1e-5):
                raise ValueError(f"{full} is another low-pass filter than StyleGAN3's of this layer")
