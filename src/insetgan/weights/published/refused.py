"""Families of generators that share StyleGAN's file formats and are other networks: recognised, and refused by name."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from insetgan.weights.published.modules import Module

_Modules = Mapping[str, Module]


def _has_path(*starts: str) -> Callable[[_Modules, Collection[str]], bool]:
    return lambda modules, names: any(
        path == start or path.startswith(f"{start}.") for path in modules for start in starts
    )


def _is_class(*classes: str) -> Callable[[_Modules, Collection[str]], bool]:
    return lambda modules, names: any(module.class_name in classes for module in modules.values())


def _any_resolution(modules: _Modules, names: Collection[str]) -> bool:
    return "scale_mapping" in modules or any("scale_mapping" in key for key in constructor(modules[""]))


def _three_dimensional(modules: _Modules, names: Collection[str]) -> bool:
    return "rendering_kwargs" in constructor(modules[""]) or _has_path("backbone", "superresolution")(modules, names)


def _rectangular(modules: _Modules, names: Collection[str]) -> bool:
    return (
        any(name.startswith("synthesis.input.") for name in names) and constructor(modules[""]).get("square") is False
    )


_FAMILIES: tuple[tuple[str, Callable[[_Modules, Collection[str]], bool]], ...] = (
    ("EG3D, a generator of three-dimensional scenes", _three_dimensional),
    (
        "StyleGAN-XL",
        lambda modules, names: (
            _is_class("SuperresGenerator", "ProjectedDiscriminator")(modules, names)
            or _has_path("mapping.embed_proj", "feature_networks")(modules, names)
        ),
    ),
    ("UnitedHuman or another StyleGAN3 of any resolution", _any_resolution),
    ("StyleGAN-Human's rectangular StyleGAN3", _rectangular),
    ("R3GAN", lambda modules, names: _has_path("Model.MainLayers", "Model.EmbeddingLayer")(modules, names)),
)


def constructor(module: Module) -> dict[str, Any]:
    """Named arguments with which a network was made."""
    found = module.state.get("_init_kwargs")
    return found if isinstance(found, dict) else {}


def refuse_other_families(modules: _Modules, names: Collection[str]) -> None:
    """Refuse a network of a family that is neither StyleGAN2 nor NVIDIA's StyleGAN3.

    Args:
        modules: of the network, by their paths.
        names: of its tensors.

    Raises:
        ValueError: naming the family.
    """
    for family, matches in _FAMILIES:
        if matches(modules, names):
            raise ValueError(
                f"holds {family}; StyleGAN2, its rectangular and conditional forms, and StyleGAN3 are read"
            )
