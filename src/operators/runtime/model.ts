/** What a thread needs to know of an operator. */
import { join } from 'node:path';
import type { Operator } from '../operator.ts';
import type { Model } from './messages.ts';

/** The model of an operator; its file is fetched first where it is not on this machine. Throws RangeError for an operator of another kind. */
export async function modelOf(operator: Operator): Promise<Model> {
  const { manifest, digest, reference } = operator;
  if (manifest.kind !== 'onnx') throw new RangeError(`operator ${reference} is no ONNX model`);
  const { file, input, output } = manifest.model;
  return { digest, path: join(await operator.folder(), file), input, output };
}
