/** What a registry refuses, in one sentence that says what to do. */

export type RefusalReason =
  /** The version is there already; versions never change. */
  | 'VersionExists'
  /** Somebody else changed the same thing meanwhile. */
  | 'TagMoved'
  | 'VersionNotFound'
  | 'NothingToRollBack'
  | 'TagInvalid'
  /** The archive, or what lies in the registry, is not what it says. */
  | 'Damaged'
  /** The signature is of something else, or no signature. */
  | 'SignatureInvalid'
  /** The place can be read only. */
  | 'ReadOnly';

export class RegistryRefusal extends Error {
  override readonly name = 'RegistryRefusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
