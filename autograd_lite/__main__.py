"""`python -m autograd_lite config` prints what runs here."""

import argparse

from .config import show_config

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m autograd_lite", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser("config", help="print versions, BLAS, threads and native kernels")
    parser.parse_args()
    show_config()
