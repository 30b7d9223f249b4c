/** A text file that is written in large pieces. */
import { open, type FileHandle } from 'node:fs/promises';
import { writeAll } from './temporary-file.ts';

const PIECE = 1024 * 1024;

export class TextFile {
  readonly #handle: FileHandle;
  #pieces: string[] = [];
  #length = 0;
  #position = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Creates a file at a path where there is none, has `action` write it, and closes it. */
  static async create(path: string, action: (file: TextFile) => Promise<void>): Promise<void> {
    const handle = await open(path, 'wx');
    try {
      const file = new TextFile(handle);
      await action(file);
      await file.#flush();
    } finally {
      await handle.close();
    }
  }

  async write(text: string): Promise<void> {
    this.#pieces.push(text);
    this.#length += text.length;
    if (this.#length > PIECE) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#pieces.join(''), 'utf8');
    await writeAll(this.#handle, bytes, this.#position);
    this.#position += bytes.byteLength;
    this.#pieces = [];
    this.#length = 0;
  }
}
