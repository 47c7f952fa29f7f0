"""A stand-in class that writes what StyleGAN2's TensorFlow implementation writes, filled with the reference networks."""

import pickle
import re

import numpy as np
from published_streams import SOURCE, EasyDict, modules_called, reference, state


class Network:
    """A network of TensorFlow: a class that is pickled by its state."""

    def __init__(self, variables, static_kwargs, components=None, version=4):
        self.held = {
            "version": version,
            "name": "G",
            "static_kwargs": EasyDict(static_kwargs),
            "components": components or {},
            "build_module_src": SOURCE.format(canary="/nowhere"),
            "build_func_name": "G_main",
            "variables": list(variables.items()),
        }

    def __getstate__(self):
        return self.held


def tensorflow_generator(tensors):
    """The variables of the mapping and of the synthesis, and those of the whole."""
    mapping, synthesis = {}, {"lod": np.float32(0) * np.ones(())}
    for name, tensor in tensors.items():
        values = tensor.numpy()
        if match := re.fullmatch(r"mapping\.fc(\d+)\.(weight|bias)", name):
            mapping[f"Dense{match[1]}/{match[2]}"] = values.T.copy()
        elif name == "synthesis.b4.const":
            synthesis["4x4/Const/const"] = values[None]
        elif match := re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.+)", name):
            size, layer, leaf = int(match[1]), match[2], match[3]
            place = {"torgb": "ToRGB", "conv0": "Conv0_up", "conv1": "Conv" if size == 4 else "Conv1"}[layer]
            source, level = f"{size}x{size}/{place}", size.bit_length() - 1
            if leaf == "weight":
                kernel = values.transpose(2, 3, 1, 0)
                synthesis[f"{source}/weight"] = (kernel[::-1, ::-1] if layer == "conv0" else kernel).copy()
            elif leaf == "affine.weight":
                synthesis[f"{source}/mod_weight"] = np.ascontiguousarray(values.T)
            elif leaf == "affine.bias":
                synthesis[f"{source}/mod_bias"] = values - 1
            elif leaf == "noise_const":
                index = 0 if size == 4 else 2 * level - (5 if layer == "conv0" else 4)
                synthesis[f"noise{index}"] = values[None, None]
            elif leaf != "resample_filter":
                synthesis[f"{source}/{leaf}"] = values
    return mapping, synthesis, {"lod": np.zeros((), np.float32), "dlatent_avg": tensors["mapping.w_avg"].numpy()}


def tensorflow_discriminator(tensors):
    found = {}
    names = {"fromrgb": "FromRGB", "conv0": "Conv0", "conv1": "Conv1_down", "skip": "Skip", "conv": "Conv"}
    for name, tensor in tensors.items():
        size, layer, leaf = re.fullmatch(r"b(\d+)\.(\w+)(?:\.(\w+))?", name).groups()
        values = tensor.numpy()
        if "resample_filter" in name:
            continue
        if layer in ("fc", "out"):
            source = "4x4/Dense0" if layer == "fc" else "Output"
            found[f"{source}/{leaf}"] = np.ascontiguousarray(values.T)
        elif leaf == "weight":
            found[f"{size}x{size}/{names[layer]}/weight"] = np.ascontiguousarray(values.transpose(2, 3, 1, 0))
        else:
            found[f"{size}x{size}/{names[layer]}/{leaf}"] = values
    return found


def tensorflow_pickle(path, name, *, version=4, change=None, **kwargs):
    """Write what stylegan2's training writes: (G, D, Gs)."""
    values = reference(name)
    mapping, synthesis, own = tensorflow_generator(state(values, "G/"))
    critic = tensorflow_discriminator(state(values, "D/"))
    if change is not None:
        change(mapping, synthesis, own, critic)
    said = {"resolution": 32, "num_channels": 3, "fmap_base": 256, "fmap_max": 24, **kwargs}
    made = []
    for seed in (1.0, 0.0):
        inner = {key: array + np.float32(seed) if key.endswith("bias") else array for key, array in synthesis.items()}
        parts = {"synthesis": Network(inner, said), "mapping": Network(mapping, said)}
        made.append(Network(own, said, EasyDict(parts), version))
    networks = (made[0], Network(critic, {**said, "mbstd_group_size": 4}, version=version), made[1])
    with (
        modules_called(dnnlib__tflib__network={"Network": Network}, dnnlib__util={"EasyDict": EasyDict}),
        open(path, "wb") as stream,
    ):
        pickle.dump(networks, stream, protocol=4)
    return values
