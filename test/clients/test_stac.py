"""pystac-client and rasterio on the STAC API, and map tiles."""
import numpy as np
import pystac_client
import pytest
import rasterio
import requests


@pytest.fixture(scope='module')
def stac(service):
    return pystac_client.Client.open(f'{service.url}/stac')


def test_collections(stac):
    collections = {collection.id: collection for collection in stac.get_collections()}
    assert {'SYNTHETIC_S2', 'EMB_SYNTHETIC_S2_PCA'} <= set(collections)
    assert 'synthetic' in collections['SYNTHETIC_S2'].description.lower()
    assert stac.get_collection('SYNTHETIC_S2').extent.temporal.intervals[0][0] is not None


def test_search_pages_through_everything_once(stac):
    everything = [item.id for item in stac.search(collections=['SYNTHETIC_S2']).items()]
    assert len(everything) > 4
    paged = stac.search(collections=['SYNTHETIC_S2'], limit=2)
    pages = [[item.id for item in page] for page in paged.pages()]
    assert all(len(page) <= 2 for page in pages)
    assert sorted(id for page in pages for id in page) == sorted(everything)
    assert len(set(everything)) == len(everything)


def test_search_by_time_place_and_id(stac):
    first = next(stac.search(collections=['SYNTHETIC_S2'], max_items=1).items())
    day = first.datetime.strftime('%Y-%m-%d')
    assert first.id in [item.id for item in stac.search(collections=['SYNTHETIC_S2'], datetime=day).items()]
    assert [item.id for item in stac.search(ids=[first.id], collections=['SYNTHETIC_S2']).items()] == [first.id]
    assert first.id in [item.id for item in stac.search(collections=['SYNTHETIC_S2'], bbox=first.bbox).items()]
    assert first.id in [item.id for item in stac.search(collections=['SYNTHETIC_S2'], intersects=first.geometry).items()]
    assert list(stac.search(collections=['SYNTHETIC_S2'], bbox=[-60, -40, -59, -39]).items()) == []
    assert list(stac.search(collections=['SYNTHETIC_S2'], datetime='1990-01-01/1991-01-01').items()) == []


def test_collections_page_through_items(stac):
    collection = stac.get_collection('SYNTHETIC_S2')
    assert sorted(item.id for item in collection.get_items()) == sorted(item.id for item in stac.search(collections=['SYNTHETIC_S2']).items())


def test_assets_open_over_http(stac):
    item = next(stac.search(collections=['SYNTHETIC_S2'], max_items=1).items())
    rasters = [asset for asset in item.assets.values() if asset.media_type and 'tiff' in asset.media_type]
    assert rasters
    for asset in rasters[:2]:
        with rasterio.open(asset.href) as file:
            assert file.crs.is_projected
            window = file.read(1, window=((0, 32), (0, 32)))
            assert window.shape == (32, 32)
            assert file.overviews(1) or max(file.shape) <= 512


def test_items_of_a_layer(stac):
    item = next(stac.get_collection('EMB_SYNTHETIC_S2_PCA').get_items())
    assert [link for link in item.links if link.rel == 'derived_from']
    assert any(name.startswith('emb:') for name in item.properties)


def test_items_of_real_data(stac, hesbaye):
    items = list(stac.search(collections=[hesbaye]).items())
    assert len(items) == 12
    assert {item.properties['proj:code'] for item in items} == {'EPSG:32631'}
    assert sorted(item.datetime.strftime('%Y-%m') for item in items) == [f'2020-{m}' for m in ('11', '12')] + [f'2021-{m:02d}' for m in range(1, 11)]
    west, south, east, north = items[0].bbox
    assert 5.31 < west < east < 5.34 and 50.62 < south < north < 50.64


@pytest.mark.parametrize('collection', ['SYNTHETIC_S2', 'EMB_SYNTHETIC_S2_PCA'])
def test_tiles(service, collection):
    tilejson = requests.get(f'{service.url}/tiles/{collection}/tilejson.json', timeout=30).json()
    assert tilejson['tilejson'].startswith('3.')
    longitude, latitude = tilejson['center'][:2] if 'center' in tilejson else np.array(tilejson['bounds']).reshape(2, 2).mean(axis=0)
    zoom = min(tilejson.get('maxzoom', 14), 13)
    x = int((longitude + 180) / 360 * 2 ** zoom)
    y = int((1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2 * 2 ** zoom)
    url = tilejson['tiles'][0].replace('{z}', str(zoom)).replace('{x}', str(x)).replace('{y}', str(y))
    answer = requests.get(url, timeout=60)
    assert answer.status_code == 200
    assert answer.headers['Content-Type'] == 'image/png'
    with rasterio.MemoryFile(answer.content) as memory, memory.open() as picture:
        assert picture.shape == (256, 256)
        assert picture.read(1).std() > 0
    again = requests.get(url, headers={'If-None-Match': answer.headers['ETag']}, timeout=60)
    assert again.status_code == 304
