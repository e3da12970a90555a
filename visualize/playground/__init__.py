"""A playground for small networks: `python -m visualize.playground` opens its page.

The engine trains in this process, and the page shows what happens. This is the one room of `visualize` that
imports `nn`; nothing of it is imported before it is run.
"""
