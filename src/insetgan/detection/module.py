"""Training of PartsNet."""

from typing import Annotated, Any, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from insetgan.detection.box_loss import box_iou, centre_focal_loss, centre_targets, generalised_iou_loss
from insetgan.detection.located import LocatedBatch, augment, unpack_masks
from insetgan.detection.mask_loss import mask_iou, mask_loss
from insetgan.detection.parts_net import STRIDE, PartsNet, PartsOutput, masks_near
from insetgan.ops.images import from_uint8
from insetgan.runtime.learning_rate import half_cosine
from insetgan.runtime.settings import SettingError, settings
from insetgan.runtime.training_module import TrainingModule


@settings
class PartsSettings:
    """How PartsNet is trained."""

    lr: Annotated[
        float,
        Field(
            gt=0,
            le=1000,
            description="highest learning rate of AdamW, reached after 5 % of the run; then it falls along half a cosine",
        ),
    ]
    weight_decay: Annotated[float, Field(ge=0, le=1000, description="of AdamW")]
    total_kimg: Annotated[
        float,
        Field(gt=0, le=1e9, description="thousands of images of the whole run, over which the rate rises and falls"),
    ]
    only: Annotated[
        Literal["masks"] | None,
        Field(
            description="masks trains the mask head alone, so that a network which finds the parts learns to outline them "
            "while everything else that it gives stays as it is, to the bit; null trains all"
        ),
    ] = None
    seed: Annotated[
        int, Field(ge=0, le=2**32 - 1, description="of the augmentation, together with the number of images seen")
    ] = 0


class PartsModule(TrainingModule):
    """PartsNet on images with known boxes, and known masks if it has a head for them.

    Args:
        network: what is trained.
        settings: the fields of `PartsSettings`.

    Raises:
        SettingError: a setting outside its range, or no mask head to train.
    """

    def __init__(self, network: PartsNet, **settings: Any) -> None:
        super().__init__()
        self.settings = PartsSettings(**settings)
        if self.settings.only and network.masks is None:
            raise SettingError("only", "the network has none; it needs network.masks=true", self.settings.only)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.settings.only:
            self.network.requires_grad_(False)
            self.network.masks.requires_grad_(True)
            self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; what is not trained stays in evaluation mode, or its running statistics would move."""
        super().train(mode)
        if self.settings.only:
            self.network.eval()
            self.network.masks.train(mode)
        return self

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; its rate is set before every step from the images seen."""
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        return torch.optim.AdamW(trained, lr=self.settings.lr, weight_decay=self.settings.weight_decay)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Leave images on the CPU, whose random numbers they are augmented with."""
        return batch

    def rate(self, kimg: float) -> float:
        """Learning rate after `kimg` thousand images."""
        return half_cosine(self.settings.lr, kimg, self.settings.total_kimg, 0.05)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate; the first step of all is not quite at zero."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, torch.optim.Optimizer)
        for group in optimizer.param_groups:
            group["lr"] = self.rate((int(self.cur_nimg) + len(batch[0]) * self.trainer.world_size) / 1000)

    def exports(self) -> dict[str, tuple[nn.Module, str]]:
        """The network, for a safetensors file of its own."""
        return {"parts": (self.network, "parts")}

    def starting_points(self) -> dict[str, str | None]:
        """The network."""
        return {"network": "parts"}

    def training_step(self, batch: Any, _: int) -> Tensor:
        """What says where the parts are, what outlines them, or both."""
        random = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + int(self.cur_nimg) + self.global_rank)
        images, boxes, visible, masks = augment(self._to_float(batch), random, parts=self.network.parts)
        output, logits = self._look(images)
        boxes, visible = boxes.to(self.device), visible.to(self.device)
        losses, loss = {}, torch.zeros((), device=self.device)
        if not self.settings.only:
            losses = _detection_losses(output, boxes, visible)
            loss = losses["Loss/centre"] + 2 * losses["Loss/overlap"] + losses["Loss/edges"]
        if logits is not None:
            assert masks is not None
            losses["Loss/masks"] = mask_loss(logits, masks.to(self.device), visible)
            loss = loss + losses["Loss/masks"]
        self.cur_nimg += len(images) * self.trainer.world_size
        self.log_dict(losses, sync_dist=self.trainer.world_size > 1)
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        """Mean IoU of box and mask and mean confidence of each part where it is seen, on images as they are."""
        images, boxes, visible, masks = self._to_float(batch)
        output, logits = self._look(images)
        measured = {"IoU": box_iou(output.boxes.float(), boxes.to(self.device)), "Score": output.scores}
        if logits is not None:
            assert masks is not None
            measured["MaskIoU"] = mask_iou(masks_near(logits, output.boxes), masks.to(self.device))
        for index, name in enumerate(self.network.parts):
            seen = visible[:, index]
            if seen.any():
                count, several = int(seen.sum()), self.trainer.world_size > 1
                for what, values in measured.items():
                    self.log(f"{what}/{name}", values[seen, index].mean(), batch_size=count, sync_dist=several)

    def _to_float(self, batch: Any) -> LocatedBatch:
        images, boxes, visible, *packed = batch
        masks = unpack_masks(packed[0], len(self.network.parts)) if packed else None
        return LocatedBatch(from_uint8(images.permute(0, 2, 3, 1)), boxes.float(), visible, masks)

    def _look(self, images: Tensor) -> tuple[PartsOutput, Tensor | None]:
        """Where the parts are, and the logits of their masks if the network has a head for them."""
        network: PartsNet = self.network
        if network.masks is None:
            return network(images.to(self.device)), None
        return network.locate_and_outline(images.to(self.device))


def _detection_losses(output: PartsOutput, boxes: Tensor, visible: Tensor) -> dict[str, Tensor]:
    """Focal loss on the centres; overlap and edge distance of the boxes that are in the image."""
    shape = (output.heat.shape[-2], output.heat.shape[-1])
    centre = centre_focal_loss(output.heat, centre_targets(boxes, visible, shape, STRIDE))
    found, true = output.boxes[visible], boxes[visible]
    side = (true[:, 2:] - true[:, :2]).mean(dim=1, keepdim=True)  # errors count relative to the size of the part
    overlap = generalised_iou_loss(found, true).mean()
    edges = ((found - true).abs() / side).mean()
    return {"Loss/centre": centre, "Loss/overlap": overlap, "Loss/edges": edges}
