/** OWS exception reports (OGC 06-121r3): how a WMTS says that a request is wrong. */
import type { ErrorRequestHandler, Response } from 'express';
import { isOpenEOError, type OpenEOError } from '../../errors.ts';
import { escapeHtml } from '../http/html.ts';

export type OwsCode = 'OperationNotSupported' | 'MissingParameterValue' | 'InvalidParameterValue' | 'VersionNegotiationFailed' | 'TileOutOfRange' | 'NoApplicableCode';

const statuses: Readonly<Record<OwsCode, number>> = {
  OperationNotSupported: 501, MissingParameterValue: 400, InvalidParameterValue: 400, VersionNegotiationFailed: 400, TileOutOfRange: 400, NoApplicableCode: 500,
};

/** A request that the WMTS refuses. */
export class OwsError extends Error {
  readonly code: OwsCode;
  /** The parameter that is wrong; null: none in particular. */
  readonly locator: string | null;

  constructor(code: OwsCode, locator: string | null, message: string) {
    super(message);
    this.code = code;
    this.locator = locator;
  }
}

/** Which parameter of the WMTS a parameter of our tiles is. */
const locators: Readonly<Record<string, string>> = { datetime: 'TIME', bands: 'STYLE', dimension: 'STYLE', z: 'TILEMATRIX', x: 'TILECOL', y: 'TILEROW' };

/** The last handler of the WMTS. Errors that nobody foresaw go on to the service's own: they are logged there. */
export const answerOws: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) return next(error);
  if (error instanceof OwsError) return sendReport(response, statuses[error.code], error.code, error.locator, error.message);
  if (!isOpenEOError(error) || error.code === 'Internal') return next(error);
  if (error.retryAfterSeconds !== null) response.set('Retry-After', String(error.retryAfterSeconds));
  const [code, locator] = codeOf(error);
  sendReport(response, error.status, code, locator, error.message);
};

function codeOf(error: OpenEOError): [OwsCode, string | null] {
  if (error.code === 'CollectionNotFound') return ['InvalidParameterValue', 'LAYER'];
  const parameter = error.code === 'ProcessParameterInvalid' ? /parameter '(\w+)'/.exec(error.message)?.[1] : undefined;
  return parameter === undefined ? ['NoApplicableCode', null] : ['InvalidParameterValue', locators[parameter] ?? parameter.toUpperCase()];
}

function sendReport(response: Response, status: number, code: OwsCode, locator: string | null, message: string): void {
  for (const name of ['ETag', 'Cache-Control']) response.removeHeader(name);
  const place = locator === null ? '' : ` locator="${escapeHtml(locator)}"`;
  response.status(status).type('application/xml').send(`<?xml version="1.0" encoding="UTF-8"?>
<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="1.1.0" xml:lang="en">
  <ows:Exception exceptionCode="${code}"${place}>
    <ows:ExceptionText>${escapeHtml(message)}</ows:ExceptionText>
  </ows:Exception>
</ows:ExceptionReport>
`);
}
