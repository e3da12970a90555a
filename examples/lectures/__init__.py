"""The systems that the lectures describe, one short program for each: `python -m examples.lectures --list`.

Each file is a program. Its docstring gives the idea and its source. `run(quick, seed, out)` runs the
program and prints the results in a few lines. It saves a picture in the folder `out`, and returns what it
measured.
"""
