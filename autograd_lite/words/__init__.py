"""The texts of errors: NumPy's message in clear words, the line that repairs the mistake, similar names."""
