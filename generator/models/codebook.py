"""The codebook: rows (K, C) that every cell of a latent is one of."""

from torch import Tensor


def nearest_codes(latent: Tensor, codebook: Tensor) -> Tensor:
    """Index of the nearest codebook row of every cell; of equally near ones the lowest.

    latent: (B, C, h, w)   codebook: (K, C)   returns: (B, h, w) int64
    """
    cells = latent.movedim(1, -1).reshape(-1, latent.shape[1])  # (B * h * w, C)
    squared = cells.square().sum(dim=1, keepdim=True) + codebook.square().sum(dim=1) - 2 * cells @ codebook.T
    return squared.argmin(dim=1).view(latent.shape[0], *latent.shape[2:])


def rows_of(codes: Tensor, codebook: Tensor) -> Tensor:
    """Codes (B, h, w) as the latent (B, C, h, w) of their codebook rows."""
    return codebook[codes].movedim(-1, 1).contiguous()


def codebook_range(codebook: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest value of each channel over the codebook, each (1, C, 1, 1)."""
    return codebook.amin(dim=0).view(1, -1, 1, 1), codebook.amax(dim=0).view(1, -1, 1, 1)


def codebook_deviation(codebook: Tensor) -> Tensor:
    """Standard deviation of each channel over the codebook, (1, C, 1, 1); a constant channel counts as 1e-6."""
    return codebook.std(dim=0, correction=0).clamp(min=1e-6).view(1, -1, 1, 1)
