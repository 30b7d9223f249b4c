"""Makes the tiny models of import-model.test.ts, and the vectors that PyTorch gives: `python3 make_models.py`."""
import json
import numpy as np
import torch
from torch import nn

torch.manual_seed(3)
expected = {}


def noise(shape, seed, low=200, high=3000):
    """The generator of golden.json."""
    out, state = np.empty(int(np.prod(shape)), np.float32), seed
    for i in range(out.size):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = low + state * (high - low) // 2**32
    return torch.from_numpy(out.reshape(shape))


def export(name, model, inputs, names, dynamic, output):
    model.eval()
    torch.onnx.export(model, inputs, f'{name}.onnx', input_names=names, output_names=[output], dynamic_axes=dynamic, opset_version=13)


class Grid(nn.Module):
    """Valid convolutions: patch 4, halo 2."""
    def __init__(self, padding=0):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 5, padding=padding)
        self.second = nn.Conv2d(4, 3, 4, stride=4)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x / 3000)))


grid = Grid()
export('grid', grid, (torch.zeros(1, 2, 12, 12),), ['image'], {'image': {0: 'n', 2: 'h', 3: 'w'}, 'vectors': {0: 'n', 2: 'r', 3: 'c'}}, 'vectors')
expected['grid'] = grid(noise((1, 2, 8, 8), 1)).flatten().tolist()
padded = Grid(padding=2)
export('padded', padded, (torch.zeros(1, 2, 12, 12),), ['image'], {'image': {0: 'n', 2: 'h', 3: 'w'}, 'vectors': {0: 'n', 2: 'r', 3: 'c'}}, 'vectors')


class Transformer(nn.Module):
    """TerraTorch's shape of things: normalised chips of 8 x 8, tokens of 4 x 4, a class token before them."""
    def __init__(self, bands, dims):
        super().__init__()
        self.embed = nn.Conv2d(bands, dims, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, dims))
        self.position = nn.Parameter(torch.randn(1, 5, dims))
        self.q, self.k, self.v = (nn.Linear(dims, dims) for _ in range(3))

    def forward(self, x):
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(tokens.shape[0], -1, -1), tokens], 1) + self.position
        weights = torch.softmax(self.q(tokens) @ self.k(tokens).transpose(1, 2) / 2, -1)
        return tokens + weights @ self.v(tokens)


means, stds = torch.tensor([1000., 1500., 2000.]), torch.tensor([300., 500., 700.])
tokens = Transformer(3, 6)
export('tokens', tokens, (torch.zeros(2, 3, 8, 8),), ['image'], {'image': {0: 'n'}, 'tokens': {0: 'n'}}, 'tokens')
scaled = lambda x: (x - means[:, None, None]) / stds[:, None, None]
image = noise((1, 3, 8, 16), 2)
chips = [tokens(scaled(image[..., 8 * i:8 * i + 8]))[0] for i in range(2)]
expected['tokens_mean'] = torch.stack([chip[1:].mean(0) for chip in chips], 1).flatten().tolist()
expected['tokens_class'] = torch.stack([chip[0] for chip in chips], 1).flatten().tolist()


class ClayLike(nn.Module):
    """Clay's interface: pixels, time, latlon, waves, gsd in; one vector per chip out."""
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3 * 64 + 8, 5)

    def forward(self, pixels, time, latlon, waves, gsd):
        weighted = pixels * waves[None, :, None, None] / gsd
        return self.body(torch.cat([weighted.flatten(1), time, latlon], 1))


clay = ClayLike()
waves = torch.tensor([0.493, 0.56, 0.665])
export('clay', clay, (torch.zeros(2, 3, 8, 8), torch.zeros(2, 4), torch.zeros(2, 4), waves, torch.tensor([10.])),
       ['pixels', 'time', 'latlon', 'waves', 'gsd'], {n: {0: 'n'} for n in ('pixels', 'time', 'latlon', 'embeddings')}, 'embeddings')
expected['clay'] = torch.stack([clay(scaled(image[..., 8 * i:8 * i + 8]), torch.zeros(1, 4), torch.zeros(1, 4), waves, torch.tensor([10.]))[0] for i in range(2)], 1).flatten().tolist()

with open('expected.json', 'w') as file:
    json.dump(expected, file)
