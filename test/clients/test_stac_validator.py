"""stac-api-validator on the running service. It is no dependency: LAMINA_STAC_VALIDATOR names a Python that has it."""
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from conftest import EDITOR, PASSWORD, SHARED

PYTHON = os.environ.get('LAMINA_STAC_VALIDATOR') or (sys.executable if importlib.util.find_spec('stac_api_validator') else None)
SCHEMAS = SHARED.parent / 'spec/stac/schemas'
CLASSES = ['core', 'collections', 'features', 'item-search', 'item-search#sort', 'item-search#fields', 'item-search#query', 'filter', 'children', 'browseable', 'transaction']


@pytest.mark.skipif(PYTHON is None, reason='stac-api-validator is not installed; pip install it anywhere and set LAMINA_STAC_VALIDATOR to that Python')
@pytest.mark.skipif(not SCHEMAS.exists() or not (SHARED / 'stac-items').exists(), reason='../shared is absent')
def test_no_error_of_stac_api_validator(service):
    service.lamina('ingest', str(SHARED / 'stac-items/item-collection.json'), '--collection', 'S2_ITEMS')
    service.lamina('ingest', str(SHARED / 'stac-items/item-collection.json'), '--collection', 'S2_WRITTEN')
    token = requests.get(f'{service.url}/openeo/1.3/credentials/basic', auth=(EDITOR, PASSWORD), timeout=30).json()['access_token']
    box = [[-105.3, 39.7], [-105.0, 39.7], [-105.0, 40.5], [-105.3, 40.5], [-105.3, 39.7]]
    options = {
        'root-url': f'{service.url}/stac', 'collection': 'S2_ITEMS', 'geometry': json.dumps({'type': 'Polygon', 'coordinates': [box]}),
        'fields-nested-property': 'properties.eo:cloud_cover', 'query-comparison-field': 'eo:cloud_cover',
        'query-eq-value': '0.044906', 'query-neq-value': '0.044906', 'query-lt-value': '50', 'query-lte-value': '0.044906', 'query-gt-value': '50', 'query-gte-value': '46.011618',
        'query-substring-field': 'platform', 'query-starts-with-value': 'sentinel', 'query-ends-with-value': '2a', 'query-contains-value': 'nel-2',
        'transaction-collection': 'S2_WRITTEN', 'headers': f'Authorization: Bearer basic//{token}',
        'query-in-field': 'instruments', 'query-in-values': 'msi,oli',
    }
    arguments = [word for name, value in options.items() for word in (f'--{name}', value)] + [word for name in CLASSES for word in ('--conformance', name)]
    done = subprocess.run([PYTHON, Path(__file__).with_name('validate_stac_api.py'), *arguments, '--validate-pagination'], capture_output=True, text=True, timeout=600)
    report = done.stdout + done.stderr
    assert done.returncode == 0 and 'Errors: none' in report, report[-8000:]
