"""Open a page in the browser on which people are composed.

python demo.py
python demo.py port=8000 open=true
python demo.py host=0.0.0.0 password=a-word-of-yours
"""

from insetgan.cli.app import entry

if __name__ == "__main__":
    entry("demo")
