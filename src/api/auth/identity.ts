/** A user who has proved who he is. */
export interface Identity {
  readonly userId: string;
  /** For people. */
  readonly name: string;
  /** Groups that the identity provider says the user is in; plans may be given by them. */
  readonly groups: readonly string[];
  /** The token, when it is one of this service: those can be ended. */
  readonly token?: { readonly id: string; readonly expires: Date };
}
