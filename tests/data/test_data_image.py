import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from insetgan.data.image import examine, read_facts, read_pixels
from insetgan.data.reading import Reading

FORMATS = ("PNG", "JPEG", "WEBP")


def _exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_stand_upright_as_exif_says(encoded, image_format, orientation):
    data = encoded(image_format, height=12, width=20, exif=_exif(orientation))
    with Image.open(io.BytesIO(data)) as image:
        expected = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    pixels, shape = read_pixels(data)
    assert np.array_equal(pixels, expected)
    assert expected.shape[:2] == shape == read_facts(io.BytesIO(data)).shape == examine(data).shape
    assert shape == ((20, 12) if orientation > 4 else (12, 20))
    window, same = read_pixels(data, window=(2, 1, 9, 11))
    assert np.array_equal(window, expected[1:11, 2:9]) and same == shape


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=40), image_format=st.sampled_from(FORMATS))
def test_junk_for_exif_does_no_harm(junk, image_format):
    stream = io.BytesIO()
    Image.new("RGB", (6, 4)).save(stream, image_format, exif=b"Exif\0\0" + junk)
    shape = read_facts(io.BytesIO(stream.getvalue())).shape
    assert read_pixels(stream.getvalue())[0].shape[:2] == shape and shape in ((4, 6), (6, 4))


def _png16(colour, channels):
    """A PNG of 2 x 3 pixels with 16 bits a channel, all of them 0x1234."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\0" + b"\x12\x34" * channels * 3) * 2
    header = struct.pack(">IIBBBBB", 3, 2, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_png_with_16_bits_a_channel():
    data = _png16(2, 3)
    assert examine(data) == ((2, 3), {"deep"})
    assert (read_pixels(data)[0] == 0x12).all()
    behind = round(0x12 * 0x12 / 255)  # colour 0x12 over black, alpha 0x12
    assert examine(_png16(6, 4)) == ((2, 3), {"deep", "alpha"})
    assert (read_pixels(_png16(6, 4), Reading(background="black"))[0] == behind).all()
    for colour, channels in ((0, 1), (4, 2)):
        with pytest.raises(ValueError, match="greyscale"):
            examine(_png16(colour, channels))
    with pytest.raises(ValueError, match="greyscale"):
        read_pixels(_png16(0, 1))
    assert (read_pixels(_png16(0, 1), Reading(grey="rgb"))[0] == 0x12).all()


@pytest.mark.parametrize(
    ("mode", "image_format"), [("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("I;16", "PNG"), ("L", "JPEG")]
)
def test_greyscale_is_told_from_colour(encoded, mode, image_format):
    with pytest.raises(ValueError, match=r"^greyscale$"):
        examine(encoded(image_format, mode=mode))


@pytest.mark.parametrize(
    ("mode", "image_format"),
    [("RGBA", "PNG"), ("P", "PNG"), ("CMYK", "JPEG"), ("RGBA", "WEBP"), *(("RGB", name) for name in FORMATS)],
)
def test_what_converts_to_colour_is_sound(encoded, mode, image_format):
    data = encoded(image_format, mode=mode)
    assert examine(data).shape == (16, 8)
    assert read_pixels(data)[0].shape == (16, 8, 3)


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("missing", [1, 3, 12, 20, 100, 0.5, 0.9])
def test_a_missing_end_is_noticed(encoded, image_format, missing):
    data = encoded(image_format, height=40, width=40)
    left = len(data) - missing if isinstance(missing, int) else int(len(data) * missing)
    assert examine(data).shape == (40, 40)
    with pytest.raises(Exception, match=r"."):
        examine(data[:left])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_flipped_bit_of_a_png_is_noticed_where_it_changes_pixels(data):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    content = bytearray(stream.getvalue())
    place = data.draw(st.integers(content.index(b"IDAT") + 4, content.index(b"IEND") - 5))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        examine(bytes(content))
    except Exception:
        return
    assert np.array_equal(read_pixels(bytes(content))[0], pixels)


def test_the_first_image_of_an_animation_counts():
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert examine(stream.getvalue()).shape == (6, 8)
    assert np.array_equal(read_pixels(stream.getvalue())[0], np.array(frames[0]))


def _smooth(height, width):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 / height, columns * 255 / width, (rows + columns) % 97 * 2], axis=2).astype(np.uint8)


@pytest.mark.parametrize(("orientation", "least"), [(1, (32, 48)), (6, (48, 32))])
def test_a_jpeg_is_decoded_at_a_fraction_of_its_size_where_that_is_enough(encoded, orientation, least):
    data = encoded("JPEG", pixels=_smooth(64, 96), quality=95, exif=_exif(orientation))
    whole, shape = read_pixels(data)
    half, same = read_pixels(data, least=least)
    assert shape == same == whole.shape[:2] and half.shape[:2] == least
    means = whole.reshape(least[0], 2, least[1], 2, 3).mean(axis=(1, 3))
    assert np.abs(half - means).mean() < 2
    assert read_pixels(data, least=(least[0] + 1, least[1]))[0].shape == whole.shape
    assert np.array_equal(
        read_pixels(encoded(height=64, width=96), least=(8, 8))[0], read_pixels(encoded(height=64, width=96))[0]
    )
