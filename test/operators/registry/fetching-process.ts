/** A process that wants an operator: `fetching-process.ts <registry> <cache> <reference>` tells its parent the folder. */
import { silentLog } from '../../../src/log.ts';
import { NodeCache } from '../../../src/operators/registry/node-cache.ts';
import { OperatorIndex } from '../../../src/operators/registry/operator-index.ts';
import { openPlace } from '../../../src/operators/registry/place.ts';

const [url, directory, reference] = process.argv.slice(2) as [string, string, string];
const place = openPlace(url, { store: () => Promise.reject(new Error('unused')), s3: null });
const index = new OperatorIndex({ installed: [], places: [place], cache: new NodeCache(directory, { maxBytes: 1e12, log: silentLog }), directory, log: silentLog });
const operator = await index.find(reference);
process.send!(await operator.folder());
process.disconnect();
