#!/usr/bin/env python3
"""Writes processes/<id>.json: the facts of the openEO standard with Lamina's own words.

Facts (ids, parameters and their order, schemas, defaults, exceptions, categories) are read from the
specification beside the repository; every word that a user reads is in scripts/process_prose/*.py.
Run it after changing the prose:

    python3 scripts/describe_processes.py [folder of the specification] [output folder]

compress_embed, embedding_quantize: Lamina's own processes are written by hand.
"""
import importlib.util
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPECIFICATION = ROOT.parent / 'shared/spec/openeo/processes-2.0.0-rc.2'
PROSE_KEYS = ('title', 'description')

# Prose that the same piece of schema always gets, whatever process it stands in.
BY_SUBTYPE = {
    'date-time': 'An instant with its time zone.',
    'date': 'A day, from midnight in UTC.',
    'time': 'A time of day in UTC.',
}
BY_CHILD_PARAMETER = {
    'x': 'The element.',
    'index': 'Its position, counted from zero.',
    'label': 'Its label, if the array has labels.',
    'context': 'What was given as `context`.',
}


def read_prose():
    """All prose by process id."""
    prose = {}
    for path in sorted((ROOT / 'scripts/process_prose').glob('*.py')):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        prose.update(module.PROCESSES)
    return prose


def read_facts(specification, process_id):
    """The description in the standard, stable or proposed."""
    for folder in (specification, specification / 'proposals'):
        path = folder / f'{process_id}.json'
        if path.exists():
            return json.loads(path.read_text(encoding='utf-8'))
    raise SystemExit(f'The standard has no process {process_id}.')


def read_messages():
    """What the service says with each error code."""
    table = (ROOT / 'src/error-codes.ts').read_text(encoding='utf-8')
    return {code: message.replace("\\'", "'") for code, message in re.findall(r"(\w+): \{ status: \d+, message: '((?:[^'\\]|\\.)*)'", table)}


class Words:
    """The prose of the pieces inside the schemas of one process; knows which of it was used."""

    def __init__(self, process_id, by_path):
        self.process_id = process_id
        self.by_path = {path: text if isinstance(text, dict) else {'description': text} for path, text in by_path.items()}
        self.used = set()

    def at(self, path, schema, required):
        """Title and description of the piece at `path`; `required` where the standard demands one."""
        if path in self.by_path:
            self.used.add(path)
            return self.by_path[path]
        if schema.get('subtype') in BY_SUBTYPE:
            return {'description': BY_SUBTYPE[schema['subtype']]}
        if not required:
            return {}
        name = path.rsplit('/', 1)[-1]
        if name not in BY_CHILD_PARAMETER:
            raise SystemExit(f'{self.process_id}: no prose for {path}.')
        return {'description': BY_CHILD_PARAMETER[name]}

    def check_all_used(self):
        unused = set(self.by_path) - self.used
        if unused:
            raise SystemExit(f'{self.process_id}: prose for pieces that do not exist: {sorted(unused)}.')


def reword(value, path, words):
    """A copy of a piece of schema with its prose replaced by ours."""
    if isinstance(value, list):
        return [reword(item, f'{path}/{name_of(item, index)}', words) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    declares = 'schema' in value  # a parameter or return value of a child process, not a schema itself
    ours = words.at(path.lstrip('/'), value, required=declares)
    rest = {
        key: item if key in ('default', 'enum', 'examples') else reword(item, f'{path}/{key}', words)
        for key, item in value.items()
        if key not in PROSE_KEYS or not isinstance(item, str)
    }
    head = {'name': rest.pop('name')} if declares and 'name' in rest else {}
    return {**head, **ours, **rest}


def name_of(item, index):
    return item['name'] if isinstance(item, dict) and 'name' in item else str(index)


def describe(facts, prose, messages):
    """One process description: facts of the standard, our words."""
    words = Words(facts['id'], prose.get('schemas', {}))
    parameters = prose.get('parameters', {})
    expected = [parameter['name'] for parameter in facts['parameters']]
    if list(parameters) != expected:
        raise SystemExit(f'{facts["id"]}: prose for {list(parameters)}, but the parameters are {expected}.')
    result = {
        'id': facts['id'],
        'summary': prose['summary'],
        'description': prose['description'],
        'categories': facts['categories'],
        **({'experimental': True} if facts.get('experimental') else {}),
        'parameters': [
            {
                'name': fact['name'],
                'description': parameters[fact['name']],
                **{key: reword(value, f'/{fact["name"]}', words) if key == 'schema' else value
                   for key, value in fact.items() if key not in ('name', 'description')},
            }
            for fact in facts['parameters']
        ],
        'returns': {
            'description': prose['returns'],
            **{key: reword(value, '/returns', words) if key == 'schema' else value
               for key, value in facts['returns'].items() if key != 'description'},
        },
    }
    if 'exceptions' in facts:
        result['exceptions'] = {code: {'message': messages[code]} for code in facts['exceptions']}
    if prose.get('examples'):
        result['examples'] = [example(*pair) for pair in prose['examples']]
    words.check_all_used()
    return result


def example(arguments, result):
    """An example; a title in place of a result where the result is a cube."""
    if isinstance(result, dict) and set(result) == {'title'}:
        return {**result, 'arguments': arguments}
    return {'arguments': arguments, 'returns': result}


def main():
    specification = Path(sys.argv[1]) if len(sys.argv) > 1 else SPECIFICATION
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / 'processes'
    output.mkdir(exist_ok=True)
    prose = read_prose()
    messages = read_messages()
    for process_id, words in sorted(prose.items()):
        description = describe(read_facts(specification, process_id), words, messages)
        text = json.dumps(description, indent=2, ensure_ascii=False)
        (output / f'{process_id}.json').write_text(text + '\n', encoding='utf-8')
    print(f'{len(prose)} processes described in {output}')


if __name__ == '__main__':
    main()
