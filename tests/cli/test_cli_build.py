"""What the settings may build, and how it is said that they may not."""

import pytest
from omegaconf import OmegaConf
from torch import nn

from insetgan.cli.build import instantiate
from insetgan.data.source import Source
from insetgan.detection.detector import Detector, FixedBoxes
from insetgan.refine.terms.term import Term
from insetgan.runtime.errors import UserError
from insetgan.runtime.lightning import pl

FIXED = "insetgan.detection.detector.FixedBoxes"
PARTS_NET = "insetgan.detection.parts_net.PartsNet"


def test_builds_nested_objects_of_plain_values():
    node = OmegaConf.create(
        {
            "_target_": "insetgan.detection.parts_detector.PartsDetector",
            "network": {"_target_": PARTS_NET, "num_parts": "${oc.decode:'2'}"},
        }
    )
    assert instantiate(node, Detector).network.num_parts == 2
    fixed = instantiate(OmegaConf.create({"_target_": FIXED, "boxes": {"face": [1, 2, 3, 4]}}), Detector)
    assert type(fixed) is FixedBoxes
    assert fixed.boxes == {"face": (1.0, 2.0, 3.0, 4.0)}


@pytest.mark.parametrize("target", ["os.system", "insetganx.evil", "builtins.eval", "subprocess.Popen"])
def test_foreign_targets_are_refused_however_deep(target):
    with pytest.raises(UserError, match="may be built"):
        instantiate({"_target_": target}, nn.Module)
    with pytest.raises(UserError, match=r"boxes.a\[0\]\.b\._target_=.*may be built"):
        instantiate({"_target_": FIXED, "boxes": {"a": [{"b": {"_target_": target}}]}}, Detector)


@pytest.mark.parametrize(
    ("node", "kind", "says"),
    [
        ({"_target_": "insetgan.training.checkpoint.torch.load"}, object, "no module insetgan.training.checkpoint.torch"),
        ({"_target_": "insetgan.training.checkpoint.torch"}, object, "defines no class torch"),
        ({"_target_": "insetgan.training.checkpoint.UserError"}, Detector, "must be a Detector"),
        ({"_target_": "insetgan.weights.store.save_network"}, object, "defines no class save_network"),
        ({"_target_": "insetgan.metrics.registry.ref"}, object, "may not be built, since weakref defines it"),
        ({"_target_": "insetgan.data.archive.Path"}, object, "may not be built, since pathlib defines it"),
        ({"_target_": "insetgan.data.writer.ArchiveWriter"}, Detector, "must be a Detector"),
        ({"_target_": "torch.load"}, object, "defines no class load"),
        ({"_target_": "torch.nn.Linear"}, object, "only kinds of torch.optim.Optimizer"),
        ({"_target_": "pytorch_lightning.Trainer"}, object, "only kinds of pytorch_lightning.loggers.Logger"),
        ({"_target_": "pytorch_lightning.cli.LightningCLI"}, object, "only kinds of pytorch_lightning.loggers.Logger"),
        ({"_target_": FIXED, "_partial_": True}, Detector, "_partial_: is not understood"),
        ({"_target_": FIXED, "_args_": [{}]}, Detector, "_args_: is not understood"),
        ({"_target_": FIXED, "_recursive_": False}, Detector, "_recursive_: is not understood"),
        ({"_target_": FIXED, "_convert_": "none"}, Detector, "_convert_: is not understood"),
        ({"_target_": FIXED, "boxes": {"_args_": [1]}}, Detector, "_args_: is not understood"),
        ({"_target_": [FIXED]}, Detector, "must be the dotted name"),
        ({"_target_": {"_target_": FIXED}}, Detector, "must be the dotted name"),
        ({"_target_": 3}, Detector, "must be the dotted name"),
        ({"_target_": None}, Detector, "must be the dotted name"),
        ({"_target_": "FixedBoxes"}, Detector, "must be the dotted name"),
        ({"_target_": "insetgan.detection.detector.FixedBoxes.__class__"}, Detector, "must be the dotted name"),
        ({"_target_": "insetgan.detection.detector.FixedBoxes.detect"}, Detector, "no module"),
        ({"_target_": f" {FIXED}"}, Detector, "must be the dotted name"),
        ({"boxes": {}}, Detector, "must be a Detector"),
        ([{"_target_": FIXED}], Detector, "must be a Detector"),
        (FIXED, Detector, "must be a Detector"),
        (None, Detector, "must be a Detector"),
        ({"_target_": "insetgan.weights.store.load_network", "name_or_path": "parts"}, Detector, "gives a PartsNet"),
        ({"_target_": FIXED, "boxes": {"_target_": FIXED, "boxes": {}}}, Detector, "must be a network, data set"),
        ({"_target_": FIXED, "boxes": {"_target_": "insetgan.data.writer.ArchiveWriter"}}, Detector, "must be a network"),
        ({"_target_": FIXED, "boxes": object()}, Detector, "must be text, a number"),
    ],
)  # fmt: skip
def test_what_is_no_object_of_the_wanted_kind_is_refused(node, kind, says):
    with pytest.raises(UserError) as refused:
        instantiate(node, kind)
    assert says in str(refused.value)


def test_a_resolver_smuggles_nothing_in():
    text = "${oc.decode:'{_target_: os.getcwd}'}"
    for node in ({"_target_": FIXED, "boxes": text}, {"_target_": "${oc.decode:os.getcwd}"}):
        with pytest.raises(UserError, match="may be built"):
            instantiate(OmegaConf.create(node), Detector)


def test_the_same_class_is_one_kind_and_not_another():
    node = {"_target_": "insetgan.refine.terms.coarse.CoarseL1", "weight": 1.0}
    assert instantiate(node, Term).weight == 1.0
    for kind in (Detector, Source, nn.Module, pl.LightningModule):
        with pytest.raises(UserError, match=f"must be a {kind.__name__}"):
            instantiate(node, kind)


def test_an_argument_that_the_command_decides_is_not_set():
    assert instantiate({"_target_": FIXED}, Detector, boxes={"face": [0, 0, 2, 2]}).names == ("face",)
    with pytest.raises(UserError, match=r"boxes=\{\}: is not set here"):
        instantiate({"_target_": FIXED, "boxes": {}}, Detector, boxes={})


def test_wrong_argument_is_the_users_mistake():
    with pytest.raises(UserError, match="numparts"):
        instantiate({"_target_": PARTS_NET, "numparts": 2}, nn.Module)


def test_user_errors_pass_through_unchanged():
    with pytest.raises(UserError, match=r"weights=nowhere\.safetensors"):
        instantiate(
            {"_target_": "insetgan.weights.store.load_network", "name_or_path": "nowhere.safetensors"}, nn.Module
        )


def test_a_network_for_which_there_is_no_memory_is_one_line(monkeypatch):
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 40000000000 bytes")

    monkeypatch.setattr("insetgan.detection.parts_net.PartsNet.__init__", full)
    with pytest.raises(UserError, match="takes more memory than there is"):
        instantiate({"_target_": PARTS_NET}, nn.Module)
