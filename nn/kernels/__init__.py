"""Fused kernels: arrays in, arrays out, no Tensors."""
