"""Whole programs that nobody wrote, and what must hold of each.

A program is data: inputs, steps on numbered values, outputs. It prints as a script to paste, and runs on
arrays, on Tensors and on PyTorch's tensors alike.

program      the data, and how it runs
table        the ops that a step may be
torch_twins  what the table says of PyTorch
drawing      a random program
references   derivatives that the engine has no part in, and how far rounding may move them
checking     what must hold of a program, in each way of running it
shrinking    a smaller program with the same fault

By hand: `python -m tests.programs --count 10000 --seed 7`.
"""
