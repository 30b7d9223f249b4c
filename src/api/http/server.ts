/** The HTTP server of the API: what Node's own would answer without a word gets an error object, too. */
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { NextFunction, Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import { errorBody } from './error-response.ts';

/** Longer than proxies keep a connection that nothing happens on (usually a minute), so that none sends a request into a closed one. */
const IDLE_MS = 65_000;

/** A server that does not listen yet. Requests that are no HTTP are answered with 400, headers too long with 431, unfinished ones with 408. */
export function createHttpServer(listener: RequestListener, options: ServerOptions = {}): Server {
  // `requireHost` says it with an error object.
  const server = createServer({ keepAliveTimeout: IDLE_MS, ...options, requireHostHeader: false }, listener);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuse(error.code, socket));
  // Expectations other than 100-continue mean nothing to us.
  server.on('checkExpectation', listener);
  return server;
}

/** HTTP/1.1 demands that a request says to which host it goes. Throws RequestMalformed. */
export function requireHost(request: Request, _response: Response, next: NextFunction): void {
  if (request.headers.host === undefined && request.httpVersion === '1.1') throw new OpenEOError('RequestMalformed', {}, { detail: 'It lacks the header Host.' });
  next();
}

function refuse(code: string | undefined, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const told = errorOf(code);
  const body = JSON.stringify(errorBody(told));
  const headers = [
    `HTTP/1.1 ${told.status} Refused`, 'Connection: close', 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`,
    'Access-Control-Allow-Origin: *', 'X-Content-Type-Options: nosniff',
  ];
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`);
}

function errorOf(code: string | undefined): OpenEOError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW': return new OpenEOError('HeadersTooLarge', {});
    case 'ERR_HTTP_REQUEST_TIMEOUT': return new OpenEOError('RequestTimeout', {}, { detail: 'The request did not come to its end.' });
    case undefined:
    default: return new OpenEOError('RequestMalformed', {});
  }
}
