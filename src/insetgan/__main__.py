"""`python -m insetgan COMMAND`, the same as `insetgan COMMAND`."""

from insetgan.cli.command import main

if __name__ == "__main__":
    main()
