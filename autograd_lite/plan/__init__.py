"""A function as a plan: a straight list of steps on numbered slots.

The data flow, from a function to its replay::

    reach.py     f                -> the places that f reads and writes: Tensors, gradients, arrays, numbers
    entries.py   a place          -> `Entry`, and all that the walk of reach.py has found
    named.py     a function       -> what its code names, and what of that no plan can watch
    traced.py    a value          -> `Traced`: an array on the seam that reports each NumPy call
    outs.py      a call           -> the array that NumPy writes into
    shapes.py    a call           -> whether values decide the shape of the result
    unheard.py   one run of f     -> whether it draws random numbers that no step repeats
    trace.py     one run of f     -> `Trace`: `Step(function, arguments, results)`, in the order of the calls
    sending.py   a backward step  -> the calls of its rules, or one step
    schedule.py  two equal traces -> `Plan`: guards first
    simplify.py  steps            -> fewer steps: ufuncs, constants folded, equal steps once, no dead step
    fuse.py      steps            -> runs of elementwise steps as one step, a group
    groups.py    a group          -> its results: a group is data
    blocks.py    a group          -> its results, which NumPy computes block by block
    executors.py a group          -> who runs it: NumPy, or the native library where it is there
    memory.py    steps            -> who sees the memory of a value
    buffers.py   steps            -> which results share memory that is kept between calls
    scalars.py   steps            -> which single numbers are Python floats
    replay.py    a plan           -> one Python function: a list of calls on local variables

    shown.py     a plan           -> its lines, as they are printed and drawn, with groups and registers
    names.py     what is reached  -> the user's names: `x`, `model.0.weight`
    footprint.py a plan           -> the bytes of its results, before and after planning
    timing.py    a replay         -> the time of each step

    fits.py      a call           -> whether it fits a signature: two generated checks
    undo.py      a replay         -> what it may change, kept before it and put back after an exception
    declared.py  `ag.replayed`    -> a function that is one step
    compile.py   `ag.compile`     -> the signatures of a function, each with its trace, its plan or its reason

A step calls the function that the eager run called, on arrays of the same classes. So a replay has the same
bits. What reads values inside of the library is one step: a kernel, an op of our own, an optimizer's step.
The rules of a backward step are taken apart into their own calls, unless they read values (`sending.py`).
Groups that the native library runs may differ in the last digits, unless `exact=True` was asked for.

A `Place` is what outlives a call: the values and the gradient of a Tensor, an entry of a dict, a closure
cell. A plan loads a place when the run first needs it, and stores what the run has put there.
"""
