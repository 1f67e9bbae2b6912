"""A stand-in for NVIDIA's package nvidia-eff-tao-encryption: the same public functions, another cipher."""
