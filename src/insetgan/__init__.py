"""InsetGAN: compose pictures from several generators."""

__version__ = "0.1.0"
