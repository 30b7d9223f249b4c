"""Makes model.onnx of a trained encoder, checks it against torch, and packages it."""
from pathlib import Path

import numpy as np
import torch

from model import BANDS, DIMENSIONS, HALO, LEARNED, PATCH, STATISTICS, Decoder, Encoder
from training import evaluate, tiles
from training.normalise import fit_normalisation
from training.package import package

FOLDER = Path(__file__).resolve().parents[1]
#: Detail must not drown the kind of place when distances between embeddings are measured.
LEARNED_SHARE = 0.05


@torch.no_grad()
def balance(encoder: Encoder, z_tiles: list[torch.Tensor]) -> torch.Tensor:
    """
    Sets the encoder's last linear step so that the learned numbers are uncorrelated with the statistics and with
    each other, come in order of importance, and have one variance, all together LEARNED_SHARE of that of the statistics.
    Nothing is lost: the step can be undone. Gives the inverse [32, 33] (matrix and offset), for decoding.
    """
    embedded = torch.cat([encoder.encode(z[None])[0].reshape(DIMENSIONS, -1) for z in z_tiles], dim=1).double()
    mean = embedded.mean(dim=1, keepdim=True)
    covariance = torch.cov(embedded)
    own, shared = covariance[:STATISTICS, :STATISTICS], covariance[STATISTICS:, :STATISTICS]
    explained = shared @ torch.linalg.inv(own)
    variances, axes = torch.linalg.eigh(covariance[STATISTICS:, STATISTICS:] - explained @ shared.T)
    variances, axes = variances.flip(0), axes.flip(1).T
    axes *= torch.sign(axes[torch.arange(LEARNED), axes.abs().argmax(dim=1)])[:, None]
    print("standard deviations of the learned numbers:", np.round(variances.sqrt().numpy(), 4).tolist())
    turn = torch.sqrt(own.trace() * LEARNED_SHARE / LEARNED / variances)[:, None] * axes
    mix = torch.eye(DIMENSIONS, dtype=torch.float64)
    mix[STATISTICS:, :STATISTICS], mix[STATISTICS:, STATISTICS:] = -turn @ explained, turn
    bias = mix @ -mean
    bias[:STATISTICS] = 0
    encoder.mix_weight.copy_(mix[:, :, None, None])
    encoder.mix_bias.copy_(bias[:, 0])
    inverse = torch.linalg.inv(mix)
    return torch.cat([inverse, -inverse @ bias], dim=1)


def export(encoder: Encoder, path: Path) -> None:
    """Batch, height and width stay free."""
    torch.onnx.export(
        encoder, torch.full((2, BANDS, 2 * PATCH + 2 * HALO, 3 * PATCH + 2 * HALO), 1000.0), path,
        opset_version=17, input_names=["pixels"], output_names=["embedding"],
        dynamic_axes={"pixels": {0: "n", 2: "height", 3: "width"}, "embedding": {0: "n", 2: "rows", 3: "columns"}},
    )


@torch.no_grad()
def check(encoder: Encoder, path: Path) -> float:
    """Largest difference between torch and ONNX Runtime, on real pixels and several shapes."""
    session = evaluate.open_session(path)
    worst = 0.0
    for tile in tiles.held_out_tiles().values():
        for n, rows, columns in ((1, 1, 1), (3, 2, 5), (1, 25, 25)):
            crop = tile[:, : rows * PATCH + 2 * HALO, : columns * PATCH + 2 * HALO]
            pixels = np.ascontiguousarray(np.repeat(crop[None], n, axis=0))
            got = session.run(["embedding"], {"pixels": pixels})[0]
            assert got.shape == (n, DIMENSIONS, rows, columns), got.shape
            worst = max(worst, float(np.abs(got - encoder(torch.from_numpy(pixels)).numpy()).max()))
    assert worst < 1e-4, worst
    return worst


def export_and_package(encoder: Encoder, decoder: Decoder, z_tiles: list[torch.Tensor], steps: int) -> None:
    undo = balance(encoder, z_tiles).numpy()
    path = FOLDER / "model.onnx"
    export(encoder, path)
    parity = check(encoder, path)
    n = fit_normalisation(list(tiles.training_tiles().values()))

    def decode(embedding: np.ndarray) -> np.ndarray:
        mixed = np.tensordot(undo[:, :-1], embedding, 1) + undo[:, -1, None, None]
        with torch.no_grad():
            return n.inverse(decoder(torch.from_numpy(mixed[None].astype(np.float32)))[0].numpy().astype(np.float64))

    package(
        FOLDER,
        {
            "name": "conv",
            "version": "1.0.0",
            "title": "Convolutional embedding of Sentinel-2 patches",
            "description": "A small convolutional encoder of nine Sentinel-2 L2A bands: 32 numbers per 80 m. The first 16 describe the "
            "statistics of the bands in the patch and up to 240 m around it, the other 16 are learned from 320 m around it, without labels.",
            "halo": HALO,
            "output": {"dimensions": DIMENSIONS, "prefix_truncatable": False},
        },
        decode,
        {"method": "reconstruction of pixels; no labels", "iterations": steps, "largest_difference_to_torch": parity},
    )
