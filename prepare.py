"""Make a dataset.

python prepare.py +source=people data.num_images=1000 data.height=256
python prepare.py +source=people data.num_images=100000 data.height=512 data.width=256 out=people512.zip
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("prepare")
