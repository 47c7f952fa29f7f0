"""Training of PartsNet."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from insetgan.data.located import LocatedBatch, augment
from insetgan.losses.detection import box_iou, centre_focal_loss, centre_targets, generalised_iou_loss
from insetgan.networks.parts_net import STRIDE, PartsNet
from insetgan.ops.boxes import PART_NAMES
from insetgan.ops.images import from_uint8


class PartsModule(pl.LightningModule):
    """PartsNet on pictures with known boxes.

    Args:
        network: what is trained.
        lr: peak learning rate of AdamW; rises over the first 5 % of the run, then falls to zero along half a cosine.
        weight_decay: of AdamW.
        total_kimg: thousand images of the whole run, over which the rate rises and falls.
        seed: of the augmentation, together with the number of images seen.
    """

    cur_nimg: Tensor

    def __init__(self, network: PartsNet, *, lr: float, weight_decay: float, total_kimg: float, seed: int = 0) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.lr, self.weight_decay, self.total_kimg, self.seed = lr, weight_decay, total_kimg, seed
        self.register_buffer("cur_nimg", torch.zeros((), dtype=torch.long))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; its rate is set before every step from the images seen."""
        return torch.optim.AdamW(self.network.parameters(), lr=self.lr, weight_decay=self.weight_decay)

    def rate(self, kimg: float) -> float:
        """Learning rate after `kimg` thousand images."""
        done = min(kimg / self.total_kimg, 1.0)
        return self.lr * min(done / 0.05, 1.0) * (0.5 + 0.5 * math.cos(math.pi * done))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate; the first step of all is not quite at zero."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, torch.optim.Optimizer)
        for group in optimizer.param_groups:
            group["lr"] = self.rate((int(self.cur_nimg) + len(batch[0]) * self.trainer.world_size) / 1000)

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """The network, for a safetensors file of its own."""
        return {"parts": (self.network, "parts")}

    def training_step(self, batch: Any, _: int) -> Tensor:
        """Focal loss on the centres plus overlap and edge distance of the boxes that are in the picture."""
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + int(self.cur_nimg) + self.global_rank)
        images, boxes, visible = augment(_to_float(batch), random)
        output = self.network(images.to(self.device))
        boxes, visible = boxes.to(self.device), visible.to(self.device)
        shape = (output.heat.shape[-2], output.heat.shape[-1])
        centre = centre_focal_loss(output.heat, centre_targets(boxes, visible, shape, STRIDE))
        found, true = output.boxes[visible], boxes[visible]
        side = (true[:, 2:] - true[:, :2]).mean(dim=1, keepdim=True)  # errors count relative to the size of the part
        overlap = generalised_iou_loss(found, true).mean()
        edges = ((found - true).abs() / side).mean()
        self.cur_nimg += len(images) * self.trainer.world_size
        several = self.trainer.world_size > 1
        self.log_dict({"Loss/centre": centre, "Loss/overlap": overlap, "Loss/edges": edges}, sync_dist=several)
        loss: Tensor = centre + 2 * overlap + edges
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        """Mean IoU and confidence of each part, on pictures as they are."""
        images, boxes, visible = _to_float(batch)
        output = self.network(images.to(self.device))
        iou = box_iou(output.boxes.float(), boxes.to(self.device))
        for index, name in enumerate(PART_NAMES):
            seen = visible[:, index]
            if seen.any():
                count, several = int(seen.sum()), self.trainer.world_size > 1
                self.log(f"IoU/{name}", iou[seen, index].mean(), batch_size=count, sync_dist=several)
                self.log(f"Score/{name}", output.scores[seen, index].mean(), batch_size=count, sync_dist=several)


def _to_float(batch: Any) -> LocatedBatch:
    images, boxes, visible = batch
    return LocatedBatch(from_uint8(images.permute(0, 2, 3, 1)), boxes.float(), visible)
