"""What several ranks cost here, and what they would cost elsewhere: `python -m benchmarks distributed`."""
