"""Find the latents of images.

python invert.py image=me.png
python invert.py image=faces/ align=part detector=parts_net weights=face
python invert.py image=me.png start=mean steps=500 space=w+f
python invert.py image=me.png tuning.steps=200
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("invert")
