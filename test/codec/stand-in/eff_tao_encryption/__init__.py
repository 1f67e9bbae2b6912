"""A stand-in for NVIDIA's package nvidia-eff-tao-encryption, with the same public functions and another cipher."""
