"""What errors say: NumPy's message in our words, the line that repairs it, and the name that was meant."""
