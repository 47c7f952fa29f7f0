"""Fill holes in images.

python complete.py
python complete.py hole=face seeds=0-3
python complete.py data.path=my.zip hole=surroundings
python complete.py data.path=photos hole=masks data.masks=masks
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("complete")
