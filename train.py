"""Train a generator.

python train.py +model=body
python train.py +model=face data.path=my.zip lr=0.001 trainer.max_kimg=200
python train.py +model=body data.height=64 data.width=32 out=outputs/train/body64
python train.py +model=body data.height=128 data.width=64 init=outputs/train/body64/last.ckpt out=outputs/train/body128
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("train")
