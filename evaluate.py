"""Compare methods by the distance of their images to real ones: tables of FID and its kin, on bodies and on crops.

python evaluate.py +experiments=table1
python evaluate.py 'method=[unconditional,paste,joint]' 'trunc=[0.7,0.4]' num=64
python evaluate.py 'method=[unconditional]' 'trunc=[1,0.7,0.4]' 'metrics=[fid,kid,pr,ids]' num=1000 name=generator
python evaluate.py 'method=[folder]' method.folder.path=images.zip data.path=photographs.zip features=inception
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("evaluate")
