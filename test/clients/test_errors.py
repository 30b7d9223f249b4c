"""Bad input: the standard's error code, a message that says where, and a service that goes on."""
import openeo
import pytest
import requests

import by_hand


def load(collection, **arguments):
    return {'process_id': 'load_collection', 'arguments': {'id': collection, 'spatial_extent': None, 'temporal_extent': None, **arguments}}


def save(node):
    return {'process_id': 'save_result', 'arguments': {'data': {'from_node': node}, 'format': 'GTiff'}, 'result': True}


CASES = {
    'unknown process': ({'a': {'process_id': 'nope', 'arguments': {}, 'result': True}}, 'ProcessUnsupported', 'nope'),
    'missing argument': ({'a': {'process_id': 'add', 'arguments': {'x': 1}, 'result': True}}, 'ProcessParameterRequired', 'y'),
    'mistyped argument': ({'a': {'process_id': 'add', 'arguments': {'x': 1, 'y': 'two'}, 'result': True}}, 'ProcessParameterInvalid', 'y'),
    'unknown argument': ({'a': {'process_id': 'add', 'arguments': {'x': 1, 'y': 2, 'z': 3}, 'result': True}}, 'ProcessParameterUnsupported', 'z'),
    'two result nodes': ({'a': {'process_id': 'pi', 'arguments': {}, 'result': True}, 'b': {'process_id': 'e', 'arguments': {}, 'result': True}}, 'ProcessGraphInvalid', None),
    'a cycle': ({
        'a': {'process_id': 'absolute', 'arguments': {'x': {'from_node': 'b'}}},
        'b': {'process_id': 'absolute', 'arguments': {'x': {'from_node': 'a'}}, 'result': True},
    }, 'ProcessGraphInvalid', None),
    'unknown node': ({'a': {'process_id': 'absolute', 'arguments': {'x': {'from_node': 'gone'}}, 'result': True}}, 'ProcessGraphInvalid', 'gone'),
    'unknown collection': ({'a': load('NO_SUCH_COLLECTION'), 'b': save('a')}, 'CollectionNotFound', 'NO_SUCH_COLLECTION'),
    'unknown band': ({'a': load('SYNTHETIC_S2', bands=['B99']), 'b': save('a')}, None, 'B99'),
    'empty time': ({'a': load('SYNTHETIC_S2', temporal_extent=['2021-02-01', '2021-01-01']), 'b': save('a')}, 'TemporalExtentEmpty', None),
    'extent outside of the data': ({'a': load('SYNTHETIC_S2', spatial_extent={'west': -60, 'south': -40, 'east': -59.9, 'north': -39.9}), 'b': save('a')}, 'NoDataAvailable', None),
    'unknown operator': ({
        'a': load('SYNTHETIC_S2', bands=by_hand.BANDS), 'c': {'process_id': 'compress_embed', 'arguments': {'data': {'from_node': 'a'}, 'model': 'nope'}}, 'b': save('c'),
    }, 'OperatorNotFound', 'nope'),
    'bands that an operator lacks': ({
        'a': load('SYNTHETIC_S2', bands=['B04']), 'c': {'process_id': 'compress_embed', 'arguments': {'data': {'from_node': 'a'}, 'model': 'pca'}}, 'b': save('c'),
    }, 'OperatorBandsMissing', 'B02'),
    'unknown quantization': ({
        'a': load('SYNTHETIC_S2', bands=by_hand.BANDS), 'c': {'process_id': 'compress_embed', 'arguments': {'data': {'from_node': 'a'}, 'model': 'pca', 'quantization': 'int4'}}, 'b': save('c'),
    }, 'ProcessParameterInvalid', 'quantization'),
    'unknown format': ({'a': load('SYNTHETIC_S2'), 'b': {**save('a'), 'arguments': {'data': {'from_node': 'a'}, 'format': 'BMP'}}}, None, 'BMP'),
}


@pytest.mark.parametrize('graph, code, named', CASES.values(), ids=CASES.keys())
def test_refused_by_name(connection, graph, code, named):
    with pytest.raises(openeo.rest.OpenEoApiError) as refused:
        connection.execute(graph)
    error = refused.value
    assert 400 <= error.http_status_code < 500, error
    if code is not None:
        assert error.code == code, error
    if named is not None:
        assert named in error.message
    for secret in ('/work/', 'node_modules', '.ts:', 'at async'):
        assert secret not in error.message
    assert connection.execute({'a': {'process_id': 'pi', 'arguments': {}, 'result': True}}) == pytest.approx(3.14159, abs=1e-5)


@pytest.mark.parametrize('body', [b'{"process": ', b'[]', b'"text"', b'{}', b'{"process": {"process_graph": {}}}', b'\xff\xfe'])
def test_malformed_bodies(connection, body):
    url = connection.build_url('/result')
    answer = requests.post(url, data=body, headers={'Content-Type': 'application/json', **connection.auth(requests.Request('POST', url).prepare()).headers}, timeout=10)
    assert 400 <= answer.status_code < 500
    assert {'code', 'message'} <= set(answer.json())


def test_unknown_path(service):
    answer = requests.get(f'{service.url}/openeo/1.3/no/such/path', timeout=10)
    assert answer.status_code == 404
    assert answer.json()['code'] == 'NotFound'


def test_unknown_version(service):
    answer = requests.get(f'{service.url}/openeo/0.4/collections', timeout=10)
    assert answer.status_code == 404
    assert answer.json()['code'] == 'UnsupportedApiVersion'


def test_cross_origin_headers_on_errors(service):
    answer = requests.get(f'{service.url}/openeo/1.3/jobs', headers={'Origin': 'https://editor.example'}, timeout=10)
    assert answer.status_code == 401
    assert answer.headers['Access-Control-Allow-Origin'] == '*'
    assert 'OpenEO-Identifier' in answer.headers['Access-Control-Expose-Headers']
