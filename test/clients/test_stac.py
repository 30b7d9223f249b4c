"""pystac-client and rasterio on the STAC API, and map tiles."""
import json
from itertools import islice

import numpy as np
import pystac
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


def write_items(path, prefix, count):
    """Items of a month, every third of them without a cloud cover, whose files nobody ever opens."""
    def item(number):
        west, south = 5 + number % 40 / 10, 50 + number // 40 % 40 / 10
        box = [west, south, west + 0.1, south + 0.1]
        ring = [[west, south], [west + 0.1, south], [west + 0.1, south + 0.1], [west, south + 0.1], [west, south]]
        cover = {} if number % 3 == 0 else {'eo:cloud_cover': number * 7 % 100}
        return {
            'type': 'Feature', 'stac_version': '1.1.0', 'stac_extensions': ['https://stac-extensions.github.io/projection/v2.0.0/schema.json'],
            'id': f'{prefix}-{number:04d}', 'geometry': {'type': 'Polygon', 'coordinates': [ring]}, 'bbox': box, 'links': [],
            'properties': {'datetime': f'2022-03-{1 + number * 11 % 30:02d}T{number % 24:02d}:00:00Z', 'gsd': 10, **cover},
            'assets': {'data': {
                'href': f'https://example.org/{prefix}/{number}.tif', 'type': 'image/tiff; application=geotiff', 'roles': ['data'], 'data_type': 'uint8',
                'proj:code': 'EPSG:4326', 'proj:shape': [10, 10], 'proj:transform': [0.01, 0, west, 0, -0.01, south + 0.1], 'bands': [{'name': 'B04'}]}},
        }
    path.write_text(json.dumps({'type': 'FeatureCollection', 'features': [item(number) for number in range(count)]}))
    return str(path)


@pytest.fixture(scope='module')
def two_thousand(service, tmp_path_factory):
    folder = tmp_path_factory.mktemp('items')
    printed = service.lamina('ingest', write_items(folder / 'first.json', 'first', 2000), '--collection', 'PAGED', '--limit', '2000')
    assert 'PAGED: 2000 items' in printed, printed
    return 'PAGED'


@pytest.mark.parametrize('method', ['GET', 'POST'])
@pytest.mark.parametrize('order', [None, '-properties.eo:cloud_cover', '+properties.eo:cloud_cover,-id'])
def test_paging_survives_inserts(service, stac, two_thousand, tmp_path, method, order):
    before = {item.id for item in stac.search(collections=[two_thousand], limit=1000).items()}
    assert len(before) >= 2000
    prefix = f'more-{method}-{abs(hash(order)) % 10 ** 8}'
    pages = stac.search(collections=[two_thousand], limit=150, sortby=order, method=method).pages()
    seen = [item.id for page in islice(pages, 4) for item in page]
    assert len(seen) == 600
    service.lamina('ingest', write_items(tmp_path / 'more.json', prefix, 300), '--collection', two_thousand)
    seen += [item.id for page in pages for item in page]
    assert len(set(seen)) == len(seen)
    assert before <= set(seen)
    # Those that came to places still ahead are found too; those that came to places behind are not.
    came = {id for id in seen if id.startswith(prefix)}
    assert 0 < len(came) < 300


def test_search_by_properties_and_fields(stac, two_thousand):
    search = stac.search(collections=[two_thousand], query={'eo:cloud_cover': {'lt': 50, 'gte': 10}}, sortby='-properties.eo:cloud_cover', fields=['properties.eo:cloud_cover'], limit=200, max_items=500)
    found = list(search.items_as_dicts())
    covers = [item['properties']['eo:cloud_cover'] for item in found]
    assert len(covers) == 500 and covers == sorted(covers, reverse=True) and 10 <= min(covers) and max(covers) < 50
    assert set(found[0]) == {'type', 'stac_version', 'id', 'collection', 'properties'}
    assert search.matched() == sum(1 for _ in stac.search(collections=[two_thousand], query={'eo:cloud_cover': {'lt': 50, 'gte': 10}}, limit=1000).items())


def test_collections_are_searched(stac, two_thousand):
    # Operators are good everywhere.
    assert [collection.id for collection in stac.collection_search(bbox=[8, 53, 9, 54]).collections()] == [two_thousand, 'operators']
    assert two_thousand not in [collection.id for collection in stac.collection_search(datetime='2020-01-01/2020-12-31').collections()]
    assert {'EMB_SYNTHETIC_S2_PCA'} <= {collection.id for collection in stac.collection_search(q='embeddings').collections()}


def test_everything_is_reached_by_links(service, two_thousand):
    """As a client that knows static catalogs only."""
    catalog = pystac.Catalog.from_file(f'{service.url}/stac/')
    collection = next(child for child in catalog.get_children() if child.id == two_thousand)
    links = [link.href for _, _, items in walk_links(collection) for link in items]
    assert len(links) == len(set(links)) >= 2000
    assert pystac.Item.from_file(links[-1]).collection_id == two_thousand


def walk_links(catalog):
    yield catalog, list(catalog.get_child_links()), list(catalog.get_item_links())
    for child in catalog.get_children():
        yield from walk_links(child)


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
