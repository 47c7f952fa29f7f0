"""Images reach the loggers that take them, each in its own words."""

from types import SimpleNamespace

import torch

from insetgan.runtime.loggers import log_image

IMAGE = torch.arange(12, dtype=torch.uint8).view(2, 2, 3)


def test_weights_and_biases_gets_a_list_of_images():
    calls = []
    log_image(SimpleNamespace(log_image=lambda *given, **named: calls.append((given, named))), "a", IMAGE, 3)
    (((name, (image,)), named),) = calls
    assert (name, image.tolist(), named) == ("a", IMAGE.tolist(), {"step": 3})


def test_tensorboard_is_told_where_the_colours_are():
    calls = []
    board = SimpleNamespace(add_image=lambda *given, **named: calls.append((given, named)))
    log_image(SimpleNamespace(experiment=board), "a", IMAGE, 3)
    (((name, image, step), named),) = calls
    assert (name, image.tolist(), step, named) == ("a", IMAGE.tolist(), 3, {"dataformats": "HWC"})


def test_others_get_none():
    log_image(SimpleNamespace(), "a", IMAGE, 3)
