/**
 * Results of a user's batch jobs as a collection of the catalog, for this user alone (ADR 0044). Nothing of it is stored: it is
 * read from the jobs, so it begins when a job finishes, and ends when the job is deleted, started again or its results expire.
 */
import { AnswerMemory } from '../../catalog/answer-memory.ts';
import { fieldsOfList, groupList, searchList } from '../../catalog/item-list.ts';
import type { ItemSource } from '../../catalog/item-query.ts';
import type { StacCollection, StacItem } from '../../catalog/types.ts';
import type { Job } from '../../jobs/job.ts';
import type { JobStore } from '../../jobs/store.ts';
import { RESULT_COLLECTION } from '../../layers/layer.ts';
import { signResultFile } from '../assets/links.ts';
import type { LinkSigner } from '../assets/sign.ts';
import type { PersonalCatalog } from './dependencies.ts';
import { resultCollection, resultItems } from './result-items.ts';

/** The newest jobs of a user that are shown. */
const MAX_JOBS = 10_000;
/** Users whose results are remembered until something of them changes. */
const USERS = 100;

export interface OwnResultsOptions {
  readonly jobs: Pick<JobStore, 'withResults' | 'resultsVersion'>;
  readonly signer: LinkSigner;
  /** Days that results are kept; absent or 0: for ever. */
  readonly resultDays?: number;
}

/** What a user's jobs have left. */
interface Results {
  readonly items: readonly StacItem[];
  /** By the ids of their items. */
  readonly jobs: ReadonlyMap<string, Job>;
}

const none: Results = { items: [], jobs: new Map() };

export function ownResults({ jobs, signer, resultDays }: OwnResultsOptions): PersonalCatalog {
  const memory = new AnswerMemory<Results>(USERS);
  const resultsOf = async (user: string): Promise<Results> => {
    const version = await jobs.resultsVersion(user);
    return version === null ? none : memory.ask(JSON.stringify([user, version]), async () => describe(await jobs.withResults(user, MAX_JOBS), resultDays));
  };
  return {
    id: RESULT_COLLECTION,
    async collection(user): Promise<StacCollection | null> {
      const { items } = await resultsOf(user);
      return items.length === 0 ? null : resultCollection(items, user);
    },
    items: (user) => sourceOf(() => resultsOf(user), signer),
  };
}

function describe(jobs: readonly Job[], resultDays: number | undefined): Results {
  const described = jobs.flatMap((job) => resultItems(job, resultDays).map((item) => [item, job] as const));
  return { items: described.map(([item]) => item), jobs: new Map(described.map(([item, job]) => [item.id, job])) };
}

function sourceOf(results: () => Promise<Results>, signer: LinkSigner): ItemSource {
  const isWanted = (collections: readonly string[] | undefined) => !collections || collections.length === 0 || collections.includes(RESULT_COLLECTION);
  const listed = async (collections: readonly string[] | undefined) => (isWanted(collections) ? results() : none);
  return {
    async search(query) {
      const { items, jobs } = await listed(query.collections);
      const page = searchList(items, query);
      return { ...page, items: page.items.map((item) => signed(item, jobs.get(item.id)!, signer)) };
    },
    groups: async (query) => groupList((await listed(query.collections)).items, query),
    fields: async ({ collections }) => fieldsOfList((await listed(collections)).items),
    async get(collection, id) {
      const { items, jobs } = await listed([collection]);
      const item = items.find((each) => each.id === id);
      return item ? signed(item, jobs.get(id)!, signer) : null;
    },
  };
}

/** The item with links to its files: those of /jobs/{job_id}/results, which end when the user revokes them. */
function signed(item: StacItem, job: Job, signer: LinkSigner): StacItem {
  const assets = Object.entries(item.assets).map(([key, asset]) => [key, { ...asset, href: signResultFile(signer, job, asset.href).path }]);
  return { ...item, assets: Object.fromEntries(assets) as StacItem['assets'] };
}
