"""The parts of a person, as the rendered people and the embedded PartsNet know them."""

PART_NAMES = ("face", "hand_left", "hand_right", "feet")
"""Names in the order used everywhere; left and right are the person's own."""
