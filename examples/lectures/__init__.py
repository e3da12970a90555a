"""The systems that the lectures describe, one short program for each: `python -m examples.lectures --list`.

Each file is a program. Its docstring tells the idea and where it is from; `run(quick, seed, out)` does
the job, prints what came out in a few lines, saves a picture in the folder `out`, and returns what it
measured.
"""
