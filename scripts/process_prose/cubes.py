"""Prose of the processes on data cubes. Cubes are lazy: nothing is read before a result asks for it."""

CUBE = 'The data cube.'
CONTEXT = 'Handed on to the child process as its parameter `context`.'
OTHERS_STAY = 'All other dimensions stay as they are.'
TIME_DIMENSION = 'Name of the temporal dimension. May be left out when the cube has exactly one.'
REDUCER = 'What makes one value of many, such as ``mean()`` or ``median()``. It receives the values as `data`, with their labels.'
LEFT_CLOSED = 'The start is included, the end is not, and `null` leaves a side open (one side only).'
BOX = {
    'west': 'Western edge.', 'south': 'Southern edge.', 'east': 'Eastern edge.', 'north': 'Northern edge.',
    'base': 'Lower end in height.', 'height': 'Upper end in height.',
    'crs': 'Coordinate reference system of the numbers: an EPSG code, or WKT2. Longitude and latitude (4326) unless given.',
}


def box(path):
    """Prose for the properties of a bounding box schema at `path`."""
    named = {f'{path}/properties/{edge}': text for edge, text in BOX.items()}
    titles = {f'{path}/properties/crs/anyOf/0': dict(title='EPSG code'), f'{path}/properties/crs/anyOf/1': dict(title='WKT2')}
    return {**named, **titles}


def example(title, **arguments):
    """An example without a written-out result: cubes do not fit into one."""
    return (dict(arguments), dict(title=title))


def child(process_id, **arguments):
    """A child process graph of one node."""
    return dict(process_graph={'run': dict(process_id=process_id, arguments=arguments, result=True)})


def from_node(node):
    return dict(from_node=node)


DATA = from_node('data')
VALUES = dict(from_parameter='data')

INPUT_OUTPUT = {
    'export_collection': dict(
        summary='Add results to a collection',
        description=(
            'Adds the files that ``save_result()`` has written to a collection, one item per date, so that ``load_collection()`` and every STAC client find them. '
            'A collection that does not exist is made and belongs to whoever asks; an existing one must be theirs, or they must be allowed to write items. '
            'Layers are computed, so nothing can be added to them.\n\n'
            'The items appear when the run has succeeded, and not at all when it fails or is canceled. They outlive the job. Starting the same job again replaces its items. '
            'Only GeoTIFF files can be loaded as a cube afterwards; other formats are offered for download, JSON is refused.\n\n'
            'A new collection is public, unless a private collection was loaded to make the result.'),
        parameters=dict(
            data='What ``save_result()`` returned, in the same process graph.',
            collection='Id of the collection: letters, digits and `_-.~`, 100 at most, a letter or digit first.'),
        returns='The id of the collection.',
        schemas={
            'collection/0': dict(title='A new collection'),
            'collection/1': dict(title='A collection that exists'),
        },
        examples=[example('NDVI of every date as a collection', data=dict(from_node='save'), collection='my-ndvi')],
    ),
    'load_collection': dict(
        summary='Load a collection',
        description=(
            'Opens a collection, raw or virtual, as a lazy data cube. Extent, bands and resolution travel down to the files, '
            'so that only the windows a result needs are read, from an overview where that is enough.\n\n'
            'The cube has the dimensions `x`, `y`, `t` and `bands` (for an embedding layer `embedding` in place of `bands`) on the grid of the collection: '
            'it has the pixels whose centre lies in the extent, and no pixel moves. Where the data lie in several reference systems, the one of most of the extent is used and the rest is transformed to it. '
            'Items that share an instant are laid over each other. '
            'Blocks of a virtual collection that nobody has asked for before are computed on the way, and kept.'),
        parameters=dict(
            id='Id of the collection, as ``GET /collections`` lists it.',
            spatial_extent='The region to load, or `null` for all of it. Give it whenever you can.',
            temporal_extent=f'The time to load as [start, end], or `null` for all of it. {LEFT_CLOSED}',
            bands='Names or common names of the bands, in the order in which you want them; `null` for all in the order of the collection.',
            properties='Conditions on item properties, such as `eo:cloud_cover`. An item is used only if every condition holds.'),
        returns='The data cube.',
        schemas={
            'spatial_extent/0': dict(title='Bounding box'),
            **box('spatial_extent/0'),
            'spatial_extent/1': dict(title='GeoJSON', description='The bounding box of the geometries is loaded; pixels are not masked by their outlines. Deprecated by the standard.'),
            'spatial_extent/2': dict(title='Vector data cube', description='Refused: this service has no vector data cubes.'),
            'spatial_extent/3': dict(title='Everywhere'),
            'temporal_extent/1': dict(title='All times'),
            'bands/1': dict(title='All bands'),
            'properties/0': dict(title='Conditions', description='Item property and the condition that it has to meet.'),
            'properties/0/additionalProperties/parameters/value': 'The value of the property.',
            'properties/0/additionalProperties/returns': 'Whether the item is used.',
            'properties/1': dict(title='All items'),
        },
        examples=[
            example('Three bands of one summer, little cloud', id='SYNTHETIC_S2',
                    spatial_extent=dict(west=5.95, south=50.61, east=5.98, north=50.63), temporal_extent=['2023-06-01', '2023-09-01'], bands=['B04', 'B08', 'SCL'],
                    properties={'eo:cloud_cover': child('lte', x=dict(from_parameter='value'), y=20)}),
        ],
    ),
    'load_stac': dict(
        summary='Load from a STAC URL',
        description=(
            'Opens what lies behind a STAC URL as a lazy data cube: an Item, a static Collection or Catalog, a Collection of a STAC API, or the results of a batch job (of another service, or of this one through the signed link `canonical`). '
            'GeoTIFF assets that are reached by http or https are read, window by window and over their overviews; where metadata lack grid, bands or sample type, the headers of the files are asked. STAC 1.0 and 1.1 are understood.\n\n'
            'The cube is like that of ``load_collection()``: `x`, `y`, `t` and `bands` on the grid of the data, with the pixels whose centre lies in the extent. '
            'Stored values are given as they are; scale and offset are told in the metadata of the bands.\n\n'
            'Embeddings (assets `embeddings`, or items with `emb:*` fields) are the exception: they are given as float32 vectors in a dimension `embedding`. Understood are linear codes (`emb:quantization` with scale and offset), '
            'power-2 codes (AlphaEarth) and codes with one scale per pixel in an asset of its own (TESSERA). Files whose rows run from south to north are turned over. GeoParquet tables of vectors become rasters where their rows lie on a regular grid.\n\n'
            'Only public servers are read, and those that the operator of the service allows.'),
        parameters=dict(
            url='URL of a STAC Item, Collection or Catalog. Keys that a server wants stand in the URL.',
            spatial_extent='The region to load, or `null` for all of it. Give it whenever you can.',
            temporal_extent=f'The time to load as [start, end], or `null` for all of it. {LEFT_CLOSED} What counts is the instant of an item, or the start of its time span.',
            bands='Names or common names of the bands, in the order in which you want them; `null` for all.',
            properties='Conditions on item properties, such as `eo:cloud_cover`. An item is used only if every condition holds.'),
        returns='The data cube.',
        schemas={
            'spatial_extent/0': dict(title='Bounding box'),
            **box('spatial_extent/0'),
            'spatial_extent/1': dict(title='GeoJSON', description='The bounding box of the geometries is loaded; pixels are not masked by their outlines.'),
            'spatial_extent/2': dict(title='Vector data cube', description='Refused: this service has no vector data cubes.'),
            'spatial_extent/3': dict(title='Everywhere'),
            'temporal_extent/1': dict(title='All times'),
            'bands/1': dict(title='All bands'),
            'properties/0': dict(title='Conditions', description='Item property and the condition that it has to meet.'),
            'properties/0/additionalProperties/parameters/value': 'The value of the property.',
            'properties/0/additionalProperties/returns': 'Whether the item is used.',
            'properties/1': dict(title='All items'),
        },
        examples=[
            example('Results of a batch job', url='https://lamina.example/openeo/1.3/jobs/3f6c/results?signature=9a0f'),
            example('Embeddings of one year', url='https://stac.example/collections/alphaearth', spatial_extent=dict(west=5.95, south=50.61, east=5.98, north=50.63),
                    temporal_extent=['2023-01-01', '2024-01-01']),
        ],
    ),
    'save_result': dict(
        summary='Save a result',
        description=(
            'Writes a data cube in a file format. A synchronous request answers with the file; a batch job keeps it as an asset of its results, '
            'with STAC metadata beside it. A process graph may save several results.\n\n'
            'GeoTIFF files are cloud-optimized. Values, coordinate reference system, no-data, band names and, for int8 embeddings, scale and offset are in the file.'),
        parameters=dict(
            data='What to save.', format='Name of an output format of ``GET /file_formats``, in upper or lower case.',
            options='Parameters of the format, as ``GET /file_formats`` describes them. An unknown one is refused.'),
        returns='The STAC description of what was saved.',
        examples=[example('Cloud-optimized GeoTIFF', data=DATA, format='GTiff')],
    ),
}

FILTERS = {
    'filter_bbox': dict(
        summary='Limit to a bounding box',
        description='Keeps the pixels whose centre lies in the box or on its edge. A box in another reference system is transformed to that of the cube first. Directly after ``load_collection()`` the limit reaches down to the files, so nothing outside is read.',
        parameters=dict(data=CUBE, extent='The bounding box.'),
        returns='The cube with fewer or as many pixels. ' + OTHERS_STAY,
        schemas={
            'data/0': dict(title='Raster data cube'), 'data/1': dict(title='Vector data cube', description='Refused: this service has no vector data cubes.'),
            'returns/0': dict(title='Raster data cube'), 'returns/1': dict(title='Vector data cube'),
            **box('extent'),
        },
        examples=[example('A box in UTM zone 31N', data=DATA, extent=dict(west=640000, south=5612000, east=645120, north=5617120, crs=32631))],
    ),
    'filter_temporal': dict(
        summary='Limit to a time interval',
        description=f'Keeps the temporal labels within an interval. {LEFT_CLOSED}',
        parameters=dict(data=CUBE, extent='The interval, as [start, end].', dimension='Name of a temporal dimension; without it, all of them are filtered.'),
        returns='The cube with fewer or as many dates. ' + OTHERS_STAY,
        examples=[example('One month', data=DATA, extent=['2024-06-01', '2024-07-01'])],
    ),
    'filter_bands': dict(
        summary='Pick bands',
        description='Keeps the bands that any of the criteria names, in the order in which the criteria name them.',
        parameters=dict(
            data='The data cube. It needs exactly one dimension of the type `bands`.',
            bands='Band names, or common names such as `red`. A name goes before an equal common name.',
            wavelengths='Pairs [lowest, highest] of centre wavelengths in micrometres.'),
        returns='The cube with the picked bands. ' + OTHERS_STAY,
        examples=[example('Red and near infrared', data=DATA, bands=['red', 'nir'])],
    ),
    'filter_labels': dict(
        summary='Keep labels that meet a condition',
        description='Evaluates a condition on every label of a dimension and keeps those for which it holds.',
        parameters=dict(data=CUBE, condition='The condition. It receives the label as `value`.', dimension='Name of the dimension.', context=CONTEXT),
        returns='The cube with fewer or as many labels. ' + OTHERS_STAY,
        schemas={'condition/parameters/value': 'One label: a number, or a text; for dates an RFC 3339 text.', 'condition/returns': 'Whether the label stays.'},
        examples=[example('Bands of Sentinel-2 that begin with B0', data=DATA, dimension='bands',
                          condition=child('text_begins', data=dict(from_parameter='value'), pattern='B0'))],
    ),
    'trim_cube': dict(
        summary='Cut off empty edges',
        description='Drops labels under which there is nothing but no-data: at both ends of a dimension, and for dates and categories also in between. Needs to look at every pixel.',
        parameters=dict(data=CUBE),
        returns='The cube with fewer or as many labels.',
    ),
}

CHILD_VALUE = {'process/parameters/x': 'The value.', 'process/returns': 'The new value.'}
CHILD_SERIES = {'parameters/data': 'The values along the dimension, with their labels.'}

COMPUTING = {
    'apply': dict(
        summary='Compute each value anew',
        description='Runs a child process on every single value. The child process is compiled to one loop over the pixels. ``apply_dimension()`` and ``reduce_dimension()`` see a whole series at once.',
        parameters=dict(data=CUBE, process='The child process. It receives the value as `x`.', context=CONTEXT),
        returns='A cube of the same shape with the new values.',
        schemas=CHILD_VALUE,
        examples=[example('Digital numbers to reflectance', data=DATA, process=child('divide', x=dict(from_parameter='x'), y=10000))],
    ),
    'apply_dimension': dict(
        summary='Compute series anew',
        description=(
            'Runs a child process on every series of values along a dimension, for example on every time series, and puts the array it gives in the place of the series. '
            'The labels stay when the length does; otherwise they are counted from zero. '
            'With a `target_dimension` the values move to a new dimension of the type `other`.'),
        parameters=dict(
            data=CUBE, process='The child process. It receives an array as `data` and gives an array.', dimension='Name of the dimension that the series run along.',
            target_dimension='Name of the dimension to put the values in; `null` for the same one.', context=CONTEXT),
        returns='The cube with the new values. ' + OTHERS_STAY,
        schemas={'process/parameters/data': CHILD_SERIES['parameters/data'], 'process/returns': 'The new values.'},
        examples=[example('Fill gaps in time', data=DATA, dimension='t', process=child('array_interpolate_linear', data=VALUES))],
    ),
    'reduce_dimension': dict(
        summary='Reduce a dimension',
        description='Makes one value of every series along a dimension, and drops the dimension. Reducing `t` gives a composite, reducing `bands` an index.',
        parameters=dict(data=CUBE, reducer=REDUCER, dimension='Name of the dimension to reduce.', context=CONTEXT),
        returns='The cube without the dimension. ' + OTHERS_STAY,
        schemas={'reducer/parameters/data': CHILD_SERIES['parameters/data'], 'reducer/returns': 'The one value.'},
        examples=[example('Median composite', data=DATA, dimension='t', reducer=child('median', data=VALUES))],
    ),
    'apply_kernel': dict(
        summary='Convolve in space',
        description='Replaces every pixel by the weighted sum of its surroundings. Blocks are read with the margin that the kernel needs, so they have no seams.',
        parameters=dict(
            data='The data cube. It needs the dimensions `x` and `y`.',
            kernel='The weights, row by row; rows and columns odd in number.',
            factor='Every sum is multiplied by this, for example 1/9 for the mean of nine pixels.',
            border='What lies beyond the edge of the cube: a number, or `replicate` (aaa|abc|ccc), `reflect` (cba|abc|cba), `reflect_pixel` (cb|abc|ba), `wrap` (abc|abc|abc).',
            replace_invalid='Stands in for no-data, NaN and infinite values in the sum.'),
        returns='A cube of the same shape with the new values.',
        schemas={'kernel': 'Rows of numbers.'},
        examples=[example('Mean of 3 × 3 pixels', data=DATA, kernel=[[1, 1, 1], [1, 1, 1], [1, 1, 1]], factor=1 / 9)],
    ),
    'ndvi': dict(
        summary='Vegetation index NDVI',
        description='Computes (nir − red) / (nir + red) per pixel. Without a `target_band` the band dimension is dropped and the index remains; with one, the index is added to the bands.',
        parameters=dict(
            data='The data cube. It needs exactly one dimension of the type `bands`.',
            nir='Name or common name of the near-infrared band.', red='Name or common name of the red band.',
            target_band='Name of the band to add; `null` to keep the index only.'),
        returns='The cube with the index.',
        schemas={'target_band/0': dict(title='New band')},
        examples=[example('Index of every date', data=DATA, nir='B08', red='B04')],
    ),
    'mask': dict(
        summary='Mask out pixels',
        description='Replaces values where the mask is true or a number other than zero; where the mask is zero, false or no-data, the value stays. A mask without the bands, or without the dates, holds for all of them.',
        parameters=dict(data=CUBE, mask='The mask. On another grid than the data it is brought to theirs by nearest neighbour. Its dimensions must be among those of the data, with the same labels.', replacement='The value to put in; no-data unless given.'),
        returns='A cube of the same shape.',
        examples=[example('Drop clouds', data=DATA, mask=from_node('clouds'))],
    ),
    'merge_cubes': dict(
        summary='Merge two cubes',
        description=(
            'Puts two cubes together: bands beside bands, dates beside dates. Where both have a value for the same labels, `overlap_resolver` makes one of the two. '
            'A cube that lacks a dimension of the other is repeated along it, which needs a resolver too. '
            'A second cube on another grid is brought to the grid of the first by nearest neighbour. Cubes with an `embedding` dimension are never resampled; such a merge is refused.'),
        parameters=dict(cube1='The first cube. Its grid is kept.', cube2='The second cube.', overlap_resolver='What makes one value of the two, `x` from the first cube and `y` from the second. Without overlap none is needed.', context=CONTEXT),
        returns='The merged cube.',
        schemas={'overlap_resolver/parameters/x': 'The value in `cube1`.', 'overlap_resolver/parameters/y': 'The value in `cube2`.', 'overlap_resolver/returns': 'The value in the merged cube.'},
        examples=[example('Difference of two cubes', cube1=from_node('a'), cube2=from_node('b'), overlap_resolver=child('subtract', x=dict(from_parameter='x'), y=dict(from_parameter='y')))],
    ),
}

INTERVAL_LABELS = 'A label per interval, each different. Needed only where two intervals share their start; otherwise the starts are the labels.'

TIME = {
    'aggregate_temporal': dict(
        summary='Aggregate over intervals',
        description=f'Makes one value per interval and pixel. Intervals may overlap. {LEFT_CLOSED} An interval without observations gives what the reducer makes of an empty array, mostly no-data.',
        parameters=dict(
            data=CUBE, intervals='The intervals, each as [start, end].', reducer=REDUCER, labels=INTERVAL_LABELS, dimension=TIME_DIMENSION, context=CONTEXT),
        returns='The cube with one label per interval. ' + OTHERS_STAY,
        schemas={'reducer/parameters/data': 'The values of one interval, with their labels; empty if there are none.', 'reducer/returns': 'The value of the interval.'},
        examples=[example('Mean of two summers', data=DATA, intervals=[['2023-06-01', '2023-09-01'], ['2024-06-01', '2024-09-01']], reducer=child('mean', data=VALUES))],
    ),
    'aggregate_temporal_period': dict(
        summary='Aggregate over calendar periods',
        description=(
            'Makes one value per calendar period and pixel, from the first period with an observation to the last; periods in between without one give what the reducer makes of an empty array, mostly no-data.'),
        parameters=dict(
            data=CUBE,
            period=(
                'The period, with the labels that it gives:\n\n'
                '* `hour`: `2024-05-17-09`\n* `day`: day of the year, `2024-138`\n* `week`: ISO 8601 week, `2024-20`\n'
                '* `dekad`: days 1 to 10, 11 to 20 and the rest of each month, counted through the year, `2024-14`\n'
                '* `month`: `2024-05`\n* `season`: three months from December, March, June or September, `2024-mam` (also `jja`, `son`, `djf`), with the year in which it begins\n'
                '* `tropical-season`: `2024-mjjaso` (May to October) or `2024-ndjfma` (November to April), with the year in which it begins\n'
                '* `year`: `2024`\n* `decade`: years ending in 0 to 9, `2020`\n* `decade-ad`: years ending in 1 to 0, `2021`'),
            reducer=REDUCER, dimension=TIME_DIMENSION, context=CONTEXT),
        returns='The cube with one label per period. ' + OTHERS_STAY,
        schemas={'reducer/parameters/data': 'The values of one period, with their labels; empty if there are none.', 'reducer/returns': 'The value of the period.'},
        examples=[example('Monthly medians', data=DATA, period='month', reducer=child('median', data=VALUES))],
    ),
}

SPACE = {
    'resample_spatial': dict(
        summary='Change resolution or projection',
        description=(
            'Brings the pixels to another resolution, another reference system, or both. Coarser resolutions use the overviews of the files. '
            'The new grid is aligned to a corner of the cube.\n\n'
            'Embeddings are not resampled, because a vector between two vectors has no meaning: the raw pixels are brought to the '
            'new grid and encoded there, whatever the extent on cells counted from the origin of the reference system. This needs '
            'pixels of a size that the operator was made for; other resolutions are refused.'),
        parameters=dict(
            data='The data cube. It needs the dimensions `x` and `y`.',
            resolution='Pixel size in the units of the target reference system, as one number or as [x, y]; 0 keeps the present one.',
            projection='Target reference system, as EPSG code or WKT2; `null` keeps the present one.',
            method=(
                'How a new pixel gets its value. `near`, `bilinear`, `cubic`, `cubicspline` and `lanczos` look at the pixels around its centre; '
                '`average`, `rms`, `sum`, `mode`, `max`, `min`, `med`, `q1` and `q3` summarize all pixels that it covers. No-data takes no part.'),
            align='Corner of the cube that the new grid starts from.'),
        returns='The cube on the new grid. ' + OTHERS_STAY,
        schemas={
            'resolution/0': 'For both directions.', 'resolution/1': 'For x, then for y.',
            'projection/0': dict(title='EPSG code'), 'projection/1': dict(title='WKT2'), 'projection/2': dict(title='Keep the projection'),
        },
        examples=[example('60 m by averaging', data=DATA, resolution=60, method='average')],
    ),
    'resample_cube_spatial': dict(
        summary='Bring a cube onto the grid of another',
        description=(
            'Brings the pixels onto the cells of a target cube: the same reference system, resolution and extent. '
            'Other dimensions of the target do not matter.\n\n'
            'Embeddings are not resampled, because a vector between two vectors has no meaning: the raw pixels are brought to the '
            'target grid and encoded there. This needs pixels of a size that the operator was made for; other targets are refused.'),
        parameters=dict(
            data='The data cube. It needs the dimensions `x` and `y`.',
            target='A data cube that has the wanted cells. It needs the dimensions `x` and `y`.',
            method=(
                'How a new pixel gets its value. `near`, `bilinear`, `cubic`, `cubicspline` and `lanczos` look at the pixels around its centre; '
                '`average`, `rms`, `sum`, `mode`, `max`, `min`, `med`, `q1` and `q3` summarize all pixels that it covers. No-data takes no part.')),
        returns='The cube on the cells of the target. ' + OTHERS_STAY,
    ),
}

SHAPE = {
    'rename_labels': dict(
        summary='Rename labels',
        description='Gives labels of a dimension new names. The values stay where they are.',
        parameters=dict(
            data=CUBE, dimension='Name of the dimension.', target='The new names. None may be in use already.',
            source='The old names, in the order of the new ones. May be left out when the labels are counted from zero.'),
        returns='The cube with the new labels. ' + OTHERS_STAY,
        examples=[example('Name what apply_dimension made', data=DATA, dimension='bands', target=['p10', 'p50', 'p90'])],
    ),
    'rename_dimension': dict(
        summary='Rename a dimension',
        description='Gives a dimension another name. Labels and values stay as they are.',
        parameters=dict(data=CUBE, source='The present name.', target='The new name. No other dimension may have it.'),
        returns='The cube with the renamed dimension.',
        examples=[example('Spectral bands', data=DATA, source='bands', target='spectral')],
    ),
    'add_dimension': dict(
        summary='Add a dimension',
        description='Adds a dimension with a single label. Together with ``merge_cubes()`` it puts an index beside the bands it was made of.',
        parameters=dict(
            data=CUBE, name='Name of the new dimension.', label='Its only label.',
            type='Its type. A `spatial` dimension takes the first free axis of x, y and z.'),
        returns='The cube with one dimension more. ' + OTHERS_STAY,
        examples=[example('A band dimension for an index', data=DATA, name='bands', label='ndvi', type='bands')],
    ),
    'drop_dimension': dict(
        summary='Drop a dimension',
        description='Removes a dimension that has one label left. To get there, filter it or use ``reduce_dimension()``.',
        parameters=dict(data=CUBE, name='Name of the dimension.'),
        returns='The cube with one dimension less. ' + OTHERS_STAY,
        examples=[example('After picking one date', data=DATA, name='t')],
    ),
    'dimension_labels': dict(
        summary='Labels of a dimension',
        description='Lists the labels of a dimension in their order. No pixels are read for it.',
        parameters=dict(data=CUBE, dimension='Name of the dimension.'),
        returns='The labels.',
        examples=[example('The dates', data=DATA, dimension='t')],
    ),
    'create_data_cube': dict(
        summary='Empty data cube',
        description='Makes a cube without dimensions, to which ``add_dimension()`` adds some.',
        returns='The empty cube.',
    ),
}

DEVELOPMENT = {
    'inspect': dict(
        summary='Write to the log',
        description='Writes an entry to the log of the batch job or request and hands the data on unchanged. Of a cube the entry holds the dimensions, never the pixels.',
        parameters=dict(
            data='What to look at.', message='A text for the entry.', code='A code to find the entry by.',
            level='Severity of the entry. It is kept if the log level of the job lets it pass.'),
        returns='The data, unchanged.',
        examples=[example('Look at a cube on its way', data=DATA, message='after the mask')],
    ),
}

PROCESSES = {**INPUT_OUTPUT, **FILTERS, **COMPUTING, **TIME, **SPACE, **SHAPE, **DEVELOPMENT}
