"""The pages whose packages are not installed are not run."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("scipy") else ["scipy.md"]
