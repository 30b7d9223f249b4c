"""Digital numbers to network values and back: square root of reflectance, then a z-score per band.

The square root evens out the variance between dark water and bright snow. Both steps are part of the ONNX graphs.
"""
from dataclasses import dataclass

import numpy as np

#: Digital numbers outside are clipped; 20000 is above the brightest snow of the training tiles (17776).
CLIP = (0.0, 20000.0)
FULL_SCALE = 10000.0


@dataclass(frozen=True)
class Normalisation:
    mean: np.ndarray  # [band], of sqrt(reflectance)
    std: np.ndarray  # [band]

    def forward(self, dn: np.ndarray) -> np.ndarray:
        root = np.sqrt(np.clip(dn, *CLIP) / FULL_SCALE)
        return (root - self.mean[:, None, None]) / self.std[:, None, None]

    def inverse(self, z: np.ndarray) -> np.ndarray:
        root = np.maximum(z * self.std[:, None, None] + self.mean[:, None, None], 0)
        return root * root * FULL_SCALE


def fit_normalisation(tiles: list[np.ndarray]) -> Normalisation:
    roots = np.concatenate([np.sqrt(np.clip(t, *CLIP) / FULL_SCALE).reshape(len(t), -1) for t in tiles], axis=1)
    return Normalisation(roots.mean(axis=1, dtype=np.float64), roots.std(axis=1, dtype=np.float64))
