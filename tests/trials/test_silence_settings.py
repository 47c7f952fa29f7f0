"""Settings that would have no effect are refused, and what is no address is said to be none."""

import pytest


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["frames=5"], "frames=5: belongs to walk=; leave it away"),
        (["space=w", "mix=[0-1,2-3]"], "space=w: belongs to walk=; leave it away"),
        (["seeds=7-9", "mix=[0-1,2-3]"], "seeds=7-9: mix= and walk= name their own seeds; leave it away"),
        (["seeds=7-9", "walk=[1,2]"], "seeds=7-9: mix= and walk= name their own seeds; leave it away"),
    ],
)
def test_settings_of_generate_that_would_have_no_effect(refused, overrides, said):
    refused(said, "generate", "weights=face", *overrides)


def test_an_address_that_is_none(refused):
    refused("weights=http://[::1/x.pkl: is no address of a file", "generate", "weights=http://[::1/x.pkl")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["out=a.pt", "image=a.png"], "image=a.png: belongs to info=true; leave it away"),
        (["out=a.pt", "trunc=0.3"], "trunc=0.3: belongs to info=true and out=hf:; leave it away"),
        (["out=a.pt", "private=true"], "private=true: belongs to out=hf:; leave it away"),
        (
            ["list=true", "out=a.pt"],
            "list=true: prints the published networks and does nothing else; leave in= and out= away",
        ),
    ],
)
def test_settings_of_convert_that_would_have_no_effect(refused, overrides, said):
    refused(said, "convert", "in=face", *overrides)
