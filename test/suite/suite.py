"""
Runs openEO's own test suite against a started service with an OpenID Connect provider, group by group.

    python test/suite/suite.py [--report FILE.xml] [group ...]

Groups: metadata, processing, workflows, general. Faults of the suite itself are listed in known.json with
their reason; everything else that fails is ours. A listed fault that is gone is told, too. Ends with one line
per group, and with a status of 0 when nothing unexpected happened.
"""
import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

import openeo_test_suite

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'test/clients'))
from conftest import NODE, Service  # noqa: E402

from scenes import sentinel2, soil_moisture  # noqa: E402

SPEC = ROOT.parent / 'shared/spec/openeo'
LEVELS = 'L1,L2,L2A,L2B,L2-Date,L2-Text,L3,L3-ML,L3-UDF,L3-Clim,L4'
GROUPS = {
    'metadata': ['tests/processes/metadata', '-m', 'not optional', '--experimental'],
    'processing': ['tests/processes/processing', '--runner=http', f'--process-levels={LEVELS}', '--experimental'],
    'workflows': ['tests/workflows', f'--process-levels={LEVELS}', '--s2-collection=SENTINEL2_L2A_SAMPLE'],
    'general': ['tests/general'],
}
# The suite's jobs name the plan `free`, and its validator takes no currency that is null.
BILLING = {'currency': 'EUR', 'default_plan': 'free', 'plans': [{'name': 'free', 'description': 'For tests.', 'paid': False, 'prices': {'job': 0.01, 'cpu': 0.0001}}]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('groups', nargs='*', default=list(GROUPS), metavar='group')
    parser.add_argument('--report', type=Path, help='JUnit file for .ci/sum.mjs')
    options = parser.parse_args()
    if not SPEC.exists():
        print(f'skipped: {SPEC} is absent')
        if options.report:
            write_report(options.report, {})
        return 0
    with tempfile.TemporaryDirectory(prefix='lamina-suite-') as folder:
        outcomes = run_groups(Path(folder), options.groups)
    if options.report:
        write_report(options.report, outcomes)
    unexpected = sum(len(group['failed']) for group in outcomes.values())
    for name, group in outcomes.items():
        print(f"{name}: {group['passed']} passed, {len(group['failed'])} failed, {group['known']} known faults of the suite, {group['skipped']} skipped")
        for case, message in group['failed'].items():
            print(f'  {case}\n    {message}')
        for case in group['healed']:
            print(f'  known.json lists {case}, which no longer fails')
    return 1 if unexpected else 0


def run_groups(folder, groups):
    assets(folder / 'checkout')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    provider = subprocess.Popen([NODE, 'test/clients/oidc-provider.ts', str(port)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        issuer = provider.stdout.readline().strip()
        settings = folder / 'oidc.json'
        settings.write_text(json.dumps([{'id': 'dev', 'title': 'Provider of the tests', 'issuer': issuer, 'default_clients': [{'id': 'people', 'grant_types': ['refresh_token']}]}]))
        billing = folder / 'billing.json'
        billing.write_text(json.dumps(BILLING))
        service = Service(folder / 'data', {'LAMINA_OIDC_FILE': str(settings), 'LAMINA_BILLING_FILE': str(billing)})
        try:
            service.wait_until_ready()
            for make, collection in [(sentinel2, 'SENTINEL2_L2A_SAMPLE'), (soil_moisture, 'CGLS_SSM_1KM')]:
                scenes = folder / collection
                scenes.mkdir()
                make(scenes)
                service.lamina('ingest', str(scenes), '--collection', collection)
            return {name: run_group(name, folder, service.url) for name in groups}
        finally:
            service.stop()
    finally:
        provider.terminate()
        provider.wait()


def assets(checkout):
    """The suite finds its assets by a path relative to the folder that it runs in, as in a checkout."""
    (checkout / 'assets/openeo-api').mkdir(parents=True)
    (checkout / 'assets/openeo-api/openapi.yaml').symlink_to(SPEC / 'api-1.2.0/openapi.yaml')
    # References to files of cubes are looked up beside the processes, and lie beside the tests.
    processes = checkout / 'assets/processes'
    processes.mkdir()
    for path in (SPEC / 'processes-2.0.0-rc.2').iterdir():
        (processes / path.name).symlink_to(path)
    (processes / 'assets').symlink_to(SPEC / 'processes-2.0.0-rc.2/tests/assets')


def run_group(name, folder, url):
    report = folder / f'{name}.xml'
    where, *arguments = GROUPS[name]
    package = Path(openeo_test_suite.__file__).parent
    # Fixtures lie in the package's own conftest.py, which pytest reads only at or below its root folder; left
    # to itself, it takes the nearest folder that holds both this one and the package, if there is one.
    # The suite takes the address as it is when it ends with a slash and has 'openeo' in its path.
    command = [sys.executable, '-m', 'pytest', '-p', 'openeo_test_suite.lib.pytest_plugin', str(package / where), '-p', 'no:cacheprovider', f'--rootdir={package}', '-q', '--tb=short', f'--junitxml={report}', '-U', f'{url}/openeo/1.2/', *arguments]
    environment = {
        **os.environ, 'OPENEO_AUTH_METHOD': 'client_credentials', 'OPENEO_AUTH_PROVIDER_ID': 'dev',
        'OPENEO_AUTH_CLIENT_ID': 'machine', 'OPENEO_AUTH_CLIENT_SECRET': 'machine-secret',
    }
    with open(folder / f'{name}.log', 'w') as log:
        subprocess.run(command, cwd=folder / 'checkout', env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=1800)
    if not report.exists():
        raise RuntimeError(f'The suite did not run:\n{(folder / f"{name}.log").read_text()[-4000:]}')
    return outcome(name, report)


def outcome(name, report):
    """Counts, and sorts what failed into what is known and what is ours."""
    known = json.loads((Path(__file__).parent / 'known.json').read_text()).get(name, {})
    result = {'passed': 0, 'skipped': 0, 'known': 0, 'failed': {}}
    used = set()
    for case in xml.parse(report).iter('testcase'):
        id = case.get('name')
        fault = next((case.find(kind) for kind in ('failure', 'error') if case.find(kind) is not None), None)
        listed = next((pattern for pattern in known if re.search(pattern, id)), None)
        if case.find('skipped') is not None:
            result['skipped'] += 1
        elif fault is None:
            result['passed'] += 1
        elif listed and re.search(known[listed]['message'], fault.get('message', '') + (fault.text or ''), re.S):
            result['known'] += 1
            used.add(listed)
        elif name == 'processing' and is_no_json(fault):
            result['known'] += 1
        else:
            lines = (fault.get('message') or fault.text or '').strip().splitlines()
            result['failed'][id] = ' '.join(lines)[:400]
    result['healed'] = [pattern for pattern in known if pattern not in used]
    return result


def is_no_json(fault):
    """NaN and infinities among the arguments: the suite can't send them to any back-end."""
    text = (fault.get('message') or '') + (fault.text or '')
    return "HTTP JSON APIs don't support" in text


def write_report(path, outcomes):
    """What passed and what is ours to mend; known faults and skipped cases are left out."""
    passed = sum(group['passed'] for group in outcomes.values())
    failed = {f'{name} {id}': message for name, group in outcomes.items() for id, message in group['failed'].items()}
    suite = xml.Element('testsuite', name='openEO test suite', tests=str(passed + len(failed)), failures=str(len(failed)), errors='0', skipped='0')
    for id, message in failed.items():
        xml.SubElement(xml.SubElement(suite, 'testcase', name=id), 'failure', message=message)
    xml.ElementTree(suite).write(path)


if __name__ == '__main__':
    sys.exit(main())
