"""Operators as models: Triton's client for the Open Inference Protocol, as it is used with any model server."""
import json
from pathlib import Path

import numpy as np
import pytest
import requests
import tritonclient.http as triton
from conftest import PASSWORD, USER

ROOT = Path(__file__).resolve().parents[2]


def noise(length, seed, low, high):
    """The generator that golden.json describes."""
    values, state = np.empty(length, 'float32'), seed
    for i in range(length):
        state = (state * 1664525 + 1013904223) % 2**32
        values[i] = low + state * (high - low) // 2**32
    return values


@pytest.fixture(scope='module')
def client(service):
    with triton.InferenceServerClient(service.url.removeprefix('http://')) as connected:
        yield connected


@pytest.fixture(scope='module')
def headers(service):
    answer = requests.get(f'{service.url}/openeo/1.3/credentials/basic', auth=(USER, PASSWORD), timeout=10)
    return {'Authorization': f'Bearer {answer.json()["access_token"]}'}


def test_the_server_and_its_models_are_found(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.get_server_metadata()['name'] == 'lamina'
    assert client.is_model_ready('pca') and client.is_model_ready('conv', '1')
    assert not client.is_model_ready('nothing')
    assert client.get_model_metadata('pca')['inputs'] == [{'name': 'pixels', 'datatype': 'FP32', 'shape': [-1, 9, -1, -1]}]


@pytest.mark.parametrize('is_binary', [True, False])
@pytest.mark.parametrize('model', ['pca', 'conv'])
def test_golden_vectors(client, headers, model, is_binary):
    manifest = json.loads((ROOT / f'operators/{model}/operator.json').read_text())
    golden = json.loads((ROOT / f'operators/{model}/golden.json').read_text())
    bands = len(manifest['input']['bands'])
    for case in golden['cases']:
        shape = [1, bands, case['rows'], case['columns']]
        pixels = triton.InferInput('pixels', shape, 'FP32')
        pixels.set_data_from_numpy(noise(int(np.prod(shape)), case['seed'], case['low'], case['high']).reshape(shape), binary_data=is_binary)
        wanted = triton.InferRequestedOutput('embedding', binary_data=is_binary)
        # The client adds headers of its own to the dictionary.
        answer = client.infer(model, [pixels], outputs=[wanted], headers=dict(headers), request_id='mine')
        vectors = answer.as_numpy('embedding')
        assert vectors.shape == (1, *case['shape'])
        assert np.abs(vectors.ravel() - np.array(case['expected'])).max() < golden['tolerance']
        assert answer.get_response()['id'] == 'mine'


def test_errors_reach_the_client(client, headers):
    pixels = triton.InferInput('pixels', [1, 9, 7, 8], 'FP32')
    pixels.set_data_from_numpy(np.zeros((1, 9, 7, 8), 'float32'))
    with pytest.raises(triton.InferenceServerException, match='multiples of 8; 7 is not'):
        client.infer('pca', [pixels], headers=dict(headers))
    with pytest.raises(triton.InferenceServerException, match='Unauthorized'):
        client.infer('pca', [pixels])
