/** For tests: the STAC schemas of ../shared behind stac-node-validator, which would otherwise fetch them. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { mapProblems, withoutMapSchemas, type StacLike } from './map-rules.ts';

const schemas = resolve('../shared/spec/stac/schemas');
export const hasSchemas = existsSync(schemas);

interface Report {
  readonly valid: boolean;
  readonly results: { readonly core: readonly unknown[]; readonly extensions: Readonly<Record<string, readonly unknown[]>> };
  readonly children: readonly Report[];
}

/** What is wrong with STAC objects; [] when all is valid. A schema that is not in ../shared counts as wrong, but for those that map-rules.ts stands for. */
export async function problemsOf(given: unknown): Promise<unknown[]> {
  const all = (Array.isArray(given) ? given : [given]) as unknown[];
  const ruled = all.flatMap((each) => mapProblems(each as StacLike));
  const object = Array.isArray(given) ? all.map(withoutMapSchemas) : withoutMapSchemas(given);
  const require = createRequire(import.meta.url);
  const validate = require('stac-node-validator') as (data: unknown, options: object) => Promise<Report>;
  const report = await validate(object, {
    schemaMap: {
      ...ownExtension(object),
      'https://schemas.stacspec.org/': `${schemas}/core/`,
      'https://stac-extensions.github.io/': `${schemas}/`,
      'https://geojson.org/schema/': `${schemas}/geojson/`,
      'https://proj.org/schemas/': `${schemas}/projjson/`,
    },
    loader: require('stac-node-validator/src/loader/node') as unknown,
    schemaVersions: { '2019-09': require('ajv/dist/2019') as unknown, '2020-12': require('ajv/dist/2020') as unknown },
  });
  return [...ruled, ...collect(report), ...(report.valid || collect(report).length > 0 ? [] : ['invalid without a reason'])];
}

/** Our extension is served by the service whose objects they are; its published copy says the same. */
function ownExtension(object: unknown): Record<string, string> {
  const urls = /"(http[^"]*\/extensions\/lamina\/v1\.0\.0\/)schema\.json"/g;
  return Object.fromEntries([...JSON.stringify(object).matchAll(urls)].map(([, folder]) => [folder!, `${resolve('docs/schemas/lamina')}/`]));
}

function collect(report: Report): unknown[] {
  const own = [...report.results.core, ...Object.values(report.results.extensions).flat()];
  return [...own, ...(report.children ?? []).flatMap(collect)];
}

/** A stored item with the one link that the schema wants and that it gets when it is served. */
export function withCollectionLink<T extends { readonly links: readonly unknown[]; readonly collection: string }>(item: T): T {
  return { ...item, links: [...item.links, { rel: 'collection', href: `https://example.org/collections/${item.collection}`, type: 'application/json' }] };
}
