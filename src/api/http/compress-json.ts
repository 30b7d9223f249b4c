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

/** Makes `response.json`, and `response.send` of JSON, compress what is worth it with what the client understands. */
export function compressJson(request: Request, response: Response, next: NextFunction): void {
  const send = response.send.bind(response);
  response.json = (value: unknown) => {
    // Without the charset that express would add: JSON has none.
    if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', 'application/json');
    return response.send(Buffer.from(JSON.stringify(value)));
  };
  response.send = (body: unknown) => {
    if (!Buffer.isBuffer(body) || !/json/.test(String(response.getHeader('Content-Type')))) return send(body);
    response.vary('Accept-Encoding');
    const encoding = body.length < minBytes ? false : request.acceptsEncodings('br', 'gzip');
    if (encoding !== 'br' && encoding !== 'gzip') return send(body);
    encoders[encoding](body).then((packed) => send.call(response.set('Content-Encoding', encoding), packed), next);
    return response;
  };
  next();
}
