"""export_collection with the openEO Python client: a result becomes a collection like any other."""
import numpy as np
import openeo
import pystac_client
import pytest
import requests

import by_hand

SUMMER = ['2021-06-01', '2021-09-01']


def exported(connection, collection, hesbaye):
    cube = connection.load_collection(hesbaye, temporal_extent=SUMMER, bands=['B04', 'B08'])
    saved = cube.save_result('GTiff')
    # The client has no method for it yet.
    return saved.process('export_collection', data=saved, collection=collection)


def ids(connection):
    return [entry['id'] for entry in connection.list_collections()]


def test_a_batch_job_makes_a_collection(connection, service, hesbaye, tmp_path):
    job = exported(connection, 'summer', hesbaye).create_job(title='Summer')
    assert 'summer' not in ids(connection)
    job.start_and_wait(print=lambda _: None, max_poll_interval=1)
    assert 'summer' in ids(connection)
    job.delete()

    path = tmp_path / 'july.tif'
    connection.load_collection('summer', temporal_extent=['2021-07-01', '2021-08-01']).mean_time().download(path, format='GTiff')
    values, _, names = by_hand.read(path)
    wanted, _ = by_hand.hesbaye_month('2021-07')
    assert names == ('B04', 'B08')
    np.testing.assert_array_equal(values[0], wanted[2])
    np.testing.assert_array_equal(values[1], wanted[6])

    catalog = pystac_client.Client.open(f'{service.url}/stac')
    items = list(catalog.search(collections=['summer']).items())
    assert sorted(item.datetime.strftime('%Y-%m-%d') for item in items) == ['2021-06-01', '2021-07-01', '2021-08-01']
    for item in items:
        assert item.assets['data'].extra_fields['proj:code'] == 'EPSG:32631'
        assert requests.get(item.assets['data'].href, timeout=30).status_code == 200
        assert any(link.rel == 'derived_from' for link in item.links)


def test_a_synchronous_request_does_too(connection, service, hesbaye):
    graph = exported(connection, 'summer-sync', hesbaye).flat_graph()
    answer = connection.post('/result', json={'process': {'process_graph': graph}}, expected_status=200)
    assert len(answer.content) > 1000
    assert 'summer-sync' in ids(connection)
    token = connection.auth.bearer
    gone = requests.delete(f'{service.url}/stac/collections/summer-sync', headers={'Authorization': f'Bearer {token}'}, timeout=30)
    assert gone.status_code == 204
    assert 'summer-sync' not in ids(connection)


def test_what_may_not_be_written_to_is_refused(connection, hesbaye):
    with pytest.raises(openeo.rest.OpenEoApiError) as refused:
        connection.post('/result', json={'process': {'process_graph': exported(connection, hesbaye, hesbaye).flat_graph()}})
    assert refused.value.code == 'PermissionsInsufficient'
