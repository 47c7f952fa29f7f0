"""State dicts in the names and shapes of rosinality's model, filled with the reference networks."""

import re
from collections import OrderedDict


def rosinality_generator(tensors):
    """Names and shapes as rosinality's model has them."""
    found = OrderedDict()
    kernel = 4 * tensors["synthesis.b4.resample_filter"]
    layers = sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in tensors)
    for layer in range(layers):
        for leaf in ("weight", "bias"):
            found[f"style.{layer + 1}.{leaf}"] = tensors[f"mapping.fc{layer}.{leaf}"]
    found["input.input"] = tensors["synthesis.b4.const"][None]

    def modulated(ours, theirs):
        found[f"{theirs}.conv.weight"] = tensors[f"{ours}.weight"][None]
        found[f"{theirs}.conv.modulation.weight"] = tensors[f"{ours}.affine.weight"]
        found[f"{theirs}.conv.modulation.bias"] = tensors[f"{ours}.affine.bias"]

    def styled(ours, theirs, noise):
        modulated(ours, theirs)
        found[f"{theirs}.noise.weight"] = tensors[f"{ours}.noise_strength"].reshape(1)
        found[f"{theirs}.activate.bias"] = tensors[f"{ours}.bias"]
        found[f"noises.noise_{noise}"] = tensors[f"{ours}.noise_const"][None, None]

    def rgb(ours, theirs):
        modulated(ours, theirs)
        found[f"{theirs}.bias"] = tensors[f"{ours}.bias"].reshape(1, 3, 1, 1)

    styled("synthesis.b4.conv1", "conv1", 0)
    rgb("synthesis.b4.torgb", "to_rgb1")
    for step, size in enumerate((8, 16, 32)):
        styled(f"synthesis.b{size}.conv0", f"convs.{2 * step}", 2 * step + 1)
        found[f"convs.{2 * step}.conv.blur.kernel"] = kernel
        styled(f"synthesis.b{size}.conv1", f"convs.{2 * step + 1}", 2 * step + 2)
        rgb(f"synthesis.b{size}.torgb", f"to_rgbs.{step}")
        found[f"to_rgbs.{step}.upsample.kernel"] = kernel
    return found


def rosinality_discriminator(tensors):
    found = {"convs.0.0.weight": tensors["b32.fromrgb.weight"], "convs.0.1.bias": tensors["b32.fromrgb.bias"]}
    for step, size in enumerate((32, 16, 8), start=1):
        found[f"convs.{step}.conv1.0.weight"] = tensors[f"b{size}.conv0.weight"]
        found[f"convs.{step}.conv1.1.bias"] = tensors[f"b{size}.conv0.bias"]
        found[f"convs.{step}.conv2.0.kernel"] = tensors["b8.resample_filter"]
        found[f"convs.{step}.conv2.1.weight"] = tensors[f"b{size}.conv1.weight"]
        found[f"convs.{step}.conv2.2.bias"] = tensors[f"b{size}.conv1.bias"]
        found[f"convs.{step}.skip.0.kernel"] = tensors["b8.resample_filter"]
        found[f"convs.{step}.skip.1.weight"] = tensors[f"b{size}.skip.weight"]
    found["final_conv.0.weight"], found["final_conv.1.bias"] = tensors["b4.conv.weight"], tensors["b4.conv.bias"]
    for theirs, ours in (("final_linear.0", "b4.fc"), ("final_linear.1", "b4.out")):
        found |= {f"{theirs}.{leaf}": tensors[f"{ours}.{leaf}"] for leaf in ("weight", "bias")}
    return found
