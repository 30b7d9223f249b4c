"""
The network of the operator `conv`.

Encoder: nine raw bands -> 32 numbers per 8 x 8 patch. The first 16 say what kind of place it is: a linear view of
the mean and standard deviation of the bands in the patch and, averaged, in the 3 x 3 and 7 x 7 patches around it.
The other 16 say how the patch looks in detail: a convolutional network, trained to make reconstruction possible.
No convolution pads and nothing is normalised over space, so a vector depends on its window of 72 x 72 pixels
alone, wherever the block that holds it begins.
"""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

BANDS, PATCH, HALO = 9, 8, 32
STATISTICS, LEARNED = 16, 16
#: Means over windows of so many patches, odd; the largest reaches 3 patches = 24 pixels out, within the halo.
WINDOWS = (1, 3, 7)
DIMENSIONS = STATISTICS + LEARNED


class Block(nn.Module):
    """Depthwise 3 x 3 without padding, then two pointwise convolutions; the input, cropped by one, is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, groups=width)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.reduce = nn.Conv2d(2 * width, width, 1)
        nn.init.zeros_(self.reduce.weight)
        nn.init.zeros_(self.reduce.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, 1:-1, 1:-1] + self.reduce(F.relu(self.expand(self.depthwise(x))))


class Normalise(nn.Module):
    """Digital numbers to z-scored square roots of reflectance (see training/normalise.py)."""

    def __init__(self, mean: np.ndarray, std: np.ndarray, clip: tuple[float, float], full_scale: float) -> None:
        super().__init__()
        self.clip = clip
        gain = 1 / (std * np.sqrt(full_scale))
        self.register_buffer("gain", torch.tensor(gain, dtype=torch.float32)[:, None, None])
        self.register_buffer("shift", torch.tensor(-mean / std, dtype=torch.float32)[:, None, None])

    def forward(self, dn: torch.Tensor) -> torch.Tensor:
        return dn.clamp(*self.clip).sqrt() * self.gain + self.shift


def band_statistics(z: torch.Tensor) -> torch.Tensor:
    """Mean and standard deviation of each band over each patch, [N, 2 * bands, rows, columns]."""
    n, bands, height, width = z.shape
    patches = z.reshape(n, bands, height // PATCH, PATCH, width // PATCH, PATCH)
    mean = patches.mean(dim=(3, 5), keepdim=True)
    deviation = patches - mean
    spread = ((deviation * deviation).mean(dim=(3, 5)) + 1e-4).sqrt()
    return torch.cat([mean[:, :, :, 0, :, 0], spread], dim=1)


def context_statistics(z: torch.Tensor) -> torch.Tensor:
    """Band statistics of the patches inside the halo, averaged over each of WINDOWS, [N, 6 * bands, rows, columns]."""
    reach = WINDOWS[-1] // 2
    edge = HALO - reach * PATCH
    statistics = band_statistics(z[:, :, edge:-edge, edge:-edge])
    height, width = statistics.shape[2:]

    def average(window: int) -> torch.Tensor:
        cut = reach - window // 2
        return F.avg_pool2d(statistics[:, :, cut : height - cut, cut : width - cut], window, stride=1)

    return torch.cat([average(window) for window in WINDOWS], dim=1)


class Encoder(nn.Module):
    """`statistics_weight` [16, 54] and `statistics_bias` [16] are fixed before training (see train.py)."""

    def __init__(self, normalise: Normalise, statistics_weight: np.ndarray, statistics_bias: np.ndarray) -> None:
        super().__init__()
        self.normalise = normalise
        self.register_buffer("statistics_weight", torch.tensor(statistics_weight, dtype=torch.float32)[:, :, None, None])
        self.register_buffer("statistics_bias", torch.tensor(statistics_bias, dtype=torch.float32))
        self.net = nn.Sequential(
            nn.Conv2d(BANDS, 64, 4, stride=4), Block(64), Block(64),
            nn.Conv2d(64, 128, 2, stride=2), Block(128), Block(128), Block(128),
        )
        self.head = nn.Conv2d(128, LEARNED, 1)
        # The identity while training; export.py sets it so that no learned number repeats the statistics or another.
        self.register_buffer("mix_weight", torch.eye(DIMENSIONS)[:, :, None, None])
        self.register_buffer("mix_bias", torch.zeros(DIMENSIONS))

    def forward(self, dn: torch.Tensor) -> torch.Tensor:
        return self.encode(self.normalise(dn))

    def encode(self, z: torch.Tensor) -> torch.Tensor:
        """The same from normalised pixels."""
        statistics = F.conv2d(context_statistics(z), self.statistics_weight, self.statistics_bias)
        return F.conv2d(torch.cat([statistics, self.head(self.net(z))], dim=1), self.mix_weight, self.mix_bias)


class ContextBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.mix = nn.Sequential(nn.Conv2d(width, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.mix(self.depthwise(x))


class Decoder(nn.Module):
    """32 numbers per patch -> normalised pixels. Used for training and for the report; it is not part of the operator."""

    def __init__(self, width: int = 192) -> None:
        super().__init__()
        pixels = BANDS * PATCH * PATCH
        self.net = nn.Sequential(
            nn.Conv2d(DIMENSIONS, width, 1), ContextBlock(width), ContextBlock(width), nn.GELU(), nn.Conv2d(width, pixels, 1)
        )
        self.linear = nn.Conv2d(DIMENSIONS, pixels, 1)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        return F.pixel_shuffle(self.net(embedding) + self.linear(embedding), PATCH)
