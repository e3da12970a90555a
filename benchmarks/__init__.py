"""Speed beside the peers: `python -m benchmarks` runs each workload on every library that is installed.

All libraries run the same work in turns, each in a process of its own, and must agree on the numbers. Each
claim about speed is a row of this table.
"""

import os

THREADS = 2

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, str(THREADS))  # read once, when NumPy is first imported
