"""Which frozen networks critics look through."""

from torch import nn


def looked_through(critic: nn.Module) -> list[str]:
    """Names of the frozen networks in a critic, as feature extractors are called: "parts", "mobilenet"; in order, once each.

    A distance on features of such a network flatters the generator that was trained against the critic. A network says
    its name by an attribute `known_as`; one without it is called by its class.
    """
    held = [getattr(module, "features", None) for module in critic.modules()]
    frozen = [each for each in held if isinstance(each, nn.Module)]
    named = [getattr(module, "known_as", "") for module in critic.modules()]
    names = {str(name) for name in named if name}
    unknown = {type(each).__name__ for each in frozen if not any(getattr(m, "known_as", "") for m in each.modules())}
    return sorted(names | unknown)
