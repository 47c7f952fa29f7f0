"""Let a torchvision that was built for another torch be imported all the same."""

import importlib
import importlib.util
import sys
from functools import cache

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept_alive: list[object] = []  # a torch Library unregisters its operators when it is collected


@cache
def guard() -> bool:
    """Repair `import torchvision` where its compiled half does not match this torch.

    A CPU build of torch beside PyPI's torchvision (built for CUDA) fails with "operator torchvision::nms does not exist",
    and with it everything that imports torchvision when it is installed: torchmetrics and so pytorch_lightning, lpips,
    clean-fid. Declaring the two missing operators is enough for the pure Python half (models, transforms), which is
    all that this project uses. Call before the first import of any of these; matching pairs are left alone.

    Returns:
        Whether a repair was needed.

    Raises:
        RuntimeError: torchvision fails for another reason.
    """
    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    else:
        return False
    import torch

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # what the failed import left half made
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _kept_alive.append(library)
    importlib.import_module("torchvision")
    return True
