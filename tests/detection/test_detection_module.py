import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from insetgan.detection.located import LocatedImages
from insetgan.detection.module import PartsModule
from insetgan.detection.parts_net import PartsNet
from insetgan.runtime.errors import UserError
from insetgan.runtime.trainer import quiet_trainer
from insetgan.training.transfer import start_from
from insetgan.weights.store import resolve, save_network


class Squares:
    """Images 32 x 16 of noise, in which the face is a bright rectangle."""

    size = (32, 16)

    def __len__(self):
        return 8

    def image(self, index):
        pixels = np.random.default_rng(index).integers(0, 128, (32, 16, 3), dtype=np.uint8)
        pixels[self.mask(index, "face")] = 255
        return pixels

    def boxes(self, index):
        return {"face": (4, 2 + index, 10, 9 + index), "hand_left": None, "hand_right": None, "feet": None}

    def mask(self, index, part):
        full = np.zeros((32, 16), bool)
        x0, y0, x1, y1 = self.boxes(index)[part]
        full[y0:y1, x0:x1] = True
        return full


def make_module(*, masks=True, only=None, seed=0):
    torch.manual_seed(seed)
    network = PartsNet(working_height=32, masks=masks)
    return PartsModule(network, lr=0.01, weight_decay=0.01, total_kimg=0.016, only=only)


def fit(module, masks=True):
    """Two steps and a validation; returns what was logged."""
    data = LocatedImages(Squares(), masks=masks)
    loader = DataLoader(data, batch_size=4)
    trainer = quiet_trainer(accelerator="cpu", max_epochs=1)
    trainer.fit(module, loader, loader)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def state(module):
    return {name: value.clone() for name, value in module.network.state_dict().items()}


def moved(module, before):
    return {name for name, value in module.network.state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.filterwarnings("ignore")
def test_boxes_and_masks_are_trained_together():
    module = make_module()
    before = state(module)
    logged = fit(module)
    assert {"Loss/centre", "Loss/overlap", "Loss/edges", "Loss/masks"} <= set(logged)
    assert {"IoU/face", "Score/face", "MaskIoU/face"} <= set(logged)
    assert "MaskIoU/feet" not in logged, "never seen"
    assert 0 <= logged["MaskIoU/face"] <= 1
    assert {name.partition(".")[0] for name in moved(module, before)} == {name.partition(".")[0] for name in before}
    assert int(module.cur_nimg) == 8


@pytest.mark.filterwarnings("ignore")
def test_boxes_are_trained_without_masks():
    logged = fit(make_module(masks=False), masks=False)
    assert not any("ask" in name for name in logged)


@pytest.mark.filterwarnings("ignore")
def test_masks_alone_leave_everything_else_as_it_is():
    module = make_module(only="masks")
    before = state(module)
    logged = fit(module)
    names = moved(module, before)
    assert names == {name for name in before if name.startswith("masks.")}, "weights and running statistics"
    assert {name for name in logged if name.startswith("Loss")} == {"Loss/masks"}
    images = torch.rand(2, 3, 32, 16) * 2 - 1
    old = PartsNet(working_height=32).eval()
    old.load_state_dict({name: value for name, value in before.items() if not name.startswith("masks.")})
    module.eval()
    assert all(torch.equal(a, b) for a, b in zip(old(images), module.network(images), strict=True))
    optimised = [each for group in module.configure_optimizers().param_groups for each in group["params"]]
    assert {id(each) for each in optimised} == {id(each) for each in module.network.masks.parameters()}


def test_what_is_not_trained_stays_in_evaluation_mode():
    module = make_module(only="masks")
    for mode in (True, False, True):
        module.train(mode)
        assert module.network.masks.training is mode and module.network.masks.layers[0].training is mode
        assert not module.network.training and not any(stage.training for stage in module.network.stages)
    assert make_module().network.stages.training


@pytest.mark.parametrize(
    ("masks", "only", "said"), [(True, "heat", "only=heat: must be one of masks"), (False, "masks", "has none")]
)
def test_there_is_nothing_else_to_train_alone(masks, only, said):
    with pytest.raises(ValueError, match=said):
        make_module(masks=masks, only=only)


def test_masks_are_added_to_a_network_that_has_none(tmp_path):
    path = tmp_path / "parts.safetensors"
    source, target = make_module(masks=False, seed=1), make_module(only="masks")
    save_network(path, source.network, kind="parts")
    before = state(target)
    with pytest.raises(UserError, match=r"network: .* so new: masks\. init_strict=false takes over what fits"):
        start_from(target, path, strict=True)
    assert not moved(target, before)
    (transfer,) = start_from(target, path, strict=False)
    assert all(name.startswith("masks.") for name in transfer.new) and not transfer.unused
    assert all(torch.equal(value, target.network.state_dict()[name]) for name, value in state(source).items())


def test_training_goes_on_from_a_file_or_a_checkpoint(tmp_path):
    source = make_module(seed=1)
    save_network(tmp_path / "parts.safetensors", source.network, kind="parts")
    torch.save({"state_dict": source.state_dict()}, tmp_path / "last.ckpt")
    for name in ("parts.safetensors", "last.ckpt"):
        target = make_module()
        (transfer,) = start_from(target, tmp_path / name, strict=True)
        assert transfer.fits
        assert not moved(target, state(source))


def test_a_generator_is_no_start():
    with pytest.raises(UserError, match="holds generator, expected parts"):
        start_from(make_module(), resolve("face"), strict=False)
