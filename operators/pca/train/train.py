"""
Fits the operator `pca` and packages it: a linear codec of 8 x 8 patches.

A patch of nine bands (576 values: square root of reflectance, z-scored per band) is projected on the 32
directions of largest variance. Each tile also counts turned and mirrored, so no orientation is preferred.
Deterministic: the same tiles give the same model.

Usage: python operators/pca/train/train.py        (about half a minute on one core)
"""
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from training import tiles  # noqa: E402
from training.normalise import CLIP, FULL_SCALE, Normalisation, fit_normalisation  # noqa: E402
from training.package import package  # noqa: E402

FOLDER = Path(__file__).resolve().parents[1]
DIMENSIONS, PATCH, BANDS = 32, 8, len(tiles.BANDS)
LENGTH = BANDS * PATCH * PATCH
#: An embedding is the projection divided by this, so that its length is the patch's root mean square.
SCALE = float(np.sqrt(LENGTH))


def patches_of(z: np.ndarray, shift: int) -> np.ndarray:
    """All 8 x 8 patches of a lattice shifted by `shift` pixels, [patch, band * row * column]."""
    rows, columns = ((size - shift) // PATCH for size in z.shape[1:])
    cut = z[:, shift : shift + rows * PATCH, shift : shift + columns * PATCH]
    return cut.reshape(BANDS, rows, PATCH, columns, PATCH).transpose(1, 3, 0, 2, 4).reshape(-1, LENGTH)


def orientations() -> list[np.ndarray]:
    """Index permutations of a patch: four turns, plain and mirrored."""
    index = np.arange(LENGTH).reshape(BANDS, PATCH, PATCH)
    turned = [np.rot90(index, k, (1, 2)) for k in range(4)]
    return [i.ravel() for i in turned + [i[:, :, ::-1] for i in turned]]


def fit(z_tiles: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean [LENGTH], basis [DIMENSIONS, LENGTH] and all variances in descending order."""
    samples = np.concatenate([patches_of(z, shift) for z in z_tiles for shift in (0, 4)])
    turns = orientations()
    mean = np.mean([samples.mean(axis=0)[t] for t in turns], axis=0)
    moment = samples.T @ samples / len(samples)
    covariance = np.mean([moment[np.ix_(t, t)] for t in turns], axis=0) - np.outer(mean, mean)
    variances, vectors = np.linalg.eigh(covariance)
    basis = vectors[:, ::-1][:, :DIMENSIONS].T
    basis *= np.sign(basis[np.arange(DIMENSIONS), np.abs(basis).argmax(axis=1)])[:, None]
    return mean, basis, variances[::-1]


def export(path: Path, n: Normalisation, mean: np.ndarray, basis: np.ndarray) -> None:
    """Clip, square root and one convolution: the z-score and the mean are folded into its weights and bias."""
    spread = np.repeat(n.std, PATCH * PATCH)
    shift = np.repeat(n.mean, PATCH * PATCH)
    weight = (basis / spread / np.sqrt(FULL_SCALE) / SCALE).reshape(DIMENSIONS, BANDS, PATCH, PATCH)
    bias = -(basis @ (shift / spread + mean)) / SCALE
    constants = {"low": np.float32(CLIP[0]), "high": np.float32(CLIP[1]), "weight": weight.astype(np.float32), "bias": bias.astype(np.float32)}
    graph = helper.make_graph(
        [
            helper.make_node("Clip", ["pixels", "low", "high"], ["clipped"]),
            helper.make_node("Sqrt", ["clipped"], ["root"]),
            helper.make_node("Conv", ["root", "weight", "bias"], ["embedding"], kernel_shape=[PATCH, PATCH], strides=[PATCH, PATCH]),
        ],
        "pca",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", BANDS, "height", "width"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIMENSIONS, "rows", "columns"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, producer_name="lamina", opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def decoder(n: Normalisation, mean: np.ndarray, basis: np.ndarray):
    def decode(embedding: np.ndarray) -> np.ndarray:
        dimensions, rows, columns = embedding.shape
        z = basis.T @ (embedding.reshape(dimensions, -1) * SCALE) + mean[:, None]
        z = z.reshape(BANDS, PATCH, PATCH, rows, columns).transpose(0, 3, 1, 4, 2)
        return n.inverse(z.reshape(BANDS, rows * PATCH, columns * PATCH))

    return decode


def main() -> None:
    training = list(tiles.training_tiles().values())
    n = fit_normalisation(training)
    mean, basis, variances = fit([n.forward(t.astype(np.float64)) for t in training])
    export(FOLDER / "model.onnx", n, mean, basis)
    explained = np.cumsum(variances) / variances.sum()
    package(
        FOLDER,
        {
            "name": "pca",
            "version": "1.0.0",
            "title": "Linear codec of Sentinel-2 patches",
            "description": "Principal components of 8 x 8 pixel patches of nine Sentinel-2 L2A bands: 32 numbers per 80 m, ordered by "
            "variance, so that the first k are an embedding of their own. Linear, deterministic, explainable.",
            "halo": 0,
            "output": {"dimensions": DIMENSIONS, "prefix_truncatable": True},
        },
        decoder(n, mean, basis),
        {
            "method": "principal component analysis of z-scored square roots of reflectance",
            "explained_variance": {str(k): round(float(explained[k - 1]), 5) for k in (1, 2, 4, 8, 16, 32)},
        },
    )


if __name__ == "__main__":
    main()
