"""pystac-client pages through 10,000 items while others come; tables of items open in other tools; odc-stac reads what rasterio reads."""
import io
import json
import threading

import geopandas
import pyarrow.parquet
import pystac
import pystac_client
import pytest
import requests
from pixels import assert_odc_stac_reads_what_rasterio_reads
from test_stac import write_items


@pytest.fixture(scope='module')
def stac(service):
    return pystac_client.Client.open(f'{service.url}/stac')


@pytest.fixture(scope='module')
def ten_thousand(service, tmp_path_factory):
    folder = tmp_path_factory.mktemp('items')
    printed = service.lamina('ingest', write_lines(folder / 'first.ndjson', 'first', 10_000), '--collection', 'TEN')
    assert 'TEN: 10000 items (10000 new or changed)' in printed, printed
    return 'TEN'


def write_lines(path, prefix, count):
    collection = json.loads(open(write_items(path.with_suffix('.json'), prefix, count)).read())
    path.write_text('\n'.join(json.dumps(item) for item in collection['features']))
    return str(path)


@pytest.mark.parametrize('order', [None, '-properties.eo:cloud_cover'])
def test_no_item_is_missed_or_doubled_while_items_come(service, stac, ten_thousand, tmp_path, order):
    """A third of the items has no cloud cover: they come last, by their ids."""
    before = {item['id'] for item in stac.search(collections=[ten_thousand], limit=1000).items_as_dicts()}
    assert len(before) >= 10_000
    prefix = 'time' if order is None else 'cover'
    more = [write_lines(tmp_path / f'{i}.ndjson', f"{prefix}{i}", 200) for i in range(2)]
    inserting = threading.Thread(target=lambda: [service.lamina('ingest', path, '--collection', ten_thousand) for path in more])
    pages = stac.search(collections=[ten_thousand], limit=500, sortby=order).pages_as_dicts()
    seen, covers = [], []
    for number, page in enumerate(pages):
        if number == 1:
            inserting.start()
        seen += [item['id'] for item in page['features']]
        covers += [item['properties'].get('eo:cloud_cover') for item in page['features']]
    inserting.join()
    assert len(set(seen)) == len(seen)
    assert before <= set(seen)
    if order is not None:
        numbers = [cover for cover in covers if cover is not None]
        assert numbers == sorted(numbers, reverse=True)
        assert all(cover is None for cover in covers[len(numbers):]) and len(covers) > len(numbers)


def test_tables_open_in_other_tools(service, ten_thousand, tmp_path):
    path = tmp_path / 'items.parquet'
    printed = service.lamina('export', ten_thousand, '--output', str(path), '--filter', 'eo:cloud_cover < 50')
    table = geopandas.read_parquet(path)
    assert f'{len(table)} items' in printed
    assert len(table) > 1000 and str(table.crs) == 'OGC:CRS84' and table.geometry.is_valid.all()
    assert (table['eo:cloud_cover'] < 50).all() and str(table.datetime.dtype).startswith('datetime64') and table.id.is_unique
    assert 'stac-geoparquet' in {key.decode() for key in pyarrow.parquet.read_metadata(path).metadata}
    # Readers that know the covering read few row groups.
    west = geopandas.read_parquet(path, bbox=(5, 50, 5.05, 50.05))
    assert 0 < len(west) < len(table)
    page = requests.get(f'{service.url}/stac/search?collections={ten_thousand}&limit=1000&f=parquet', timeout=60)
    assert len(geopandas.read_parquet(io.BytesIO(page.content))) == 1000


@pytest.mark.parametrize('version', ['', '/1.0.0'])
def test_odc_stac_reads_what_rasterio_reads(service, version):
    """A raw item and an embedding item, in either version of STAC."""
    catalog = pystac_client.Client.open(f'{service.url}/stac{version}')
    for collection in ['SYNTHETIC_S2', 'EMB_SYNTHETIC_S2_PCA']:
        item = next(catalog.search(collections=[collection], max_items=1).items())
        assert_odc_stac_reads_what_rasterio_reads(item)


def test_items_of_the_older_version_are_read_by_pystac(service):
    item = next(pystac_client.Client.open(f'{service.url}/stac/1.0.0').search(collections=['SYNTHETIC_S2'], max_items=1).items_as_dicts())
    assert item['stac_version'] == '1.0.0' and 'proj:epsg' in item['properties']
    assert pystac.Item.from_dict(item).to_dict()['assets'].keys() == item['assets'].keys()
