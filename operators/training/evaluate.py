"""What report.json says: fidelity of the stored view, reconstruction, usefulness, seams. Everything here is measured."""
import numpy as np
import onnxruntime
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PATCH = 8
#: Patches of a tile nearer to its edge than this are left out, so that operators with different halos see the same ones.
MARGIN = 32
PEAK = 10000.0


def open_session(path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def embed(session, tile: np.ndarray) -> np.ndarray:
    """[dimension, row, column] of the patches whose halo lies in the tile."""
    return session.run(["embedding"], {"pixels": tile[None]})[0][0]


def embed_inner(session, tile: np.ndarray, halo: int) -> np.ndarray:
    """The embedding of the tile without MARGIN, whatever the operator's halo."""
    cut = MARGIN - halo
    return embed(session, tile[:, cut : tile.shape[1] - cut, cut : tile.shape[2] - cut])


def quantise_int8(vectors: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, float]:
    """[dimension, ...] through int8 and back, and the share of values that were clamped."""
    shape = (-1,) + (1,) * (vectors.ndim - 1)
    steps = np.round((vectors - offset.reshape(shape)) / scale.reshape(shape))
    clamped = float((np.abs(steps) > 127).mean())
    return (np.clip(steps, -127, 127) * scale.reshape(shape) + offset.reshape(shape)).astype(np.float32), clamped


def fidelity(vectors: np.ndarray, stored: np.ndarray, center: np.ndarray) -> dict:
    """Cosine between a vector and its stored form, around the mean embedding (else the mean makes all alike), and relative RMSE."""
    a = vectors.reshape(len(vectors), -1).T - center
    b = stored.reshape(len(stored), -1).T - center
    cosine = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    rms = float(np.sqrt(((a - b) ** 2).mean() / (a**2).mean()))
    return {
        "cosine_mean": round(float(cosine.mean()), 6),
        "cosine_p1": round(float(np.percentile(cosine, 1)), 6),
        "cosine_min": round(float(cosine.min()), 6),
        "relative_rmse": round(rms, 6),
    }


def psnr(original: np.ndarray, decoded: np.ndarray) -> float:
    return float(10 * np.log10(PEAK**2 / ((original - decoded) ** 2).mean()))


def band_statistics(tile: np.ndarray) -> np.ndarray:
    """The baseline: mean and standard deviation of each band per patch, [2 * bands, row, column]."""
    bands, rows, columns = tile.shape
    patches = tile.reshape(bands, rows // PATCH, PATCH, columns // PATCH, PATCH)
    return np.concatenate([patches.mean((2, 4)), patches.std((2, 4))])


def pad(tile: np.ndarray, halo: int) -> np.ndarray:
    return np.pad(tile, ((0, 0), (halo, halo), (halo, halo)), mode="reflect") if halo else tile


def majority(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent code of each patch and its share."""
    rows, columns = labels.shape[0] // PATCH, labels.shape[1] // PATCH
    patches = labels.reshape(rows, PATCH, columns, PATCH).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    codes = np.unique(labels)
    counts = np.stack([(patches == code).sum(-1) for code in codes])
    return codes[counts.argmax(0)], counts.max(0) / PATCH**2


def probe(features: list[np.ndarray], labels: list[np.ndarray]) -> dict:
    """
    Land cover from features, tile by tile [dimension, row, column]. Patches of purity 0.6 and more; a checkerboard of
    7 x 7 patches (560 m) divides training from test, both ways round, and the figures are means of the two.
    """
    x, y, side = [], [], []
    for vectors, codes in zip(features, labels):
        code, purity = majority(codes)
        row, column = np.indices(code.shape)
        keep = purity >= 0.6
        x.append(vectors[:, keep].T)
        y.append(code[keep])
        side.append(((row // 7 + column // 7) % 2)[keep])
    x, y, side = np.concatenate(x), np.concatenate(y), np.concatenate(side)
    models = {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000)),
        "knn10": make_pipeline(StandardScaler(), KNeighborsClassifier(10)),
        "knn10_unscaled": KNeighborsClassifier(10),
    }
    scores = {name: [] for name in models}
    for test in (0, 1):
        for name, model in models.items():
            model.fit(x[side != test], y[side != test])
            guess = model.predict(x[side == test])
            scores[name].append((accuracy_score(y[side == test], guess), f1_score(y[side == test], guess, average="macro")))
    return {
        "patches": len(y),
        **{name: {"accuracy": round(a, 3), "macro_f1": round(f, 3)} for name, (a, f) in ((n, np.mean(s, axis=0)) for n, s in scores.items())},
    }


def seams(session, tile: np.ndarray, halo: int, edges=(1, 3, 8)) -> dict:
    """Largest difference between a tile embedded whole and in blocks of `edges` patches, halo included."""
    whole = embed(session, tile)
    out = {}
    for edge in edges:
        worst = 0.0
        for row in range(0, whole.shape[1], edge):
            for column in range(0, whole.shape[2], edge):
                expected = whole[:, row : row + edge, column : column + edge]
                r, c, h, w = row * PATCH, column * PATCH, expected.shape[1] * PATCH + 2 * halo, expected.shape[2] * PATCH + 2 * halo
                block = embed(session, np.ascontiguousarray(tile[:, r : r + h, c : c + w]))
                worst = max(worst, float(np.abs(block - expected).max()))
        out[f"{edge}x{edge}"] = worst
    return out
