/** The features of a GeoJSON document, one text after the other, however large the document is. */

const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COMMA] = Buffer.from('"\\{}[],') as unknown as [number, number, number, number, number, number, number];
const isBlank = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
/** What stands beside the features: links and the like. */
const MOST_OUTSIDE = 16 * 1024 * 1024;
/** No item is that large; a feature without an end would fill memory. */
const MOST_FEATURE = 64 * 1024 * 1024;
/** Bytes before a list in which its name is looked for. */
const LAST_WORDS = 256;

/**
 * Splits the document: push pieces of it, take features, and in the end what stood around them. Looks at
 * signs, not at values: what is inside of a feature is found wrong only when it is parsed.
 */
export class FeatureSplitter {
  #depth = 0;
  #isText = false;
  #isEscaped = false;
  /** Depth at which the members of `features` lie; 0 outside of the list. */
  #list = 0;
  #outside: Buffer[] = [];
  #outsideLength = 0;
  /** Pieces of the feature being read; null between features. */
  #feature: Buffer[] | null = null;
  #featureLength = 0;
  #isFound = false;

  /** Whether the document has a list `features`, as far as it has been read. */
  get hasFeatures(): boolean {
    return this.#isFound;
  }

  /** The texts of the features that end in this piece. Throws an Error where the document is no such thing. */
  push(piece: Buffer): string[] {
    const texts: string[] = [];
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (this.#isText) {
        this.#withinText(byte);
        continue;
      }
      if (this.#list > 0 && this.#feature === null) {
        start = this.#between(byte, i, start);
        continue;
      }
      if (byte === QUOTE) this.#isText = true;
      else if (byte === OPEN || byte === OPEN_LIST) start = this.#open(byte, piece, i, start);
      else if (byte === CLOSE || byte === CLOSE_LIST) {
        this.#depth--;
        if (this.#feature !== null && this.#depth === this.#list) {
          texts.push(this.#take(piece.subarray(start, i + 1)));
          start = i + 1;
        }
      }
    }
    this.#keep(piece.subarray(start));
    return texts;
  }

  /** The document without its features. Throws an Error when it ends early. */
  rest(): string {
    if (this.#depth !== 0 || this.#isText) throw new Error('it ends in the middle of the document');
    return Buffer.concat(this.#outside).toString('utf8');
  }

  #withinText(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isText = false;
  }

  /** Between two features; gives where the text that is kept begins. */
  #between(byte: number, at: number, start: number): number {
    if (byte === OPEN) {
      this.#feature = [];
      this.#featureLength = 0;
      this.#depth++;
      return at;
    }
    if (byte === CLOSE_LIST) {
      this.#list = 0;
      this.#depth--;
      return at;
    }
    if (!isBlank(byte) && byte !== COMMA) throw new Error('its `features` are not all objects');
    return start;
  }

  #open(byte: number, piece: Buffer, at: number, start: number): number {
    this.#depth++;
    if (byte !== OPEN_LIST || this.#depth !== 2 || this.#feature !== null) return start;
    if (!/"features"\s*:\s*$/.test(this.#lastWords(piece.subarray(start, at)))) return start;
    this.#keep(piece.subarray(start, at + 1));
    this.#list = this.#depth;
    this.#isFound = true;
    return at + 1;
  }

  /** The last of what stood outside of features: enough to hold the name of a member. */
  #lastWords(last: Buffer): string {
    const pieces = [last];
    for (let i = this.#outside.length - 1; i >= 0 && pieces.reduce((sum, piece) => sum + piece.length, 0) < LAST_WORDS; i--) pieces.unshift(this.#outside[i]!);
    return Buffer.concat(pieces).subarray(-LAST_WORDS).toString('utf8');
  }

  #take(end: Buffer): string {
    const text = Buffer.concat([...this.#feature!, end]).toString('utf8');
    this.#feature = null;
    return text;
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#feature !== null) {
      this.#featureLength += bytes.length;
      if (this.#featureLength > MOST_FEATURE) throw new Error('one of its features is too large');
      this.#feature.push(bytes);
      return;
    }
    if (this.#list > 0) return;
    this.#outsideLength += bytes.length;
    if (this.#outsideLength > MOST_OUTSIDE) throw new Error('what stands beside its features is too large');
    this.#outside.push(bytes);
  }
}
