"""Compose images from several generators.

python refine.py trunc=0.7
python refine.py 'seeds=[3,8,20-23]' steps=200 objective.border_l1.weight=50
python refine.py mode=body_for_part starts=4 keep=2 seeds=3
python refine.py -m trunc=0.5,0.7 objective.border_l1.weight=15,150
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("refine")
