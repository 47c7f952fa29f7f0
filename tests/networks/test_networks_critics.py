"""Which frozen networks a discriminator looks through."""

import torch

from insetgan.detection.parts_net import PartsNet
from insetgan.networks.concatenated import ConcatenatedFeatures
from insetgan.networks.critics import looked_through
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.mobilenet import MobileNetV2
from insetgan.networks.projected import ProjectedDiscriminator


class Mine(torch.nn.Module):
    def features(self, images):
        return PartsNet().features(images)


def test_networks_are_named_as_extractors_are_and_others_by_their_class():
    size = {"height": 64, "width": 32}
    assert looked_through(Discriminator(**size, channel_base=128, channel_max=8)) == []
    assert looked_through(ProjectedDiscriminator(features=PartsNet(), **size)) == ["parts"]
    assert looked_through(ProjectedDiscriminator(features=Mine(), **size)) == ["Mine"]
    both = ConcatenatedFeatures(torch.zeros(2, 3, 64, 32), a=PartsNet(), b=MobileNetV2())
    assert looked_through(ProjectedDiscriminator(features=both, **size)) == ["mobilenet", "parts"]
