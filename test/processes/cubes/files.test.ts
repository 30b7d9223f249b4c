/** load_uploaded_files, stac_modify and export_workspace: what reaches the scope, and what does not. */
import { describe, expect, it } from 'vitest';
import { codeOf, recordingScope, run, sample } from './harness.ts';

const cube = sample({ bands: ['a'] });

describe('load_uploaded_files', () => {
  it('asks for the files as they were named', async () => {
    const { scope, files } = recordingScope(cube);
    expect(await run('load_uploaded_files', { paths: ['a/b.tif', './c.tif'], format: 'gtiff', options: { band_names: ['x'] } }, scope)).toBe(cube);
    await run('load_uploaded_files', { paths: ['a.tif'], format: 'GTiff' }, scope);
    expect(files[0]).toEqual({ paths: ['a/b.tif', './c.tif'], format: 'gtiff', options: { band_names: ['x'] } });
    expect(files.at(-1)).toEqual({ paths: ['a.tif'], format: 'GTiff', options: {} });
  });

  it.each<[string, Record<string, unknown>]>([
    ['a text as paths', { paths: 'a.tif', format: 'GTiff' }],
    ['a number among the paths', { paths: ['a.tif', 1], format: 'GTiff' }],
    ['a path with a line break', { paths: ['a\nb'], format: 'GTiff' }],
    ['a format that is no text', { paths: ['a.tif'], format: 4 }],
    ['options that are no object', { paths: ['a.tif'], format: 'GTiff', options: 'x' }],
  ])('refuses %s', async (_, args) => {
    expect(await codeOf(run('load_uploaded_files', args, recordingScope(cube).scope))).toBe('ProcessParameterInvalid');
  });

  it.each(['paths', 'format'])('needs %s', async (name) => {
    const args = { paths: ['a.tif'], format: 'GTiff' };
    expect(await codeOf(run('load_uploaded_files', Object.fromEntries(Object.entries(args).filter(([key]) => key !== name)), recordingScope(cube).scope))).toBe('ProcessParameterRequired');
  });
});

describe('stac_modify', () => {
  it('hands both on', async () => {
    const { scope, modified } = recordingScope();
    const data = { type: 'Feature' };
    await run('stac_modify', { data, changes: { id: 'x', properties: { title: null } } }, scope);
    expect(modified).toEqual([{ data, changes: { id: 'x', properties: { title: null } } }]);
  });

  it.each([['data', { data: 'x', changes: {} }], ['data', { data: cube, changes: {} }], ['changes', { data: {}, changes: ['x'] }], ['changes', { data: {}, changes: null }]])('refuses a wrong %s', async (name, args) => {
    await expect(run('stac_modify', args, recordingScope().scope)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining(`'${name}'`) as unknown });
  });
});

describe('export_workspace', () => {
  it('hands on where the data go', async () => {
    const { scope, delivered } = recordingScope();
    const data = { type: 'Feature' };
    expect(await run('export_workspace', { data, workspace: 'lab', merge: 'a/b' }, scope)).toBe(data);
    await run('export_workspace', { data, workspace: 'lab' }, scope);
    expect(delivered).toEqual([{ data, workspace: 'lab', merge: 'a/b' }, { data, workspace: 'lab', merge: null }]);
  });

  it.each([['workspace', { data: {}, workspace: 'a/b' }], ['workspace', { data: {}, workspace: 3 }], ['merge', { data: {}, workspace: 'lab', merge: 3 }], ['data', { data: true, workspace: 'lab' }]])('refuses a wrong %s', async (name, args) => {
    await expect(run('export_workspace', args, recordingScope().scope)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining(`'${name}'`) as unknown });
  });
});
