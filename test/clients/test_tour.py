"""The tour in README.md works as it is written."""
import re

import pytest
import rasterio

from conftest import PASSWORD, ROOT, USER


@pytest.fixture
def tour(service):
    """The Python of the tour, with the address and login of the service under test."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    code = '\n'.join(re.findall(r'^```python\n(.*?)^```', text, flags=re.MULTILINE | re.DOTALL))
    return (code
            .replace('http://127.0.0.1:8080', service.url)
            .replace('"dev", "the password that npm start printed"', f'"{USER}", "{PASSWORD}"'))


def test_tour(tour, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(tour, 'README.md', 'exec'), {})
    printed = capsys.readouterr().out
    assert 'SYNTHETIC_S2' in printed
    with rasterio.open('ndvi.tif') as ndvi:
        values = ndvi.read(1, masked=True)
        assert values.count() > 0.9 * values.size
        assert -1 <= values.min() < values.max() <= 1
    with rasterio.open('embedding.tif') as embedding:
        assert embedding.count == 32
        assert embedding.dtypes[0] == 'int8'
    assert len(list((tmp_path / 'embeddings').glob('*.tif'))) >= 1


def test_tiles_of_the_tour(service):
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert '/tiles/EMB_SYNTHETIC_S2_PCA/{z}/{x}/{y}.png' in text
