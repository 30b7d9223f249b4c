/** The user's workspace: GET /files, and GET, PUT and DELETE /files/{path}. */
import type { NextFunction, Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';
import type { UserFile } from '../../storage/user-files.ts';
import type { Resource } from '../assets/resource.ts';
import { sendResource } from '../assets/send.ts';
import { nextPage, pageOf } from '../http/page.ts';
import type { Context } from '../openeo/endpoint.ts';
import { mediaTypeOf } from './media-type.ts';
import { announcedSize, chunksOf, dropRest } from './receive.ts';

/** GET /files: sorted by path; without a limit all of them. */
export async function listFiles({ userFiles, userId, url }: Context, request: Request, response: Response): Promise<void> {
  const page = pageOf(request);
  // Not a search for the entry: the file may be deleted by now.
  const files = (await userFiles.list(userId)).filter(({ path }) => page.after === undefined || path > page.after);
  const shownFiles = files.slice(0, page.limit);
  const next = shownFiles.length < files.length ? shownFiles.at(-1)!.path : null;
  response.json({ files: shownFiles.map(shown), links: nextPage(`${url(request)}/files`, page, next) });
}

/** GET and HEAD /files/{path}. A browser saves the file and runs nothing of it. */
export async function downloadFile({ userFiles, userId }: Context, request: Request, response: Response): Promise<void> {
  const file = await userFiles.get(userId, filePath(request));
  const resource: Resource = { ...file, stream: (range) => userFiles.stream(file, range) };
  response.set('Content-Security-Policy', 'sandbox; default-src \'none\'');
  await sendResource(request, response, resource, { mediaType: mediaTypeOf(file.path), name: file.path.split('/').pop()!, disposition: 'attachment' });
}

/** PUT /files/{path}: a new file, or another content of the one that is there. */
export async function uploadFile({ userFiles, userId }: Context, request: Request, response: Response): Promise<void> {
  try {
    const path = filePath(request);
    const upload = { body: chunksOf(request), sizeBytes: announcedSize(request), contentType: mediaTypeOf(path) };
    response.json(shown(await userFiles.put(userId, path, upload)));
  } finally {
    dropRest(request, response);
  }
}

/** DELETE /files/{path}. */
export async function deleteFile({ userFiles, userId }: Context, request: Request, response: Response): Promise<void> {
  await userFiles.delete(userId, filePath(request));
  response.status(204).end();
}

function shown({ path, sizeBytes, modified }: UserFile): Record<string, unknown> {
  return { path, size: sizeBytes, modified };
}

/** The path as the client wrote it, decoded once. An encoded slash is none of a folder: the standard forbids it. */
function filePath(request: Request): string {
  const encoded = request.path.slice('/files/'.length);
  return encoded.split('/').map((name) => {
    const decoded = decodeURIComponent(name);
    if (decoded.includes('/')) throw new OpenEOError('FilePathInvalid', { reason: 'the slash between folders must not be encoded.' });
    return decoded;
  }).join('/');
}

/** Broken percent-encoding is told before a route is looked for, which would only say that there is none. */
export function refuseBrokenPaths(request: Request, _response: Response, next: NextFunction): void {
  try {
    decodeURIComponent(request.path);
    next();
  } catch {
    next(new OpenEOError('FilePathInvalid', { reason: 'its percent-encoding is broken, or not that of UTF-8.' }));
  }
}
