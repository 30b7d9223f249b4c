"""
The other engine of processes.ts: openeo-processes-dask runs a process graph over the same GeoTIFF files.

One JSON line in, one out. `prepare` mirrors the real series to larger files and tells what is in them, `graph`
gives the flat graph that the openEO Python client makes of a function in test/clients/graphs.py, `run` runs a
graph and answers milliseconds, peak memory and the shape of the result, whose samples go to a file.
"""
import importlib
import inspect
import json
import logging
import os
import sys
import time
import warnings
from datetime import datetime
from pathlib import Path

import numpy as np

logging.disable(logging.WARNING)
warnings.simplefilter('ignore')
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'test/clients'))

ZOOM = 8
"""How many times the mirrored scene is as wide as the real one of 64 × 64 pixels."""
EVERY = 2
"""Of so many acquisitions one is taken."""


def prepare(task):
    """Mirrors each file ZOOM times in x and y, in tiles of 256, and describes the files for both engines."""
    import rasterio

    folder = Path(task['folder'])
    scenes = []
    for source in sorted(Path(task['source']).glob('S2_*_10m.tif'))[::EVERY]:
        date = source.name[3:18]
        assets = {}
        for suffix in ['10m', '20m', 'SCL']:
            with rasterio.open(source.with_name(f'S2_{date}_{suffix}.tif')) as file:
                data, profile = file.read(), file.profile
            data = np.concatenate([data, data[:, ::-1]], axis=1)
            data = np.concatenate([data, data[:, :, ::-1]], axis=2)
            data = np.tile(data, (1, ZOOM // 2, ZOOM // 2))
            profile.update(height=data.shape[1], width=data.shape[2], tiled=True, blockxsize=256, blockysize=256, compress='deflate', predictor=2)
            path = folder / f'S2_{date}_{suffix}.tif'
            with rasterio.open(path, 'w', **profile) as file:
                file.write(data)
            assets[suffix] = {'path': str(path), 'dtype': profile['dtype'], 'shape': data.shape[1:], 'transform': list(profile['transform'])[:6]}
        scenes.append({'datetime': datetime.strptime(date, '%Y%m%dT%H%M%S').strftime('%Y-%m-%dT%H:%M:%SZ'), 'assets': assets})
    return {'scenes': scenes}


def graph(task):
    """The flat graph that the client sends; polygons are as much larger as the scene is."""
    import graphs
    from openeo.internal.graph_building import PGNode
    from openeo.metadata import Band, BandDimension, CubeMetadata, SpatialDimension, TemporalDimension
    from openeo.rest.datacube import DataCube

    metadata = CubeMetadata([SpatialDimension('x', []), SpatialDimension('y', []), TemporalDimension('t', [None, None]), BandDimension('bands', [Band(b) for b in [*graphs.FINE, *graphs.COARSE, 'SCL']])])

    class NoServer:
        def load_collection(self, collection, temporal_extent, bands):
            node = PGNode('load_collection', id=collection, spatial_extent=None, temporal_extent=temporal_extent, bands=bands)
            return DataCube(node, connection=None, metadata=metadata.filter_bands(bands))

    as_made = graphs.fields
    graphs.fields = lambda: enlarged(as_made(), corner_in_degrees(graphs.transform()))
    try:
        function = {**{name: make for name, (make, _) in {**graphs.RASTERS, **graphs.TABLES}.items()}, **parts(graphs)}[task['name']]
        return {'graph': function(NoServer(), 'FLANDERS').flat_graph()}
    finally:
        graphs.fields = as_made


def parts(graphs):
    """Steps of graphs that this engine can't run as a whole."""
    from openeo.processes import array_interpolate_linear

    def evi(connection, collection):
        cube = graphs.masked(connection, collection, graphs.SUMMER, ['B02', 'B04', 'B08'])
        blue, red, nir = (cube.band(name) * 0.0001 for name in ['B02', 'B04', 'B08'])
        return (nir - red) * 2.5 / (nir + red * 6 - blue * 7.5 + 1)

    def ndvi(connection, collection):
        return graphs.masked(connection, collection, ['2018-01-01', '2018-11-01'], ['B04', 'B08']).ndvi(nir='B08', red='B04')

    return {
        'evi, gaps filled': lambda *of: evi(*of).apply_dimension(dimension='t', process=array_interpolate_linear),
        'evi, monthly median': lambda *of: evi(*of).aggregate_temporal_period('month', reducer='median'),
        'ndvi, monthly median': lambda *of: ndvi(*of).aggregate_temporal_period('month', reducer='median'),
    }


def enlarged(fields, corner):
    """The polygons as much larger as the scene is, about its corner."""
    (west, north) = corner
    for feature in fields['features']:
        rings = feature['geometry']['coordinates']
        feature['geometry']['coordinates'] = [[[west + ZOOM * (x - west), north + ZOOM * (y - north)] for x, y in ring] for ring in rings]
    return fields


def corner_in_degrees(transform):
    from pyproj import Transformer
    return Transformer.from_crs('EPSG:32631', 'EPSG:4326', always_xy=True).transform(transform.c, transform.f)


BANDS = {'10m': ['B02', 'B03', 'B04', 'B08'], '20m': ['B05', 'B06', 'B07', 'B8A', 'B11', 'B12'], 'SCL': ['SCL']}


def stac_items(scenes):
    """The scenes as odc-stac wants them: projection metadata, so that no header is opened beforehand."""
    import pystac

    items = []
    for scene in scenes:
        item = pystac.Item(id=scene['datetime'], geometry=None, bbox=None, datetime=datetime.fromisoformat(scene['datetime']), properties={'proj:code': 'EPSG:32631', 'proj:epsg': 32631}, stac_extensions=['https://stac-extensions.github.io/projection/v1.1.0/schema.json', 'https://stac-extensions.github.io/raster/v1.1.0/schema.json', 'https://stac-extensions.github.io/eo/v1.1.0/schema.json'])
        for key, asset in scene['assets'].items():
            item.add_asset(key, pystac.Asset(href=asset['path'], media_type='image/tiff; application=geotiff', roles=['data'], extra_fields={
                'proj:shape': asset['shape'], 'proj:transform': asset['transform'],
                'raster:bands': [{'data_type': asset['dtype'], 'nodata': 0}] * len(BANDS[key]), 'eo:bands': [{'name': name} for name in BANDS[key]],
            }))
        items.append(item)
    return items


def load_collection(scenes):
    """
    load_collection as its load_stac does it: odc.stac.load in dask chunks, one for each date, on the finest
    pixels of the wanted bands. No-data becomes NaN while reading, as its processes want it.
    """
    def load(id, spatial_extent, temporal_extent, bands, properties=None, **_):
        import odc.stac

        start, end = (str(bound)[:10] for bound in json.loads(temporal_extent.model_dump_json()))
        wanted = stac_items([scene for scene in scenes if start <= scene['datetime'] < end])
        resolution = 10 if set(bands) & set(BANDS["10m"]) else 20
        loaded = odc.stac.load(wanted, bands=bands, chunks={}, crs='EPSG:32631', resolution=resolution, dtype='float32', nodata=float('nan'))
        return loaded.to_dataarray(dim='bands').rename(time='t')

    return load


def registry(scenes):
    from openeo_pg_parser_networkx.process_registry import Process, ProcessRegistry
    from openeo_processes_dask.process_implementations.core import process

    found = ProcessRegistry(wrap_funcs=[process])
    specs = importlib.import_module('openeo_processes_dask.specs')
    for name, function in inspect.getmembers(importlib.import_module('openeo_processes_dask.process_implementations'), inspect.isfunction):
        found[name] = Process(spec=getattr(specs, name, {}), implementation=function)
    found['load_collection'] = Process(spec={}, implementation=load_collection(scenes))
    return found


def run(task):
    import dask
    from openeo_pg_parser_networkx import OpenEOProcessGraph

    processes = registry(json.loads(Path(task['scenes']).read_text()))
    started = time.perf_counter()
    with dask.config.set(scheduler='threads', num_workers=task['threads']):
        cube = OpenEOProcessGraph(pg_data={'process_graph': task['graph']}).to_callable(processes)()
        result = cube.compute()
    ms = (time.perf_counter() - started) * 1000
    peak = peak_memory()
    dims = list(result.dims)
    if task.get('output'):
        wanted = [name for name in task.get('dimensions', dims) if name in dims]
        result = result.transpose(*[*(d for d in dims if d not in wanted), *wanted])
        if 'x' in dims and 'y' in dims:
            result = within(json.loads(Path(task['scenes']).read_text())[0]['assets']['10m'], result)
        result.values.astype('float64').tofile(task['output'])
    return {'ms': ms, 'peak': peak, 'shape': list(result.shape), 'dimensions': list(map(str, result.dims))}


def within(asset, cube):
    """Without the margin of cells that its resampling puts around the scene."""
    (step, _, west, _, down, north), (height, width) = asset['transform'], asset['shape']
    inside_x = (cube.x > west) & (cube.x < west + width * step)
    inside_y = (cube.y < north) & (cube.y > north + height * down)
    return cube.isel(x=np.flatnonzero(inside_x), y=np.flatnonzero(inside_y))


def peak_memory():
    """Bytes that were resident at most since the process began (VmHWM)."""
    line = next(line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM'))
    return int(line.split()[1]) * 1024


def answer(task):
    try:
        return {'prepare': prepare, 'graph': graph, 'run': run}[task['what']](task)
    except Exception as error:
        return {'error': f'{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ""}'[:200]}


if __name__ == '__main__':
    replies = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # what packages print must not get between the replies
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=replies, flush=True)
