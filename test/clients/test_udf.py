"""Functions of users, sent by the Python client."""
import numpy as np
import openeo
import pytest
import xarray

import by_hand

YEAR = ['2020-11-01', '2021-11-01']
RANGE = '''
function describe({dimensions}) {
  return dimensions.filter((d) => d.type === 'bands');
}
function apply({data, shape: [dates, bands, height, width]}) {
  console.log('a chunk of', width, 'by', height);
  const size = bands * height * width;
  return Float64Array.from({length: size}, (_, i) => {
    let [low, high] = [Infinity, -Infinity];
    for (let t = 0; t < dates; t++) {
      const value = data[t * size + i];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return high >= low ? high - low : NaN;
  });
}
'''
HALF = 'function apply(series, {share}) {\n  const valid = series.filter((v) => v !== null).sort((a, b) => a - b);\n  return valid[Math.floor(valid.length * share)] ?? null;\n}'


@pytest.fixture
def red(connection, hesbaye):
    return connection.load_collection(hesbaye, temporal_extent=YEAR, bands=['B04'])


def months():
    return np.stack([by_hand.hesbaye_month(month)[0][by_hand.BANDS.index('B04')] for month in by_hand.hesbaye_months()])


def downloaded(cube, tmp_path):
    path = tmp_path / 'result.nc'
    cube.download(path, format='netCDF')
    with xarray.open_dataset(path) as dataset:
        variable = next(v for v in dataset.data_vars.values() if {'x', 'y'} <= set(v.dims))
        return variable.squeeze().transpose('y', 'x').load().values


def test_runtimes(connection):
    runtimes = connection.list_udf_runtimes()
    assert list(runtimes) == ['JavaScript']
    assert runtimes['JavaScript']['default'] in runtimes['JavaScript']['versions']


def test_on_a_cube(red, tmp_path):
    found = downloaded(red.process('run_udf', data=red, udf=RANGE, runtime='JavaScript'), tmp_path)
    series = months()
    with np.errstate(all='ignore'):
        np.testing.assert_array_equal(found, np.nanmax(series, axis=0) - np.nanmin(series, axis=0))


def test_in_a_callback(red, tmp_path):
    udf = openeo.UDF(HALF, runtime='JavaScript', context={'share': 0.5})
    found = downloaded(red.reduce_dimension(dimension='t', reducer=udf), tmp_path)
    series = np.sort(months(), axis=0)
    count = np.isfinite(series).sum(axis=0)
    expected = np.take_along_axis(series, np.clip(count // 2, 0, len(series) - 1)[None], axis=0)[0]
    np.testing.assert_array_equal(found, expected)


def test_errors_and_logs(connection, red):
    broken = red.process('run_udf', data=red, udf='function apply(cube) {\n  console.log("before");\n  return cube.nothing.more;\n}', runtime='JavaScript')
    job = broken.create_job(out_format='GTiff')
    with pytest.raises(openeo.rest.JobFailedException):
        job.start_and_wait(print=lambda _: None, max_poll_interval=2)
    messages = [entry['message'] for entry in job.logs()]
    assert 'before' in messages
    assert any('line 3' in message for message in messages)
