"""Draw images from one generator.

python generate.py weights=face seeds=0-31 trunc=0.5,0.7,1
python generate.py weights=body 'mix=[0-3,8-11]' layers=4-8
python generate.py weights=face 'walk=[3,8,21]' frames=24
python generate.py weights=animals.safetensors label=2 seeds=0-9999 batch_size=64
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("generate")
