"""Rules by which settings follow one another, such as a recipe the size of the pictures; files of conf/ call them."""

from collections.abc import Sized

from omegaconf import OmegaConf


def auto_batch_size(height: int, devices: int) -> int:
    """StyleGAN2-ADA's `auto`: 4096 / height a device, at most 32, and at most 64 in all, at least one a device."""
    return max(min(devices * min(4096 // height, 32), 64) // devices, 1) * devices


def auto_channel_base(height: int) -> int:
    """StyleGAN2-ADA's `auto`: twice as many feature maps from 512 rows on."""
    return 32768 if height >= 512 else 16384


def auto_lr(height: int) -> float:
    """StyleGAN2-ADA's `auto`: learning rate of both networks."""
    return 0.002 if height >= 1024 else 0.0025


def shhq_gamma(height: int, batch_size: int) -> float:
    """StyleGAN-Human's weight of R1: StyleGAN2-ADA's rule with the height alone, although pictures are half as wide."""
    return 0.0002 * height**2 / batch_size


def auto_steps(parts: Sized) -> int:
    """Steps of a refinement: 300, and 100 for each further inset, since the canvas has to suit all of them."""
    return 200 + 100 * max(1, len(parts))


def register_rules() -> None:
    """Let configuration files call the rules by name."""
    for rule in (auto_batch_size, auto_channel_base, auto_lr, auto_steps, shhq_gamma):
        OmegaConf.register_new_resolver(rule.__name__, rule, replace=True)
