"""
Trains the operator `conv` and packages it.

The network learns to reconstruct the pixels of a patch from its vector and its neighbours' vectors. No labels are used.

Usage: OMP_NUM_THREADS=1 python operators/conv/train/train.py --iterations 3600
A run that was interrupted goes on from its checkpoint; --package only packages the checkpoint.
"""
import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]
from export import export_and_package  # noqa: E402
from model import BANDS, HALO, PATCH, STATISTICS, Decoder, Encoder, Normalise, context_statistics  # noqa: E402
from training import tiles  # noqa: E402
from training.normalise import CLIP, FULL_SCALE, fit_normalisation  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
EDGE = 16  # patches per side of a crop's inner part
BATCH = 4


def fixed_statistics(z_tiles: list[torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of the first 16 dimensions: principal components of the standardised statistics of patch and context."""
    values = torch.cat([context_statistics(z[None])[0].flatten(1) for z in z_tiles], dim=1).numpy().astype(np.float64)
    mean, std = values.mean(axis=1), values.std(axis=1)
    _, vectors = np.linalg.eigh(np.cov((values - mean[:, None]) / std[:, None]))
    axes = vectors[:, ::-1][:, :STATISTICS].T
    axes *= np.sign(axes[np.arange(STATISTICS), np.abs(axes).argmax(axis=1)])[:, None]
    weight = axes / std
    return weight, -weight @ mean


def random_crop(z_tiles: list[torch.Tensor], rng: np.random.Generator) -> torch.Tensor:
    z = z_tiles[rng.integers(len(z_tiles))]
    size = EDGE * PATCH + 2 * HALO
    row, column = rng.integers(0, z.shape[1] - size + 1), rng.integers(0, z.shape[2] - size + 1)
    crop = torch.rot90(z[:, row : row + size, column : column + size], int(rng.integers(4)), (1, 2))
    return crop.flip(2) if rng.integers(2) else crop


def losses(encoder: Encoder, decoder: Decoder, z: torch.Tensor) -> dict[str, torch.Tensor]:
    embedding = encoder.encode(z)
    learned = embedding[:, STATISTICS:]
    # Noise and a small price on size together keep the numbers of use after rounding to int8.
    decoded = decoder(embedding + 0.02 * torch.randn_like(embedding))
    return {
        "pixels": F.mse_loss(decoded, z[:, :, HALO:-HALO, HALO:-HALO]),
        "size": 2e-4 * (learned * learned).mean(),
    }


def learning_rate(step: int, steps: int, peak: float = 2e-3) -> float:
    warm = min(1.0, (step + 1) / 100)
    return peak * warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / steps)))


def build() -> tuple[Encoder, Decoder, list[torch.Tensor]]:
    training = list(tiles.training_tiles().values())
    n = fit_normalisation(training)
    normalise = Normalise(n.mean, n.std, CLIP, FULL_SCALE)
    z_tiles = [normalise(torch.from_numpy(t)) for t in training]
    return Encoder(normalise, *fixed_statistics(z_tiles)), Decoder(), z_tiles


def train(encoder: Encoder, decoder: Decoder, z_tiles: list[torch.Tensor], steps: int, checkpoint: Path) -> int:
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.AdamW(parameters, weight_decay=1e-4)
    start = resume(encoder, decoder, optimiser, checkpoint)
    began, smooth = time.time(), None
    for step in range(start, steps):
        rng = np.random.default_rng(step)
        torch.manual_seed(step)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps)
        z = torch.stack([random_crop(z_tiles, rng) for _ in range(BATCH)])
        parts = losses(encoder, decoder, z)
        optimiser.zero_grad()
        sum(parts.values()).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        smooth = parts["pixels"].item() if smooth is None else 0.95 * smooth + 0.05 * parts["pixels"].item()
        if (step + 1) % 100 == 0:
            save(encoder, decoder, optimiser, step + 1, checkpoint)
            print(f"{step + 1}/{steps} pixels {smooth:.5f} size {parts['size'].item():.5f} | {time.time() - began:.0f} s", flush=True)
    return steps


def save(encoder: Encoder, decoder: Decoder, optimiser, step: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"step": step, "encoder": encoder.state_dict(), "decoder": decoder.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def resume(encoder: Encoder, decoder: Decoder, optimiser, path: Path) -> int:
    if not path.exists():
        return 0
    state = torch.load(path)
    encoder.load_state_dict(state["encoder"])
    decoder.load_state_dict(state["decoder"])
    if optimiser is not None:
        optimiser.load_state_dict(state["optimiser"])
    return state["step"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--iterations", type=int, default=3600)
    arguments.add_argument("--checkpoint", type=Path, default=ROOT / ".cache" / "conv.pt")
    arguments.add_argument("--package", action="store_true", help="package the checkpoint without training")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    encoder, decoder, z_tiles = build()
    if given.package:
        steps = resume(encoder, decoder, None, given.checkpoint)
    else:
        steps = train(encoder, decoder, z_tiles, given.iterations, given.checkpoint)
    export_and_package(encoder.eval(), decoder.eval(), z_tiles, steps)


if __name__ == "__main__":
    main()
