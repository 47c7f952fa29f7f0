"""Bounds of what files may hold. A file beyond a bound is refused in one line before memory is taken for it.

Each bound is far above what real sets and networks need, and far below what stops a computer. They are plain constants:
a user with a larger set can change them from Python before opening it, as in ``limits.IMAGE_PIXELS = 1 << 29``.
"""

FORMATS = ("PNG", "JPEG", "WEBP")
"""What images are read as, by Pillow's names. Pillow goes by the content of a file, whatever its ending: without such a
list it would hand PostScript to Ghostscript, which is a program that runs programs."""

IMAGE_BYTES = 1 << 29
"""Of one image file."""
IMAGE_PIXELS = 1 << 27
"""Of one image, such as 11 585 x 11 585; decoded they take 400 MB."""

ZIP_MEMBERS = 12_000_000
"""Of an archive; prepare.py makes at most 10 million images."""
ZIP_RATIO = 200
"""How many times larger a member may become than it is in the zip. Text and drawings reach 50, deflate's most is 1032."""
ZIP_RATIO_FROM = 1 << 24
"""Bytes of a member below which the ratio does not matter."""
NAME_LENGTH = 1024
"""Letters of a member's name with its folders."""
FOLDER_FILES = 12_000_000
"""Below a folder of images."""
FOLDER_DEPTH = 64
"""Folders within folders."""

JSON_BYTES = 1 << 29
"""Of dataset.json, annotations.json, parts.json, results.json."""
RECORD_BYTES = 1 << 26
"""Of the record beside a result, and of what is remembered of an archive."""
METRICS_BYTES = 1 << 28
"""Of metrics.csv when a run goes on."""
JSON_VALUES = 1 << 25
"""Values in one JSON text; each takes 30 to 80 bytes once read."""
JSON_DEPTH = 64
"""Lists within lists."""
LABEL_VALUES = 1 << 16
"""Length of a label, or number of classes."""
LABELS_VALUES = 1 << 28
"""Labels of all images together, as float32 1 GiB."""

WEIGHTS_BYTES = 1 << 33
"""Of a file of published weights, fetched or read; StyleGAN2 at 1024 x 1024 with all its networks takes 360 MB."""
WEIGHTS_HEADER = 1 << 24
"""Bytes of the header of a safetensors file."""
PICKLE_BYTES = 1 << 26
"""Of the description beside the tensors in a checkpoint."""
PICKLE_STEPS = 1 << 19
"""Opcodes of all pickles in one file of published weights; two generators and a discriminator of 32 x 32 take 30 000, and
of 1024 x 1024 some 70 000."""
PICKLE_LINE = 1 << 16
"""Bytes of a line of text in a pickle."""
WHEEL_MEMBER = 1 << 28
"""Of weights within a Python package."""
ASSET_BYTES = 1 << 28
"""Of one file, unpacked, from which people are rendered."""
ARRAY_VALUES = 1 << 31
"""Values of one array in an .npz file."""
SCRIPT_BYTES = 1 << 26
"""Source text of one TorchScript file."""

ARCHITECTURE: dict[str, int] = {
    "mapping_layers": 64,
    "img_channels": 64,
    "c_dim": LABEL_VALUES,
    "channel_base": 1 << 22,
}
"""Largest whole numbers in a file's description of a network, by key."""
ARCHITECTURE_OTHERS = 16_384
"""Largest whole number of any other key: sides, latents, channels."""

CACHE_BYTES = 20 << 30
"""Of the copies of objects from object stores that are kept on this machine; `data.cache_gb` sets it."""
TAR_NAME = 1 << 12
"""Bytes of a long name, and of a table of further names, in a tar."""
SAMPLE_JSON = 1 << 20
"""Bytes of the JSON of one sample in a tar."""
