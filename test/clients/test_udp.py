"""User-defined processes with the openEO Python client: stored, listed, described, used, shared, deleted."""
import numpy
import openeo
import pytest
import rasterio
from openeo.api.process import Parameter
from openeo.processes import process
from openeo.rest import OpenEoApiError


@pytest.fixture
def fahrenheit(connection):
    """(x - 32) / 1.8, as the client builds it from Python code."""
    x = Parameter.number('x', description='Degrees Fahrenheit.')
    graph = process('divide', x=process('subtract', x=x, y=32), y=1.8)
    udp = connection.save_user_defined_process('fahrenheit_to_celsius', graph, parameters=[x], summary='To Celsius', returns={'schema': {'type': 'number'}})
    yield udp
    if any(known['id'] == 'fahrenheit_to_celsius' for known in connection.list_user_defined_processes()):
        udp.delete()


def test_is_stored_listed_and_described(connection, fahrenheit):
    assert [known['id'] for known in connection.list_user_defined_processes()] == ['fahrenheit_to_celsius']
    stored = fahrenheit.describe()
    assert stored['summary'] == 'To Celsius'
    assert [p['name'] for p in stored['parameters']] == ['x']
    assert {node['process_id'] for node in stored['process_graph'].values()} == {'subtract', 'divide'}


def test_computes_by_itself_and_is_replaced(connection, fahrenheit):
    graph = {'c': {'process_id': 'fahrenheit_to_celsius', 'namespace': 'user', 'arguments': {'x': 212}, 'result': True}}
    assert connection.execute(graph) == 100
    connection.save_user_defined_process('fahrenheit_to_celsius', {'a': {'process_id': 'add', 'arguments': {'x': {'from_parameter': 'x'}, 'y': 1}, 'result': True}}, parameters=[Parameter.number('x')])
    assert connection.execute(graph) == 213


def test_is_used_on_a_cube_and_inside_its_callbacks(connection, tmp_path):
    """An EVI-like index as a process on cubes, whose callback uses a process on numbers."""
    near, red = Parameter.number('near'), Parameter.number('red')
    connection.save_user_defined_process('difference_ratio', process('divide', x=process('subtract', x=near, y=red), y=process('add', x=near, y=red)), parameters=[near, red])
    try:
        first = connection.describe_collection('SYNTHETIC_S2')['extent']['temporal']['interval'][0][0][:10]
        cube = connection.load_collection('SYNTHETIC_S2', spatial_extent=None, temporal_extent=[first, None], bands=['B04', 'B08'])
        day = cube.filter_temporal([first, first[:8] + f'{int(first[8:]) + 1:02d}'])
        callback = lambda data: process('difference_ratio', near=data.array_element(1), red=data.array_element(0), namespace='user')
        own = day.reduce_dimension(dimension='bands', reducer=callback)
        same = day.reduce_dimension(dimension='bands', reducer=lambda data: (data.array_element(1) - data.array_element(0)) / (data.array_element(1) + data.array_element(0)))
        assert connection.validate_process_graph(own) == []
        for name, result in [('own', own), ('same', same)]:
            result.download(tmp_path / f'{name}.tif', format='GTiff')
        assert (tmp_path / 'own.tif').stat().st_size > 1000
        with rasterio.open(tmp_path / 'own.tif') as a, rasterio.open(tmp_path / 'same.tif') as b:
            numpy.testing.assert_array_equal(a.read(), b.read())
    finally:
        connection.user_defined_process('difference_ratio').delete()


def test_is_used_by_a_batch_job(connection, fahrenheit):
    graph = {'c': {'process_id': 'fahrenheit_to_celsius', 'arguments': {'x': 50}, 'result': True}}
    job = connection.create_job(graph)
    job.start_and_wait(connection_retry_interval=1, max_poll_interval=1, print=lambda *_: None)
    assert job.get_results().get_asset().load_json() == pytest.approx(10)
    job.delete_job()


def test_is_shared_by_its_url(service, connection):
    x = Parameter.number('x')
    udp = connection.save_user_defined_process('twice', process('multiply', x=x, y=2), parameters=[x], public=True)
    try:
        url = next(link['href'] for link in udp.describe()['links'] if link['rel'] == 'canonical')
        assert openeo.connect(service.url).get(url).json()['id'] == 'twice'
        graph = {'t': {'process_id': 'twice', 'namespace': '@test', 'arguments': {'x': 21}, 'result': True}}
        assert connection.execute(graph) == 42
    finally:
        udp.delete()
    assert connection.list_user_defined_processes() == []


def test_tells_what_is_wrong(connection):
    with pytest.raises(OpenEoApiError) as error:
        connection.save_user_defined_process('add', {'a': {'process_id': 'pi', 'arguments': {}, 'result': True}})
    assert error.value.code == 'PredefinedProcessExists'
    with pytest.raises(OpenEoApiError) as error:
        connection.save_user_defined_process('again', {'a': {'process_id': 'again', 'arguments': {}, 'result': True}})
    assert error.value.code == 'ProcessGraphInvalid'
    assert "'again' → 'again'" in str(error.value)
    with pytest.raises(OpenEoApiError) as error:
        connection.user_defined_process('nothing').describe()
    assert error.value.code == 'ProcessGraphNotFound'


def test_graphs_of_1_x_run(connection):
    assert connection.execute({'t': {'process_id': 'text_merge', 'arguments': {'data': ['a', 'b'], 'separator': '-'}, 'result': True}}) == 'a-b'
