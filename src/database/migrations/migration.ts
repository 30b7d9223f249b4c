/** One step of the schema. Never changed once released: a later step corrects it. */
export interface Migration {
  /** '0001-catalog': the name of its file, which is also how the database remembers it. */
  readonly name: string;
  /** One or more statements; they run in a transaction, so none that refuses one (create index concurrently). */
  readonly sql: string;
}
