"""In which floats a run computes."""

from typing import Any, Literal

import torch

from insetgan.runtime.lightning import MixedPrecision

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed")


class PlainHalf(MixedPrecision):
    """float16 autocast without a loss scaler.

    The networks bring their own measures against overflow, StyleGAN2-ADA's: normalised weights and styles, clamped
    features, float32 at the lower resolutions, and gradients made finite. A scaler on the regularisers is known to diverge.
    """

    def __init__(self, device: str) -> None:
        super().__init__("bf16-mixed", device)  # as float16 it would insist on a scaler
        self.precision: Literal["16-mixed", "bf16-mixed"] = "16-mixed"


def precision_of(precision: str, accelerator: str) -> dict[str, Any]:
    """Arguments of the Trainer for one of `PRECISIONS`; "auto" takes bf16-mixed where it is fast, else 32-true."""
    on_gpu = torch.cuda.is_available() and accelerator in ("auto", "gpu", "cuda")
    if precision == "16-mixed":
        return {"plugins": [PlainHalf("cuda" if on_gpu else "cpu")]}
    if precision != "auto":
        return {"precision": precision}
    if on_gpu:
        fast = torch.cuda.is_bf16_supported()
    else:
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        fast = bool(probe and probe())
    return {"precision": "bf16-mixed" if fast else "32-true"}
