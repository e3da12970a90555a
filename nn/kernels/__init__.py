"""Hot code, arrays in and arrays out, which knows nothing of Tensors."""
