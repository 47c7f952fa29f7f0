"""A generator of the user's own that is trained for two steps, and then drawn with by its file."""

NET = """
    from insetgan.networks import Generator


    class Tinted(Generator):
        \"\"\"StyleGAN2 whose images are brighter by a tint.\"\"\"

        def __init__(self, tint=0.5, **shape):
            super().__init__(**shape)
            self.tint = tint

        @property
        def architecture(self):
            return {**super().architecture, "tint": self.tint}

        def draw(self, ws):
            return super().draw(ws) + self.tint
"""


def test_a_network_of_the_users_own_is_trained_and_its_file_opens_only_where_it_is_admitted(write, command, tmp_path):
    write("my_net.py", NET)
    size = [
        "recipe.z_dim=8",
        "recipe.w_dim=8",
        "recipe.channel_base=128",
        "recipe.channel_max=8",
        "batch_size=4",
        "grid=2",
    ]
    run = [
        "features=none",
        "data.height=32",
        "data.width=16",
        "data.check=false",
        "trainer.max_kimg=0.008",
        "out=trained",
    ]
    own = ["plugins=[my_net]", "model.module.generator._target_=my_net.Tinted", "+model.module.generator.tint=0.25"]
    result = command("train", "+model=body", *size, *run, *own)
    assert result.returncode == 0, result.stderr
    with (tmp_path / "my_net.py").open("a") as file:
        file.write("# changed\n")
    again = command("train", "+model=body", *size, *run, *own, "trainer.max_kimg=0.012")
    assert again.returncode == 0, again.stderr
    assert "plugins=my_net: its code has changed since this run began" in again.stdout
    (weights,) = (tmp_path / "trained").glob("network-*.safetensors")
    for plugins, says in ((["plugins=[my_net]"], None), ([], "class=my_net.Tinted")):
        drawn = command(
            "refine", *plugins, f"canvas.weights={weights}", "detector=fixed", "++detector.boxes={face: [2,2,10,10]}",
            "seeds=0", "steps=2", "schedule.block=1", "out=refined",
        )  # fmt: skip
        if says is None:
            assert drawn.returncode == 0, drawn.stderr
        else:
            assert drawn.returncode == 2
            assert says in drawn.stderr
