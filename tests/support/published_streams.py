"""Stand-in classes that write what the published implementations write, filled with the tensors of the reference networks.

None of their code is here: the classes have their names, their attributes and their way to be pickled.
"""

import contextlib
import pickle
import re
import sys
import types
from pathlib import Path

import numpy as np
import torch

ASSETS = Path(__file__).parents[1] / "assets" / "parity"
SHAPES = {
    "square_32": {"square": True, "c_dim": 0, "layers": 3},
    "rect_32x16": {"square": False, "c_dim": 0, "layers": 3},
    "conditional_32": {"square": True, "c_dim": 3, "layers": 2},
}
SOURCE = "from pathlib import Path\nPath({canary!r}).write_text('embedded source was run')\n"
BUFFERS = ("w_avg", "resample_filter", "noise_const", "magnitude_ema")
BUFFERS += ("freqs", "phases", "transform", "up_filter", "down_filter")


def reference(name):
    with np.load(ASSETS / f"{name}.npz") as archive:
        return {key: torch.from_numpy(archive[key]) for key in archive.files if archive[key].dtype.kind == "f"}


def state(values, prefix):
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


@contextlib.contextmanager
def modules_called(**attributes):
    """Modules of these names for as long as something is pickled: "a.b" -> {attribute: class or function}."""
    made = {}
    for full, inner in attributes.items():
        full = full.replace("__", ".")
        for stop in range(1, full.count(".") + 2):
            made.setdefault(".".join(full.split(".")[:stop]), {})
        made[full] |= inner
    kept = {full: sys.modules.get(full) for full in made}
    for full, inner in made.items():
        module = types.ModuleType(full)
        vars(module).update(inner)
        for name, value in inner.items():
            value.__module__, value.__qualname__ = full, name
        sys.modules[full] = module
    try:
        yield
    finally:
        for full, module in kept.items():
            sys.modules.pop(full)
            if module is not None:
                sys.modules[full] = module


def _reconstruct_persistent_obj(meta):
    raise AssertionError("the stream was executed")


class EasyDict(dict):
    pass


class Persistent(torch.nn.Module):
    """An object of NVIDIA's persistence: reduced to one call with the whole source of its module."""

    def __init__(self, class_name, source, init_kwargs=None, **attributes):
        super().__init__()
        self._class_name, self._source = class_name, source
        self._init_args, self._init_kwargs = (), init_kwargs or {}
        self.__dict__.update(attributes)

    def __reduce__(self):
        inner = {key: value for key, value in self.__dict__.items() if key not in ("_class_name", "_source")}
        meta = {
            "type": "class",
            "version": 6,
            "module_src": self._source,
            "class_name": self._class_name,
            "state": inner,
        }
        return _reconstruct_persistent_obj, (meta,)


def _class_of(path, generator):
    leaf = path.rpartition(".")[2]
    if path == "":
        return "Generator" if generator else "Discriminator"
    if leaf in ("mapping", "synthesis"):
        return {"mapping": "MappingNetwork", "synthesis": "SynthesisNetwork"}[leaf]
    if leaf == "input":
        return "SynthesisInput"
    if re.fullmatch(r"b\d+", leaf):
        return "SynthesisBlock" if generator else "DiscriminatorEpilogue" if leaf == "b4" else "DiscriminatorBlock"
    if leaf in ("affine", "embed", "out") or leaf.startswith("fc"):
        return "FullyConnectedLayer"
    return "ToRGBLayer" if leaf == "torgb" else "SynthesisLayer" if generator else "Conv2dLayer"


def _attributes(class_name, clamp, leaf):
    gain = {"weight_gain": 1 / np.sqrt(32), "act_gain": np.sqrt(2)}  # numpy's numbers, as there
    activation = "linear" if leaf in ("affine", "embed", "out", "skip") else "lrelu"
    if class_name in ("SynthesisLayer", "Conv2dLayer"):
        return {"conv_clamp": clamp, "activation": activation, "padding": 1, **gain}
    if class_name == "ToRGBLayer":
        return {"conv_clamp": clamp, **gain}
    if class_name == "FullyConnectedLayer":
        return {"activation": activation, "bias_gain": 1, **gain}
    if class_name in ("SynthesisBlock", "DiscriminatorBlock"):
        return {"architecture": "skip" if class_name == "SynthesisBlock" else "resnet", "use_fp16": False}
    return {}


def persistent_network(tensors, *, init_kwargs, canary="/nowhere", clamp=None, group=4):
    """A network of stand-ins with these tensors."""
    generator = any(name.startswith("synthesis.") for name in tensors)
    source = SOURCE.format(canary=str(canary))
    made = {"": Persistent(_class_of("", generator), source, init_kwargs)}

    def at(path):
        if path not in made:
            above, _, leaf = path.rpartition(".")
            class_name = _class_of(path, generator)
            made[path] = Persistent(class_name, source, **_attributes(class_name, clamp, leaf))
            at(above).add_module(leaf, made[path])
        return made[path]

    for name, tensor in tensors.items():
        path, _, leaf = name.rpartition(".")
        if leaf in BUFFERS:
            at(path).register_buffer(leaf, tensor.clone())
        else:
            at(path).register_parameter(leaf, torch.nn.Parameter(tensor.clone(), requires_grad=False))
    if not generator:
        deviation = Persistent("MinibatchStdLayer", source, group_size=group, num_channels=1)
        at("b4").add_module("mbstd", deviation)
    return made[""]


def generator_arguments(name, *, flat, clamp=None):
    """What a generator was made with: as stylegan2-ada-pytorch nests it, or flat as stylegan3's repository."""
    shape = SHAPES[name]
    synthesis = {"channel_base": 512, "channel_max": 24, "num_fp16_res": 4, "conv_clamp": clamp}
    found = {
        "z_dim": 32,
        "c_dim": shape["c_dim"],
        "w_dim": 32,
        "img_resolution": 32,
        "img_channels": 3,
        "mapping_kwargs": EasyDict(num_layers=shape["layers"]),
        **(synthesis if flat else {"synthesis_kwargs": EasyDict(synthesis)}),
    }
    return found if shape["square"] else {**found, "square": False}


def alias_free_pickle(path, tensors, arguments, *, canary="/nowhere", clamp=256):
    """Write a training of StyleGAN3's G_ema: objects of its classes, with the source of these."""
    snapshot = {
        "G_ema": persistent_network(tensors, init_kwargs=arguments, canary=canary, clamp=clamp),
        "training_set_kwargs": EasyDict(path="~/ffhq.zip", resolution=arguments["img_resolution"]),
    }
    with _theirs(), open(path, "wb") as stream:
        pickle.dump(snapshot, stream, protocol=4)


def _theirs():
    return modules_called(
        torch_utils__persistence={"_reconstruct_persistent_obj": _reconstruct_persistent_obj},
        dnnlib__util={"EasyDict": EasyDict},
    )


def nvidia_pickle(
    path, name, *, flat=False, protocol=4, canary="/nowhere", clamp=None, without=(), change=None, extra=None
):
    """Write what a training of theirs writes: G, D, G_ema, augment_pipe and training_set_kwargs."""
    values = reference(name)
    made = {
        "G": ("G/", generator_arguments(name, flat=flat, clamp=clamp)),
        "D": ("D/", {"c_dim": SHAPES[name]["c_dim"], "img_resolution": 32, "img_channels": 3, "channel_base": 512}),
        "G_ema": ("G/", generator_arguments(name, flat=flat, clamp=clamp)),
    }
    snapshot = {}
    for key, (prefix, arguments) in made.items():
        tensors = state(values, prefix)
        if key == "G":  # the average generator is what is wanted, and another network
            tensors = {each: value + 1 if each.endswith("bias") else value for each, value in tensors.items()}
        if change is not None:
            tensors = change(key, tensors)
        snapshot[key] = persistent_network(tensors, init_kwargs=arguments, canary=canary, clamp=clamp)
    snapshot |= {"augment_pipe": None, "training_set_kwargs": EasyDict(path="~/ffhq.zip", xflip=True, resolution=32)}
    snapshot = {key: value for key, value in snapshot.items() if key not in without} | (extra or {})
    with _theirs(), open(path, "wb") as stream:
        pickle.dump(snapshot, stream, protocol=protocol)
    return values
