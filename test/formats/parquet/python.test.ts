import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cube, Quantization } from '../../../src/cube/cube.ts';
import { parquet } from '../../../src/formats/parquet/write.ts';
import { bands, testContext, testCube, type TestContext } from '../cubes.ts';
import { findPython, runPython } from '../python.ts';
import { DATES, DIMENSIONS, HEIGHT, vectorCube, WIDTH } from '../vectors.ts';

const python = findPython(['geopandas', 'pyarrow', 'duckdb']);

const WITH_GEOPANDAS = `
import geopandas, pyarrow.parquet as pq
table = geopandas.read_parquet(sys.argv[1])
schema = pq.read_schema(sys.argv[1])
values = np.stack(table.embedding.to_numpy()) if 'embedding' in table and str(schema.field('embedding').type).startswith('list') else []
part = geopandas.read_parquet(sys.argv[1], bbox=tuple(table.total_bounds * [1, 1, 0, 0] + table.iloc[[0]].total_bounds * [0, 0, 1, 1]))
print(json.dumps({'crs': str(table.crs), 'rows': len(table), 'valid': bool(table.is_valid.all()), 'ccw': bool(table.geometry.exterior.is_ccw.all()),
  'types': {f.name: str(f.type) for f in schema}, 'values': clean(values), 'ids': list(table.id), 'part': len(part),
  'dates': [str(d) for d in table.datetime.drop_duplicates()] if 'datetime' in table else []}))
`;

const WITH_DUCKDB = `
import duckdb
connection = duckdb.connect()
connection.execute("set timezone = 'UTC'")
types = {row[0]: row[1] for row in connection.execute("describe select * from read_parquet(?)", [sys.argv[1]]).fetchall()}
rows = connection.execute("select id, datetime::varchar, source_items, embedding from read_parquet(?) where list_contains(source_items, 's2/two') and bbox.xmin > 3.005", [sys.argv[1]]).fetchall()
print(json.dumps({'types': types, 'rows': rows}))
`;

async function valuesById(cube: Cube): Promise<Map<string, (number | null)[]>> {
  const { data } = await cube.read(cube.fullWindow());
  const known = new Map<string, (number | null)[]>();
  for (const [t, date] of DATES.entries()) {
    for (let cell = 0; cell < WIDTH * HEIGHT; cell++) {
      const id = `${date} EPSG:32631/${500_000 + (cell % WIDTH) * 80}/${5_600_000 - Math.floor(cell / WIDTH) * 80}/80`;
      known.set(id, Array.from({ length: DIMENSIONS }, (_, k) => data[(t * DIMENSIONS + k) * WIDTH * HEIGHT + cell]!));
    }
  }
  return known;
}

if ('reason' in python) {
  it.skip(`skipped: ${python.reason}`);
} else {
  let context: TestContext;
  beforeAll(async () => {
    context = await testContext();
  });
  afterAll(() => context.remove());

  const file = async (cube: Cube, prefix: string, options = {}) => (await parquet.write(cube, { filename_prefix: prefix, row_group_size: 500, ...options }, context))[0]!.path;

  describe('geopandas', () => {
    it('reads geometry, dates and vectors, and picks row groups by their boxes', async () => {
      const cube = vectorCube();
      const result = runPython(python.path, WITH_GEOPANDAS, await file(cube, 'vectors')) as { rows: number; values: number[]; ids: string[]; part: number };
      expect(result).toMatchObject({
        crs: 'OGC:CRS84', valid: true, ccw: true, rows: 2 * (WIDTH - 3) * HEIGHT - 1,
        types: { id: 'string', geometry: 'binary', datetime: 'timestamp[us, tz=UTC]', source_items: 'list<element: string not null>', embedding: 'list<element: float not null>' },
        dates: ['2021-01-01 00:00:00+00:00', '2021-01-03 12:00:00+00:00'],
      });
      const known = await valuesById(cube);
      const sets = new Set([...known.values()].map(String));
      for (let row = 0; row < result.rows; row++) expect(sets.has(String(result.values.slice(row * DIMENSIONS, (row + 1) * DIMENSIONS)))).toBe(true);
      expect(result.part).toBeGreaterThan(0);
      expect(result.part).toBeLessThan(result.rows);
    });

    it.each<[Quantization, string]>([['float16', 'list<element: halffloat not null>'], ['int8', 'list<element: int8 not null>'], ['int8_power2', 'list<element: int8 not null>'], ['int8_per_vector', 'list<element: int8 not null>'], ['binary', 'fixed_size_binary[2]']])('reads %s as %s', async (method, type) => {
      const result = runPython(python.path, WITH_GEOPANDAS, await file(vectorCube(method), method)) as { types: Record<string, string>; rows: number };
      expect(result.types['embedding']).toBe(type);
      expect(result.types['scale']).toBe(method === 'int8_per_vector' ? 'float' : undefined);
      expect(result.rows).toBe(2 * (WIDTH - 3) * HEIGHT - 1);
    });

    it('reads bands of other cubes', async () => {
      const result = runPython(python.path, WITH_GEOPANDAS, await file(testCube({ dtype: 'int16', dimensions: [bands('B02', 'B03')] }), 'bands'));
      expect(result).toMatchObject({ rows: 20, types: { B02: 'int16', B03: 'int16' } });
    });
  });

  it('DuckDB selects rows by source and place, with the same values', async () => {
    const cube = vectorCube();
    const { types, rows } = runPython(python.path, WITH_DUCKDB, await file(cube, 'duck')) as { types: Record<string, string>; rows: [string, string, string[], number[]][] };
    expect(types).toMatchObject({ embedding: 'FLOAT[]', source_items: 'VARCHAR[]', datetime: 'TIMESTAMP WITH TIME ZONE', geometry: expect.stringMatching(/GEOMETRY|BLOB/) as string });
    const known = await valuesById(cube);
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.length).toBeLessThan(WIDTH * HEIGHT);
    for (const [id, date, sources, embedding] of rows) {
      expect(date).toMatch(/^2021-01-03 12:00:00/);
      expect(sources).toEqual(['s2/two', 's2/three']);
      expect(embedding).toEqual(known.get(`${DATES[1]!} ${id}`));
    }
  });
}
