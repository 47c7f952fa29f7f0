"""Read published weights without running anything of them, and write them in another form.

python convert.py in=stylegan2-ffhq-256x256.pkl out=ffhq.safetensors
python convert.py in=stylegan_human_v2_1024.pkl info=true
python convert.py in=network-best.safetensors out=mine.pt
python convert.py in=body out=body.onnx
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("convert")
