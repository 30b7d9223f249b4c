/** The two back-ends of BullMQ, Redis and PostgreSQL, behind three constructors. */
import { createPostgresBackend, Queue, QueueEvents, runMigrations, withBackend, Worker } from 'bullmq';
import type { PostgresConnectionOptions, Processor, QueueOptions, WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import type { Database } from '../database/connection.ts';

export type QueueConnection =
  | { readonly redisUrl: string }
  /**
   * A database of its own for the queues, opened with searchPath 'bullmq'. Each lane worked on and each
   * lane waited for holds one connection to listen, so it needs at least 2 × 7 + a few.
   */
  | { readonly database: Database };

type WithoutConnection<T> = Omit<T, 'connection'>;

/** Makes the parts of a queue on one back-end. */
export interface QueueBackend {
  queue(name: string, options: WithoutConnection<QueueOptions>): Queue;
  events(name: string): QueueEvents;
  worker(name: string, processor: Processor, options: WithoutConnection<WorkerOptions>): Worker;
  close(): Promise<void>;
}

/**
 * Connects to Redis, or makes the queue's tables in PostgreSQL when they are missing.
 *
 * @param onError told about lost connections, which are taken up again by themselves
 */
export async function openBackend(connection: QueueConnection, onError: (error: Error) => void): Promise<QueueBackend> {
  return 'redisUrl' in connection ? openRedis(connection.redisUrl, onError) : openPostgres(connection.database);
}

/** An event may slip through between reading and listening; a short block bounds what that costs. */
const blockingTimeout = 500;

function openRedis(url: string, onError: (error: Error) => void): QueueBackend {
  // BullMQ demands null: a command waits for the connection instead of failing after some tries.
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  connection.setMaxListeners(100);
  connection.on('error', onError);
  return {
    queue: (name, options) => new Queue(name, { ...options, connection }),
    events: (name) => new QueueEvents(name, { connection, blockingTimeout }),
    worker: (name, processor, options) => new Worker(name, processor, { ...options, connection }),
    async close() {
      connection.disconnect();
    },
  };
}

async function openPostgres(database: Database): Promise<QueueBackend> {
  database.pool.setMaxListeners(100);
  const client = await database.pool.connect();
  try {
    await runMigrations(client);
  } finally {
    client.release();
  }
  const classes = withBackend(createPostgresBackend);
  // A pg.Pool is what BullMQ documents; its own picture of one only differs in how it writes optional fields.
  const connection = database.pool as unknown as PostgresConnectionOptions;
  return {
    queue: (name, options) => new classes.Queue(name, { ...options, connection }) as unknown as Queue,
    events: (name) => new classes.QueueEvents(name, { connection, blockingTimeout }) as unknown as QueueEvents,
    worker: (name, processor, options) => new classes.Worker(name, processor, { ...options, connection }) as unknown as Worker,
    close: () => database.close(),
  };
}
