/** Walks along the tokens of a CQL2 text and says at which character something else was expected. */
import { tokensOf, type Token } from './tokens.ts';
import { Cql2Error, type Place } from './tree.ts';

export class TokenReader {
  readonly #tokens: readonly Token[];
  #index = 0;

  /** Throws Cql2Error. */
  constructor(source: string) {
    this.#tokens = tokensOf(source);
  }

  /** The token to be read next, or one further on. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)]!;
  }

  /** The place of the token to be read next. */
  get here(): Place {
    return placeOf(this.peek());
  }

  /** How many tokens an opening parenthesis that is the next token, its contents and the closing one are. */
  lengthOfParentheses(): number {
    let [length, open] = [0, 0];
    do {
      if (this.isSign('(', length)) open++;
      if (this.isSign(')', length)) open--;
      length++;
    } while (open > 0 && this.peek(length).kind !== 'end');
    return length;
  }

  read(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#index++;
    return token;
  }

  isSign(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'sign' && token.text === text;
  }

  isWord(word: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'word' && token.text.toUpperCase() === word;
  }

  /** Reads a sign if it is the next token. */
  takeSign(text: string): boolean {
    return this.isSign(text) && this.read() !== undefined;
  }

  /** Reads a keyword (capital letters) if it is the next token. */
  takeWord(word: string): boolean {
    return this.isWord(word) && this.read() !== undefined;
  }

  expectSign(text: string): void {
    if (!this.takeSign(text)) throw this.expected(`'${text}'`);
  }

  expectWord(word: string): void {
    if (!this.takeWord(word)) throw this.expected(word);
  }

  /** Reads a token of a kind. */
  expectKind(kind: 'text' | 'number', what: string): Token {
    if (this.peek().kind !== kind) throw this.expected(what);
    return this.read();
  }

  /** A number that may have a sign. */
  expectNumber(): number {
    const isNegative = this.takeSign('-');
    if (!isNegative) this.takeSign('+');
    const value = Number(this.expectKind('number', 'a number').text);
    return isNegative ? -value : value;
  }

  /** What to throw when the next token is not what must come here. */
  expected(what: string): Cql2Error {
    return new Cql2Error(this.here, `expected ${what}, but found ${describe(this.peek())}`);
  }
}

export const placeOf = (token: Token): Place => `character ${token.position}`;

function describe({ kind, text }: Token): string {
  if (kind === 'end') return 'the end of the filter';
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return kind === 'text' ? `the text '${shown}'` : kind === 'name' ? `the name "${shown}"` : `'${shown}'`;
}
