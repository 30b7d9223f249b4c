/** Compressed JSON: process descriptions and catalogs shrink to a tenth. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { NextFunction, Request, Response } from 'express';

/** Below this the headers weigh more than what is saved. */
const minBytes = 1024;

const encoders = {
  br: (bytes: Buffer) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes),
};

/** Makes `response.json` compress what is worth it, with what the client understands. */
export function compressJson(request: Request, response: Response, next: NextFunction): void {
  response.json = (value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value));
    if (!response.getHeader('Content-Type')) response.type('application/json');
    response.vary('Accept-Encoding');
    const encoding = bytes.length < minBytes ? false : request.acceptsEncodings('br', 'gzip');
    if (encoding !== 'br' && encoding !== 'gzip') return response.send(bytes);
    encoders[encoding](bytes).then((packed) => response.set('Content-Encoding', encoding).send(packed), next);
    return response;
  };
  next();
}
